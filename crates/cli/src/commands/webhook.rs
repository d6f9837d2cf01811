//! `backissue webhook`: adds, lists, tests and removes webhooks, which notify other programs of
//! events.

use anyhow::{bail, ensure};
use backissue_model::{Event, Role};
use backissue_send::{Caller, check_webhook, new_signing_key};
use backissue_store::{CallResult, NewWebhook, Store, WEBHOOKS_MAX, Webhook, WebhookAdded};
use jiff::Timestamp;
use serde_json::json;

use crate::args::{ForReader, WebhookArgs, WebhookWhat};
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, say};
use crate::settings::Settings;

/// Adds, lists, tests or removes webhooks.
pub async fn run(args: WebhookArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    match args.what {
        WebhookWhat::Add { url, events, who, json } => add(&store, &settings, &url, events, &who, json).await,
        WebhookWhat::List { json } => list(&store, json).await,
        WebhookWhat::Test { id } => test(&store, &settings, id).await,
        WebhookWhat::Remove { id } => {
            if !store.remove_webhook(id).await? {
                return Ok(not_there(id));
            }
            say!("Webhook {id} was removed. It is told nothing more.")?;
            Ok(Outcome::Fine)
        }
    }
}

fn not_there(id: i64) -> Outcome {
    anstream::eprintln!("there is no webhook {id}; `backissue webhook list` lists them");
    Outcome::NotThere
}

async fn add(
    store: &Store,
    settings: &Settings,
    url: &str,
    mut events: Vec<Event>,
    who: &ForReader,
    as_json: bool,
) -> anyhow::Result<Outcome> {
    let (reader, now) = (open::reader(store, who.reader.as_ref()).await?, Timestamp::now());
    let role = store.reader(reader, now).await?.map(|reader| reader.role);
    ensure!(role == Some(Role::Operator), "only operators have webhooks; name one with --reader");
    check_webhook(url, &settings.ca.value)?;
    events.dedup();
    let key = new_signing_key();
    let new = NewWebhook { url, key: &key, events: &events };
    let id = match store.add_webhook(reader, new, now).await? {
        WebhookAdded::Added(id) => id,
        WebhookAdded::AddressTaken(id) => {
            bail!("webhook {id} has this address already; remove it first to tell it of other events")
        }
        WebhookAdded::TooMany => {
            bail!("there are {WEBHOOKS_MAX} webhooks, the most that an archive has; remove one first")
        }
    };
    if as_json {
        output::json(&json!({ "id": id, "events": events, "key": key }))?;
    } else {
        say!("{key}")?;
        anstream::eprintln!(
            "This key signs the messages to webhook {id}, and is not shown again. `backissue webhook test {id}` sends one."
        );
    }
    Ok(Outcome::Fine)
}

async fn list(store: &Store, as_json: bool) -> anyhow::Result<Outcome> {
    let webhooks = store.webhooks().await?;
    if as_json {
        output::json(&webhooks.iter().map(as_value).collect::<Vec<_>>())?;
        return Ok(Outcome::Fine);
    }
    if webhooks.is_empty() {
        anstream::eprintln!("There are no webhooks; `backissue webhook add URL --event EVENT` adds one.");
    }
    let row = |webhook: &Webhook| {
        let events: Vec<&str> = webhook.events.iter().map(|event| event.as_str()).collect();
        let last = match &webhook.last {
            Some(last) => format!("{}: {}", output::moment(Some(last.at), store.zone()), last.text),
            None => "no answer yet".to_owned(),
        };
        let waiting = match webhook.waiting {
            0 => String::new(),
            n => format!("{n} waiting"),
        };
        vec![webhook.id.to_string(), webhook.server(), events.join(" "), waiting, last]
    };
    for line in output::columns(&webhooks.iter().map(row).collect::<Vec<_>>()) {
        say!("{line}")?;
    }
    Ok(Outcome::Fine)
}

fn as_value(webhook: &Webhook) -> serde_json::Value {
    let last = webhook.last.as_ref();
    json!({
        "id": webhook.id, "server": webhook.server(), "events": webhook.events, "made_at": webhook.made_at,
        "waiting": webhook.waiting,
        "last": last.map(|last| json!({ "at": last.at, "answer": last.text, "accepted": last.accepted })),
    })
}

async fn test(store: &Store, settings: &Settings, id: i64) -> anyhow::Result<Outcome> {
    let Some(webhook) = store.webhook(id).await? else { return Ok(not_there(id)) };
    let caller = Caller::new(store.clone(), open::site(settings, store), &settings.ca.value).await?;
    match caller.test(&webhook).await? {
        Some(CallResult::Accepted(said)) => {
            say!("The server answered {said}.")?;
            Ok(Outcome::Fine)
        }
        Some(CallResult::Again(_, why) | CallResult::GivenUp(why) | CallResult::Gone(why)) => bail!("{why}"),
        None => {
            say!("Another process delivers it. `backissue webhook list` has the answer in a moment.")?;
            Ok(Outcome::Fine)
        }
    }
}
