//! `backissue serve`: the pages, and the sync in the background.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use backissue_demo::Demo;
use backissue_fetch::Fetcher;
use backissue_ingest::{HubAnswer, HubQuestion, Ingest};
use backissue_llm::is_on_this_machine;
use backissue_model::Progress;
use backissue_search::{Caught, Search, SearchFailure};
use backissue_send::{Caller, Way};
use backissue_store::{Store, StoreError};
use backissue_web::{
    Accounts, FormKey, HubCalls, HubQuery, HubReply, Limits, LogIn, OpenId, OwnDigests, Proxies, ProxyUsers,
    Readers, SiteSettings, Subscriptions,
};
use clap::error::ErrorKind;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::args::{ServeArgs, command_line};
use crate::commands::{follow, prune};
use crate::exit::Outcome;
use crate::operator::Serving;
use crate::output::{PLAIN, STRONG, tell};
use crate::progress::Bars;
use crate::settings::{Origin, Setting, Settings};
use crate::signals::Signals;
use crate::values::{HowMany, Pause, UnknownUsers};
use crate::{figures, noticed, open, output, progress, recipients, supervisor};

/// How often to check whether the database's file still exists.
const LOOK_AT_FILE_EVERY: Duration = Duration::from_secs(2);

/// Maximum wait for a week that is being sent, after the signal to stop.
pub(super) const SENDING_ENDS_WITHIN: Duration = Duration::from_secs(20);

/// How often to check for changes that the search index lacks.
pub(super) const INDEX_EVERY: Duration = Duration::from_secs(2);

/// Serves until a signal.
pub async fn run(args: ServeArgs, mut settings: Settings) -> anyhow::Result<Outcome> {
    if args.demo {
        refuse_own_archive(&settings);
    }
    let demo = if args.demo { Some(prepare_demo(&mut settings).await?) } else { None };
    let (store, lock) = if args.no_fetch {
        (open::store_or_new(&settings).await?, None)
    } else {
        open::store_to_work_on(&settings).await.map(|(store, lock)| (store, Some(lock)))?
    };
    figures::collect()?;
    let search = open::search(&settings, &store).await?;
    let listener = listen(settings.listen.value).await?;
    let address = listener.local_addr()?;

    let stop = CancellationToken::new();
    let signals = Signals::listen(stop.clone());
    let fetcher = open::fetcher_of_workers(&settings, &store)?;
    let work = match lock {
        None => None,
        Some(lock) => Some(begin_work(lock, &store, fetcher.clone(), &settings, demo.as_ref()).await?),
    };
    let progress = work
        .as_ref()
        .map_or_else(|| watch::Sender::new(Progress::default()).subscribe(), |w| w.ingest.progress());

    let proxies = proxies(&settings)?;
    let openid = open::openid(&settings)?;
    let (readers, why_read_only) = readers(&store, address, &settings, openid).await;
    let site = SiteSettings {
        base_url: settings.base_url.value.clone(),
        time_zone: store.zone().clone(),
        demo: demo.is_some(),
        requests_per_minute: settings.requests_per_minute.value,
        ..SiteSettings::default()
    };
    let sender = open::sender(&settings, &store, &search).await?;
    let mailings = recipients::all(&settings)?;
    let unsubscribe = mailings.iter().filter(|recipient| matches!(recipient.way, Way::Mail(..)));
    let unsubscribe =
        unsubscribe.map(|recipient| (sender.unsubscribe_token(&recipient.name), recipient.name.clone()));
    let asked = Arc::new(Notify::new());
    // Without work here, another process mails the links.
    let when = recipients::subscribers_get_it(&mailings);
    let subscriptions = when.map(|when| Subscriptions::new(&when, Arc::clone(&asked)));
    let own_digests = recipients::has_readers(&mailings).then(|| OwnDigests::new(Arc::clone(&asked)));
    let router = backissue_web::router(backissue_web::State {
        store: store.clone(),
        search: search.clone(),
        progress,
        site,
        images: open::images(&settings, work.as_ref().map(|work| Arc::clone(&work.ingest))),
        readers,
        public: settings.public.value,
        proxies,
        unsubscribe: unsubscribe.collect(),
        subscriptions,
        own_digests,
        operator: Some(Arc::new(Serving::new(&settings, store.clone(), fetcher.clone(), work.is_some()))),
        page_cache: settings.page_cache.value.0,
    });
    // Without workers here, hubs are answered for those elsewhere.
    let hubs = match &work {
        Some(work) => work.ingest.clone(),
        None => open::ingest_reachable(store.clone(), fetcher, &settings)?,
    };
    let router = match open::public_address(&settings) {
        Some(_) => router.merge(backissue_web::hub_router(Calls { ingest: hubs })),
        None => router,
    };
    tell_address(address, demo.is_some());
    if let Some(why) = why_read_only {
        tell!("{why}");
    }
    if demo.is_none() && settings.annotate_with.value.is_none() {
        tokio::spawn(tell_noticed(settings.clone()));
    }
    let sending = work.is_some().then(|| {
        let stop = stop.clone();
        let gather = settings.gather_answers.value.0;
        tokio::spawn(backissue_send::keep_sending(sender, mailings, gather, asked, stop.cancelled_owned()))
    });
    let caller = Caller::new(store.clone(), open::site(&settings, &store), &settings.ca.value).await?;
    let calling = work.is_some().then(|| {
        let stop = stop.clone();
        tokio::spawn(backissue_send::keep_calling(caller, stop.cancelled_owned()))
    });
    let comparing = tokio::spawn(backissue_send::keep_comparing(
        store.clone(),
        search.clone(),
        INDEX_EVERY,
        stop.clone().cancelled_owned(),
    ));
    let follow_up = work.as_ref().map(|w| tokio::spawn(tell_progress(w.ingest.progress())));
    let indexing = tokio::spawn(index(search, stop.clone()));
    let pruning =
        work.is_some().then(|| tokio::spawn(prune::daily(store.clone(), settings.clone(), stop.clone())));
    let worker = work.map(|work| work.start(stop.clone()));
    let file = tokio::spawn(watch_file(store.clone(), stop.clone()));

    let heartbeat = supervisor::ready(&format!("Serving at http://{address}"));
    let stopping = stop.clone();
    let serving = async move {
        backissue_web::serve(listener, router, Limits::default(), stopping).await?;
        if let Some(worker) = worker {
            worker.await.context("the sync stopped")??;
        }
        indexing.await.context("the search index stopped")?;
        if let Some(pruning) = pruning {
            pruning.await.context("the removal of old articles stopped")?;
        }
        comparing.await.context("the comparing with saved searches stopped")?;
        if let Some(calling) = calling {
            end_calling(calling).await?;
        }
        if let Some(sending) = sending {
            match tokio::time::timeout(SENDING_ENDS_WITHIN, sending).await {
                Ok(ended) => ended.context("the sending stopped")?,
                Err(_) => tell!("A week was being sent; the next `serve` sends it again."),
            }
        }
        file.await?
    };
    let served = signals.unless_hurried(serving).await;
    if let Some(heartbeat) = heartbeat {
        heartbeat.abort();
    }
    if let Some(follow_up) = follow_up {
        follow_up.abort();
    }
    served?;
    store.close().await;
    tell!("Stopped; nothing was left half done.");
    Ok(Outcome::Fine)
}

/// Waits for a message to a webhook that is being sent.
pub(super) async fn end_calling(calling: JoinHandle<()>) -> anyhow::Result<()> {
    match tokio::time::timeout(SENDING_ENDS_WITHIN, calling).await {
        Ok(ended) => ended.context("the telling of webhooks stopped"),
        Err(_) => {
            anstream::eprintln!("A webhook was being told something; it is told again after the next start.");
            Ok(())
        }
    }
}

/// The name of the archive's flag that stores the secret key of forms.
const FORM_KEY: &str = "form_key";

/// The proxies in front of the pages.
fn proxies(settings: &Settings) -> anyhow::Result<Proxies> {
    let networks = settings.trusted_proxies.value.clone();
    let make_readers = settings.proxy_unknown_users.value == UnknownUsers::Reader;
    let users = settings.proxy_user_header.value.clone();
    let users = users.map(|header| ProxyUsers { header, make_readers });
    if users.is_some() {
        ensure!(
            !networks.is_empty(),
            "`proxy_user_header` needs `trusted_proxies`, since anybody could send that header; name the proxy's network, \
             for example 127.0.0.1"
        );
        ensure!(
            settings.readers.value == HowMany::Several,
            "`proxy_user_header` names readers, so it needs readers = \"several\""
        );
    }
    Ok(Proxies { networks, users })
}

/// How readers are identified. There may be no reader at present because no password is set. A
/// single reader needs no password if only this machine can reach the pages.
async fn readers(
    store: &Store,
    address: SocketAddr,
    settings: &Settings,
    openid: Option<OpenId>,
) -> (Readers, Option<String>) {
    let base_url = settings.base_url.value.as_ref();
    let reached_as = match base_url {
        Some(url) if !is_on_this_machine(url) => Some(url.to_string()),
        _ => (!address.ip().is_loopback()).then(|| address.to_string()),
    };
    let secret = FormKey::new_secret();
    let found =
        tokio::try_join!(store.flag_or(FORM_KEY, &secret), store.first_operator(), store.has_passwords());
    let (key, operator, has_passwords) = match found {
        Ok((secret, operator, has_passwords)) => (FormKey::of(&secret), operator, has_passwords),
        Err(error) => {
            let why = format!("These pages are read-only: {error}");
            return (Readers::ReadOnly(why.clone()), Some(why));
        }
    };
    let is_https = base_url.is_some_and(|url| url.scheme() == "https");
    let (accounts, why, has_password) = match (settings.readers.value, reached_as) {
        (HowMany::One, None) => return (Readers::one(key, operator), None),
        (HowMany::One, Some(reached_as)) => {
            let why = format!(
                "These pages are read-only: others can reach them at {reached_as}, and there is no password. To keep \
                 and mark reads, run `backissue reader password`, or listen on 127.0.0.1 and set no base_url."
            );
            (Accounts::One(operator), why, store.has_password(operator).await.unwrap_or_default())
        }
        (HowMany::Several, _) if settings.proxy_user_header.value.is_some() || openid.is_some() => {
            (Accounts::Several { save: settings.readers_save.value }, String::new(), true)
        }
        (HowMany::Several, _) => {
            let why =
                "These pages are read-only: each of the several readers logs in, and nobody has a password. \
                       Run `backissue reader password` for the operator, then invite others on /readers."
                    .to_owned();
            (Accounts::Several { save: settings.readers_save.value }, why, has_passwords)
        }
    };
    let log_in = LogIn::new(key, accounts, is_https, &why).with_openid(openid);
    (Readers::LogIn(log_in), (!has_password).then_some(why))
}

/// Passes requests of hubs to the workers.
#[derive(Clone)]
struct Calls {
    ingest: Arc<Ingest>,
}

impl HubCalls for Calls {
    async fn knows(&self, token: &str) -> HubReply {
        match self.ingest.knows_hub(token).await {
            Ok(true) => HubReply::Heard,
            Ok(false) => HubReply::Unknown,
            Err(error) => HubReply::Trouble(error.to_string()),
        }
    }

    async fn asked(&self, token: &str, question: HubQuery) -> HubReply {
        let HubQuery { mode, topic, challenge, lease_seconds, reason } = question;
        let question = HubQuestion { mode, topic, challenge, lease_seconds, reason };
        reply(self.ingest.asked_by_hub(token, question).await)
    }

    async fn told(&self, token: &str, signature: Option<&str>, body: &[u8]) -> HubReply {
        reply(self.ingest.told_by_hub(token, signature, body).await)
    }
}

fn reply(answer: Result<HubAnswer, StoreError>) -> HubReply {
    match answer {
        Ok(HubAnswer::Agreed(challenge)) => HubReply::Challenge(challenge),
        Ok(HubAnswer::Heard) => HubReply::Heard,
        Ok(HubAnswer::Unknown) => HubReply::Unknown,
        Err(error) => HubReply::Trouble(error.to_string()),
    }
}

/// The sync in the background.
pub(super) struct Work {
    pub(super) ingest: Arc<Ingest>,
    lock: open::WorkLock,
}

impl Work {
    /// Runs until stopped. If it fails, serving stops too, because pages that never change would
    /// look healthy.
    pub(super) fn start(self, stop: CancellationToken) -> JoinHandle<anyhow::Result<()>> {
        tokio::spawn(async move {
            let result = self.ingest.run(&stop).await;
            stop.cancel();
            drop(self.lock);
            Ok(result?)
        })
    }
}

pub(super) async fn begin_work(
    lock: open::WorkLock,
    store: &Store,
    fetcher: Fetcher,
    settings: &Settings,
    demo: Option<&InDemo>,
) -> anyhow::Result<Work> {
    match demo {
        Some(demo) => {
            for source in demo.blogs.sources() {
                store.follow(&source, Timestamp::now()).await?;
            }
        }
        None => {
            let begun_with = follow::first_dozen(store, settings).await?;
            if begun_with > 0 {
                tell!("A new archive, following {begun_with} blogs. `backissue starter` offers more.");
            }
        }
    }
    Ok(Work { ingest: open::ingest_reachable(store.clone(), fetcher, settings)?, lock })
}

/// The demo's blogs and its temporary folder. Dropping it stops and removes both.
pub(super) struct InDemo {
    blogs: Demo,
    _folder: tempfile::TempDir,
}

/// Ends the program if flags name an archive, which the demo would not use.
fn refuse_own_archive(settings: &Settings) {
    let (data, database) = (&settings.data.origin, &settings.database.origin);
    for (name, origin) in [("data", data), ("database", database)] {
        if matches!(origin, Origin::Flag(_)) {
            let why = format!(
                "the argument '--demo' cannot be used with '--{name}': the demo has a separate archive in a temporary folder\n"
            );
            command_line().error(ErrorKind::ArgumentConflict, why).exit();
        }
    }
}

/// Starts the demo's blogs and adapts the settings: a temporary folder, the blogs' names and port.
async fn prepare_demo(settings: &mut Settings) -> anyhow::Result<InDemo> {
    let blogs = Demo::start(Timestamp::now()).await?;
    let folder = tempfile::Builder::new()
        .prefix("backissue-demo-")
        .tempdir()
        .context("no temporary folder can be made")?;
    let address = blogs.address();
    let decreed = |name: String| format!("{name}:{}:{}", address.port(), address.ip()).parse();
    settings.resolve.value = blogs.hosts().into_iter().map(decreed).collect::<Result<_, _>>()?;
    settings.allow_private_addresses.value = true;
    settings.allow_port.value = vec![address.port()];
    settings.host_pause.value = Pause(SignedDuration::ZERO);
    settings.database.value = None;
    settings.annotate_with.value = None;
    settings.check_with.value = None;
    settings.embed_with.value = None;
    settings.recipients.value = Vec::new();
    settings.mail.value = None;
    settings.readers.value = HowMany::One;
    settings.proxy_user_header.value = None;
    settings.openid_issuer.value = None;
    settings.data = Setting { value: folder.path().to_owned(), origin: Origin::Flag("demo".into()) };
    Ok(InDemo { blogs, _folder: folder })
}

/// Stops the program when the database's file is deleted or replaced. Otherwise everything that is
/// written would be lost, and the pages would not show what is on the disk.
pub(super) async fn watch_file(store: Store, stop: CancellationToken) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        if !store.is_in_place() {
            stop.cancel();
            anyhow::bail!(
                "the file of the database {} was deleted or replaced while backissue was running; see that the right file is \
                 there, then start again",
                store.location()
            );
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AT_FILE_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

/// Keeps the search index up to date with the archive. A failure is reported once, and then tried
/// again, because the pages work without the index.
pub(super) async fn index(search: Search, stop: CancellationToken) {
    let mut told = None;
    let tell = |caught: Result<Caught, SearchFailure>| {
        let failure = caught.err().map(|failure| failure.to_string());
        if let Some(failure) = failure.as_ref().filter(|failure| told.as_ref() != Some(*failure)) {
            tell!("{failure}");
        }
        told = failure;
    };
    backissue_search::follow(search, INDEX_EVERY, stop.cancelled_owned(), tell).await;
}

pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; if another program holds that port, choose one with --listen 127.0.0.1:PORT")
    })
}

fn tell_address(address: SocketAddr, demo: bool) {
    let what = if demo { "Backissue's demo is" } else { "Backissue is" };
    tell!("{what} at {STRONG}http://{address}{PLAIN}  (Ctrl-C stops it)");
}

/// Prints once which models could be used, and the command for it.
async fn tell_noticed(settings: Settings) {
    let noticed = noticed::look(&settings).await;
    if let Some(command) = noticed.command() {
        let told = format!(
            "Noticed {}. Nothing is sent there; {command} lets a model write the précis.",
            noticed.told()
        );
        tell!("{told}");
    }
}

/// Shows the sync in the terminal: bars if there is a terminal, and each source's trouble once.
async fn tell_progress(progress: watch::Receiver<Progress>) {
    let bars = std::io::stderr().is_terminal().then(|| Bars::follow(progress.clone()));
    let line = |text: String| match &bars {
        Some(bars) => bars.say(text),
        None => tell!("{text}"),
    };
    // Without a terminal, the log has each source's trouble.
    let tells_troubles = bars.is_some();
    let mut progress = progress;
    let mut told = HashMap::new();
    let mut warned = false;
    loop {
        let now = progress.borrow_and_update().clone();
        for trouble in now.troubles.iter().filter(|_| tells_troubles) {
            if told.insert(trouble.source.clone(), trouble.reason.clone()).as_ref() != Some(&trouble.reason) {
                line(output::safe(&format!("{}: {}", trouble.source, trouble.reason)));
            }
        }
        let all_asked = now.sources_polled > 0 && now.sources_polled == now.sources_due;
        if let Some(words) = progress::nobody_answered(&now).filter(|_| all_asked && !warned) {
            warned = true;
            line(words.to_owned());
        }
        if progress.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_mean_this_machine() {
        for own in
            ["http://localhost:7878/", "http://backissue.localhost/", "http://127.0.0.2/", "http://[::1]:1/"]
        {
            assert!(is_on_this_machine(&own.parse().unwrap()), "{own}");
        }
        for other in [
            "https://reads.example.org/", "http://192.168.1.5/", "http://localhost.example/",
            "http://0.0.0.0/",
        ] {
            assert!(!is_on_this_machine(&other.parse().unwrap()), "{other}");
        }
    }
}
