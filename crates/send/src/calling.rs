//! Notifies webhooks of events: composes each message, claims it, delivers it signed, and stores
//! the result.
//!
//! A failed message is sent again after a pause that grows with each attempt. It is given up after
//! [`ATTEMPTS_MAX`] attempts. If the process dies or no response comes, a message may arrive twice,
//! with the same id.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backissue_digest::Site;
use backissue_digest::chat::Service;
use backissue_model::{Week, check_address_length};
use backissue_store::{Call, CallResult, ReadSummary, Store, StoreError, Subject, Webhook};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tracing::{info, warn};
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

use crate::chat::{Chat, ChatSettings, Delivery};
use crate::outage::Outage;
use crate::recipient::{ATTEMPTS_MAX, pause_after};
use crate::{Secret, SendError};

/// The lease of a message. Any attempt ends earlier.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// The pause between two checks for due messages.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Maximum messages to one webhook before the other webhooks get theirs.
const AT_ONCE: usize = 50;
/// Number of past weeks that webhooks are notified of after the program did not run for a while.
const WEEKS_BACK: i32 = 4;
/// The longest pause that a server can demand.
const RETRY_AFTER_MAX: SignedDuration = SignedDuration::from_hours(48);
/// Number of bytes of a signing key.
const KEY: usize = 32;

/// Sends the due messages to the webhooks of an archive.
#[derive(Clone, Debug)]
pub struct Caller {
    store: Store,
    site: Site,
    archive: String,
    ca: Vec<PathBuf>,
    /// Whether to start no further message.
    stopping: Arc<AtomicBool>,
}

/// Makes a new random signing key, in the form of Standard Webhooks.
pub fn new_signing_key() -> String {
    let mut bytes = [0; KEY];
    SystemRandom::new().fill(&mut bytes).expect("the system has random numbers");
    format!("whsec_{}", STANDARD.encode(bytes))
}

/// Checks that a webhook can have this address: the same rule as for chat servers, and a length.
///
/// # Errors
/// [`SendError::Setup`] if the address is not allowed.
pub fn check_webhook(url: &str, ca: &[PathBuf]) -> Result<(), SendError> {
    let name = "this webhook";
    check_address_length(url)
        .map_err(|why| SendError::Setup { what: name.to_owned(), why: why.to_string() })?;
    // The rule is that of recipients, and speaks of one.
    let unfit = |error: SendError| match error {
        SendError::Setup { why, .. } => SendError::Setup { what: name.to_owned(), why },
        other => other,
    };
    chat(name, url, None, ca).map(|_| ()).map_err(unfit)
}

fn chat(name: &str, url: &str, key: Option<&str>, ca: &[PathBuf]) -> Result<Chat, SendError> {
    Chat::new(ChatSettings {
        name: name.to_owned(),
        service: Service::Webhook,
        url: Secret::new(url),
        key: key.map(Secret::new),
        room: None,
        ca: ca.to_vec(),
    })
}

impl Caller {
    /// A caller for this archive. `ca` are PEM files with certificate authorities to trust in
    /// addition to the system's.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn new(store: Store, site: Site, ca: &[PathBuf]) -> Result<Self, StoreError> {
        let archive = store.name().await?;
        Ok(Self { store, site, archive, ca: ca.to_vec(), stopping: Arc::default() })
    }

    /// Sends a test message to this webhook, and other messages that are due. Returns the result of
    /// the last attempt.
    ///
    /// # Errors
    /// If the archive cannot be read or written.
    pub async fn test(&self, webhook: &Webhook) -> Result<Option<CallResult>, StoreError> {
        self.store.test_webhook(webhook.id, Timestamp::now()).await?;
        self.deliver_due(webhook).await
    }

    /// Stores which weeks are over, and sends each webhook the due messages.
    ///
    /// # Errors
    /// If the archive cannot be read or written. Failures of delivery are stored in the archive.
    pub async fn call_due(&self) -> Result<(), StoreError> {
        let now = Timestamp::now();
        self.close_weeks(now).await?;
        let mut calls = JoinSet::new();
        for webhook in self.store.webhooks_due(now).await? {
            let caller = self.clone();
            calls.spawn(async move { caller.deliver_due(&webhook).await });
        }
        let mut failed = Ok(());
        while let Some(called) = calls.join_next().await {
            if let Ok(Err(error)) = called {
                failed = Err(error);
            }
        }
        failed
    }

    async fn close_weeks(&self, now: Timestamp) -> Result<(), StoreError> {
        let zone = &self.site.time_zone;
        let mut week = Week::of(now, zone);
        for _ in 0..WEEKS_BACK {
            let ended_at = zone.to_ambiguous_timestamp(week.monday().at(0, 0, 0, 0)).compatible();
            week = week.previous();
            self.store.close_week(week, ended_at.unwrap_or(now), now).await?;
        }
        Ok(())
    }

    /// Sends the due messages to one webhook, until an attempt fails. Returns the result of the
    /// last attempt.
    async fn deliver_due(&self, webhook: &Webhook) -> Result<Option<CallResult>, StoreError> {
        let mut last = None;
        for _ in 0..AT_ONCE {
            if self.stopping.load(Ordering::Relaxed) {
                break;
            }
            let Some(call) = self.store.claim_call(webhook.id, LEASE, Timestamp::now()).await? else {
                break;
            };
            let result = self.deliver(webhook, &call).await?;
            self.store.finish_call(&call, &result, Timestamp::now()).await?;
            let (id, event) = (webhook.id, call.subject.event());
            match &result {
                CallResult::Accepted(_) => info!(webhook = id, event, "told webhook {id} of {event}"),
                CallResult::Again(at, why) => {
                    warn!(webhook = id, event, "{why}; not before {at:.0}");
                }
                CallResult::GivenUp(why) | CallResult::Gone(why) => {
                    warn!(webhook = id, event, "webhook {id} is not told of {event}: {why}");
                }
            }
            let failed = matches!(result, CallResult::Again(..));
            last = Some(result);
            if failed {
                break;
            }
        }
        Ok(last)
    }

    async fn deliver(&self, webhook: &Webhook, call: &Call) -> Result<CallResult, StoreError> {
        // The same for every attempt.
        let id = format!("{:032x}", xxh3_128(format!("{}\nwebhook\n{}", self.archive, call.id).as_bytes()));
        let Some(message) = self.message(call, &id).await? else {
            return Ok(CallResult::GivenUp("what it is about is not in the archive any more".to_owned()));
        };
        let name = format!("webhook {}", webhook.id);
        let sent = match chat(&name, &webhook.url, Some(&webhook.key), &self.ca) {
            Ok(chat) => chat.send(Delivery { id: &id, at: Timestamp::now(), message: &message }).await,
            Err(error) => Err(error),
        };
        Ok(result(call, sent, Timestamp::now()))
    }

    /// What a webhook is told. `None` if what it is about has left the archive.
    async fn message(&self, call: &Call, id: &str) -> Result<Option<Value>, StoreError> {
        let data = match call.subject {
            Subject::Read(id) => {
                let read = self.store.summaries_of_reads(&[id]).await?.pop();
                read.map(|read| json!({ "read": self.read(&read) }))
            }
            Subject::Hit(search, read) => self.store.hit(search, read).await?.map(|(read, name, question)| {
                json!({ "search": { "id": search, "name": name, "question": question }, "read": self.read(&read) })
            }),
            Subject::Week(week) => {
                let count = self.store.week_count(week).await?;
                Some(json!({
                    "week": week, "reads": count.reads, "problems": count.problems,
                    "page": self.page(&format!("/week/{week}")),
                }))
            }
            Subject::Source(id) => self.store.source(id).await?.map(|source| {
                json!({
                    "source": source.slug, "title": source.title, "company": source.company,
                    "failures": source.health.failures, "failing_since": source.health.failing_since,
                    "error": source.health.last_error, "page": self.page(&format!("/source/{}", source.slug)),
                })
            }),
            Subject::Test => Some(json!({})),
        };
        Ok(data.map(|data| {
            json!({
                "id": id, "webhook": call.webhook, "type": call.subject.event(), "timestamp": call.happened_at,
                "data": data,
            })
        }))
    }

    fn read(&self, ReadSummary { card, .. }: &ReadSummary) -> Value {
        json!({
            "id": card.id, "title": card.title, "url": card.url, "source": card.source_slug,
            "company": card.company, "week": card.week, "published": card.published, "kind": card.kind,
            "problem": card.problem, "concepts": card.concepts,
            "page": self.page(&format!("/read/{}/{}", card.id, card.slug)),
        })
    }

    fn page(&self, path: &str) -> Option<Url> {
        self.site.page(path)
    }
}

/// The result of an attempt, to be stored.
fn result(call: &Call, sent: Result<String, SendError>, now: Timestamp) -> CallResult {
    let error = match sent {
        Ok(said) => return CallResult::Accepted(said),
        Err(error) => error,
    };
    let remedy = "check its address; `backissue webhook remove` and `add` change it";
    let why = match &error {
        SendError::Refused { said, gone: true, .. } => {
            return CallResult::Gone(format!(
                "the server answered {said}, so it is told nothing more; {remedy}"
            ));
        }
        SendError::Refused { said, .. } => format!("the server answered {said}; {remedy}"),
        error => error.to_string(),
    };
    // The receiver may be set up wrongly for a while, so that a refusal can pass too.
    if matches!(error, SendError::Setup { .. }) || call.attempts >= ATTEMPTS_MAX {
        return CallResult::GivenUp(why);
    }
    let demanded = error.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
    let pause = pause_after(call.attempts).max(demanded.unwrap_or_default().min(RETRY_AFTER_MAX));
    // Such an error says so itself.
    let why = if error.may_pass() { why } else { why + "; it is tried again" };
    CallResult::Again(now.saturating_add(pause).unwrap_or(Timestamp::MAX), why)
}

/// Notifies webhooks until `stop` resolves. A started message is finished. Results are in the
/// archive and in the log.
pub async fn keep_calling(caller: Caller, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let mut outage = Outage::default();
    loop {
        let mut calling = pin!(caller.call_due());
        let called = tokio::select! {
            called = &mut calling => called,
            () = &mut stop => {
                caller.stopping.store(true, Ordering::Relaxed);
                // What failed is due again after the next start.
                let _ = calling.await;
                return;
            }
        };
        outage.log(called, "webhooks are not told what happens");
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_of_a_webhook_has_a_limit() {
        let long = format!("https://hooks.example/{}", "x".repeat(2_048));
        let refused = check_webhook(&long, &[]).unwrap_err().to_string();
        assert!(refused.contains("at most 2,048 characters") && !refused.contains("xxx"), "{refused}");
    }

    #[test]
    fn address_of_a_webhook_is_refused_as_a_webhooks() {
        let refused = check_webhook("http://10.0.0.1/", &[]).unwrap_err().to_string();
        assert!(refused.starts_with("this webhook ") && !refused.contains("recipient"), "{refused}");
        assert!(refused.contains("https://") && refused.contains("only on this machine"), "{refused}");
    }
}
