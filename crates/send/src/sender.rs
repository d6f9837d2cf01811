//! Sends a week, or new answers to saved searches, to a recipient: composes it, claims the sending,
//! sends it, and stores the result.
//!
//! The claim is committed before the message is sent, and the result afterwards. If the process
//! dies between the two or no response comes, the message may have arrived. It is then sent once
//! more with the same id. After that only a person can send it again. So a recipient gets a message
//! at most twice.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use backissue_digest::mail::Footing;
use backissue_digest::{About, Digest, Site, WeekRead, compose, compose_answers, mail};
use backissue_model::{ConceptSlug, ReadId, ReaderId, ReaderName, Week};
use backissue_search::{Search, SearchFailure};
use backissue_store::{
    Dispatch, Order, ReadFilter, Resend, SavedSearch, Sending, SendingClaim, SendingResult, Store, StoreError,
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tracing::{error, info, warn};
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

use crate::SendError;
use crate::chat::Delivery;
use crate::letter::Letter;
use crate::mail::Mailer;
use crate::recipient::{ATTEMPTS_MAX, Recipient, Way, due, pause_after};
use crate::unsubscribe::UnsubscribeKey;

/// The lease of a sending. Any attempt ends earlier.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// The longest pause between two checks for due sendings.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The shortest pause between two checks for due sendings.
const LOOK_AT_LEAST: Duration = Duration::from_secs(1);
/// Maximum attempts without a response, each of which may have arrived.
const UNANSWERED_MAX: u32 = 2;
/// The longest pause that a server can demand.
const RETRY_AFTER_MAX: SignedDuration = SignedDuration::from_hours(48);
/// How many weeks back a week is still sent after a failure. Older ones are no news.
const WEEKS_BACK: usize = 4;
/// Most reads of a week.
const WEEK: u32 = 1000;
/// The address in a preview in place of a subscriber's address.
const A_SUBSCRIBER: &str = "subscriber@example.org";
/// The path in a preview in place of the one that stops the mails.
const AN_UNSUBSCRIPTION: &str = "/unsubscribe/TOKEN";
/// Maximum confirmation links that are mailed before other work.
const LINKS_AT_ONCE: usize = 20;
/// The pause before a link is mailed again after a temporary failure.
const LINK_AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// The key under which the archive stores the secret of [`UnsubscribeKey`].
const UNSUBSCRIBE_KEY: &str = "unsubscribe key";

/// The result of sending a week to a recipient.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// The week was sent now.
    Now,
    /// The week has no reads for the recipient.
    Nothing,
    /// The week was sent before, at this time.
    Before(Timestamp),
    /// Nothing was attempted until this time, because another process is sending the week or an
    /// attempt failed.
    NotBefore(Timestamp),
    /// The attempt failed. The next one is at this time.
    Later(Timestamp, SendError),
    /// The attempt failed, and there is no further one.
    GivenUp(SendError),
    /// It was given up before, for this reason.
    GivenUpBefore(String),
    /// The recipient unsubscribed at this time.
    Unsubscribed(Timestamp),
    /// Nothing was attempted, because the archive does not have what the recipient's choice names.
    Lacks(Lack),
}

/// Something that a recipient's choice names and that the archive does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The saved search with this name.
    Search(String),
    /// The reader with this name.
    Reader(ReaderName),
}

impl Sent {
    /// Whether no further attempt follows.
    fn is_over(&self) -> bool {
        match self {
            Self::Now
            | Self::Before(_)
            | Self::GivenUp(_)
            | Self::GivenUpBefore(_)
            | Self::Unsubscribed(_)
            | Self::Nothing => true,
            Self::NotBefore(_) | Self::Later(..) | Self::Lacks(_) => false,
        }
    }
}

/// Sends weeks and alerts of one archive.
#[derive(Clone, Debug)]
pub struct Sender {
    store: Store,
    search: Search,
    site: Site,
    archive: String,
    unsubscribe: UnsubscribeKey,
}

impl Sender {
    /// A sender for this archive.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn new(store: Store, search: Search, site: Site) -> Result<Self, StoreError> {
        let archive = store.name().await?;
        let secret = store.flag_or(UNSUBSCRIBE_KEY, &UnsubscribeKey::new_secret()).await?;
        Ok(Self { store, search, site, archive, unsubscribe: UnsubscribeKey::of(&secret) })
    }

    /// A week as this recipient gets it: the published issue if there is one, otherwise composed by
    /// rules. Returns [`Lack`] if the archive does not have what the recipient's choice names.
    ///
    /// # Errors
    /// If the archive or the index cannot be read.
    pub async fn digest(
        &self,
        week: Week,
        recipient: &Recipient,
    ) -> Result<Result<Digest, Lack>, SearchFailure> {
        let (reader, saved) = match chosen_by(&self.store, recipient).await? {
            Ok(chosen) => chosen,
            Err(lack) => return Ok(Err(lack)),
        };
        let filter = ReadFilter { week: Some(week), ..ReadFilter::default() };
        let reads = self.store.summaries(&filter, Order::ProblemsFirst, WEEK).await?;
        let issue = self.store.published_issue(&filter).await?;
        let ids: Vec<ReadId> = reads.iter().map(|read| read.card.id).collect();
        let mut choice = recipient.choice.clone();
        if let Some(saved) = saved {
            let answering = self.search.answering(saved.question.as_str(), saved.reader, &ids).await?;
            choice.reads = Some(answering.into_iter().collect());
        }
        let mut reads: Vec<WeekRead> = reads.into_iter().map(WeekRead::from).collect();
        if recipient.my_concepts {
            let concepts = self.store.concepts_of_interest(reader).await?;
            let of_interest = reads.iter().filter(|read| has_one_of(read, &concepts));
            let of_interest: HashSet<ReadId> = of_interest.map(|read| read.read.card.id).collect();
            choice.reads = Some(match choice.reads {
                Some(answering) => &answering & &of_interest,
                None => of_interest,
            });
        }
        if recipient.is_mine {
            self.add_marks(&mut reads, &ids, reader).await?;
        }
        Ok(Ok(compose(week, reads, &choice, issue.as_ref())))
    }

    /// Adds the reader's marks to these reads, and whether each has one of the reader's concepts.
    async fn add_marks(
        &self,
        reads: &mut [WeekRead],
        ids: &[ReadId],
        reader: ReaderId,
    ) -> Result<(), StoreError> {
        let marks = self.store.marks(reader, ids).await?;
        let labelled = self.store.labelled(reader, ids).await?;
        let concepts = self.store.concepts_of_interest(reader).await?;
        for read in reads {
            let id = read.read.card.id;
            read.marks = marks.get(&id).copied().unwrap_or_default();
            read.is_labelled = labelled.contains(&id);
            read.is_of_interest = has_one_of(read, &concepts);
        }
        Ok(())
    }

    /// The secret part of the address at which a recipient stops the mails.
    pub fn unsubscribe_token(&self, recipient: &str) -> String {
        self.unsubscribe.token(recipient)
    }

    /// The address at which a recipient stops the mails. Returns `None` if the address of the pages
    /// is not known.
    fn unsubscribe_address(&self, recipient: &Recipient) -> Option<Url> {
        let token = recipient.stop_token.clone();
        let token = token.unwrap_or_else(|| self.unsubscribe_token(&recipient.name));
        self.site.page(&format!("/unsubscribe/{token}"))
    }

    /// The message to a recipient with its headers, without secrets.
    ///
    /// # Errors
    /// [`SendError::Setup`] if an address is not valid.
    pub fn formatted(
        &self,
        recipient: &Recipient,
        dispatch: Dispatch,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<String, SendError> {
        let id = self.id(&recipient.name, dispatch, 0);
        // The real address would let anybody who sees the preview stop the mails.
        let stop = self.site.page(AN_UNSUBSCRIPTION);
        match &recipient.way {
            Way::Mail(mailer, to) => mailer.formatted(&self.letter(recipient, to, id, digest, now, stop)),
            Way::Subscribers(mailer) | Way::Readers(mailer) => {
                mailer.formatted(&self.letter(recipient, A_SUBSCRIBER, id, digest, now, stop))
            }
            Way::Chat(chat) => {
                let message = chat.service().message(digest, &self.site);
                Ok(chat.formatted(Delivery { id: &id, at: now, message: &message }))
            }
        }
    }

    async fn deliver(
        &self,
        recipient: &Recipient,
        sending: &Sending,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<(), SendError> {
        let id = self.id(&recipient.name, sending.dispatch, sending.round);
        match &recipient.way {
            Way::Mail(mailer, to) => {
                let stop = self.unsubscribe_address(recipient);
                mailer.send(&self.letter(recipient, to, id, digest, now, stop)).await
            }
            Way::Subscribers(_) | Way::Readers(_) => Err(SendError::Setup {
                what: format!("the recipient {}", recipient.name),
                why: "it stands for several people, and each gets a mail".to_owned(),
            }),
            Way::Chat(chat) => {
                let message = chat.service().message(digest, &self.site);
                chat.send(Delivery { id: &id, at: now, message: &message }).await.map(|_| ())
            }
        }
    }

    fn letter(
        &self,
        recipient: &Recipient,
        to: &str,
        message_id: String,
        digest: &Digest,
        date: Timestamp,
        unsubscribe: Option<Url>,
    ) -> Letter {
        let footing = Footing { recipient: to.to_owned(), unsubscribe: unsubscribe.clone() };
        Letter {
            name: recipient.name.clone(),
            to: to.to_owned(),
            is_private: recipient.stop_token.is_some(),
            message_id,
            date,
            list: match digest.about {
                About::Week => "weeks".to_owned(),
                About::Answers => "answers".to_owned(),
            },
            unsubscribe,
            mail: mail::week(digest, &self.site, &footing),
        }
    }

    /// The number of what is sent to a recipient: the same for every attempt and in every process,
    /// and another one if a person has it sent again, since programs drop a message that they know.
    fn id(&self, recipient: &str, dispatch: Dispatch, round: u32) -> String {
        let mut what = format!("{}\n{dispatch}\n{recipient}", self.archive);
        if round > 0 {
            what.push_str(&format!("\n{round}"));
        }
        format!("{:032x}", xxh3_128(what.as_bytes()))
    }

    /// Sends a week to a recipient, unless it was sent already.
    ///
    /// # Errors
    /// If the archive cannot be read or written. Failures of sending are in [`Sent`].
    pub async fn send(
        &self,
        recipient: &Recipient,
        week: Week,
        resend: Resend,
    ) -> Result<Sent, SearchFailure> {
        let digest = match self.digest(week, recipient).await? {
            Ok(digest) => digest,
            Err(lack) => return Ok(Sent::Lacks(lack)),
        };
        if digest.cards().next().is_none() {
            return Ok(Sent::Nothing);
        }
        Ok(self.send_once(recipient, Dispatch::Week(week), &digest, resend).await?)
    }

    /// Collects the waiting answers to a recipient's saved searches in an alert, if the first one
    /// has waited for `gather`. Then sends the alerts that are not sent yet.
    ///
    /// # Errors
    /// If the archive cannot be read or written. Failures of sending are in [`Sent`].
    pub async fn send_alerts(
        &self,
        recipient: &Recipient,
        gather: SignedDuration,
    ) -> Result<Vec<(Dispatch, Sent)>, StoreError> {
        let now = Timestamp::now();
        let found_before = now.saturating_sub(gather).unwrap_or(Timestamp::MIN);
        self.store.make_alert(&recipient.name, found_before, now).await?;
        let mut all = Vec::new();
        for alert in self.store.open_alerts(&recipient.name).await? {
            let dispatch = Dispatch::Alert(alert);
            let sent = match compose_answers(self.store.alert_hits(alert).await?) {
                Some(digest) => self.send_once(recipient, dispatch, &digest, Resend::No).await?,
                None => Sent::Nothing,
            };
            if sent.is_over() {
                self.store.end_alert(alert).await?;
            }
            all.push((dispatch, sent));
        }
        Ok(all)
    }

    async fn send_once(
        &self,
        recipient: &Recipient,
        dispatch: Dispatch,
        digest: &Digest,
        resend: Resend,
    ) -> Result<Sent, StoreError> {
        let now = Timestamp::now();
        let sending = match self.store.claim_sending(&recipient.name, dispatch, resend, LEASE, now).await? {
            SendingClaim::Claimed(sending) => sending,
            SendingClaim::Sent(at) => return Ok(Sent::Before(at)),
            SendingClaim::NotBefore(at) => return Ok(Sent::NotBefore(at)),
            SendingClaim::GivenUp(why) => return Ok(Sent::GivenUpBefore(why)),
            SendingClaim::Unsubscribed(at) => return Ok(Sent::Unsubscribed(at)),
        };
        let sent = if sending.unanswered < UNANSWERED_MAX {
            self.deliver(recipient, &sending, digest, now).await
        } else {
            Err(SendError::Unanswered { to: recipient.name.clone() })
        };
        let now = Timestamp::now();
        let (result, sent) = result(&sending, sent, now);
        self.store.finish_sending(&sending, &result, now).await?;
        if let Sent::GivenUp(SendError::NoMailbox { said, .. }) = &sent {
            self.stop(recipient, said, now).await?;
        }
        Ok(sent)
    }

    /// Sends nothing more to a recipient without a mailbox, as its server said. A subscriber is
    /// deleted, as if the mailbox's owner had unsubscribed; a reader is told on `/account`.
    async fn stop(&self, recipient: &Recipient, said: &str, now: Timestamp) -> Result<(), StoreError> {
        let Some(token) = &recipient.stop_token else {
            return self.store.set_unsubscribed(&recipient.name, true, now).await;
        };
        if !self.store.remove_subscriber(token, now).await? {
            self.store.fail_own_digest(token, said).await?;
        }
        Ok(())
    }
}

/// The reader whose choice a recipient gets, and the saved search that it names. Returns [`Lack`]
/// if the archive does not have one of them.
///
/// # Errors
/// If the archive cannot be read.
pub async fn chosen_by(
    store: &Store,
    recipient: &Recipient,
) -> Result<Result<(ReaderId, Option<SavedSearch>), Lack>, StoreError> {
    let reader = match &recipient.reader {
        None => store.first_operator().await?,
        Some(name) => match store.reader_named(name, Timestamp::now()).await? {
            Some(reader) => reader.id,
            None => return Ok(Err(Lack::Reader(name.clone()))),
        },
    };
    let Some(name) = &recipient.search else { return Ok(Ok((reader, None))) };
    let saved = store.saved_search(reader, name).await?;
    Ok(saved.map(|saved| (reader, Some(saved))).ok_or_else(|| Lack::Search(name.clone())))
}

/// Whether a read has one of these concepts.
fn has_one_of(read: &WeekRead, concepts: &HashSet<ConceptSlug>) -> bool {
    read.read.card.concepts.iter().any(|concept| concepts.contains(concept))
}

/// The result of an attempt, in the form to be stored and in the form to be returned.
fn result(sending: &Sending, sent: Result<(), SendError>, now: Timestamp) -> (SendingResult, Sent) {
    let Err(error) = sent else { return (SendingResult::Sent, Sent::Now) };
    let error = match error.may_have_arrived() && sending.unanswered + 1 >= UNANSWERED_MAX {
        true => SendError::Unanswered { to: sending.recipient.clone() },
        false => error,
    };
    if !error.may_pass() || sending.attempts >= ATTEMPTS_MAX {
        return (SendingResult::GivenUp(error.to_string()), Sent::GivenUp(error));
    }
    let demanded = error.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
    let pause = pause_after(sending.attempts).max(demanded.unwrap_or_default().min(RETRY_AFTER_MAX));
    let at = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
    let stored = if error.may_have_arrived() { SendingResult::Unanswered } else { SendingResult::Again };
    (stored(at, error.to_string()), Sent::Later(at, error))
}

/// The result of an automatic sending: recipient, what was sent, result.
type Due = (String, Dispatch, Sent);

/// The weeks without a read for a recipient, each with the archive's version then. They are not
/// composed again while the archive stays the same.
type NothingToSend = HashMap<(String, Week), u64>;

impl Sender {
    /// Sends the last week that had ended when the recipient's schedule last came round, unless
    /// that was begun, and each week whose sending was begun and is due again.
    ///
    /// # Errors
    /// If the archive or the index cannot be read or written.
    async fn send_due(
        &self,
        recipient: &Recipient,
        nothing: &mut NothingToSend,
    ) -> Result<Vec<Due>, SearchFailure> {
        let (name, now) = (&recipient.name, Timestamp::now());
        let state = self.store.recipient(name, now).await?;
        if state.unsubscribed_at.is_some() {
            return Ok(Vec::new());
        }
        let mut weeks = self.store.begun_weeks(name, self.oldest_week(now), now).await?;
        if let Some(schedule) = &recipient.schedule
            && let Some(at) = due(schedule, state.since, now)
            && let week = schedule.week_at(at)
            && self.store.sending(name, Some(week)).await?.is_none()
        {
            weeks.push(week);
        }
        let mut sent = Vec::new();
        for week in weeks {
            if self.store.week_count(week).await?.reads == 0 {
                continue;
            }
            let (key, version) = ((name.clone(), week), self.store.archive_version().await?);
            if nothing.get(&key) == Some(&version) {
                continue;
            }
            let this = self.send(recipient, week, Resend::No).await?;
            if matches!(this, Sent::Nothing | Sent::Lacks(_)) {
                nothing.insert(key, version);
            }
            sent.push((name.clone(), Dispatch::Week(week), this));
        }
        Ok(sent)
    }

    /// The oldest week that is still sent after a failure.
    fn oldest_week(&self, now: Timestamp) -> Week {
        (0..WEEKS_BACK).fold(Week::of(now, &self.site.time_zone), |week, _| week.previous())
    }

    /// The recipients, with each subscriber and each reader in place of the one that stands for
    /// all.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn each(&self, recipients: &[Recipient]) -> Result<Vec<Recipient>, StoreError> {
        let mut each = Vec::with_capacity(recipients.len());
        for recipient in recipients {
            match &recipient.way {
                Way::Subscribers(mailer) => {
                    let all = self.store.subscribers().await?.into_iter();
                    each.extend(all.map(|subscriber| recipient.for_subscriber(mailer, subscriber)));
                }
                Way::Readers(mailer) => {
                    let all = self.store.own_digests().await?.into_iter();
                    each.extend(all.filter_map(|own| Recipient::of_reader(mailer, own)));
                }
                Way::Mail(..) | Way::Chat(_) => each.push(recipient.clone()),
            }
        }
        Ok(each)
    }

    /// Mails the links that confirm addresses, as far as they are due.
    async fn send_links(&self, recipients: &[Recipient]) -> Result<(), StoreError> {
        if let Some(mailer) = recipients.iter().find_map(Recipient::mailer_of_subscribers) {
            for _ in 0..LINKS_AT_ONCE {
                let now = Timestamp::now();
                let Some(subscriber) = self.store.take_subscriber_due(now).await? else { break };
                let page = format!("/subscribe/{}", subscriber.token);
                if let Some(again) =
                    self.send_link(mailer, &subscriber.name(), &subscriber.address, &page).await
                {
                    self.store.retry_subscriber(&subscriber.token, again).await?;
                }
            }
        }
        if let Some(mailer) = recipients.iter().find_map(Recipient::mailer_of_readers) {
            for _ in 0..LINKS_AT_ONCE {
                let Some(own) = self.store.take_own_digest_due(Timestamp::now()).await? else { break };
                let page = format!("/digest/{}", own.token);
                if let Some(again) = self.send_link(mailer, &own.name(), &own.address, &page).await {
                    self.store.retry_own_digest(&own.token, again).await?;
                }
            }
        }
        Ok(())
    }

    /// Mails a link to a page that confirms an address. Returns when it is tried again after a
    /// temporary failure.
    async fn send_link(&self, mailer: &Mailer, name: &str, to: &str, page: &str) -> Option<Timestamp> {
        let now = Timestamp::now();
        let link = self.site.page(page)?;
        let id = xxh3_128(format!("{}\n{link}\n{now}", self.archive).as_bytes());
        let letter = Letter {
            name: name.to_owned(),
            to: to.to_owned(),
            is_private: true,
            message_id: format!("{id:032x}"),
            date: now,
            list: "weeks".to_owned(),
            unsubscribe: None,
            mail: mail::confirmation(&self.site, &link),
        };
        match mailer.send(&letter).await {
            Ok(()) => info!("mailed {name} a link"),
            Err(error) if error.may_pass() => {
                warn!("{name} gets no link yet: {error}");
                return Some(now.saturating_add(LINK_AGAIN).unwrap_or(Timestamp::MAX));
            }
            Err(error) => warn!("{name} gets no link: {error}"),
        }
        None
    }

    /// Sends a recipient what is due: a week and alerts.
    async fn send_all_due(
        &self,
        recipient: &Recipient,
        gather: SignedDuration,
        nothing: &mut NothingToSend,
    ) -> Result<Vec<Due>, SearchFailure> {
        let mut due = self.send_due(recipient, nothing).await?;
        let alerts = self.send_alerts(recipient, gather).await?.into_iter();
        due.extend(alerts.map(|(dispatch, sent)| (recipient.name.clone(), dispatch, sent)));
        Ok(due)
    }
}

/// Sends weeks to the recipients that have a schedule, and alerts to those of saved searches, until
/// `stop`. New answers are gathered so long. Mails links to subscribers and readers, at once after
/// `asked`. A sending that has begun is finished. Failures are in the log and in the archive.
pub async fn keep_sending(
    sender: Sender,
    recipients: Vec<Recipient>,
    gather: SignedDuration,
    asked: Arc<Notify>,
    stop: impl Future<Output = ()>,
) {
    if recipients.is_empty() {
        return;
    }
    let (mut stop, mut nothing) = (pin!(stop), NothingToSend::new());
    loop {
        let each = match sender.send_links(&recipients).await {
            Ok(()) => sender.each(&recipients).await,
            Err(error) => Err(error),
        };
        let each = each.unwrap_or_else(|error| {
            warn!(error = &error as &dyn std::error::Error, "subscribers and readers get no mails: {error}");
            let is_one = |recipient: &&Recipient| matches!(recipient.way, Way::Mail(..) | Way::Chat(_));
            recipients.iter().filter(is_one).cloned().collect()
        });
        for recipient in &each {
            match sender.send_all_due(recipient, gather, &mut nothing).await {
                Ok(due) => due.iter().for_each(log),
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "nothing can be sent: {error}")
                }
            }
            if poll_fn(|cx| Poll::Ready(stop.as_mut().poll(cx).is_ready())).await {
                return;
            }
        }
        let pause = until_due(&recipients, Timestamp::now());
        let gather = Duration::try_from(gather).unwrap_or_default().max(LOOK_AT_LEAST);
        tokio::select! {
            () = &mut stop => return,
            () = asked.notified() => {}
            () = tokio::time::sleep(pause.min(gather)) => {}
        }
    }
}

fn log((to, what, sent): &Due) {
    match sent {
        Sent::Now => info!(to, %what, "sent {what} to {to}"),
        Sent::Later(at, error) => warn!(to, %what, "{error}; not before {at:.0}"),
        Sent::GivenUp(error) => error!(to, %what, "{what} was not sent: {error}"),
        Sent::Lacks(Lack::Search(name)) => {
            warn!(to, %what, "{what} was not sent to {to}: no saved search is called “{name}”")
        }
        Sent::Lacks(Lack::Reader(name)) => {
            warn!(to, %what, "{what} was not sent to {to}: no reader is called {name}")
        }
        Sent::Nothing
        | Sent::Before(_)
        | Sent::NotBefore(_)
        | Sent::GivenUpBefore(_)
        | Sent::Unsubscribed(_) => {}
    }
}

/// The time until a sending may be due, at most [`LOOK_EVERY`].
fn until_due(recipients: &[Recipient], now: Timestamp) -> Duration {
    let next = recipients.iter().filter_map(|recipient| recipient.schedule.as_ref());
    let next = next.map(|schedule| schedule.next_after(now)).min();
    let wait = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
    wait.map_or(LOOK_EVERY, |wait| wait.min(LOOK_EVERY))
}
