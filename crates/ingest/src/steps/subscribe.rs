//! The step that subscribes to a hub's notifications about a source.

use backissue_store::ClaimedSubscription;
use jiff::Timestamp;
use tracing::{debug, info};
use url::Url;

use crate::context::Context;
use crate::error::IngestError;
use crate::schedule;

/// Requests a subscription from the hub of a source's feed.
pub(crate) async fn run(cx: &Context, wanted: ClaimedSubscription, below: &Url) -> Result<(), IngestError> {
    let retry = |wish| schedule::hub_retry(Timestamp::now(), wanted.attempts + 1, wish, wanted.source.0);
    let Some(callback) = callback(below, &wanted.names.token) else {
        let error = "the public address (`base_url`) is not reachable for a hub";
        cx.store.record_subscription(&wanted, Some(error), retry(None)).await?;
        return Ok(());
    };
    let lease = schedule::HUB_LEASE.as_secs().to_string();
    let form = [
        ("hub.callback", callback.as_str()),
        ("hub.mode", "subscribe"),
        ("hub.topic", wanted.topic.as_str()),
        ("hub.lease_seconds", lease.as_str()),
        ("hub.secret", wanted.names.secret.as_str()),
    ];
    let (error, again) = match cx.fetcher.post_form(&wanted.hub, &form).await {
        Ok(_) => (None, retry(None)),
        Err(error) if error.is_offline() => {
            cx.lose_network();
            (Some(error.to_string()), schedule::offline_retry(Timestamp::now()))
        }
        Err(error) => (Some(error.to_string()), retry(error.retry_after())),
    };
    match &error {
        None => {
            debug!(hub = %wanted.hub, topic = %wanted.topic, "requested notifications from {}", wanted.host)
        }
        Some(error) => {
            info!(hub = %wanted.hub, topic = %wanted.topic, %error, "no hub for {}: {error}", wanted.topic)
        }
    }
    cx.store.record_subscription(&wanted, error.as_deref(), again).await?;
    Ok(())
}

/// The address to which a hub sends its requests, below the public address.
fn callback(below: &Url, token: &str) -> Option<Url> {
    let mut below = below.clone();
    below.set_query(None);
    below.set_fragment(None);
    if !below.path().ends_with('/') {
        below.set_path(&format!("{}/", below.path()));
    }
    below.join(&format!("hub/{token}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn callbacks_are_below_the_public_address() {
        for (below, address) in [
            ("https://reader.example", "https://reader.example/hub/t0"),
            ("https://reader.example/archive?x#y", "https://reader.example/archive/hub/t0"),
            ("https://reader.example/archive/", "https://reader.example/archive/hub/t0"),
        ] {
            assert_eq!(callback(&url(below), "t0"), Some(url(address)));
        }
        assert_eq!(callback(&url("mailto:me@example.com"), "t0"), None);
    }
}
