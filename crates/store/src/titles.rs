//! Compares titles, to decide whether two reads are the same article.

use backissue_model::bounds::{MAX_TITLE, cut};
use backissue_model::letters;

/// Letters and digits of a title in lower case, for comparing. Returns `None` if there are none.
pub(crate) fn title_key(title: Option<&str>) -> Option<String> {
    Some(letters(&cut(title?, MAX_TITLE))).filter(|key| !key.is_empty())
}

/// The titles of a read, as keys.
#[derive(Debug)]
pub(crate) struct Titles {
    /// The title in its feed, which gives each post its own title.
    pub(crate) entry: Option<String>,
    /// The title on its page. If all pages of a blog show the same login or consent page, all have
    /// the same title.
    pub(crate) article: Option<String>,
}

impl Titles {
    pub(crate) fn of(entry: Option<&str>, article: Option<&str>) -> Self {
        Self { entry: title_key(entry), article: title_key(article) }
    }

    /// Whether both can be the same article: they have the same title, or one of them has none.
    pub(crate) fn agree_with(&self, other: &Self) -> bool {
        self.is_nameless() || other.is_nameless() || self.same_as(other)
    }

    /// Whether both have the same title. The page's title is used only if the feed has none.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, two: &Option<String>| one.is_some() && one == two;
        same(&self.entry, &other.entry)
            || same(&self.entry, &other.article)
            || same(&self.article, &other.entry)
            || ((self.entry.is_none() || other.entry.is_none()) && same(&self.article, &other.article))
    }

    fn is_nameless(&self) -> bool {
        self.entry.is_none() && self.article.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_marks_do_not_matter() {
        assert_eq!(title_key(Some("  Über “Caches”, Part\u{a0}2! ")).as_deref(), Some("übercachespart2"));
        assert_eq!(title_key(Some("???")), None);
        assert_eq!(title_key(None), None);
    }

    #[test]
    fn pages_with_one_title_do_not_merge_posts() {
        let wall = |entry| Titles::of(entry, Some("Before you continue"));
        assert!(!wall(Some("One post")).agree_with(&wall(Some("Another"))));
        assert!(wall(Some("One post")).agree_with(&wall(Some("ONE – post"))));
        assert!(
            Titles::of(Some("Ann: One post"), Some("One post"))
                .agree_with(&Titles::of(Some("One post"), None))
        );
        assert!(
            Titles::of(None, Some("One post")).agree_with(&Titles::of(Some("One post!"), Some("A site")))
        );
        assert!(!Titles::of(None, Some("A wall")).agree_with(&Titles::of(Some("One post"), None)));
        assert!(Titles::of(None, None).agree_with(&wall(Some("One post"))));
        assert!(!Titles::of(None, None).same_as(&Titles::of(None, None)), "no name is no proof");
    }
}
