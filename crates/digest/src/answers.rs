//! Composes a digest of new answers to saved searches, and gives digests their headings.

use backissue_store::AlertHit;
use url::Url;

use crate::compose::drop_misleading;
use crate::{About, Digest, Pick, Site, Totals, words};

/// Maximum reads of an alert.
const MOST: usize = 20;

/// Composes a digest of new answers to saved searches, in their order. Each read says which
/// searches it answers. Returns `None` if there are no answers.
pub fn compose_answers(hits: Vec<AlertHit>) -> Option<Digest> {
    let week = hits.first()?.read.card.week;
    let picks = hits.into_iter().map(|AlertHit { mut read, searches }| {
        drop_misleading(&mut read);
        Pick { read, remark: words::answers(&searches) }
    });
    let mut digest = Digest {
        about: About::Answers,
        week,
        remark: String::new(),
        picks: picks.collect(),
        groups: Vec::new(),
        announcements: Vec::new(),
        totals: Totals::default(),
    };
    digest.totals = digest.add_up();
    Some(digest.shortened(MOST))
}

impl Digest {
    /// The heading of the digest, for people.
    pub fn heading(&self) -> String {
        match self.about {
            About::Week => words::heading(self.week),
            About::Answers if self.totals.reads == 1 => "A new answer to your saved searches".to_owned(),
            About::Answers => {
                format!("{} new answers to your saved searches", words::number(self.totals.reads as u64))
            }
        }
    }

    /// The page that shows the whole digest, and the text of a link to it. Returns `None` if the
    /// address of the pages is not known.
    pub fn page(&self, site: &Site) -> Option<(Url, &'static str)> {
        match self.about {
            About::Week => Some((site.week(self.week)?, "The whole week")),
            About::Answers => Some((site.page("/searches")?, "Your saved searches")),
        }
    }
}
