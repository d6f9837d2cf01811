//! Sends a week to a recipient: composes it, claims the sending, sends it, and stores the result.
//!
//! The claim is committed before the message leaves, the result afterwards. If the process dies
//! between the two, or no answer comes, the message may have arrived. It is then sent once more,
//! with the same id, and after that only by a person. So a recipient gets it at most twice.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use backissue_digest::mail::Footing;
use backissue_digest::{Choice, Digest, Site, WeekRead, compose, mail};
use backissue_model::Week;
use backissue_store::{
    Order, ReadFilter, Resend, Sending, SendingClaim, SendingResult, SendingState, Store, StoreError,
};
use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

use crate::SendError;
use crate::chat::Delivery;
use crate::mail::Letter;
use crate::recipient::{ATTEMPTS_MAX, Recipient, Way, due, pause_after};
use crate::unsubscribe::UnsubscribeKey;

/// How long a sending is held. Any attempt ends earlier.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// Longest pause between two checks for what is due.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Most attempts that may have arrived.
const UNANSWERED_MAX: u32 = 2;
/// Longest pause that a server can demand.
const RETRY_AFTER_MAX: SignedDuration = SignedDuration::from_hours(48);
/// Most reads of a week.
const WEEK: u32 = 1000;
/// The name under which the archive remembers the secret of [`UnsubscribeKey`].
const UNSUBSCRIBE_KEY: &str = "unsubscribe key";

/// The result of sending a week to a recipient.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// It was sent.
    Now,
    /// The week has nothing for the recipient.
    Nothing,
    /// It was sent before, at this moment.
    Before(Timestamp),
    /// Another process is sending it, or an attempt failed: not before this moment.
    NotBefore(Timestamp),
    /// It failed and is tried again at this moment.
    Later(Timestamp, SendError),
    /// It failed for good.
    GivenUp(SendError),
    /// It failed for good before, for this reason.
    GivenUpBefore(String),
    /// The recipient wants no more mails, since this moment.
    Unsubscribed(Timestamp),
}

/// Sends weeks of one archive.
#[derive(Clone, Debug)]
pub struct Sender {
    store: Store,
    site: Site,
    archive: String,
    unsubscribe: UnsubscribeKey,
}

impl Sender {
    /// A sender for this archive.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn new(store: Store, site: Site) -> Result<Self, StoreError> {
        let archive = store.name().await?;
        let secret = store.flag_or(UNSUBSCRIBE_KEY, &UnsubscribeKey::new_secret()).await?;
        Ok(Self { store, site, archive, unsubscribe: UnsubscribeKey::of(&secret) })
    }

    /// A week as this recipient gets it: the published issue if there is one, else composed by
    /// rule.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn digest(&self, week: Week, choice: &Choice) -> Result<Digest, StoreError> {
        digest(&self.store, week, choice).await
    }

    /// What stands in the address where a recipient of mails stops them.
    pub fn unsubscribe_token(&self, recipient: &str) -> String {
        self.unsubscribe.token(recipient)
    }

    /// The address where a recipient stops its mails, if the pages can be reached from elsewhere.
    fn unsubscribe_address(&self, recipient: &str) -> Option<Url> {
        self.site.page(&format!("/unsubscribe/{}", self.unsubscribe_token(recipient)))
    }

    /// What goes to a recipient, head and all, without secrets.
    ///
    /// # Errors
    /// [`SendError::Setup`] if an address is none.
    pub fn formatted(
        &self,
        recipient: &Recipient,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<String, SendError> {
        match &recipient.way {
            Way::Mail(mailer, to) => mailer.formatted(&self.letter(recipient, to, digest, now)),
            Way::Chat(chat) => {
                let id = self.id(&recipient.name, digest.week);
                let message = chat.service().message(digest, &self.site);
                Ok(chat.formatted(Delivery { id: &id, at: now, message: &message }))
            }
        }
    }

    async fn deliver(&self, recipient: &Recipient, digest: &Digest, now: Timestamp) -> Result<(), SendError> {
        match &recipient.way {
            Way::Mail(mailer, to) => mailer.send(&self.letter(recipient, to, digest, now)).await,
            Way::Chat(chat) => {
                let id = self.id(&recipient.name, digest.week);
                let message = chat.service().message(digest, &self.site);
                chat.send(Delivery { id: &id, at: now, message: &message }).await
            }
        }
    }

    fn letter(&self, recipient: &Recipient, to: &str, digest: &Digest, date: Timestamp) -> Letter {
        let unsubscribe = self.unsubscribe_address(&recipient.name);
        let footing = Footing { recipient: to.to_owned(), unsubscribe: unsubscribe.clone() };
        Letter {
            to: to.to_owned(),
            message_id: self.id(&recipient.name, digest.week),
            date,
            list: "weeks".to_owned(),
            unsubscribe,
            mail: mail::week(digest, &self.site, &footing),
        }
    }

    /// The number of a week for a recipient: the same for every attempt and in every process.
    fn id(&self, recipient: &str, week: Week) -> String {
        format!("{:032x}", xxh3_128(format!("{}\n{week}\n{recipient}", self.archive).as_bytes()))
    }

    /// Sends a week to a recipient, unless that was done.
    ///
    /// # Errors
    /// If the archive cannot be read or written. Failures of sending are in [`Sent`].
    pub async fn send(&self, recipient: &Recipient, week: Week, resend: Resend) -> Result<Sent, StoreError> {
        let digest = self.digest(week, &recipient.choice).await?;
        if digest.cards().next().is_none() {
            return Ok(Sent::Nothing);
        }
        let now = Timestamp::now();
        let sending = match self.store.claim_sending(&recipient.name, week, resend, LEASE, now).await? {
            SendingClaim::Claimed(sending) => sending,
            SendingClaim::Sent(at) => return Ok(Sent::Before(at)),
            SendingClaim::NotBefore(at) => return Ok(Sent::NotBefore(at)),
            SendingClaim::GivenUp(why) => return Ok(Sent::GivenUpBefore(why)),
            SendingClaim::Unsubscribed(at) => return Ok(Sent::Unsubscribed(at)),
        };
        let sent = if sending.unanswered < UNANSWERED_MAX {
            self.deliver(recipient, &digest, now).await
        } else {
            Err(SendError::Unanswered { to: recipient.name.clone() })
        };
        let now = Timestamp::now();
        let (result, sent) = result(&sending, sent, now);
        self.store.finish_sending(&sending, &result, now).await?;
        Ok(sent)
    }
}

/// What is stored about an attempt, and what is reported.
fn result(sending: &Sending, sent: Result<(), SendError>, now: Timestamp) -> (SendingResult, Sent) {
    let Err(error) = sent else { return (SendingResult::Sent, Sent::Now) };
    if !error.may_pass() || sending.attempts >= ATTEMPTS_MAX {
        return (SendingResult::GivenUp(error.to_string()), Sent::GivenUp(error));
    }
    let demanded = error.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
    let pause = pause_after(sending.attempts).max(demanded.unwrap_or_default().min(RETRY_AFTER_MAX));
    let at = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
    let stored = if error.may_have_arrived() { SendingResult::Unanswered } else { SendingResult::Again };
    (stored(at, error.to_string()), Sent::Later(at, error))
}

/// What was sent, or attempted, by a schedule: recipient, week, result.
type Due = (String, Week, Sent);

impl Sender {
    /// Sends the last week that had ended when the recipient's schedule last came round, if that is
    /// still to be done.
    ///
    /// `nothing` has the weeks without a read for a recipient, and the archive's version then. They
    /// are not composed again while the archive stays the same.
    ///
    /// # Errors
    /// If the archive cannot be read or written.
    async fn send_due(
        &self,
        recipient: &Recipient,
        nothing: &mut HashMap<String, (Week, u64)>,
    ) -> Result<Option<Due>, StoreError> {
        let Some(schedule) = &recipient.schedule else { return Ok(None) };
        let now = Timestamp::now();
        let state = self.store.recipient(&recipient.name, now).await?;
        let Some(at) = due(schedule, state.since, now) else { return Ok(None) };
        let week = Week::of(at, &self.site.time_zone).previous();
        let is_over = |state: &SendingState| state.next.is_none_or(|next| next > now);
        if state.unsubscribed_at.is_some()
            || self.store.sending(&recipient.name, Some(week)).await?.as_ref().is_some_and(is_over)
            || self.store.week_count(week).await?.reads == 0
        {
            return Ok(None);
        }
        let state = (week, self.store.archive_version().await?);
        if nothing.get(&recipient.name) == Some(&state) {
            return Ok(None);
        }
        let sent = self.send(recipient, week, Resend::No).await?;
        if sent == Sent::Nothing {
            nothing.insert(recipient.name.clone(), state);
        }
        Ok(Some((recipient.name.clone(), week, sent)))
    }
}

/// Sends weeks to the recipients that have a schedule, until `stop`. A sending that has begun is
/// finished. Failures are in the log and in the archive.
pub async fn keep_sending(sender: Sender, recipients: Vec<Recipient>, stop: impl Future<Output = ()>) {
    if recipients.iter().all(|recipient| recipient.schedule.is_none()) {
        return;
    }
    let (mut stop, mut nothing) = (pin!(stop), HashMap::new());
    loop {
        for recipient in &recipients {
            match sender.send_due(recipient, &mut nothing).await {
                Ok(due) => due.iter().for_each(log),
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "weeks cannot be sent: {error}")
                }
            }
            if poll_fn(|cx| Poll::Ready(stop.as_mut().poll(cx).is_ready())).await {
                return;
            }
        }
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(until_due(&recipients, Timestamp::now())) => {}
        }
    }
}

fn log((to, week, sent): &Due) {
    match sent {
        Sent::Now => info!(to, %week, "sent {week} to {to}"),
        Sent::Later(at, error) => warn!(to, %week, "{error}; not before {at:.0}"),
        Sent::GivenUp(error) => error!(to, %week, "{week} was not sent: {error}"),
        Sent::Nothing
        | Sent::Before(_)
        | Sent::NotBefore(_)
        | Sent::GivenUpBefore(_)
        | Sent::Unsubscribed(_) => {}
    }
}

/// How long it takes until something may be due, at most [`LOOK_EVERY`].
fn until_due(recipients: &[Recipient], now: Timestamp) -> Duration {
    let next = recipients.iter().filter_map(|recipient| recipient.schedule.as_ref());
    let next = next.map(|schedule| schedule.next_after(now)).min();
    let wait = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
    wait.map_or(LOOK_EVERY, |wait| wait.min(LOOK_EVERY))
}

/// A week as it goes out: the published issue if there is one, else composed by rule.
///
/// # Errors
/// If the archive cannot be read.
pub async fn digest(store: &Store, week: Week, choice: &Choice) -> Result<Digest, StoreError> {
    let filter = ReadFilter { week: Some(week), ..ReadFilter::default() };
    let reads = store.summaries(&filter, Order::ProblemsFirst, WEEK).await?;
    let issue = store.published_issue(&filter).await?;
    Ok(compose(week, reads.into_iter().map(WeekRead::from).collect(), choice, issue.as_ref()))
}
