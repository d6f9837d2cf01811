//! `backissue doctor`: checks the program's environment, and lists the reads that were set aside.

use std::path::Path;
use std::time::Duration;

use backissue_fetch::{Validators, Want};
use backissue_ingest::{BUILT_IN, clock};
use backissue_model::without_credentials;
use backissue_search::Coverage;
use backissue_send::{Recipient, chosen_by};
use backissue_store::{
    AlertState, DeadHost, Finding, Location, OWNER_CHANGED, OwnDigest, SetAside, SourceFilter, Store,
};
use jiff::Timestamp;
use serde_json::json;

use crate::args::DoctorArgs;
use crate::commands::{backup, send};
use crate::exit::Outcome;
use crate::output::{self, ALERT, GOOD, PLAIN, QUIET, say};
use crate::settings::Settings;
use crate::values::Size;
use crate::{noticed, open};

/// Maximum reads, and people who did not get a week, to list.
const LISTED: u32 = 50;

/// Maximum hosts with dead pages to list.
const MAX_DEAD_HOSTS: usize = 10;

/// Time limit for a model's server to describe the model.
const MODEL_WITHIN: Duration = Duration::from_secs(10);

/// The result of a check.
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
}

impl From<Finding> for Check {
    fn from(Finding { name, ok, detail }: Finding) -> Self {
        Self { name, ok, detail }
    }
}

/// Runs all checks and prints remedies.
pub async fn run(args: DoctorArgs, settings: Settings) -> anyhow::Result<Outcome> {
    if let Some(Some(file)) = &args.deep
        && !Store::is_archive(&settings.location()?).await.unwrap_or(true)
    {
        // Of a machine that has the backup, but no archive.
        return tell(&[proof(None, Some(file)).await], &[], 0, args.json);
    }
    let mut checks = vec![folder(&settings), clock()];
    let store = match open::store(&settings).await {
        Ok(store) => Some(store),
        Err(failure) => {
            checks.push(Check { name: "database", ok: false, detail: format!("{failure:#}") });
            None
        }
    };
    checks.extend(models(&settings).await);
    checks.extend(openid(&settings).await);
    let mut set_aside = Vec::new();
    let mut retried = 0;
    if let Some(store) = &store {
        checks.extend(store.check().await.into_iter().map(Check::from));
        checks.push(index(store, &settings).await);
        checks.push(sources(store).await?);
        checks.extend(waiting(store, &settings).await?);
        checks.extend(dead_pages(store).await?);
        checks.extend(limits(store.clone(), &settings).await?);
        checks.push(network(store, &settings).await?);
        checks.extend(recipients(store, &settings).await?);
        if let Some(file) = &args.deep {
            checks.push(proof(Some(store), file.as_deref()).await);
        }
        if args.retry {
            retried = store.retry_set_aside().await?;
        }
        set_aside = store.set_aside(LISTED).await?;
    }
    tell(&checks, &set_aside, retried, args.json)
}

/// Proves a backup, or that one can be made.
async fn proof(store: Option<&Store>, file: Option<&Path>) -> Check {
    let (ok, detail) = match backup::prove(store, file).await {
        Ok(proof) => (true, proof),
        Err(failure) => (false, format!("{failure:#}")),
    };
    Check { name: "backup", ok, detail }
}

/// Prints the results.
fn tell(checks: &[Check], set_aside: &[SetAside], retried: u64, as_json: bool) -> anyhow::Result<Outcome> {
    let all_well = checks.iter().all(|c| c.ok);
    if as_json {
        let checks: Vec<_> =
            checks.iter().map(|c| json!({ "name": c.name, "ok": c.ok, "detail": c.detail })).collect();
        let aside: Vec<_> = set_aside
            .iter()
            .map(|r| json!({ "id": r.id, "url": r.url, "title": r.title, "source": r.source, "stage": r.stage, "error": r.error, "since": r.since }))
            .collect();
        output::json(&json!({ "ok": all_well, "checks": checks, "set_aside": aside, "retried": retried }))?;
    } else {
        for Check { name, ok, detail } in checks {
            let mark = if *ok { format!("{GOOD}ok{PLAIN}  ") } else { format!("{ALERT}bad{PLAIN} ") };
            say!("{mark} {name:<12} {detail}")?;
        }
        if retried > 0 {
            say!("\n{} will be retried.", output::count(retried, "read"))?;
        }
        if !set_aside.is_empty() {
            say!("\nReads set aside after failing too often (`backissue doctor --retry` retries them):")?;
        }
        for read in set_aside {
            say!("  {}\n    {QUIET}{} · {}{PLAIN}", read.url, read.source, read.error)?;
        }
    }
    Ok(if all_well { Outcome::Fine } else { Outcome::Fault })
}

fn folder(settings: &Settings) -> Check {
    let path = match settings.location() {
        Ok(Location::Sqlite(file)) => file.parent().unwrap_or(Path::new(".")).to_owned(),
        // Then only the search index is in this folder.
        Ok(Location::Postgres(_)) => settings.data.value.clone(),
        Err(why) => return Check { name: "data folder", ok: false, detail: format!("{why:#}") },
    };
    let shown = path.display();
    if !path.exists() {
        let detail = format!("{shown} does not exist; check --data");
        return Check { name: "data folder", ok: false, detail };
    }
    let detail = match tempfile::tempfile_in(&path) {
        Ok(_) => return Check { name: "data folder", ok: true, detail: format!("{shown} can be written") },
        Err(why) => {
            format!("{shown} cannot be written: {why}; change its owner, or name another with --data DIR")
        }
    };
    Check { name: "data folder", ok: false, detail }
}

/// Whether the settings of all recipients are valid, and whether the last sending to each, and to
/// each subscriber and reader, succeeded.
async fn recipients(store: &Store, settings: &Settings) -> anyhow::Result<Option<Check>> {
    let check = |ok, detail| Some(Check { name: "recipients", ok, detail });
    let rows = &settings.recipients.value;
    let people = store.weeks_of_people(true, LISTED).await?;
    let readers = store.failed_own_digests().await?;
    if rows.is_empty() && people.is_empty() && readers.is_empty() {
        return Ok(None);
    }
    let mut failures = Vec::new();
    for (_, ready) in crate::recipients::each(settings) {
        match ready {
            Ok(recipient) => failures.extend(troubles(store, &recipient).await?),
            Err(failure) => failures.push(format!("{failure:#}")),
        }
    }
    // Two recipients of one name have the same one.
    failures.dedup();
    failures.extend(people.iter().filter_map(|(name, state)| state.trouble(name)));
    failures.extend(readers.iter().filter_map(OwnDigest::failure));
    if failures.is_empty() {
        return Ok(check(true, output::count(rows.len() as u64, "recipient")));
    }
    Ok(check(false, failures.join("; ")))
}

/// The failed sendings to a recipient, with the reasons.
async fn troubles(store: &Store, recipient: &Recipient) -> anyhow::Result<Vec<String>> {
    let name = &recipient.name;
    let mut troubles = Vec::new();
    let last = store.sending(name, None).await?;
    troubles.extend(last.and_then(|last| last.trouble(name)));
    if let Some(AlertState { error: Some(error), .. }) = store.last_alert(name).await? {
        troubles.push(format!("{name}, new answers: {error}"));
    }
    if let Err(lack) = chosen_by(store, recipient).await? {
        troubles.push(send::lacking(name, &lack));
    }
    Ok(troubles)
}

/// Whether the search index is intact, and whether it is up to date.
async fn index(store: &Store, settings: &Settings) -> Check {
    let looked = async {
        let search = open::search(settings, store).await?;
        let at = search.index().clone();
        let intact = tokio::task::spawn_blocking(move || at.is_intact()).await??;
        let behind = search.is_behind().await?;
        Ok::<_, anyhow::Error>((search.index().folder().to_owned(), intact, behind, search.coverage().await?))
    };
    let check = |ok, detail| Check { name: "search index", ok, detail };
    match looked.await {
        Err(failure) => check(false, format!("{failure:#}")),
        Ok((folder, false, ..)) => check(
            false,
            format!("{} is damaged; `backissue reindex` rebuilds it from the archive", folder.display()),
        ),
        Ok((_, true, true, Coverage { indexed, reads })) => check(
            true,
            format!(
                "has {indexed} of {reads} reads and changes to take in, which `serve` and `find` do by themselves"
            ),
        ),
        Ok((_, true, false, Coverage { indexed, reads })) if indexed != reads => check(
            false,
            format!(
                "has {}, but the archive has {reads}; `backissue reindex` rebuilds it",
                output::count(indexed, "read")
            ),
        ),
        Ok((_, true, false, Coverage { indexed, .. })) => {
            check(true, format!("intact, with all {}", output::count(indexed, "read")))
        }
    }
}

/// Whether the configured models can be used, without a prompt; or what else could be used.
async fn models(settings: &Settings) -> Vec<Check> {
    let rows = &settings.models.value;
    let check = |ok, detail| Check { name: "models", ok, detail };
    if rows.is_empty() {
        let noticed = noticed::look(settings).await;
        let detail = match noticed.command() {
            Some(command) => format!(
                "none is configured, and none is needed; noticed: {}; to use one: {command}",
                noticed.told()
            ),
            None => "none is configured, and none is needed".to_owned(),
        };
        return vec![check(true, output::safe(&detail))];
    }
    let mut checks = Vec::new();
    for row in rows {
        let name = &row.name;
        let found = async {
            let asker = open::asker_of(settings, row)?;
            let found = tokio::time::timeout(MODEL_WITHIN, asker.model.find()).await;
            let found = found.map_err(|_| {
                anyhow::anyhow!(
                    "model `{name}`: {} did not answer within {} s",
                    asker.model.host(),
                    MODEL_WITHIN.as_secs()
                )
            })??;
            Ok::<_, anyhow::Error>(match found {
                Some(_) => format!("`{name}`: {} has it", asker.model.host()),
                None => format!(
                    "`{name}`: {} answers, but does not list it; `backissue models` tests it",
                    asker.model.host()
                ),
            })
        };
        checks.push(match found.await {
            Ok(detail) => check(true, detail),
            Err(failure) => check(false, format!("{failure:#}")),
        });
    }
    checks
}

/// Whether the OpenID provider has its documents, if there is one.
async fn openid(settings: &Settings) -> Option<Check> {
    let found = async {
        let Some(openid) = open::openid(settings)? else { return Ok(None) };
        let provider = openid.provider;
        let keys = output::count(provider.check().await? as u64, "key");
        Ok::<_, anyhow::Error>(Some(format!(
            "{} answers, with {keys}; it must send browsers back to {}",
            provider.issuer(),
            provider.redirect()
        )))
    };
    let (ok, detail) = match found.await {
        Ok(detail) => (true, detail?),
        Err(failure) => (false, format!("{failure:#}")),
    };
    Some(Check { name: "openid", ok, detail: output::safe(&detail) })
}

fn clock() -> Check {
    let now = Timestamp::now();
    let ok = !clock::is_before_this_program(now);
    let remedy = if ok {
        ""
    } else {
        ", which is before this program was made; set it, nothing is fetched until then"
    };
    Check { name: "clock", ok, detail: format!("says {now:.0}{remedy}") }
}

async fn sources(store: &Store) -> anyhow::Result<Check> {
    let all = store.sources(&SourceFilter::default()).await?;
    let troubled = all.iter().filter(|s| s.health.last_error.is_some()).count();
    let detail = match (all.len(), troubled) {
        (0, _) => "nothing is followed yet; try `backissue starter`".to_owned(),
        (many, 0) => format!("{many} followed, none in trouble"),
        (many, some) => {
            format!("{many} followed, {some} in trouble; `backissue sources --troubled` says why")
        }
    };
    Ok(Check { name: "sources", ok: true, detail })
}

/// Hosts whose pages failed one after the other, so that most of them are not requested.
async fn dead_pages(store: &Store) -> anyhow::Result<Vec<Check>> {
    let told = |dead: &DeadHost| {
        let DeadHost { source, title, host, pages } = dead;
        let again = if pages.gone { "a day" } else { "five minutes" };
        let detail = format!(
            "the last {} pages on {host} that {title} ({source}) names failed in a row ({}); others are not requested, except new \
             posts and one page every {again}: what its feed carries is taken, and `backissue doctor --retry` requests them all",
            pages.failures, pages.error
        );
        Check { name: "dead pages", ok: true, detail: output::safe(&detail) }
    };
    let dead = store.dead_hosts().await?;
    let mut checks: Vec<Check> = dead.iter().take(MAX_DEAD_HOSTS).map(told).collect();
    if let Some(more) = dead.len().checked_sub(MAX_DEAD_HOSTS).filter(|more| *more > 0) {
        let detail = format!("and on {}", output::count(more as u64, "more host"));
        checks.push(Check { name: "dead pages", ok: true, detail });
    }
    Ok(checks)
}

/// Sources that have reached their limit of bytes, and how far the archive is from its own limit.
async fn limits(store: Store, settings: &Settings) -> anyhow::Result<Vec<Check>> {
    let (source_limit, archive_limit) = (settings.source_limit.value, settings.archive_limit.value);
    let (bytes, name) = (store.bytes().await?, "archive limit");
    let ok = bytes < archive_limit.0;
    let more = if ok { "" } else { "; nothing more is fetched: raise `archive_limit`, or unfollow sources" };
    let mut checks =
        vec![Check { name, ok, detail: format!("{} of {archive_limit}{more}", megabytes(bytes)) }];
    for source in store.with_source_limit(source_limit.0).over_limit().await? {
        let detail = format!(
            "{} has put {} into the archive, and {source_limit} is the most for one source; it is asked for no more: raise \
             `source_limit`, or `backissue unfollow {}`",
            source.title,
            megabytes(source.bytes),
            source.slug
        );
        checks.push(Check { name: "source limit", ok: false, detail });
    }
    Ok(checks)
}

fn megabytes(bytes: u64) -> Size {
    Size(bytes.div_ceil(1_000_000) * 1_000_000)
}

/// Reads that wait for an annotator that no process runs: a killed `annotate` leaves its reads
/// waiting.
async fn waiting(store: &Store, settings: &Settings) -> anyhow::Result<Option<Check>> {
    let mut asked = store.asked().await?;
    asked.retain(|(by, _)| by != OWNER_CHANGED && Some(by) != settings.annotate_with.value.as_ref());
    let reads = |(by, reads): &(String, u64)| {
        let model = if by == BUILT_IN { String::new() } else { format!(" --model {by}") };
        format!(
            "{} for `{by}`, which `backissue annotate READ{model}` goes on with (READ is any read's number)",
            output::count(*reads, "read")
        )
    };
    let left: Vec<String> = asked.iter().map(reads).collect();
    let detail = format!("an `annotate` was cut short and left {}", left.join("; "));
    Ok((!left.is_empty()).then_some(Check { name: "annotating", ok: false, detail }))
}

/// Requests one followed source, the one that answered last, to check the network.
async fn network(store: &Store, settings: &Settings) -> anyhow::Result<Check> {
    let all = store.sources(&SourceFilter::default()).await?;
    let Some(feed) = all.iter().filter(|s| s.feed_url.is_some()).max_by_key(|s| s.health.last_success) else {
        return Ok(Check {
            name: "network",
            ok: true,
            detail: "not tried: there is no source to poll".into(),
        });
    };
    let Some(url) = &feed.feed_url else {
        return Ok(Check { name: "network", ok: true, detail: "not tried".into() });
    };
    let answer = open::fetcher(settings)?.get(url, Want::Feed, &Validators::default()).await;
    Ok(match answer {
        Ok(response) => Check {
            name: "network",
            ok: true,
            detail: format!("{} answered in {} ms", without_credentials(url), response.elapsed.as_millis()),
        },
        Err(failure) => Check { name: "network", ok: false, detail: failure.to_string() },
    })
}
