//! What a rendering has to know of the archive it comes from.

use backissue_annotate::Vocabulary;
use backissue_model::{ConceptSlug, Week};
use backissue_store::ReadCard;
use jiff::tz::TimeZone;
use url::Url;

/// The archive that a rendering comes from.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name.
    pub title: String,
    /// Where its pages are reached, if that is known. Without it nothing links to them.
    pub base_url: Option<Url>,
    /// The calendar that dates are written in.
    pub time_zone: TimeZone,
}

impl Site {
    /// The address of a page by its path, which begins with `/`.
    pub fn page(&self, path: &str) -> Option<Url> {
        let base = self.base_url.as_ref()?;
        format!("{}{path}", base.as_str().trim_end_matches('/')).parse().ok()
    }

    /// The address of a read's page.
    pub fn read(&self, card: &ReadCard) -> Option<Url> {
        self.page(&format!("/read/{}/{}", card.id, card.slug))
    }

    /// The address of a week's page.
    pub fn week(&self, week: Week) -> Option<Url> {
        self.page(&format!("/week/{week}"))
    }
}

/// A concept's name for people. A concept that has left the vocabulary goes by its slug.
pub fn concept_name(slug: &ConceptSlug) -> String {
    let known = Vocabulary::builtin().get(slug);
    known.map_or_else(|| slug.as_str().replace('-', " "), |concept| concept.name.clone())
}
