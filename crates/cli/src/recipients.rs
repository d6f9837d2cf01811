//! Recipients of weeks, made from the tables `[mail]` and `[[recipient]]` of the configuration
//! file.

use anyhow::{Context, bail, ensure};
use backissue_annotate::Vocabulary;
use backissue_digest::chat::Service;
use backissue_digest::{Choice, MOST};
use backissue_model::{SearchName, ascii_mail_address, meant};
use backissue_send::{Chat, ChatSettings, MailSettings, Mailer, Recipient, Schedule, Secret, Way};
use backissue_web::Public;
use jiff::civil::Time;

use crate::rows::{MailRow, RecipientRow};
use crate::settings::Settings;

/// Every recipient of the configuration, ready to be sent to, and the one that stands for readers
/// who chose a digest for themselves.
///
/// # Errors
/// If one of them cannot be used. The message says which one and what to change.
pub fn all(settings: &Settings) -> anyhow::Result<Vec<Recipient>> {
    let mut all = each(settings).map(|(_, ready)| ready).collect::<anyhow::Result<Vec<_>>>()?;
    all.extend(readers(settings)?);
    Ok(all)
}

/// The recipient that stands for readers. `None` without a mail server, or without an address for
/// the link that confirms.
fn readers(settings: &Settings) -> anyhow::Result<Option<Recipient>> {
    let (Some(mail), Some(_)) = (&settings.mail.value, &settings.base_url.value) else { return Ok(None) };
    Ok(Some(Recipient {
        name: "readers".to_owned(),
        way: Way::Readers(Box::new(mailer(settings, mail)?)),
        choice: Choice::default(),
        search: None,
        is_mine: false,
        my_concepts: false,
        reader: None,
        schedule: None,
        stop_token: None,
    }))
}

/// Whether this is the name of one subscriber or one reader. No recipient of the configuration may
/// have such a name.
pub fn is_person(name: &str) -> bool {
    name.starts_with("subscriber/") || name.starts_with("reader/")
}

/// Checks that no other recipient has the name of this one, nor can a subscriber or a reader have
/// it: messages, their results and addresses that unsubscribe belong to a name.
fn check_name(settings: &Settings, row: &RecipientRow) -> anyhow::Result<()> {
    let name = &row.name;
    let others = settings.recipients.value.iter().filter(|other| other.name == *name).count();
    ensure!(others == 1, "two recipients are called `{name}`; rename one of them");
    ensure!(
        !is_person(name),
        "names that begin with subscriber/ or reader/ are those of subscribers and readers; rename it"
    );
    Ok(())
}

/// Checks the names of all recipients.
pub fn check_names(settings: &Settings) -> anyhow::Result<()> {
    settings.recipients.value.iter().try_for_each(|row| {
        check_name(settings, row).with_context(|| format!("in [[recipient]] `{}`", row.name))
    })
}

/// Whether readers can choose a digest for themselves.
pub fn has_readers(recipients: &[Recipient]) -> bool {
    recipients.iter().any(|recipient| matches!(recipient.way, Way::Readers(_)))
}

/// Each recipient's name with the recipient, or why it cannot be used.
pub fn each(settings: &Settings) -> impl Iterator<Item = (&str, anyhow::Result<Recipient>)> {
    settings.recipients.value.iter().map(move |row| {
        let ready = recipient(settings, row);
        (row.name.as_str(), ready.with_context(|| format!("in [[recipient]] `{}`", row.name)))
    })
}

/// The recipient of this name.
///
/// # Errors
/// If there is none, or it cannot be used.
pub fn named(settings: &Settings, name: &str) -> anyhow::Result<Recipient> {
    let row = settings.recipients.value.iter().find(|row| row.name == name);
    let row = row.with_context(|| unknown(settings, name))?;
    recipient(settings, row).with_context(|| format!("in [[recipient]] `{name}`"))
}

/// Whether the configuration has a recipient of this name.
pub fn is_known(settings: &Settings, name: &str) -> bool {
    settings.recipients.value.iter().any(|row| row.name == name)
}

/// The sentence about a name that no recipient has.
pub fn unknown(settings: &Settings, name: &str) -> String {
    let config = settings.config.value.display();
    let names: Vec<&str> = settings.recipients.value.iter().map(|row| row.name.as_str()).collect();
    if names.is_empty() {
        return format!(
            "no recipient is called `{name}`; the configuration file {config} has no [[recipient]]"
        );
    }
    let hint = meant(backissue_model::nearest(name, names.iter().copied()));
    format!("no recipient is called `{name}`; {config} has {}{hint}", names.join(", "))
}

/// When subscribers get the week, in words. `None` if nobody can subscribe.
pub fn subscribers_get_it(recipients: &[Recipient]) -> Option<String> {
    let all = recipients.iter().find(|recipient| matches!(recipient.way, Way::Subscribers(_)))?;
    let schedule = all.schedule.as_ref()?;
    let zone = schedule.zone.iana_name().unwrap_or("UTC");
    Some(format!("each {:?} at {} ({zone})", schedule.weekday, schedule.at.strftime("%H:%M")))
}

/// Checks the conditions for subscribers: they can see and reach the pages, and there is a
/// schedule.
fn check_subscribers(settings: &Settings, row: &RecipientRow) -> anyhow::Result<()> {
    ensure!(
        row.mail.is_none() && row.chat.is_none(),
        "it has `subscribers` and another address; make two recipients of it"
    );
    ensure!(
        !row.mine && !row.my_concepts && row.search.is_none(),
        "subscribers get reads for everybody; remove `mine`, `my_concepts` and `search`"
    );
    ensure!(row.weekday.is_some(), "subscribers need a schedule; add for example weekday = \"monday\"");
    ensure!(
        matches!(settings.public.value, Some(Public::Statements | Public::Articles)),
        "subscribers see statements of the archive; set public = \"statements\" or \"articles\""
    );
    ensure!(
        settings.base_url.value.is_some(),
        "subscribers need links to these pages; set `base_url` to the address where others reach them"
    );
    let others = settings.recipients.value.iter().filter(|other| other.subscribers).count();
    ensure!(others == 1, "only one recipient can have `subscribers`");
    Ok(())
}

fn recipient(settings: &Settings, row: &RecipientRow) -> anyhow::Result<Recipient> {
    check_name(settings, row)?;
    let way = match (&row.mail, row.chat) {
        _ if row.subscribers => {
            check_subscribers(settings, row)?;
            let mail = settings.mail.value.as_ref();
            let mail = mail.context("mails need the table [mail] with `server` and `from`")?;
            Way::Subscribers(Box::new(mailer(settings, mail)?))
        }
        (Some(address), None) => {
            let ascii = ascii_mail_address(address).ok();
            let ascii = ascii.filter(|ascii| ascii.parse::<backissue_send::MailAddress>().is_ok());
            let ascii = ascii.with_context(|| {
                format!(
                    "`{address}` is no mail address; write name@example.org, with plain letters before the @"
                )
            })?;
            let mail = settings.mail.value.as_ref();
            let mail = mail.context("mails need the table [mail] with `server` and `from`")?;
            Way::Mail(Box::new(mailer(settings, mail)?), ascii.into_owned())
        }
        (None, Some(service)) => Way::Chat(Box::new(chat(settings, row, service)?)),
        (Some(_), Some(_)) => bail!("it has both `mail` and `chat`; make two recipients of it"),
        (None, None) => bail!("it has neither `mail`, `chat` nor `subscribers`; add one of them"),
    };
    let concept = |name: &String| match Vocabulary::builtin().called(name) {
        Some(concept) => Ok(concept.slug.clone()),
        None => {
            let nearest = Vocabulary::builtin().nearest(name).map(|concept| concept.slug.as_str());
            bail!("the vocabulary has no concept called `{name}`{}", meant(nearest))
        }
    };
    let choice = Choice {
        concepts: row.concepts.iter().map(concept).collect::<anyhow::Result<_>>()?,
        most: row.most.unwrap_or(MOST),
        reads: None,
    };
    let search = row.search.as_deref().map(str::parse::<SearchName>).transpose();
    let search = search.context("its `search` is no name of a saved search")?.map(|name| name.to_string());
    let schedule = match (row.weekday, row.at) {
        (None, None) => None,
        (Some(weekday), at) => {
            let zone = row.time_zone.clone().unwrap_or_else(|| settings.time_zone.value.clone());
            Some(Schedule { weekday, at: at.unwrap_or(Time::constant(8, 0, 0, 0)), zone: zone.0 })
        }
        (None, Some(_)) => bail!("it has `at` but no `weekday`"),
    };
    Ok(Recipient {
        name: row.name.clone(),
        way,
        choice,
        search,
        is_mine: row.mine,
        my_concepts: row.my_concepts,
        reader: row.reader.clone(),
        schedule,
        stop_token: None,
    })
}

fn mailer(settings: &Settings, mail: &MailRow) -> anyhow::Result<Mailer> {
    let password = one_secret("password", &mail.password, &mail.password_env)?;
    Ok(Mailer::new(&MailSettings {
        server: mail.server.clone(),
        user: mail.user.clone(),
        password,
        from: mail.from.clone(),
        ca: settings.ca.value.clone(),
    })?)
}

fn chat(settings: &Settings, row: &RecipientRow, service: Service) -> anyhow::Result<Chat> {
    let url = one_secret("url", &row.url, &row.url_env)?;
    Ok(Chat::new(ChatSettings {
        name: row.name.clone(),
        service,
        url: url
            .context("it has no `url`; copy the webhook's address there, or name a variable in `url_env`")?,
        key: one_secret("key", &row.key, &row.key_env)?,
        room: row.room.clone(),
        ca: settings.ca.value.clone(),
    })?)
}

/// A secret that is in the file or in an environment variable.
fn one_secret(
    name: &str,
    written: &Option<Secret>,
    variable: &Option<String>,
) -> anyhow::Result<Option<Secret>> {
    match (written, variable) {
        (Some(_), Some(_)) => bail!("it has both `{name}` and `{name}_env`; remove one of them"),
        (Some(secret), None) => Ok(Some(secret.clone())),
        (None, Some(variable)) => {
            let value = std::env::var(variable)
                .with_context(|| format!("its `{name}` is in ${variable}, which is not set; set it"))?;
            Ok(Some(Secret::new(&value)))
        }
        (None, None) => Ok(None),
    }
}
