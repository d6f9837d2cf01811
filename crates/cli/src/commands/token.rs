//! `backissue token`: tokens with which programs act for a reader.

use anyhow::{Context, bail, ensure};
use backissue_model::{Role, Scope, TokenName, did_you_mean};
use backissue_store::{NewToken, Store, TOKENS_MAX, Token, TokenAdded};
use backissue_web::{fever_key_hash, new_token, token_hash};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::args::{ForReader, TokenArgs, TokenWhat};
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, say};
use crate::settings::Settings;

/// Makes, lists or removes tokens.
pub async fn run(args: TokenArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    match args.what {
        TokenWhat::Add { name, scope, days, who, json } => add(&store, &name, scope, days, &who, json).await,
        TokenWhat::List { who, json } => list(&store, &who, json).await,
        TokenWhat::Remove { name, who } => remove(&store, &name, &who).await,
    }
}

async fn add(
    store: &Store,
    name: &TokenName,
    scope: Scope,
    days: Option<u16>,
    who: &ForReader,
    as_json: bool,
) -> anyhow::Result<Outcome> {
    let (reader, now) = (open::reader(store, who.reader.as_ref()).await?, Timestamp::now());
    let known = store.reader(reader, now).await?;
    let known = known.context("this reader has left meanwhile; `backissue reader list` lists them")?;
    ensure!(
        scope != Scope::Operate || known.role == Role::Operator,
        "only operators have tokens with the scope operate; choose --scope write"
    );
    let ends_at = days.map(|days| now + SignedDuration::from_hours(24 * i64::from(days)));
    let token = new_token();
    let (hash, fever_key) = (token_hash(&token), fever_key_hash(&known.name, &token));
    let new = NewToken { name, scope, hash: &hash, fever_key: &fever_key, ends_at };
    match store.add_token(reader, new, now).await? {
        TokenAdded::Added(_) => {}
        TokenAdded::NameTaken => {
            bail!("another token is called “{name}”; choose another name, or remove that one first")
        }
        TokenAdded::TooMany => {
            bail!("there are {TOKENS_MAX} tokens, the most that a reader has; remove one first")
        }
    }
    if as_json {
        output::json(&json!({ "name": name, "scope": scope, "ends_at": ends_at, "token": token }))?;
    } else {
        say!("{token}")?;
        let until = output::moment(ends_at, store.zone());
        let until =
            if ends_at.is_some() { format!("until {until}") } else { "until it is removed".to_owned() };
        anstream::eprintln!("This token works {until}, and is not shown again. Give it to {name} alone.");
    }
    Ok(Outcome::Fine)
}

async fn list(store: &Store, who: &ForReader, as_json: bool) -> anyhow::Result<Outcome> {
    let tokens = store.tokens(open::reader(store, who.reader.as_ref()).await?).await?;
    if as_json {
        output::json(&tokens.iter().map(as_value).collect::<Vec<_>>())?;
        return Ok(Outcome::Fine);
    }
    if tokens.is_empty() {
        anstream::eprintln!("There are no tokens; `backissue token add NAME` makes one.");
    }
    let zone = store.zone();
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            let used = match token.used_at {
                Some(used) => format!("last used {}", output::moment(Some(used), zone)),
                None => "never used".to_owned(),
            };
            let end = match token.ends_at {
                Some(end) if token.has_ended(Timestamp::now()) => {
                    format!("ended {}", output::moment(Some(end), zone))
                }
                Some(end) => format!("ends {}", output::moment(Some(end), zone)),
                None => String::new(),
            };
            vec![token.name.to_string(), token.scope.to_string(), used, end]
        })
        .collect();
    for line in output::columns(&rows) {
        say!("{line}")?;
    }
    Ok(Outcome::Fine)
}

fn as_value(token: &Token) -> serde_json::Value {
    json!({
        "name": token.name, "scope": token.scope, "made_at": token.made_at, "used_at": token.used_at,
        "ends_at": token.ends_at,
    })
}

async fn remove(store: &Store, name: &TokenName, who: &ForReader) -> anyhow::Result<Outcome> {
    let reader = open::reader(store, who.reader.as_ref()).await?;
    let tokens = store.tokens(reader).await?;
    let Some(token) = tokens.iter().find(|token| token.name == *name) else {
        let hint = did_you_mean(name.as_str(), tokens.iter().map(|token| token.name.as_str()));
        let hint = if hint.is_empty() { "; `backissue token list` lists them" } else { &hint };
        anstream::eprintln!("no token is called “{name}”{hint}");
        return Ok(Outcome::NotThere);
    };
    store.remove_token(reader, token.id).await?;
    say!("The token for {name} was removed. Nothing accepts it any more.")?;
    Ok(Outcome::Fine)
}
