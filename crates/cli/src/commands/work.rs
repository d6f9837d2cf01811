//! `backissue work`: fetches, annotates and sends without pages, beside other processes.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use backissue_send::Caller;
use backissue_store::Store;
use backissue_web::Limits;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::args::WorkArgs;
use crate::commands::prune;
use crate::commands::serve::{self, INDEX_EVERY, SENDING_ENDS_WITHIN};
use crate::exit::Outcome;
use crate::operator::Serving;
use crate::output::tell;
use crate::settings::Settings;
use crate::signals::Signals;
use crate::{figures, open, recipients, supervisor};

/// Works until a signal.
pub async fn run(args: WorkArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let (store, lock) = open::store_to_work_on(&settings).await?;
    figures::collect()?;
    let search = open::search(&settings, &store).await?;
    let monitor = match args.monitor {
        Some(address) => Some(serve::listen(address).await?),
        None => None,
    };
    if let Some(listener) = &monitor {
        tell!("Health and figures are at http://{}", listener.local_addr()?);
    }
    let stop = CancellationToken::new();
    let signals = Signals::listen(stop.clone());
    let fetcher = open::fetcher_of_workers(&settings, &store)?;
    let operator = Arc::new(Serving::new(&settings, store.clone(), fetcher.clone(), true));
    let work = serve::begin_work(lock, &store, fetcher, &settings, None).await?;
    let sender = open::sender(&settings, &store, &search).await?;
    let mailings = recipients::all(&settings)?;
    let gather = settings.gather_answers.value.0;
    // Who subscribes does so in another process. The next round sees it.
    let asked = Arc::new(Notify::new());
    let ended = stop.clone().cancelled_owned();
    let sending = backissue_send::keep_sending(sender, mailings, gather, asked, ended);
    let sending = tokio::spawn(sending);
    let caller = Caller::new(store.clone(), open::site(&settings, &store), &settings.ca.value).await?;
    let calling = tokio::spawn(backissue_send::keep_calling(caller, stop.clone().cancelled_owned()));
    let ended = stop.clone().cancelled_owned();
    let comparing = backissue_send::keep_comparing(store.clone(), search.clone(), INDEX_EVERY, ended);
    let comparing = tokio::spawn(comparing);
    let indexing = tokio::spawn(serve::index(search, stop.clone()));
    let file = tokio::spawn(serve::watch_file(store.clone(), stop.clone()));
    let base_url = settings.base_url.value.clone();
    let monitoring = monitor
        .map(|listener| tokio::spawn(watch(listener, store.clone(), operator, base_url, stop.clone())));
    let pruning = tokio::spawn(prune::daily(store.clone(), settings.clone(), stop.clone()));
    let worker = work.start(stop.clone());
    tell!("Backissue works on {}  (Ctrl-C stops it)", store.location());
    let heartbeat = supervisor::ready("Working");

    let working = async move {
        worker.await.context("the sync stopped")??;
        indexing.await.context("the search index stopped")?;
        pruning.await.context("the removal of old articles stopped")?;
        comparing.await.context("the comparing with saved searches stopped")?;
        if let Some(monitoring) = monitoring {
            monitoring.await.context("the monitor stopped")??;
        }
        serve::end_calling(calling).await?;
        match tokio::time::timeout(SENDING_ENDS_WITHIN, sending).await {
            Ok(ended) => ended.context("the sending stopped")?,
            Err(_) => tell!("A week was being sent; the next process sends it again."),
        }
        file.await?
    };
    let worked = signals.unless_hurried(working).await;
    if let Some(heartbeat) = heartbeat {
        heartbeat.abort();
    }
    worked?;
    store.close().await;
    tell!("Stopped; nothing was left half done.");
    Ok(Outcome::Fine)
}

/// Serves health and figures. The figures need the token, unless only this machine can ask.
async fn watch(
    listener: TcpListener,
    store: Store,
    operator: Arc<Serving>,
    base_url: Option<Url>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let is_own = listener.local_addr().is_ok_and(|address: SocketAddr| address.ip().is_loopback());
    let router = backissue_web::worker_router(store, operator, base_url, is_own);
    Ok(backissue_web::serve(listener, router, Limits::default(), stop).await?)
}
