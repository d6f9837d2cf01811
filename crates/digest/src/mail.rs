//! Writes a digest as a mail: subject, plain text and HTML.
//!
//! The HTML has inline styles, because many mail programs drop others, and no images. A mail stays
//! below the size at which some programs cut it.

use std::fmt::Write;

use backissue_model::bounds::cut;
use backissue_model::collapsed;
use backissue_store::ReadCard;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use url::Url;

use crate::html::{self, Look};
use crate::{About, Digest, Pick, Site, words};

/// Maximum bytes of the text, and of the HTML. Some programs cut a mail at 102 kB.
pub const MAX_BYTES: usize = 90_000;

/// Characters in a line of the plain text.
const LINE: usize = 74;

/// A mail without sender and recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// The end of a mail, which says why a recipient gets it and how to stop it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footing {
    /// The recipient's address.
    pub recipient: String,
    /// The address that stops the mails. `None` if there is none.
    pub unsubscribe: Option<Url>,
}

/// A digest as a mail.
pub fn week(digest: &Digest, site: &Site, footing: &Footing) -> Mail {
    let fits = |part: &String| part.len() <= MAX_BYTES;
    Mail {
        subject: subject(digest),
        text: digest.fitting(|digest| text(digest, site, footing), fits),
        html: digest.fitting(|digest| page(digest, site, footing), fits),
    }
}

/// The mail that asks the owner of an address to confirm a subscription.
pub fn confirmation(site: &Site, link: &Url) -> Mail {
    let subject = format!("Confirm: a week of {} by mail", site.title);
    let why = format!(
        "Somebody, most likely you, asked {} to send its week of reads to this address. Open this page and confirm it; the \
         link works once, for two days.",
        site.title
    );
    let otherwise = "If it was not you, do nothing: without it, no more mails come.";
    let mut text = String::new();
    wrapped(&mut text, &why, "", "");
    let _ = writeln!(text, "\n{link}\n");
    wrapped(&mut text, otherwise, "", "");
    let body = html! {
        h1 style=(HEADING) { (subject) }
        p { (why) }
        p { a href=(link) { (link) } }
        p.quiet style=(SMALL) { (otherwise) }
    };
    Mail { html: sheet(&subject, &body), subject, text }
}

fn subject(digest: &Digest) -> String {
    let week = match digest.about {
        About::Week => format!("Week {} of {}", digest.week.number(), digest.week.year()),
        About::Answers => digest.heading(),
    };
    let best = digest.picks.first().map(|pick| pick.read.card.title.as_str());
    let best = best.map(|title| cut(title, 80));
    best.map_or_else(|| week.clone(), |best| format!("{week}: {best}"))
}

/// The plain text of a digest, without the end that names the recipient.
pub fn plain(digest: &Digest, site: &Site) -> String {
    let mut out = format!("{}\n\n", digest.heading());
    wrapped(&mut out, &words::tally(digest.totals), "", "");
    if let Some((page, _)) = digest.page(site) {
        let _ = writeln!(out, "{page}");
    }
    typed(&mut out, &digest.remark);
    for (number, pick) in (1..).zip(&digest.picks) {
        first(&mut out, number, pick, site);
    }
    for (heading, reads) in digest.lists() {
        list(&mut out, &heading, reads);
    }
    if digest.left_out() > 0 {
        let _ = write!(out, "\n{}.\n", words::left_out(digest.left_out()));
    }
    out
}

fn text(digest: &Digest, site: &Site, footing: &Footing) -> String {
    let mut out = plain(digest, site);
    out.push_str("\n-- \n");
    wrapped(&mut out, &footing.words(digest, site), "", "");
    if let Some(address) = &footing.unsubscribe {
        let _ = writeln!(out, "To stop it: {address}");
    }
    out
}

fn list(out: &mut String, heading: &str, cards: &[ReadCard]) {
    let _ = write!(out, "\n\n{}\n", heading.to_uppercase());
    cards.iter().for_each(|card| line(out, card));
}

fn first(out: &mut String, number: usize, pick: &Pick, site: &Site) {
    let (card, leads) = (&pick.read.card, pick.leading());
    let said = |statement: &backissue_model::Statement| statement.form.said(&statement.text).into_owned();
    let mark = format!("{number}. ");
    let indent = " ".repeat(mark.len());
    out.push('\n');
    wrapped(out, &leads.map_or_else(|| card.title.clone(), said), &mark, &indent);
    let mut about = vec![card.company.clone(), words::minutes(card.minutes.into())];
    if leads.is_some() {
        about.insert(0, card.title.clone());
    }
    about.extend(card.level().map(str::to_owned));
    if !card.concepts.is_empty() {
        about.push(words::concepts(&card.concepts));
    }
    wrapped(out, &about.join(" · "), &indent, &indent);
    if let Some(problem) = pick.following() {
        wrapped(out, &said(problem), &indent, &indent);
    }
    for (heading, statement) in pick.more() {
        wrapped(out, &format!("{heading}: {}", said(statement)), &indent, &indent);
    }
    let quoted = format!("{indent}> ");
    for (nth, lines) in words::paragraphs(&pick.remark).into_iter().enumerate() {
        if nth > 0 {
            let _ = writeln!(out, "{indent}>");
        }
        lines.into_iter().for_each(|line| wrapped(out, line, &quoted, &quoted));
    }
    let _ = writeln!(out, "{indent}{}", card.url);
    if let Some(page) = site.read(card) {
        let _ = writeln!(out, "{indent}{page}");
    }
}

fn line(out: &mut String, card: &ReadCard) {
    out.push('\n');
    let about = format!("{}, {}, {}", card.title, card.company, words::minutes(card.minutes.into()));
    wrapped(out, &about, "- ", "  ");
    let _ = writeln!(out, "  {}", card.url);
}

fn typed(out: &mut String, remark: &str) {
    for lines in words::paragraphs(remark) {
        out.push('\n');
        lines.into_iter().for_each(|line| wrapped(out, line, "", ""));
    }
}

/// Appends `text` in lines. The first line starts with `mark`, the others with `indent`.
fn wrapped(out: &mut String, text: &str, mark: &str, indent: &str) {
    let options = textwrap::Options::new(LINE)
        .initial_indent(mark)
        .subsequent_indent(indent)
        // An address or a word that is too long stays whole, so that it can be copied.
        .break_words(false);
    for line in textwrap::wrap(&collapsed(text), options) {
        let _ = writeln!(out, "{line}");
    }
}

impl Footing {
    fn words(&self, digest: &Digest, site: &Site) -> String {
        let when = match digest.about {
            About::Week => "once a week",
            About::Answers => "when new reads answer saved searches",
        };
        format!("{} sends this to {} {when}.", site.title, self.recipient)
    }
}

/// Colours for mail programs with a dark mode. All other styles are inline.
const DARK: &str = "@media (prefers-color-scheme: dark) { body, .sheet { background: #16181d !important; color: #e6e6e6 !important } \
                    a { color: #8ab4f8 !important } .quiet { color: #a5a9b3 !important } }";

const HEADING: &str = "font-size:24px;line-height:1.25;margin:0 0 8px";
const SMALL: &str = "font-size:13px;color:#5b616e;margin:32px 0 0";

fn page(digest: &Digest, site: &Site, footing: &Footing) -> String {
    let body = html! {
        h1 style=(HEADING) { (digest.heading()) }
        (PreEscaped(html::week(digest, site, Look::Mail)))
        @if digest.left_out() > 0 { p { (words::left_out(digest.left_out())) "." } }
        p.quiet style=(SMALL) {
            (footing.words(digest, site))
            @if let Some(address) = &footing.unsubscribe { " " a href=(address) { "Stop it" } "." }
        }
    };
    sheet(&subject(digest), &body)
}

/// A whole HTML document.
fn sheet(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                title { (title) }
                style { (PreEscaped(DARK)) }
            }
            body style="margin:0;padding:0;background:#ffffff;color:#1d2129" {
                div.sheet style="max-width:40em;margin:0 auto;padding:16px;font:16px/1.5 Georgia,serif;color:#1d2129;overflow-wrap:anywhere" {
                    (body)
                }
            }
        }
    }
    .into_string()
}
