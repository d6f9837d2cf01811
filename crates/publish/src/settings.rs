//! What a caller says, and what it is told.

use std::path::PathBuf;

use url::Url;

/// What is published, and where.
#[derive(Clone, Debug)]
pub struct PublishSettings {
    /// The folder of the site.
    pub folder: PathBuf,
    /// Where the site is reached. Without it there are no feeds, no sitemap and no share pictures,
    /// because these need whole addresses.
    pub base_url: Option<Url>,
    /// Whether whole articles are published. Otherwise statements, with quotes and links to the
    /// publishers.
    pub articles: bool,
    /// Whether pages that readers saved by address, and blogs that only a private network or a
    /// password reaches, are published too. They may be private.
    pub saved: bool,
    /// Whether each read has its own share picture. Otherwise it has its week's.
    pub pictures_of_reads: bool,
}

/// How far a publication is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Pages that are made.
    pub done: u64,
    /// Pages in all.
    pub pages: u64,
}
