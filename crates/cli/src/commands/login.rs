//! `backissue reader`: readers, their passwords and their roles.

use std::io::{IsTerminal, Read};

use anyhow::{Context, bail, ensure};
use backissue_model::{PASSWORD_MAX, PASSWORD_MIN, Password, Reader, ReaderName, Role};
use backissue_openid::SUBJECT_MAX;
use backissue_store::{Leaving, OpenIdLogin, OpenIdUnlinked, ReaderChange, Store};
use backissue_web::{invitation_hash, new_invitation};
use jiff::Timestamp;
use serde_json::json;
use url::Url;

use crate::args::{ReaderArgs, ReaderWhat};
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, say};
use crate::settings::Settings;
use crate::values::HowMany;

/// Lists, adds, changes or removes readers.
pub async fn run(args: ReaderArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    match args.what {
        ReaderWhat::List { json } => list(&store, json).await,
        ReaderWhat::Add { name, operator, json } => add(&store, &settings, &name, operator, json).await,
        ReaderWhat::Password { name, remove } => password(&store, &settings, name.as_ref(), remove).await,
        ReaderWhat::Link { name, subject } => link_person(&store, &settings, &name, &subject).await,
        ReaderWhat::Unlink { name } => {
            let reader = open::reader_named(&store, &name).await?;
            match store.unlink_openid(reader.id).await? {
                OpenIdUnlinked::Done => {
                    say!("{name} does not log in by OpenID any more, and the sessions of {name} ended.")?
                }
                OpenIdUnlinked::NotLinked => say!("{name} did not log in by OpenID.")?,
                OpenIdUnlinked::LastOperator => return Err(is_last(name.as_str())),
            }
            Ok(Outcome::Fine)
        }
        ReaderWhat::Role { name, role } => {
            let reader = open::reader_named(&store, &name).await?;
            done_unless_last(store.set_role(reader.id, role).await?, &name)?;
            say!("{name} is {} now.", in_words(role))?;
            Ok(Outcome::Fine)
        }
        ReaderWhat::Remove { name, keep_data, yes } => remove(&store, &name, keep_data, yes).await,
    }
}

fn in_words(role: Role) -> &'static str {
    match role {
        Role::Operator => "an operator",
        Role::Reader => "a reader",
    }
}

async fn list(store: &Store, as_json: bool) -> anyhow::Result<Outcome> {
    let readers = store.readers(Timestamp::now()).await?;
    if as_json {
        output::json(&readers.iter().map(as_value).collect::<Vec<_>>())?;
        return Ok(Outcome::Fine);
    }
    let rows: Vec<Vec<String>> = readers
        .iter()
        .map(|reader| vec![reader.name.to_string(), reader.role.to_string(), standing(store, reader)])
        .collect();
    for line in output::columns(&rows) {
        say!("{line}")?;
    }
    Ok(Outcome::Fine)
}

fn standing(store: &Store, reader: &Reader) -> String {
    let zone = store.zone();
    let logs_in = match (reader.has_password, reader.has_openid) {
        (true, true) => "has a password, logs in by OpenID too",
        (true, false) => "has a password",
        (false, true) => "logs in by OpenID",
        (false, false) => "has no password",
    };
    match (reader.closed, reader.invited_until) {
        (_, Some(until)) => format!("{logs_in}, has a link until {}", output::moment(Some(until), zone)),
        (Some(closed), None) => format!("closed since {}", output::moment(Some(closed), zone)),
        (None, None) => logs_in.to_owned(),
    }
}

fn as_value(reader: &Reader) -> serde_json::Value {
    json!({
        "name": reader.name, "role": reader.role, "password": reader.has_password, "openid": reader.has_openid, "closed": reader.closed,
        "invited_until": reader.invited_until,
    })
}

/// Adds a reader if there is none with this name, and makes a link for setting a password.
async fn add(
    store: &Store,
    settings: &Settings,
    name: &ReaderName,
    operator: bool,
    as_json: bool,
) -> anyhow::Result<Outcome> {
    let role = if operator { Role::Operator } else { Role::Reader };
    let (reader, is_new) = match store.add_reader(name, role).await? {
        Some(reader) => (reader, true),
        None => {
            let known = open::reader_named(store, name).await?;
            if operator && known.role != Role::Operator {
                bail!(
                    "{name} is there already, as a reader; `backissue reader role {name} operator` changes that"
                );
            }
            (known.id, false)
        }
    };
    let token = new_invitation();
    let until = store.invite(reader, &invitation_hash(&token), Timestamp::now()).await?;
    let link = link(settings, &token)?;
    if as_json {
        output::json(&json!({ "name": name, "new": is_new, "link": link, "until": until }))?;
    } else {
        say!("{link}")?;
        let until = output::moment(Some(until), store.zone());
        let done = if is_new { "was added" } else { "was there already" };
        let or_openid = if settings.openid_issuer.value.is_some() { ", or logs in by OpenID" } else { "" };
        anstream::eprintln!(
            "{name} {done}. The link sets a password{or_openid}, once, until {until}. Give it to nobody else."
        );
    }
    if settings.base_url.value.is_none() {
        anstream::eprintln!(
            "Its address is that of the setting `listen`. If `serve` runs at another one, put that before /join/; \
             for readers on other machines, set `base_url`."
        );
    }
    if settings.readers.value == HowMany::One {
        anstream::eprintln!(
            "Accounts count with the setting readers = \"several\"; `backissue serve` has one reader as it is set."
        );
    }
    Ok(Outcome::Fine)
}

/// Links a reader with a person at the OpenID provider.
async fn link_person(
    store: &Store,
    settings: &Settings,
    name: &ReaderName,
    subject: &str,
) -> anyhow::Result<Outcome> {
    let issuer = settings.openid_issuer.value.as_deref();
    let issuer = issuer.context("there is no OpenID provider; the setting `openid_issuer` names one")?;
    ensure!(
        !subject.trim().is_empty() && subject.chars().count() <= SUBJECT_MAX,
        "a subject has 1 to {SUBJECT_MAX} characters; the page that refuses an unknown person shows it"
    );
    let reader = open::reader_named(store, name).await?;
    let login = OpenIdLogin { issuer, subject };
    if !store.link_openid(reader.id, login, Timestamp::now()).await? {
        bail!("this person is linked with another reader; `backissue reader unlink NAME` ends that");
    }
    say!("{name} logs in as this person at {issuer} now.")?;
    Ok(Outcome::Fine)
}

/// The address of an invitation, where people reach the pages.
fn link(settings: &Settings, token: &str) -> anyhow::Result<Url> {
    let base = match &settings.base_url.value {
        Some(base) => base.clone(),
        None => format!("http://{}/", settings.listen.value).parse().context("the setting `listen`")?,
    };
    let mut link = base;
    link.set_path(&format!("/join/{token}"));
    Ok(link)
}

/// Removes a reader, after confirmation.
async fn remove(store: &Store, name: &ReaderName, keep_data: bool, yes: bool) -> anyhow::Result<Outcome> {
    let reader = open::reader_named(store, name).await?;
    let made = store.own_counts(reader.id).await?.in_words();
    let has = made.as_ref().map(|made| format!("{name} has {made}"));
    if let (Some(what), false, false) = (&has, keep_data, yes) {
        let rescue = format!(
            "`backissue export --mine {name}.json --reader {name}` writes all but tokens and webhooks"
        );
        if !std::io::stdin().is_terminal() {
            bail!("{what}. {rescue}; then say --yes to delete it, or --keep-data to close the account only");
        }
        anstream::eprintln!("{what}. {rescue}; --keep-data keeps it here.");
        let prompt = format!("Delete {name} and all of it for good?");
        if !dialoguer::Confirm::new().with_prompt(prompt).default(false).interact()? {
            anstream::eprintln!("Nothing was changed.");
            return Ok(Outcome::Fine);
        }
    } else if let Some(what) = &has {
        anstream::eprintln!("{what}.");
    }
    let leaving = if keep_data { Leaving::KeepData } else { Leaving::DropData };
    done_unless_last(store.remove_reader(reader.id, leaving, Timestamp::now()).await?, name)?;
    if keep_data {
        say!(
            "The account of {name} is closed. What {name} wrote stays; `backissue reader add {name}` opens it again."
        )?;
    } else {
        let with = made.map(|made| format!(", with {made}")).unwrap_or_default();
        say!("{name} was removed{with}.")?;
    }
    Ok(Outcome::Fine)
}

fn done_unless_last(change: ReaderChange, name: &ReaderName) -> anyhow::Result<()> {
    match change {
        ReaderChange::Done => Ok(()),
        ReaderChange::LastOperator => Err(is_last(name.as_str())),
    }
}

fn is_last(name: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "{name} is the only operator, or the only one who can log in, so nothing was changed; first make another \
         reader an operator who can: `backissue reader role NAME operator` and `backissue reader password NAME`"
    )
}

/// Sets or removes a password.
async fn password(
    store: &Store,
    settings: &Settings,
    name: Option<&ReaderName>,
    remove: bool,
) -> anyhow::Result<Outcome> {
    let reader = match name {
        Some(name) => open::reader_named(store, name).await?.id,
        None => store.first_operator().await?,
    };
    let had_one = store.has_password(reader).await?;
    let password = if remove { None } else { Some(asked()?) };
    let ended = match settings.readers.value {
        // One reader needs no login.
        HowMany::Several if remove => {
            let who = name.map_or("the first operator", ReaderName::as_str);
            store.remove_password(reader).await?.ok_or_else(|| is_last(who))?
        }
        _ => store.set_password(reader, password.as_ref(), None).await?,
    };
    let ended = output::count(ended, "session");
    let of = name.map(|name| format!(" of {name}")).unwrap_or_default();
    match (password.is_some(), had_one) {
        (true, true) => say!("The password{of} was changed; {ended} ended.")?,
        (true, false) => match settings.readers.value {
            HowMany::One => {
                say!("The password{of} is set. It is asked for from now on, on this machine too.")?
            }
            HowMany::Several => say!("The password{of} is set.")?,
        },
        (false, true) => say!(
            "The password{of} was removed; {ended} ended. Pages that others can reach are read-only without one."
        )?,
        (false, false) => say!("There was no password{of}.")?,
    }
    Ok(Outcome::Fine)
}

/// The new password, from the terminal or one line of standard input.
fn asked() -> anyhow::Result<Password> {
    if std::io::stdin().is_terminal() {
        let valid = |text: &String| text.parse::<Password>().map(drop).map_err(|why| why.to_string());
        let prompt = format!("New password, at least {PASSWORD_MIN} characters");
        let typed = dialoguer::Password::new()
            .with_prompt(prompt)
            .with_confirmation("The same again", "The two differ; nothing was set")
            .validate_with(valid)
            .interact()?;
        return Ok(typed.parse()?);
    }
    let mut bytes = Vec::new();
    let most = PASSWORD_MAX as u64 + 3;
    std::io::stdin().take(most).read_to_end(&mut bytes).context("standard input cannot be read")?;
    let text = String::from_utf8(bytes).context("the password in standard input is not UTF-8")?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        bail!("standard input is empty; nothing was changed. To remove the password, use --remove");
    }
    Ok(line.parse()?)
}
