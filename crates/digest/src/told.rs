//! A read that comes first, as pieces of text with markup.

use backissue_model::Statement;
use url::Url;

use crate::{Pick, Site, words};

/// The pieces of a read, with markup.
pub(crate) struct Told {
    /// The problem if it comes first, else the title.
    pub(crate) heading: String,
    /// One line with the link, the company and other facts.
    pub(crate) about: String,
    /// The problem, if the heading is the title.
    pub(crate) problem: Option<String>,
    /// The other statements, each with its heading.
    pub(crate) statements: Vec<String>,
    /// The sender's remark, as paragraphs.
    pub(crate) remark: Vec<String>,
}

impl Told {
    /// The pieces of a read. `text` and `link` write the markup.
    pub(crate) fn of(
        pick: &Pick,
        site: &Site,
        text: fn(&str) -> String,
        link: fn(&str, &Url) -> String,
    ) -> Self {
        let card = &pick.read.card;
        let said = |statement: &Statement| text(&statement.form.said(&statement.text));
        let mut about =
            vec![link(&card.title, &card.url), text(&card.company), words::minutes(card.minutes.into())];
        about.extend(card.level().map(str::to_owned));
        if !card.concepts.is_empty() {
            about.push(text(&words::concepts(&card.concepts)));
        }
        about.extend(site.read(card).map(|page| link("in the archive", &page)));
        Self {
            heading: pick.leading().map_or_else(|| text(&card.title), said),
            about: about.join(" · "),
            problem: pick.following().map(said),
            statements: pick.more().map(|(name, more)| format!("{name}: {}", said(more))).collect(),
            remark: words::paragraphs(&pick.remark).map(text).collect(),
        }
    }
}
