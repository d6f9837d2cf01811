//! A read that comes first, as pieces of text with markup.

use backissue_model::Statement;
use url::Url;

use crate::{Pick, Site, words};

/// How a form of the digest writes texts, links and breaks between lines.
#[derive(Clone, Copy)]
pub(crate) struct Syntax {
    pub(crate) text: fn(&str) -> String,
    pub(crate) link: fn(&str, &Url) -> String,
    /// The break between two lines of a paragraph.
    pub(crate) line_break: &'static str,
}

impl Syntax {
    /// The paragraphs of a text that a person typed, with their lines.
    pub(crate) fn paragraphs(self, typed: &str) -> Vec<String> {
        let written = |lines: Vec<&str>| {
            let lines: Vec<String> = lines.into_iter().map(self.text).collect();
            lines.join(self.line_break)
        };
        words::paragraphs(typed).into_iter().map(written).collect()
    }
}

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
    /// The pieces of a read in this syntax.
    pub(crate) fn of(pick: &Pick, site: &Site, syntax: Syntax) -> Self {
        let Syntax { text, link, .. } = syntax;
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
            remark: syntax.paragraphs(&pick.remark),
        }
    }
}
