//! Whether two titles are one: what is compared when two texts are the same.

use backissue_model::bounds::{MAX_TITLE, cut};

/// Letters and digits of a title in small letters; none where it has none. Not a title; only for comparing.
pub(crate) fn title_key(title: Option<&str>) -> Option<String> {
    let title = cut(title?, MAX_TITLE);
    let key: String = title.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    Some(key).filter(|key| !key.is_empty())
}

/// What a read is called, as keys.
#[derive(Debug)]
pub(crate) struct Titles {
    /// By its feed, which tells its posts apart.
    pub(crate) entry: Option<String>,
    /// By its page, which is the same for all of a blog where the page is a wall.
    pub(crate) article: Option<String>,
}

impl Titles {
    pub(crate) fn of(entry: Option<&str>, article: Option<&str>) -> Self {
        Self { entry: title_key(entry), article: title_key(article) }
    }

    /// Whether nothing speaks against both being one article: they are called the same, or one has no name.
    pub(crate) fn agree_with(&self, other: &Self) -> bool {
        self.is_nameless() || other.is_nameless() || self.same_as(other)
    }

    /// Whether both are called the same. What pages are called only counts where a feed is silent.
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
    fn pages_that_are_all_called_the_same_do_not_make_posts_one() {
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
