//! `backissue source`: shows and changes one followed source.

use backissue_model::{Source, Standing};
use backissue_store::{SourceChange, Store};
use jiff::Timestamp;

use crate::args::SourceArgs;
use crate::commands::sources;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, STRONG, say};
use crate::settings::Settings;
use crate::values::Size;

/// Changes a source, or shows it.
pub async fn run(args: SourceArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let Some(source) = sources::named(&store, &args.source).await? else {
        return sources::tell_unknown(&store, &args.source).await;
    };
    let paused = (args.pause || args.resume).then_some(args.pause);
    let change = SourceChange {
        title: args.title,
        company: args.company,
        group: args.group,
        paused,
        keep_articles: args.keep,
        keep_articles_size: args.keep_size.map(|limit| limit.map(|size| size.0)),
    };
    let after = changed(&store, source.clone(), &change).await?;
    if args.json {
        output::json(&after)?;
    } else if change.is_empty() {
        sources::tell_health(std::slice::from_ref(&after), store.zone())?;
    } else {
        tell(&source, &after, &change)?;
    }
    Ok(Outcome::Fine)
}

/// Changes a source, and returns it with the change.
pub async fn changed(store: &Store, source: Source, change: &SourceChange) -> anyhow::Result<Source> {
    if change.is_empty() {
        return Ok(source);
    }
    let changed = store.change_source(source.id, change, Timestamp::now()).await?;
    changed.ok_or_else(|| anyhow::anyhow!("{} was unfollowed at this moment", source.title))
}

/// Prints the result of a change.
pub fn tell(before: &Source, after: &Source, change: &SourceChange) -> anyhow::Result<()> {
    say!("{STRONG}{}{PLAIN} ({})", after.title, after.slug)?;
    if change.title.is_some() {
        say!("  title    {} (before: {})", after.title, before.title)?;
    }
    if change.company.is_some() {
        say!("  company  {} (before: {})", after.company, before.company)?;
    }
    if change.group.is_some() {
        say!("  group    {}", after.group.as_deref().unwrap_or("none"))?;
    }
    if change.keep_articles.is_some() || change.keep_articles_size.is_some() {
        let (age, size) = (after.keep_articles, after.keep_articles_size.map(Size));
        say!("  articles stay for: {age}; up to: {size}")?;
    }
    match (change.paused, after.health.standing) {
        (Some(true), _) => {
            say!("  paused   its reads stay; `backissue source {} --resume` polls it again", after.slug)?
        }
        (Some(false), Standing::Active) => say!("  resumed  it is polled again")?,
        (Some(false), _) => say!("  resumed  but it is not polled: {}", sources::state(after))?,
        (None, _) => {}
    }
    Ok(())
}
