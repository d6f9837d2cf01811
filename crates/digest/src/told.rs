//! A read that comes first, in the pieces of some markup.

use backissue_model::Statement;
use url::Url;

use crate::{Pick, Site, words};

/// The pieces, ready to be put together.
pub(crate) struct Told {
    /// The problem if it leads, else the title.
    pub(crate) heading: String,
    /// The link, the company and so on, on one line.
    pub(crate) about: String,
    /// The problem, if the heading is the title.
    pub(crate) problem: Option<String>,
    /// The other statements, each with its heading.
    pub(crate) statements: Vec<String>,
    /// What the sender says, in paragraphs.
    pub(crate) remark: Vec<String>,
}

impl Told {
    /// The pieces of a read, where `text` and `link` write the markup.
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
