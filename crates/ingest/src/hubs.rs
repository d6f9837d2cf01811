//! A subscriber to WebSub hubs, which notify of changes in feeds (W3C Recommendation, 23 January
//! 2018).
//!
//! A notification only triggers a poll of the publisher. So an attacker who controls a hub or knows
//! its secret can cause polls and nothing else. This module decides whether a request is valid. It
//! does not handle HTTP.

use backissue_fetch::Link;
use backissue_model::{PollingHints, hex, unhex, without_credentials};
use backissue_store::{HubNames, Store, StoreError, Subscription};
use jiff::Timestamp;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use tracing::info;
use url::Url;

use crate::context::Context;
use crate::schedule;

/// A hub's verification request (section 5.3 of the Recommendation).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubQuestion {
    /// `hub.mode`: `subscribe`, `unsubscribe` or `denied`.
    pub mode: String,
    /// `hub.topic`.
    pub topic: String,
    /// `hub.challenge`, which the subscriber repeats to confirm.
    pub challenge: Option<String>,
    /// `hub.lease_seconds`: how long the hub will send notifications.
    pub lease_seconds: Option<u64>,
    /// `hub.reason`: why the hub refuses the subscription.
    pub reason: Option<String>,
}

/// The response to a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HubAnswer {
    /// The request is confirmed. The body of the response must be this challenge.
    Agreed(String),
    /// The request is acknowledged.
    Heard,
    /// There is no such subscription, or it differs from the request.
    Unknown,
}

/// Takes hub and topic from the response's headers, which take precedence over the document
/// (section 4). A feed without a self link is identified by its requested address.
pub(crate) fn discover(polling_hints: &mut PollingHints, links: &[Link], asked: Option<&Url>) {
    let named =
        |relation: &str| links.iter().find(|link| link.relation == relation).map(|link| link.url.clone());
    polling_hints.hub = named("hub").or(polling_hints.hub.take());
    polling_hints.topic = named("self").or(polling_hints.topic.take());
    if polling_hints.hub.is_some() && polling_hints.topic.is_none() {
        // An address with a password must not be disclosed.
        polling_hints.topic = asked.filter(|asked| without_credentials(asked) == **asked).cloned();
    }
}

/// Random names and a secret for a subscription. Returns `None` if the system has no random
/// numbers.
pub(crate) fn fresh_names() -> Option<HubNames> {
    let random = SystemRandom::new();
    let text = |bytes: &mut [u8]| {
        random.fill(bytes).ok()?;
        Some(hex(bytes))
    };
    Some(HubNames { token: text(&mut [0; 16])?, secret: text(&mut [0; 32])? })
}

/// Whether `secret` signed `body`: `X-Hub-Signature: method=hex` (section 7.1). The methods are
/// those of the Recommendation. They include SHA-1, because the largest hubs know no other; as an
/// HMAC it is still secure.
fn is_signed(secret: &str, signature: &str, body: &[u8]) -> bool {
    let Some((method, tag)) = signature.trim().split_once('=') else { return false };
    let algorithm = match method.to_ascii_lowercase().as_str() {
        "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => hmac::HMAC_SHA256,
        "sha384" => hmac::HMAC_SHA384,
        "sha512" => hmac::HMAC_SHA512,
        _ => return false,
    };
    let Some(tag) = unhex(tag) else { return false };
    hmac::verify(&hmac::Key::new(algorithm, secret.as_bytes()), body, &tag).is_ok()
}

/// Answers a hub's request to verify a subscription, or its message that it denies one.
///
/// # Errors
/// If the database fails.
pub(crate) async fn verify(
    store: &Store,
    token: &str,
    question: HubQuestion,
) -> Result<HubAnswer, StoreError> {
    let known = store.subscription(token).await?;
    let Some(known) = known.filter(|known| known.topic.as_str() == question.topic) else {
        return Ok(HubAnswer::Unknown);
    };
    let now = Timestamp::now();
    match (question.mode.as_str(), question.challenge) {
        ("subscribe", Some(challenge)) => {
            let (ends_at, again) = schedule::hub_lease(now, question.lease_seconds);
            store.confirm_subscription(token, now, ends_at, again).await?;
            info!(topic = %known.topic, until = %ends_at, "a hub confirmed notifications for {}", known.topic);
            Ok(HubAnswer::Agreed(challenge))
        }
        ("denied", _) => {
            let why = question.reason.unwrap_or_default();
            let why: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
            let why = if why.is_empty() { "it gives no reason" } else { &why };
            let again = now.saturating_add(schedule::LONGEST_HUB_PAUSE).unwrap_or(Timestamp::MAX);
            store.refuse_subscription(token, &format!("the hub refuses: {why}"), again).await?;
            Ok(HubAnswer::Heard)
        }
        // This program never unsubscribes, so the request is forged.
        _ => Ok(HubAnswer::Unknown),
    }
}

/// Handles a notification: if its signature is valid, the source is polled immediately. An
/// invalid one gets the same response, as the Recommendation demands (section 7.1).
///
/// # Errors
/// If the database fails.
pub(crate) async fn notify(
    cx: &Context,
    token: &str,
    signature: Option<&str>,
    body: &[u8],
) -> Result<HubAnswer, StoreError> {
    let Some(Subscription { source, topic, secret }) = cx.store.subscription(token).await? else {
        return Ok(HubAnswer::Unknown);
    };
    if !signature.is_some_and(|signature| is_signed(&secret, signature, body)) {
        info!(%topic, "a notification for {topic} has no valid signature and is ignored");
        return Ok(HubAnswer::Heard);
    }
    let now = Timestamp::now();
    let last_poll = cx.store.source(source).await?.and_then(|source| source.health.last_poll);
    let poll_at = schedule::told_by_hub(now, last_poll, cx.settings.poll_every);
    cx.store.told_by_hub(source, now, poll_at).await?;
    cx.look_again();
    Ok(HubAnswer::Heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    /// The expected signatures are by another program: `printf BODY | openssl dgst -SHA… -hmac
    /// SECRET`.
    #[test]
    fn signatures_equal_those_of_other_programs() {
        let body = b"<feed/>";
        for (signature, good) in [
            (SHA1, true),
            (SHA256, true),
            (SHA512, true),
            (&SHA256.to_uppercase(), true),
            (&SHA256.replace("sha256=", "md5="), false),
            (&SHA256.replace("sha256=", ""), false),
            (&SHA256[..SHA256.len() - 2], false),
            (&SHA256[..SHA256.len() - 1], false),
            ("sha256=", false),
            ("sha256=äö", false),
            ("", false),
        ] {
            assert_eq!(is_signed("the secret", signature, body), good, "{signature}");
            assert!(!is_signed("the secret", signature, b"<feed />"), "{signature}");
            assert!(!is_signed("another", signature, body), "{signature}");
        }
    }

    const SHA1: &str = "sha1=cf1790a8d365492cec691825b68b8ffa83d4159e";
    const SHA256: &str = "sha256=ef0ff9f8b618a705cb496bb09243206477ffefeae48a3c046df2be7e2c432643";
    const SHA512: &str = "sha512=75982f68d7c9d40ea931395c62f2a746f032a407a8ccfbf8a43a516b5ec2b69fcdf54b5de84d684165c43fec3c64abec377535606b8ed4bfcb6ee8f3ed7a62be";

    #[test]
    fn headers_take_precedence_and_hide_passwords() {
        let link = |relation: &str, at: &str| Link { relation: relation.to_owned(), url: url(at) };
        let links = [link("hub", "https://hub.example/"), link("hub", "https://second.example/")];
        let mut polling_hints =
            PollingHints { hub: Some(url("https://other.example/")), ..PollingHints::default() };
        discover(&mut polling_hints, &links, Some(&url("https://a.example/feed")));
        assert_eq!(
            (polling_hints.hub, polling_hints.topic),
            (Some(url("https://hub.example/")), Some(url("https://a.example/feed")))
        );
        let mut secret = PollingHints { hub: Some(url("https://hub.example/")), ..PollingHints::default() };
        discover(&mut secret, &[], Some(&url("https://me:secret@a.example/feed")));
        assert_eq!(secret.topic, None);
        let mut none = PollingHints::default();
        discover(&mut none, &[], Some(&url("https://a.example/feed")));
        assert_eq!(none, PollingHints::default());
    }

    #[test]
    fn identifiers_are_long_and_unique() {
        let (one, two) = (fresh_names().unwrap(), fresh_names().unwrap());
        assert_eq!((one.token.len(), one.secret.len()), (32, 64));
        assert!(one.token != two.token && one.secret != two.secret);
    }
}
