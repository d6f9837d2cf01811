//! The settings and the progress of a publication.

use std::path::PathBuf;

use url::Url;

/// The settings of a publication.
#[derive(Clone, Debug)]
pub struct PublishSettings {
    /// The folder of the site.
    pub folder: PathBuf,
    /// The site's address. Without it there are no feeds, no sitemap and no share pictures, because
    /// these need absolute addresses.
    pub base_url: Option<Url>,
    /// Whether whole articles are published. Otherwise only statements with quotes and links to the
    /// publishers are.
    pub articles: bool,
    /// Whether reads that may be private are published too: pages that readers saved, and blogs
    /// that need a private network or a password.
    pub saved: bool,
    /// Whether each read has its own share picture. Otherwise it has the picture of its week.
    pub pictures_of_reads: bool,
}

/// The progress of a publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Number of pages that are made.
    pub done: u64,
    /// Number of all pages.
    pub pages: u64,
}
