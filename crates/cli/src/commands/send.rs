//! `backissue send`: sends a week to a recipient, or shows what would be sent.

use std::collections::HashMap;

use anyhow::ensure;
use backissue_model::Week;
use backissue_send::{Lack, Recipient, Sender, Sent, Way};
use backissue_store::{AlertState, Dispatch, Resend, SendingState, Store};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::args::SendArgs;
use crate::exit::Outcome;
use crate::output::{self, PLAIN, STRONG, say};
use crate::settings::Settings;
use crate::{open, recipients};

/// Sends a week.
pub async fn run(args: SendArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let Some(to) = &args.to else { return list(&args, &settings).await };
    let named = match recipients::is_person(to) {
        true => None,
        false if !recipients::is_known(&settings, to) => {
            anstream::eprintln!("{}", recipients::unknown(&settings, to));
            return Ok(Outcome::NotThere);
        }
        false => Some(recipients::named(&settings, to)?),
    };
    let store = open::store(&settings).await?;
    if args.resume {
        ensure!(named.is_some(), "{to} confirms the address again on /subscribe or /account/digest");
        store.set_unsubscribed(to, false, Timestamp::now()).await?;
        say!(
            "Weeks are sent to {to} again; `backissue send --to {to} --week WEEK --again` sends one that failed."
        )?;
        return Ok(Outcome::Fine);
    }
    let zone = store.zone().clone();
    let week = args.week.unwrap_or_else(|| Week::of(Timestamp::now(), &zone).previous());
    if store.week_count(week).await?.reads == 0 {
        anstream::eprintln!("The archive has no reads of {week}, so there is nothing to send.");
        return Ok(Outcome::NotThere);
    }
    let search = match &named {
        Some(Recipient { search: None, .. }) => open::search(&settings, &store).await?,
        _ => open::search_caught_up(&settings, &store).await?,
    };
    let sender = open::sender(&settings, &store, &search).await?;
    let recipient = match named {
        Some(recipient) => recipient,
        None => match one_person(&settings, &sender, to).await? {
            Some(person) => person,
            None => {
                anstream::eprintln!(
                    "nobody is called `{to}`; `backissue send` lists subscribers and readers"
                );
                return Ok(Outcome::NotThere);
            }
        },
    };
    if args.dry_run {
        let digest = match sender.digest(week, &recipient).await? {
            Ok(digest) => digest,
            Err(lack) => {
                anstream::eprintln!("not sent: {}", lacking(to, &lack));
                return Ok(Outcome::NotThere);
            }
        };
        let formatted = sender.formatted(&recipient, Dispatch::Week(week), &digest, Timestamp::now())?;
        print!("{}", output::safe(&formatted.replace("\r\n", "\n")));
        return Ok(Outcome::Fine);
    }
    let resend = if args.again { Resend::Yes } else { Resend::No };
    if let Way::Subscribers(_) = recipient.way {
        return to_subscribers(&args, &sender, recipient, week, resend, &zone).await;
    }
    let sent = sender.send(&recipient, week, resend).await?;
    let (outcome, said) = told(&sent, to, resend, &zone);
    if args.json {
        let state = match outcome {
            Outcome::Fine => "sent",
            Outcome::Partly => "later",
            Outcome::NotThere => "nothing",
            _ => "failed",
        };
        output::json(&json!({ "to": to, "week": week, "state": state, "said": said }))?;
    } else {
        say!("{STRONG}{week}{PLAIN}  {said}")?;
    }
    Ok(outcome)
}

/// The subscriber or the reader of this name. `None` if there is none.
async fn one_person(settings: &Settings, sender: &Sender, name: &str) -> anyhow::Result<Option<Recipient>> {
    let all = sender.each(&recipients::all(settings)?).await?;
    Ok(all.into_iter().find(|recipient| recipient.name == name))
}

/// Sends a week to each subscriber.
async fn to_subscribers(
    args: &SendArgs,
    sender: &Sender,
    all: Recipient,
    week: Week,
    resend: Resend,
    zone: &TimeZone,
) -> anyhow::Result<Outcome> {
    let (mut lines, mut outcome) = (Vec::new(), Outcome::Fine);
    for subscriber in sender.each(&[all]).await? {
        let sent = sender.send(&subscriber, week, resend).await?;
        let (this, said) = told(&sent, &subscriber.name, resend, zone);
        if !matches!(this, Outcome::Fine) {
            outcome = Outcome::Partly;
        }
        lines.push(said);
    }
    if args.json {
        output::json(&json!({ "to": args.to, "week": week, "subscribers": lines }))?;
    } else if lines.is_empty() {
        say!("Nobody has subscribed yet.")?;
    }
    for said in lines.iter().filter(|_| !args.json) {
        say!("{STRONG}{week}{PLAIN}  {said}")?;
    }
    Ok(outcome)
}

/// Lists the recipients, each with its last week.
async fn list(args: &SendArgs, settings: &Settings) -> anyhow::Result<Outcome> {
    let rows = &settings.recipients.value;
    if rows.is_empty() && settings.mail.value.is_none() && !args.json {
        anstream::eprintln!(
            "The configuration file {} has no [[recipient]]; docs/DIGESTS.md tells how to add one.",
            settings.config.value.display()
        );
        return Ok(Outcome::NotThere);
    }
    recipients::check_names(settings)?;
    let store = open::store(settings).await?;
    let mut listed = Vec::new();
    for row in rows {
        let known = store.recipient(&row.name, Timestamp::now()).await?;
        let last = store.sending(&row.name, None).await?;
        let alert = store.last_alert(&row.name).await?;
        listed.push((row, known.unsubscribed_at, last, alert));
    }
    let people = people(&store).await?;
    if args.json {
        let recipients = listed.iter().map(|(row, unsubscribed, last, alert)| {
            let last = last.as_ref();
            json!({
                "name": row.name,
                "how": row.to_string(),
                "week": last.map(|last| last.week),
                "sent": last.and_then(|last| last.sent_at),
                "next": last.and_then(|last| last.next),
                "error": last.and_then(|last| last.error.as_deref()),
                "alert_sent": alert.as_ref().and_then(|alert| alert.sent_at),
                "alert_error": alert.as_ref().and_then(|alert| alert.error.as_deref()),
                "unsubscribed": unsubscribed,
            })
        });
        output::json(&recipients.chain(people.iter().map(Person::json)).collect::<Vec<_>>())?;
        return Ok(Outcome::Fine);
    }
    for (row, unsubscribed, last, alert) in listed {
        say!("{STRONG}{}{PLAIN}  {row}", row.name)?;
        if row.subscribers {
            let all = people.iter().filter(|person| !person.is_reader).count() as u64;
            say!("  {}", output::count(all, "subscriber"))?;
            continue;
        }
        match (unsubscribed, last) {
            (Some(since), Some(SendingState { error: Some(error), .. })) => {
                say!("  stopped {since}: {error}")?
            }
            (Some(since), _) => say!("  unsubscribed since {since}")?,
            (None, Some(last)) => say!("  {}", last.told(&row.name))?,
            _ if alert.is_some() => say!("  no week was sent yet")?,
            _ => say!("  nothing was sent yet")?,
        }
        match alert {
            Some(AlertState { error: Some(error), .. }) => say!("  new answers: {error}")?,
            Some(AlertState { sent_at: Some(sent), .. }) => say!("  new answers were sent {sent}")?,
            _ => {}
        }
    }
    for person in &people {
        say!("{STRONG}{}{PLAIN}  mail to {}", person.name, person.address)?;
        say!("  {}", person.told())?;
    }
    Ok(Outcome::Fine)
}

/// A subscriber, or a reader with a digest, as they are listed.
struct Person {
    name: String,
    address: String,
    is_reader: bool,
    /// Why nothing more is sent.
    stopped: Option<String>,
    last: Option<SendingState>,
}

impl Person {
    /// The last week in words.
    fn told(&self) -> String {
        match (&self.stopped, &self.last) {
            (Some(why), _) => why.clone(),
            (None, Some(state)) => state.told(&self.name),
            (None, None) => "nothing was sent yet".to_owned(),
        }
    }

    fn json(&self) -> serde_json::Value {
        let last = self.last.as_ref();
        let error = self.stopped.as_deref().or(last.and_then(|last| last.error.as_deref()));
        json!({
            "name": self.name,
            "how": format!("mail to {}", self.address),
            "week": last.map(|last| last.week),
            "sent": last.and_then(|last| last.sent_at),
            "next": last.and_then(|last| last.next),
            "error": error,
            "alert_sent": null,
            "alert_error": null,
            "unsubscribed": null,
        })
    }
}

/// The subscribers, and the readers with a digest: those whose addresses are confirmed, or do not
/// exist any more.
async fn people(store: &Store) -> anyhow::Result<Vec<Person>> {
    let mut weeks: HashMap<String, SendingState> =
        store.weeks_of_people(false, u32::MAX).await?.into_iter().collect();
    let mut all = Vec::new();
    for subscriber in store.subscribers().await? {
        let (name, address) = (subscriber.name(), subscriber.address);
        let last = weeks.remove(&name);
        all.push(Person { name, address, is_reader: false, stopped: None, last });
    }
    for own in store.own_digests().await?.into_iter().chain(store.failed_own_digests().await?) {
        let (name, stopped, address) = (own.name(), own.failure(), own.address);
        let last = weeks.remove(&name);
        all.push(Person { name, address, is_reader: true, stopped, last });
    }
    Ok(all)
}

/// That what a recipient's choice names is not there, and the remedy.
pub fn lacking(to: &str, lack: &Lack) -> String {
    match lack {
        Lack::Search(name) => format!(
            "{to} gets the answers to “{name}”, and no saved search has this name; `backissue searches` lists them, and \
             `backissue searches add` saves one"
        ),
        Lack::Reader(name) => format!(
            "{to} is for the reader {name}, and there is none of this name; `backissue reader list` lists them"
        ),
    }
}

/// The result in words, and the exit code for it.
fn told(sent: &Sent, to: &str, resend: Resend, zone: &TimeZone) -> (Outcome, String) {
    let at = |moment: &Timestamp| output::moment(Some(*moment), zone);
    match sent {
        Sent::Now => (Outcome::Fine, format!("sent to {to}")),
        Sent::Nothing => (Outcome::NotThere, format!("not sent: the week has no reads for {to}")),
        Sent::Before(when) => {
            (Outcome::Fine, format!("was sent to {to} on {}; --again sends it once more", at(when)))
        }
        Sent::NotBefore(when) if resend == Resend::Yes => (
            Outcome::Partly,
            format!(
                "not sent to {to}: another process is sending it, or was killed; wait until {}",
                at(when)
            ),
        ),
        Sent::NotBefore(when) => (
            Outcome::Partly,
            format!(
                "not sent to {to}: another process is sending it, or it waits until {} after a failure; --again does not wait",
                at(when)
            ),
        ),
        Sent::Later(when, error) => {
            (Outcome::Partly, format!("not sent: {error}. `serve` or `work` tries again after {}", at(when)))
        }
        Sent::Lacks(lack) => (Outcome::NotThere, format!("not sent: {}", lacking(to, lack))),
        Sent::GivenUp(error) => (Outcome::Fault, format!("not sent: {error}; --again tries once more")),
        Sent::GivenUpBefore(why) => (Outcome::Fault, format!("was given up: {why}; --again tries once more")),
        Sent::Unsubscribed(when) => (
            Outcome::Fault,
            format!(
                "not sent: {to} was unsubscribed on {}; `backissue send --to {to} --resume` undoes it",
                at(when)
            ),
        ),
    }
}
