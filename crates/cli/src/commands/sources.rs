//! `backissue sources`: what is followed and how it is doing.

use backissue_model::{Source, Standing};
use backissue_store::SourceFilter;
use jiff::tz::TimeZone;

use crate::args::SourcesArgs;
use crate::exit::Outcome;
use crate::output::{self, ALERT, PLAIN};
use crate::settings::Settings;
use crate::{open, say};

/// Lists the sources.
pub async fn run(args: SourcesArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let filter = SourceFilter { troubled_only: args.troubled, ..SourceFilter::default() };
    let sources = store.sources(&filter).await?;
    if args.json {
        output::json(&sources)?;
        return Ok(Outcome::Fine);
    }
    if sources.is_empty() {
        say!(
            "{}",
            if args.troubled {
                "Every source is well."
            } else {
                "Nothing is followed yet. Try `backissue starter`, or `backissue follow URL`."
            }
        )?;
        return Ok(Outcome::Fine);
    }
    let zone = store.zone();
    let head = ["SOURCE", "TITLE", "READS", "NEWEST", "LAST POLL", "STATE"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(sources.iter().map(|s| row(s, zone))).collect();
    for line in output::columns(&rows) {
        say!("{line}")?;
    }
    Ok(Outcome::Fine)
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

fn state(source: &Source) -> String {
    match (&source.health.last_error, source.health.standing) {
        (Some(error), _) => format!("{ALERT}{error}{PLAIN}"),
        (None, Standing::Retired) => "gone for good; asked no more".to_owned(),
        (None, Standing::Waiting) => "no feed; not asked yet".to_owned(),
        (None, Standing::Active) if source.health.last_poll.is_none() => "not asked yet".to_owned(),
        (None, Standing::Active) => "well".to_owned(),
    }
}
