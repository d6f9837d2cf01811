//! Opens the other crates with the settings in force.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use backissue_digest::{Layout, Site};
use backissue_fetch::{FetchSettings, Fetcher, why_url_not_public};
use backissue_ingest::{Asker, BUILT_IN, ImageCache, Ingest, IngestSettings, Starter, TurnsInStore};
use backissue_llm::{Model, ModelSettings, Secret};
use backissue_model::{Reader, ReaderId, ReaderName};
use backissue_openid::{Provider, ProviderSettings};
use backissue_search::{Caught, Coverage, Embedders, EmbeddingServer, Search};
use backissue_send::Sender;
use backissue_store::{Limits, Location, Store, make_private_folder};
use backissue_web::{Image, Images, OpenId};
use jiff::Timestamp;
use url::Url;

use crate::output::tell;
use crate::progress::TakingIn;
use crate::rows::ModelRow;
use crate::settings::{Origin, Settings};
use crate::text;
use crate::values::{HowMany, ImagesShown, UnknownUsers};

/// There is no archive at the configured location.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no archive in {location} (from: {origin}); check --data and --database, make one with `backissue serve`, \
     `sync`, `follow`, `save` or `import FEEDS.opml`, or add --create"
)]
pub struct NoArchive {
    location: String,
    origin: Origin,
}

/// Opens the archive in its own time zone.
///
/// # Errors
/// [`NoArchive`] if there is none, so that a mistyped folder does not become an archive silently.
pub async fn store(settings: &Settings) -> anyhow::Result<Store> {
    if settings.create {
        return store_or_new(settings).await;
    }
    let found = Store::look_at_existing(&settings.location()?).await?;
    found.ok_or_else(|| anyhow::Error::new(no_archive(settings)))
}

/// The reader for whom a command acts: the named one, or else the first operator.
pub async fn reader(store: &Store, name: Option<&ReaderName>) -> anyhow::Result<ReaderId> {
    match name {
        None => Ok(store.first_operator().await?),
        Some(name) => Ok(reader_named(store, name).await?.id),
    }
}

/// The reader with this name.
///
/// # Errors
/// If there is no such reader. The message has the names of all readers.
pub async fn reader_named(store: &Store, name: &ReaderName) -> anyhow::Result<Reader> {
    let now = Timestamp::now();
    if let Some(reader) = store.reader_named(name, now).await? {
        return Ok(reader);
    }
    let readers = store.readers(now).await?;
    let names: Vec<&str> = readers.iter().map(|reader| reader.name.as_str()).collect();
    bail!(
        "there is no reader called {name}; the archive has {}. `backissue reader add` adds one",
        names.join(", ")
    )
}

fn no_archive(settings: &Settings) -> NoArchive {
    let origin =
        if settings.database.value.is_some() { &settings.database.origin } else { &settings.data.origin };
    NoArchive { location: place(settings), origin: origin.clone() }
}

/// Opens the archive. Creates it if there is none, and prints that.
pub async fn store_or_new(settings: &Settings) -> anyhow::Result<Store> {
    check(settings)?;
    let is_new = is_new(settings).await?;
    let store = Store::look_at(&settings.location()?).await?;
    tell_new(settings, is_new);
    Ok(store)
}

/// Whether opening the archive creates it. False for the demo, whose archive is temporary.
async fn is_new(settings: &Settings) -> anyhow::Result<bool> {
    let is_demo = settings.data.origin == Origin::Flag("demo".into());
    Ok(!is_demo && !Store::is_archive(&settings.location()?).await?)
}

fn tell_new(settings: &Settings, is_new: bool) {
    if is_new {
        tell!("A new archive in {}.", place(settings));
    }
}

/// The data folder, or the database if that is elsewhere.
fn place(settings: &Settings) -> String {
    match settings.location() {
        Ok(location @ Location::Postgres(_)) => location.to_string(),
        _ => settings.data.value.display().to_string(),
    }
}

/// Checks what the work needs before anything is changed: the models, the certificate files.
pub fn check(settings: &Settings) -> anyhow::Result<()> {
    if let Some(name) = &settings.embed_with.value {
        model(settings, name).context("in the setting `embed_with`")?;
    }
    ingest_settings(settings)?;
    fetcher(settings)?;
    Ok(())
}

/// Opens the archive for the only process that fetches into it. Only this process files reads again
/// if the `time_zone` setting has changed; without the setting, the archive's own time zone stays.
pub async fn store_to_work_on(settings: &Settings) -> anyhow::Result<(Store, WorkLock)> {
    match store_to_work_on_if_free(settings).await? {
        Some(free) => Ok(free),
        None => bail!(
            "another backissue is fetching into {} at this moment; stop it first, or let it do the work",
            settings.data.value.display()
        ),
    }
}

/// Opens the archive as [`store_to_work_on`] does. Returns `None` if another process already works
/// on the archive.
pub async fn store_to_work_on_if_free(settings: &Settings) -> anyhow::Result<Option<(Store, WorkLock)>> {
    check(settings)?;
    let location = settings.location()?;
    let is_new = is_new(settings).await?;
    let Some(lock) = WorkLock::take(&location)? else { return Ok(None) };
    let store = match settings.time_zone.origin {
        Origin::Default => Store::look_at(&location).await?,
        _ => Store::open(&location, &settings.time_zone.value.0).await?,
    };
    tell_new(settings, is_new);
    let store = store.with_source_limit(settings.source_limit.value.0);
    store.forget_wrong_clock(Timestamp::now()).await?;
    if matches!(location, Location::Sqlite(_)) {
        // No other process can hold a lease; these are from a process that was killed.
        store.release_leases().await?;
    }
    Ok(Some((store, lock)))
}

/// The folder of the search index: next to the database, or in the data folder if the database is
/// elsewhere.
pub fn index_folder(settings: &Settings) -> anyhow::Result<PathBuf> {
    let folder = match settings.location()? {
        Location::Sqlite(file) => file.parent().map_or_else(|| settings.data.value.clone(), Path::to_owned),
        Location::Postgres(_) => settings.data.value.clone(),
    };
    Ok(folder.join("index"))
}

/// Opens the archive's search index, or creates it.
pub async fn search(settings: &Settings, store: &Store) -> anyhow::Result<Search> {
    let embedder = match &settings.embed_with.value {
        None => Embedders::BuiltIn,
        Some(name) => {
            let model = model(settings, name).context("in the setting `embed_with`")?;
            Embedders::Server(Arc::new(EmbeddingServer::new(model)))
        }
    };
    Ok(Search::open(store.clone(), &index_folder(settings)?, embedder).await?)
}

/// Opens the search index and brings it up to date. If another process is doing that, the index is
/// used as it is.
pub async fn search_caught_up(settings: &Settings, store: &Store) -> anyhow::Result<Search> {
    let search = search(settings, store).await?;
    let mut bar = TakingIn::default();
    let caught = search.catch_up(|progress| bar.tell(progress)).await?;
    drop(bar);
    if let Some(Coverage { indexed, reads }) = search.missing().await? {
        let why = match caught {
            Caught::ReadOnly => "which is read-only",
            _ => "which is being built",
        };
        let folder = search.index().folder().display();
        tell!("Searched {indexed} of {reads} reads: those in the index {folder}, {why}.");
    }
    Ok(search)
}

/// The HTTP client.
pub fn fetcher(settings: &Settings) -> anyhow::Result<Fetcher> {
    let mut fetch = FetchSettings {
        resolve: settings.resolve.value.clone(),
        ca: settings.ca.value.clone(),
        allow_private_addresses: settings.allow_private_addresses.value,
        contact_url: settings.contact.value.clone(),
        host_pause: Duration::try_from(settings.host_pause.value.0)?,
        longest_pause: Duration::try_from(settings.longest_crawl_delay.value.0)?,
        connect_timeout: Duration::try_from(settings.connect_timeout.value.0)?,
        first_byte_timeout: Duration::try_from(settings.first_byte_timeout.value.0)?,
        total_timeout: Duration::try_from(settings.total_timeout.value.0)?,
        ..FetchSettings::default()
    };
    fetch.allowed_ports.extend(&settings.allow_port.value);
    Ok(Fetcher::new(fetch)?)
}

/// The HTTP client of workers. With PostgreSQL, all processes take turns at a host.
pub fn fetcher_of_workers(settings: &Settings, store: &Store) -> anyhow::Result<Fetcher> {
    let fetcher = fetcher(settings)?;
    if store.is_shared() {
        fetcher.share_turns(Arc::new(TurnsInStore::new(store.clone())));
    }
    Ok(fetcher)
}

/// Why nothing is fetched from an address. Returns `None` if it is public, or if private addresses
/// are allowed.
pub fn why_not_fetched(settings: &Settings, url: &Url) -> Option<&'static str> {
    if settings.allow_private_addresses.value { None } else { why_url_not_public(url) }
}

/// The program's public address, if the operator has configured one that is public.
pub fn public_address(settings: &Settings) -> Option<Url> {
    settings.base_url.value.clone().filter(|url| why_not_fetched(settings, url).is_none())
}

/// The workers.
pub fn ingest(store: Store, fetcher: Fetcher, settings: &Settings) -> anyhow::Result<Arc<Ingest>> {
    Ok(Ingest::new(store, fetcher, ingest_settings(settings)?))
}

/// The workers of a process that hubs can reach at the public address, if there is one.
pub fn ingest_reachable(store: Store, fetcher: Fetcher, settings: &Settings) -> anyhow::Result<Arc<Ingest>> {
    let callbacks = public_address(settings);
    Ok(Ingest::new(store, fetcher, IngestSettings { callbacks, ..ingest_settings(settings)? }))
}

fn ingest_settings(settings: &Settings) -> anyhow::Result<IngestSettings> {
    let annotate_with = match &settings.annotate_with.value {
        Some(name) => Some(asker(settings, name).context("in the setting `annotate_with`")?),
        None => None,
    };
    let usual = IngestSettings::default();
    Ok(IngestSettings {
        workers: settings.workers.value.into(),
        poll_every: settings.poll_every.value.0,
        // A step sends at most three requests (robots.txt, a page, its target), and waits as often
        // for others at the host.
        lease: match settings.lease.origin {
            Origin::Default => usual.lease.max(settings.total_timeout.value.0.saturating_mul(8)),
            _ => settings.lease.value.0,
        },
        archive_limit: settings.archive_limit.value.0,
        annotate_with,
        ..usual
    })
}

/// How the pages show images. A cache fetches missing ones with `ingest`, if there is one.
pub fn images(settings: &Settings, ingest: Option<Arc<Ingest>>) -> Images {
    match settings.images.value {
        ImagesShown::Load => Images::Load,
        ImagesShown::Click => Images::Click,
        ImagesShown::Cache => {
            let folder = settings.data.value.join("images");
            let cache = ImageCache::new(&folder, settings.image_cache_limit.value.0, ingest);
            Images::Cache(Arc::new(ForPages(cache)))
        }
    }
}

/// Adapts the cache for the pages.
#[derive(Debug)]
struct ForPages(ImageCache);

impl backissue_web::ImageCache for ForPages {
    fn image(&self, url: Url) -> Pin<Box<dyn Future<Output = Result<Image, String>> + Send + '_>> {
        Box::pin(async move {
            let image = self.0.image(&url).await.map_err(|why| why.to_string())?;
            Ok(Image { media_type: image.media_type, bytes: image.bytes })
        })
    }
}

/// The model called `name` in the settings.
fn model(settings: &Settings, name: &str) -> anyhow::Result<Model> {
    model_of(settings, row(settings, name)?)
}

/// The row of the model called `name` in the settings.
pub fn row<'s>(settings: &'s Settings, name: &str) -> anyhow::Result<&'s ModelRow> {
    let mut rows = settings.models.value.iter().filter(|row| row.name == name);
    let Some(row) = rows.next() else {
        let names: Vec<&str> = settings.models.value.iter().map(|row| row.name.as_str()).collect();
        bail!(
            "no model is called `{name}`; the configuration file {} has {}",
            settings.config.value.display(),
            if names.is_empty() { "no [[model]]".to_owned() } else { names.join(", ") }
        );
    };
    ensure!(rows.next().is_none(), "two models are called `{name}`; give one of them another name");
    Ok(row)
}

/// The model of a row, which may not be in the settings yet.
fn model_of(settings: &Settings, row: &ModelRow) -> anyhow::Result<Model> {
    let name = row.name.as_str();
    ensure!(name != BUILT_IN, "no model may be called `{BUILT_IN}`, which is the annotator without a model");
    let key = match (&row.key, &row.key_env) {
        (Some(_), Some(_)) => bail!("model `{name}` has both `key` and `key_env`; leave one of them out"),
        (Some(key), None) => Some(key.clone()),
        (None, Some(variable)) => {
            let key = std::env::var(variable).with_context(|| {
                format!("model `{name}` takes its key from ${variable}, which is not set; set it, or leave `key_env` out")
            })?;
            ensure!(
                !key.trim().is_empty(),
                "model `{name}` takes its key from ${variable}, which is empty; set it to the key, or leave `key_env` out"
            );
            Some(Secret::new(&key))
        }
        (None, None) => None,
    };
    let usual = ModelSettings::new(name, row.protocol, &row.model);
    let timeout = row.timeout.map(|pause| Duration::try_from(pause.0)).transpose()?;
    Ok(Model::new(
        ModelSettings {
            url: row.url(),
            key,
            timeout: timeout.unwrap_or(usual.timeout),
            concurrency: row.concurrency.map_or(usual.concurrency, usize::from),
            ..usual
        },
        &settings.ca.value,
    )?)
}

/// The model called `name` in the settings, with its limits.
pub fn asker(settings: &Settings, name: &str) -> anyhow::Result<Arc<Asker>> {
    asker_of(settings, row(settings, name)?)
}

/// The model of a row, with its limits.
pub fn asker_of(settings: &Settings, row: &ModelRow) -> anyhow::Result<Arc<Asker>> {
    let name = row.name.as_str();
    let annotator = model_of(settings, row)?;
    let mut asker = Asker::new(annotator);
    asker.limits = Limits { reads: row.reads_per_day, tokens: row.tokens_per_day };
    asker.prompt.characters = row.article_characters.unwrap_or(asker.prompt.characters);
    asker.prompt.version = row.prompt.unwrap_or_default();
    if let Some(checker) = settings.check_with.value.as_deref().filter(|checker| *checker != name) {
        asker.checker = Some(model(settings, checker).context("in the `check_with` setting")?);
    }
    Ok(Arc::new(asker))
}

/// The path to which an OpenID provider sends browsers back.
const OPENID_BACK: &str = "/login/openid/done";

/// The OpenID provider at which readers log in, if one is configured.
///
/// # Errors
/// If the settings contradict each other, or the secret's file cannot be read.
pub fn openid(settings: &Settings) -> anyhow::Result<Option<OpenId>> {
    let Some(issuer) = settings.openid_issuer.value.clone() else { return Ok(None) };
    ensure!(
        settings.readers.value == HowMany::Several,
        "`openid_issuer` says who readers are, so it needs readers = \"several\""
    );
    let base_url = settings.base_url.value.clone();
    let mut redirect = base_url.context(
        "`openid_issuer` needs `base_url`, the address of these pages, to which the provider sends browsers back",
    )?;
    redirect.set_path(OPENID_BACK);
    let client = settings.openid_client.value.clone();
    let client = client.context("`openid_issuer` needs `openid_client`, the client id from the provider")?;
    let secret = match (&settings.openid_secret.value, &settings.openid_secret_file.value) {
        (Some(_), Some(_)) => {
            bail!("there are `openid_secret` and `openid_secret_file`; leave one of them out")
        }
        (Some(secret), None) => Some(secret.clone()),
        (None, Some(file)) => Some(secret_in(file)?),
        (None, None) => None,
    };
    let make_readers = settings.openid_unknown_users.value == UnknownUsers::Reader;
    let domains = settings.openid_domains.value.clone();
    ensure!(
        make_readers || domains.is_empty(),
        "`openid_domains` says who becomes a reader, so it needs openid_unknown_users = \"reader\""
    );
    let (name, ca) = (settings.openid_name.value.clone(), settings.ca.value.clone());
    let provider = Provider::new(ProviderSettings { issuer, client, secret, redirect, name, ca })?;
    Ok(Some(OpenId { provider: Arc::new(provider), make_readers, domains }))
}

fn secret_in(file: &Path) -> anyhow::Result<Secret> {
    let place = format!("the file {} of `openid_secret_file`", file.display());
    let text = text::of_file(file).with_context(|| format!("{place} cannot be read"))?;
    ensure!(!text.trim().is_empty(), "{place} is empty");
    Ok(Secret::new(&text))
}

/// Facts about the archive for documents.
pub fn site(settings: &Settings, store: &Store) -> Site {
    Site {
        title: "Backissue".to_owned(),
        base_url: settings.base_url.value.clone(),
        time_zone: store.zone().clone(),
        layout: Layout::Served,
    }
}

/// The sender of the archive's weeks and alerts.
pub async fn sender(settings: &Settings, store: &Store, search: &Search) -> anyhow::Result<Sender> {
    Ok(Sender::new(store.clone(), search.clone(), site(settings, store)).await?)
}

/// The configured starter list, or the built-in one.
pub fn starter(settings: &Settings) -> anyhow::Result<Starter> {
    match &settings.starter.value {
        None => Ok(Starter::builtin()),
        Some(path) => {
            let text = text::of_file(path).with_context(|| {
                format!("the starter list {} cannot be read; check the `starter` setting", path.display())
            })?;
            Starter::parse(&text).with_context(|| format!("in {}", path.display()))
        }
    }
}

/// Takes the permission to work on an archive. Returns `None` if another process has it.
pub fn work_lock(location: &Location) -> anyhow::Result<Option<WorkLock>> {
    WorkLock::take(location)
}

/// Whether no process works on this archive, as far as this process can know.
pub fn is_free(settings: &Settings) -> anyhow::Result<bool> {
    Ok(WorkLock::take(&settings.location()?)?.is_some())
}

/// The permission to fetch into a data folder, for one process at a time. With PostgreSQL, several
/// processes may work on one archive, because the leases of rows separate their work.
#[derive(Debug)]
pub struct WorkLock {
    _file: Option<File>,
}

impl WorkLock {
    /// Takes the permission. Returns `None` if another process has it.
    fn take(location: &Location) -> anyhow::Result<Option<Self>> {
        let Location::Sqlite(database) = location else { return Ok(Some(Self { _file: None })) };
        let path = database.with_file_name("fetching.lock");
        if let Some(folder) = path.parent() {
            make_private_folder(folder).with_context(|| {
                format!("the data folder {} cannot be made; name another with --data DIR", folder.display())
            })?;
        }
        let file =
            File::options().create(true).write(true).truncate(false).open(&path).with_context(|| {
                format!("{} cannot be opened; check that the data folder can be written", path.display())
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
            Err(std::fs::TryLockError::Error(why)) => {
                return Err(why).with_context(|| format!("{} cannot be locked", path.display()));
            }
        }
        Ok(Some(Self { _file: Some(file) }))
    }
}
