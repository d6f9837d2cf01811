//! Facts about the archive that every form of a digest needs.

use backissue_annotate::Vocabulary;
use backissue_model::{ConceptSlug, Week};
use backissue_store::ReadCard;
use jiff::tz::TimeZone;
use url::Url;

/// The archive whose reads are written.
#[derive(Clone, Debug)]
pub struct Site {
    /// The archive's name.
    pub title: String,
    /// The address of its pages. `None` if it is not known; then nothing links to them.
    pub base_url: Option<Url>,
    /// The time zone for dates.
    pub time_zone: TimeZone,
    /// The form of the addresses of pages.
    pub layout: Layout,
}

/// The form of the addresses of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The addresses that `serve` uses.
    #[default]
    Served,
    /// Names of files, for a published site on any web server.
    Files,
}

/// The file in a published site for the page at `path`, without a leading `/`.
///
/// The file of a read has no slug in its name, so that its address stays when the title changes. A
/// server of files could not redirect from the old address.
pub fn file_of(path: &str) -> String {
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        return "index.html".to_owned();
    }
    if let Some((id, _slug)) = path.strip_prefix("read/").and_then(|read| read.split_once('/')) {
        return format!("read/{id}.html");
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.contains('.') { path.to_owned() } else { format!("{path}.html") }
}

impl Site {
    /// The address of the page at a path, which begins with `/`. Returns `None` without a base
    /// address.
    pub fn page(&self, path: &str) -> Option<Url> {
        let base = self.base_url.as_ref()?;
        let base = base.as_str().trim_end_matches('/');
        match self.layout {
            Layout::Files if path != "/" => format!("{base}/{}", file_of(path)).parse().ok(),
            _ => format!("{base}{path}").parse().ok(),
        }
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

/// A concept's name for people. Returns the slug if the vocabulary no longer has the concept.
pub fn concept_name(slug: &ConceptSlug) -> String {
    let known = Vocabulary::builtin().get(slug);
    known.map_or_else(|| slug.as_str().replace('-', " "), |concept| concept.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_published_site_are_files() {
        let base_url = "https://example.github.io/archive/".parse().ok();
        let site = Site { title: "A".into(), base_url, time_zone: TimeZone::UTC, layout: Layout::Files };
        for (path, file) in [
            ("/", ""),
            ("/weeks", "weeks.html"),
            ("/week/2026-W20", "week/2026-W20.html"),
            ("/read/42/slow-builds", "read/42.html"),
            ("/feed.atom", "feed.atom"),
            ("/concept/caching.json", "concept/caching.json"),
        ] {
            let address = site.page(path).map(String::from);
            assert_eq!(address, Some(format!("https://example.github.io/archive/{file}")), "{path}");
        }
        let served = Site { layout: Layout::Served, ..site };
        let address = served.page("/read/42/slow-builds").map(String::from);
        assert_eq!(address.as_deref(), Some("https://example.github.io/archive/read/42/slow-builds"));
    }
}
