//! `backissue sources`: the followed sources and their health.

use backissue_annotate::Vocabulary;
use backissue_model::{CanonicalUrl, Health, Hub, Source, Standing, meant, nearest, without_credentials};
use backissue_store::{SourceFilter, Store};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::args::SourcesArgs;
use crate::exit::Outcome;
use crate::output::{self, ALERT, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;
use crate::{open, values};

/// Lists the sources.
pub async fn run(args: SourcesArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let filter = SourceFilter { troubled_only: args.troubled, ..SourceFilter::default() };
    let sources = store.sources(&filter).await?;
    let zone = store.zone();
    match (args.list.json(), args.health) {
        (Some(format), true) => {
            let all: Vec<Value> = sources.iter().map(|source| in_json(source, zone)).collect();
            output::json_list(format, &all)?;
        }
        (Some(format), false) => output::json_list(format, &sources)?,
        (None, _) if sources.is_empty() => say!(
            "{}",
            if args.troubled {
                "Every source is well."
            } else {
                "Nothing is followed yet. Try `backissue starter`, or `backissue follow URL`."
            }
        )?,
        (None, true) => tell_health(&sources, zone)?,
        (None, false) => list(&sources, zone)?,
    }
    Ok(Outcome::Fine)
}

/// The source with this slug or address.
pub async fn named(store: &Store, name: &str) -> anyhow::Result<Option<Source>> {
    if let Some(source) = store.source_by_slug(name).await? {
        return Ok(Some(source));
    }
    let address = values::web_address(name).ok().and_then(|url| CanonicalUrl::of(&url).ok());
    let Some(address) = address else { return Ok(None) };
    let key = address.key();
    let is_it = |s: &Source| {
        [&s.feed_url, &s.site_url]
            .into_iter()
            .flatten()
            .any(|u| CanonicalUrl::of(u).is_ok_and(|c| c.key() == key))
    };
    Ok(store.sources(&SourceFilter::default()).await?.into_iter().find(is_it))
}

/// Prints that there is no such source, with the most similar name.
pub async fn tell_unknown(store: &Store, name: &str) -> anyhow::Result<Outcome> {
    let sources = store.sources(&SourceFilter::default()).await?;
    let names = sources.iter().flat_map(|s| [s.slug.as_str(), s.title.as_str(), s.company.as_str()]);
    let found = nearest(name, names);
    let known = sources
        .iter()
        .find(|s| found.is_some_and(|found| [s.slug.as_str(), &s.title, &s.company].contains(&found)));
    let hint = meant(known.map(|source| source.slug.as_str()));
    tell_no_such("source", name, &hint, "`backissue sources` lists them");
    Ok(Outcome::NotThere)
}

/// Prints that there is no such concept, with the most similar name.
pub fn tell_unknown_concept(name: &str) {
    let nearest = Vocabulary::builtin().nearest(name).map(|concept| concept.slug.as_str());
    tell_no_such("concept", name, &meant(nearest), "the page /concepts lists them");
}

fn tell_no_such(what: &str, name: &str, hint: &str, remedy: &str) {
    let end = if hint.is_empty() { format!("; {remedy}.") } else { hint.to_owned() };
    anstream::eprintln!("{}", output::safe(&format!("No {what} is called “{name}”{end}")));
}

fn list(sources: &[Source], zone: &TimeZone) -> anyhow::Result<()> {
    let has_groups = sources.iter().any(|source| source.group.is_some());
    let head = ["SOURCE", "TITLE", "READS", "NEWEST", "LAST POLL", "STATE"].map(str::to_owned).to_vec();
    let mut rows: Vec<Vec<String>> =
        std::iter::once(head).chain(sources.iter().map(|s| row(s, zone))).collect();
    if has_groups {
        rows[0].insert(2, "GROUP".to_owned());
        for (row, source) in rows.iter_mut().skip(1).zip(sources) {
            row.insert(2, source.group.clone().unwrap_or_else(|| "-".to_owned()));
        }
    }
    for line in output::columns(&rows) {
        say!("{line}")?;
    }
    Ok(())
}

fn row(source: &Source, zone: &TimeZone) -> Vec<String> {
    let health = &source.health;
    vec![
        source.slug.to_string(),
        source.title.clone(),
        source.reads.to_string(),
        output::day(source.newest, zone),
        output::moment(health.last_poll, zone),
        state(source),
    ]
}

/// The health of a source, in a few words.
pub fn state(source: &Source) -> String {
    match (&source.health.last_error, source.health.standing) {
        (_, Standing::Paused) => "paused".to_owned(),
        (Some(error), _) => format!("{ALERT}{error}{PLAIN}"),
        (None, Standing::Retired) => "gone for good; not polled".to_owned(),
        (None, Standing::Waiting) => "no feed and no list; not polled".to_owned(),
        (None, Standing::Active) if source.health.last_poll.is_none() => "not polled yet".to_owned(),
        (None, Standing::Active) => "well".to_owned(),
    }
}

/// Prints the details of the sources' polls.
pub fn tell_health(sources: &[Source], zone: &TimeZone) -> anyhow::Result<()> {
    for (at, source) in sources.iter().enumerate() {
        if at > 0 {
            say!("")?;
        }
        say!("{STRONG}{}{PLAIN} ({})", source.title, source.slug)?;
        for (about, words) in told(source, zone) {
            let colour = if about == FAILING { ALERT } else { anstyle::Style::new() };
            say!("  {QUIET}{about:<8}{PLAIN} {colour}{words}{colour:#}")?;
        }
    }
    Ok(())
}

fn in_json(source: &Source, zone: &TimeZone) -> Value {
    let told: Map<String, Value> =
        told(source, zone).into_iter().map(|(about, words)| (about.to_owned(), Value::from(words))).collect();
    json!({ "slug": source.slug, "title": source.title, "told": told, "health": source.health })
}

/// The name of a failing source's line.
const FAILING: &str = "failing";

/// The details of a source's polls: the name of each line, and its text.
fn told(source: &Source, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let health = &source.health;
    let moment = |at| output::moment(at, zone);
    let mut told = Vec::new();
    if let Some(group) = &source.group {
        told.push(("group", group.clone()));
    }
    if let Some(feed) = &source.feed_url {
        told.push(("feed", without_credentials(feed).to_string()));
    }
    if source.feed_url.is_none()
        && let Some(list) = source.listing_url.as_ref().or(source.sitemap_url.as_ref())
    {
        told.push(("list", format!("{} (it has no feed)", without_credentials(list))));
    }
    match health.standing {
        Standing::Waiting => {
            told.push(("asked", "not polled: it has no feed, no listing page and no sitemap".to_owned()))
        }
        Standing::Retired => told.push(("retired", retired(health, zone))),
        Standing::Paused => {
            let words = format!("by a person; `backissue source {} --resume` polls it again", source.slug);
            told.push(("paused", words));
        }
        Standing::Active => {
            told.push(("asked", asked(health, zone)));
            if let Some(error) = &health.last_error {
                told.push((FAILING, failing(health, error, zone)));
            }
            let why = health.pace.as_ref().map_or_else(String::new, |pace| format!(": {}", pace.words()));
            match health.next_poll {
                Some(at) => told.push(("next", format!("{}{why}", moment(Some(at))))),
                None => told.push(("next", "not by itself".to_owned())),
            }
        }
    }
    if let Some(hub) = health.hub.as_ref().filter(|_| health.standing == Standing::Active) {
        told.push(("hub", hub_words(hub, zone)));
    }
    if let Some(moving) = health.moving.as_ref().filter(|_| health.standing == Standing::Active) {
        let since = moment(Some(moving.since));
        let words = format!(
            "to {}: a permanent redirect since {since}, used after another response confirms it",
            moving.to
        );
        told.push(("moving", words));
    }
    if let Some(moved) = &health.moved {
        told.push(("moved", format!("from {} on {}", moved.from, output::day(Some(moved.at), zone))));
    }
    told
}

fn asked(health: &Health, zone: &TimeZone) -> String {
    let Some(at) = health.last_poll else { return "not yet".to_owned() };
    let came = match (&health.last_error, health.last_new) {
        (Some(_), _) => "that failed".to_owned(),
        (None, None) => "nothing had changed".to_owned(),
        (None, Some(new)) => output::count(new, "new read"),
    };
    format!("{}: {came}", output::moment(Some(at), zone))
}

fn failing(health: &Health, error: &str, zone: &TimeZone) -> String {
    let polls = match health.failures {
        0 | 1 => "at its last poll".to_owned(),
        n => format!("since {}, {n} polls in a row", output::moment(health.failing_since, zone)),
    };
    let before = health.last_success.map_or_else(
        || "no poll has ever succeeded".to_owned(),
        |at| format!("the last successful poll was {}", output::moment(Some(at), zone)),
    );
    format!("{polls}: {error}; {before}")
}

fn retired(health: &Health, zone: &TimeZone) -> String {
    let why = health.last_error.as_deref().unwrap_or("gone for good");
    format!("{}: {why}; its reads are kept, and it is not polled", output::moment(health.last_poll, zone))
}

fn hub_words(hub: &Hub, zone: &TimeZone) -> String {
    let url = &hub.url;
    let told = match hub.told_at {
        Some(at) => format!("; the last one was {}", output::moment(Some(at), zone)),
        None => String::new(),
    };
    match (&hub.error, hub.ends_at) {
        (_, Some(end)) if hub.tells(Timestamp::now()) => {
            format!(
                "{url} sends notifications until {}; then the subscription is renewed{told}",
                output::moment(Some(end), zone)
            )
        }
        (Some(error), _) => {
            format!("{url} is named by the feed, but sends no notifications: {error}")
        }
        (None, _) => {
            format!("{url} is named by the feed; a running `serve` subscribes to it if `base_url` is public")
        }
    }
}
