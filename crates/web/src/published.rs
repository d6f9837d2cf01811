//! Additional data for the pages of a published site.
//!
//! A published site consists of files that the same router makes, as for visitors without a login,
//! with [`crate::SiteSettings::published`]. Its pages have no forms except the search, no band, no
//! facets, and no relative times. The caller writes the files and rewrites their links, because a
//! page does not know the site's address.

use std::sync::Arc;

use backissue_model::{ReadId, Slug, Week};
use backissue_store::ReadCard;

/// The path of the share picture of pages without their own.
pub(crate) const SITE_PICTURE: &str = "/picture/site.png";

/// Additional data for a published site.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The companies with their reads, by name.
    pub companies: Arc<[Company]>,
    /// Whether each read has its own share picture. Otherwise it has its week's.
    pub pictures_of_reads: bool,
}

/// The other reads with a read's problem, best first. If a request for a read's page has this
/// extension, the page uses it instead of searching.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Others(pub Vec<ReadCard>);

/// A company of a published site.
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Its reads, newest first.
    pub reads: Vec<ReadId>,
}

impl Published {
    /// The path of a read's share picture.
    pub(crate) fn read_picture(&self, card: &ReadCard) -> String {
        if self.pictures_of_reads {
            format!("/picture/read/{}.png", card.id)
        } else {
            week_picture(card.week)
        }
    }

    pub(crate) fn company(&self, slug: &str) -> Option<&Company> {
        self.companies.iter().find(|company| company.slug.as_str() == slug)
    }
}

/// The path of a week's share picture.
pub(crate) fn week_picture(week: Week) -> String {
    format!("/picture/week/{week}.png")
}
