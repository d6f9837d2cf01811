//! Writes a digest as a message for chat servers, and as data for other programs.
//!
//! Each service has limits. Reads that exceed them are left out from the end, and the message says
//! how many.

use backissue_model::bounds::cut;
use backissue_model::collapsed;
use backissue_model::markdown::{link, text};
use backissue_store::ReadCard;
use serde_json::{Value, json};
use url::Url;

use crate::compose::shown;
use crate::html::{self, Look};
use crate::told::{Syntax, Told};
use crate::{About, Digest, Pick, Site, words};

/// A service that receives messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Any program. The message is the digest as data.
    Webhook,
    /// Slack. The message has the form of Block Kit.
    Slack,
    /// Discord. The message has embeds.
    Discord,
    /// Mattermost. The message is Markdown.
    Mattermost,
    /// Microsoft Teams. The message is an Adaptive Card.
    Teams,
    /// Matrix. The message is HTML and plain text.
    Matrix,
}

/// The text is not the name of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no chat service; services are webhook, slack, discord, mattermost, teams, matrix")]
pub struct UnknownService(String);

backissue_model::names! {
    Service, UnknownService:
    Webhook = "webhook",
    Slack = "slack",
    Discord = "discord",
    Mattermost = "mattermost",
    Teams = "teams",
    Matrix = "matrix",
}

impl Service {
    /// The digest as a message for this service.
    pub fn message(self, digest: &Digest, site: &Site) -> Value {
        let write = match self {
            Self::Webhook => webhook,
            Self::Slack => slack,
            Self::Discord => discord,
            Self::Mattermost => mattermost,
            Self::Teams => teams,
            Self::Matrix => matrix,
        };
        digest.fitting(|digest| write(digest, site), |message| self.takes(message))
    }

    /// Whether a message is within the limits that the service documents.
    pub fn takes(self, message: &Value) -> bool {
        let characters = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
        let list = |value: &Value| value.as_array().map_or(0, Vec::len);
        let bytes = message.to_string().len();
        match self {
            Self::Webhook => bytes <= 1_000_000,
            // Blocks in a message; characters of a text are cut where it is written.
            Self::Slack => list(&message["blocks"]) <= 50,
            Self::Discord => {
                let embeds = message["embeds"].as_array().map(Vec::as_slice).unwrap_or_default();
                let all: usize = embeds
                    .iter()
                    .map(|embed| characters(&embed["title"]) + characters(&embed["description"]))
                    .sum();
                embeds.len() <= 10
                    && all <= 6000
                    && embeds.iter().all(|embed| characters(&embed["description"]) <= 4096)
            }
            Self::Mattermost => characters(&message["text"]) <= 16_383,
            Self::Teams => bytes <= 28_000,
            Self::Matrix => bytes <= 60_000,
        }
    }
}

/// The digest as data for a webhook.
fn webhook(digest: &Digest, site: &Site) -> Value {
    let card = |card: &ReadCard| {
        json!({
            "id": card.id, "title": card.title, "url": card.url, "page": site.read(card), "company": card.company,
            "kind": card.kind, "minutes": card.minutes, "published": card.published, "concepts": card.concepts,
            "problem": card.problem, "problem_form": card.problem.as_ref().map(|_| card.problem_form),
        })
    };
    let first = |pick: &Pick| {
        let mut read = card(&pick.read.card);
        read["approach"] = json!(shown(&pick.read.precis.approach).map(|said| &said.text));
        read["outcome"] = json!(shown(&pick.read.precis.outcome).map(|said| &said.text));
        read["remark"] = json!(pick.remark);
        read
    };
    json!({
        "type": match digest.about { About::Week => "week", About::Answers => "answers" },
        "week": digest.week, "from": digest.week.monday(), "to": digest.week.sunday(),
        "page": digest.page(site).map(|(page, _)| page), "remark": digest.remark,
        "reads": digest.totals.reads, "problems": digest.totals.problems, "minutes": digest.totals.minutes,
        "left_out": digest.left_out(),
        "first": digest.picks.iter().map(first).collect::<Vec<_>>(),
        "rest": digest.groups.iter().map(|group| json!({
            "concept": group.concept, "reads": group.reads.iter().map(card).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "announcements": digest.announcements.iter().map(card).collect::<Vec<_>>(),
    })
}

/// A text for Slack's `mrkdwn`, escaped so that it has no links, mentions or commands.
fn slack_text(text: &str) -> String {
    collapsed(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn slack_link(words: &str, url: &Url) -> String {
    // What ends an address or its words there.
    let address = slack_text(url.as_str()).replace('|', "%7C");
    format!("<{address}|{}>", slack_text(words).replace('|', "¦"))
}

const SLACK: Syntax = Syntax { text: slack_text, link: slack_link, line_break: "\n" };

/// Maximum characters of a text in a Slack block.
const SLACK_TEXT: usize = 3000;

fn slack(digest: &Digest, site: &Site) -> Value {
    let section = |text: &str| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
    let heading = digest.heading();
    let mut blocks = vec![json!({ "type": "header", "text": { "type": "plain_text", "text": heading } })];
    let mut opening = words::tally(digest.totals);
    if let Some((page, name)) = digest.page(site) {
        opening.push_str(&format!(" {}", slack_link(name, &page)));
    }
    blocks.push(section(&opening));
    let remark = SLACK.paragraphs(&digest.remark);
    if !remark.is_empty() {
        blocks.push(section(&joined(&remark, "\n\n", SLACK_TEXT)));
    }
    for (number, pick) in (1..).zip(&digest.picks) {
        let lines = told(number, pick, site, SLACK, |heading| format!("*{heading}*"));
        blocks.push(section(&joined(&lines, "\n", SLACK_TEXT)));
    }
    for (heading, reads) in digest.lists() {
        let mut text = format!("*{}*", slack_text(&heading));
        for card in reads {
            let line = format!("\n• {}", listed(card, SLACK));
            if text.chars().count() + line.chars().count() > SLACK_TEXT {
                blocks.push(section(&text));
                text = line.trim_start().to_owned();
            } else {
                text.push_str(&line);
            }
        }
        blocks.push(section(&text));
    }
    if digest.left_out() > 0 {
        blocks.push(section(&format!("{}.", words::left_out(digest.left_out()))));
    }
    // What notifications show; Slack shows the blocks in its place.
    json!({ "text": heading, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

/// A read that comes first in the digest, as lines.
fn told(
    number: usize,
    pick: &Pick,
    site: &Site,
    syntax: Syntax,
    strong: impl Fn(&str) -> String,
) -> Vec<String> {
    let Told { heading, about, problem, statements, remark } = Told::of(pick, site, syntax);
    let mut lines = vec![strong(&format!("{number}. {heading}")), about];
    lines.extend(problem.into_iter().chain(statements));
    if !remark.is_empty() {
        lines.push(remark.join("\n\n"));
    }
    lines
}

/// Joins as many whole lines as fit into `most` characters. A line is not cut, because half a link
/// would remain.
fn joined(lines: &[String], between: &str, most: usize) -> String {
    let mut text = String::new();
    let mut length = 0;
    for line in lines {
        length += line.chars().count() + between.len();
        if length > most + between.len() {
            break;
        }
        if !text.is_empty() {
            text.push_str(between);
        }
        text.push_str(line);
    }
    text
}

/// A read on one line.
fn listed(card: &ReadCard, syntax: Syntax) -> String {
    let Syntax { text, link, .. } = syntax;
    format!(
        "{}, {}, {}",
        link(&card.title, &card.url),
        text(&card.company),
        words::minutes(card.minutes.into())
    )
}

fn bold(markdown: &str) -> String {
    format!("**{markdown}**")
}

const DISCORD: Syntax = Syntax { text, link, line_break: "\n" };

/// Maximum characters of an embed's title.
const DISCORD_TITLE: usize = 256;
/// Maximum characters of an embed's description.
const DISCORD_DESCRIPTION: usize = 4096;

fn discord(digest: &Digest, site: &Site) -> Value {
    let mut opening = text(&words::tally(digest.totals));
    for part in DISCORD.paragraphs(&digest.remark) {
        opening.push_str(&format!("\n\n{part}"));
    }
    if digest.left_out() > 0 {
        opening.push_str(&format!("\n\n{}.", words::left_out(digest.left_out())));
    }
    let embed = |title: &str, url: Option<Url>, description: &str| {
        json!({
            "title": cut(title, DISCORD_TITLE), "url": url,
            "description": cut(description, DISCORD_DESCRIPTION),
        })
    };
    let mut embeds = vec![embed(&digest.heading(), digest.page(site).map(|(page, _)| page), &opening)];
    for (number, pick) in (1..).zip(&digest.picks) {
        let lines = told(number, pick, site, DISCORD, bold);
        embeds.push(json!({ "description": joined(&lines, "\n", DISCORD_DESCRIPTION) }));
    }
    let rest: Vec<String> = digest
        .lists()
        .map(|(heading, reads)| {
            let lines: Vec<String> =
                reads.iter().map(|card| format!("- {}", listed(card, DISCORD))).collect();
            format!("{}\n{}", bold(&text(&heading)), lines.join("\n"))
        })
        .collect();
    if !rest.is_empty() {
        embeds.push(json!({ "description": rest.join("\n\n") }));
    }
    // Nobody is called, whatever a title says.
    json!({ "embeds": embeds, "allowed_mentions": { "parse": [] } })
}

/// A text for Mattermost that mentions nobody: an invisible character ends each mention.
fn mattermost_text(words: &str) -> String {
    text(&words.replace('@', "@\u{200b}"))
}

fn mattermost_link(words: &str, url: &Url) -> String {
    link(&words.replace('@', "@\u{200b}"), url)
}

/// Two spaces at the end of a line break it.
const MATTERMOST: Syntax = Syntax { text: mattermost_text, link: mattermost_link, line_break: "  \n" };

fn mattermost(digest: &Digest, site: &Site) -> Value {
    let Syntax { text, link, line_break } = MATTERMOST;
    let mut parts = vec![format!("### {}", text(&digest.heading()))];
    let mut opening = words::tally(digest.totals);
    if let Some((page, name)) = digest.page(site) {
        opening.push_str(&format!(" {}", link(name, &page)));
    }
    parts.push(opening);
    parts.extend(MATTERMOST.paragraphs(&digest.remark));
    for (number, pick) in (1..).zip(&digest.picks) {
        parts.push(told(number, pick, site, MATTERMOST, bold).join(line_break));
    }
    for (heading, reads) in digest.lists() {
        let lines: Vec<String> = reads.iter().map(|card| format!("- {}", listed(card, MATTERMOST))).collect();
        parts.push(format!("{}\n\n{}", bold(&text(&heading)), lines.join("\n")));
    }
    if digest.left_out() > 0 {
        parts.push(format!("{}.", words::left_out(digest.left_out())));
    }
    json!({ "text": parts.join("\n\n") })
}

/// A single line end is no break in a card.
const TEAMS: Syntax = Syntax { text, link, line_break: "\n\n" };

fn teams(digest: &Digest, site: &Site) -> Value {
    let block = |text: String| json!({ "type": "TextBlock", "text": text, "wrap": true });
    let heading = |text: String, size: &str| json!({ "type": "TextBlock", "text": text, "wrap": true, "weight": "Bolder", "size": size, "separator": true });
    let mut body = vec![heading(text(&digest.heading()), "Large"), block(words::tally(digest.totals))];
    body.extend(TEAMS.paragraphs(&digest.remark).into_iter().map(block));
    for (number, pick) in (1..).zip(&digest.picks) {
        let mut lines = told(number, pick, site, TEAMS, str::to_owned).into_iter();
        body.extend(lines.next().map(|first| heading(first, "Medium")));
        body.extend(lines.map(block));
    }
    for (name, reads) in digest.lists() {
        body.push(heading(text(&name), "Medium"));
        let lines: Vec<String> = reads.iter().map(|card| format!("- {}", listed(card, TEAMS))).collect();
        body.push(block(lines.join("\n")));
    }
    if digest.left_out() > 0 {
        body.push(block(format!("{}.", words::left_out(digest.left_out()))));
    }
    let actions: Vec<Value> = digest
        .page(site)
        .map(|(page, name)| json!({ "type": "Action.OpenUrl", "title": name, "url": page }))
        .into_iter()
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard", "version": "1.4", "body": body, "actions": actions,
                "msteams": { "width": "Full" },
            },
        }],
    })
}

fn matrix(digest: &Digest, site: &Site) -> Value {
    let heading = digest.heading();
    let left_out = match digest.left_out() {
        0 => String::new(),
        left_out => format!("<p>{}.</p>", words::left_out(left_out)),
    };
    json!({
        "msgtype": "m.notice",
        "body": crate::mail::plain(digest, site),
        "format": "org.matrix.custom.html",
        "formatted_body": format!("<h3>{heading}</h3>{}{left_out}", html::week(digest, site, Look::Plain)),
        // Nobody is called, whatever a title says.
        "m.mentions": {},
    })
}
