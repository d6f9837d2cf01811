//! The callback for hubs: `/hub/{token}` (WebSub, W3C Recommendation).
//!
//! This module only handles HTTP. The implementation of [`HubCalls`] decides about requests.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::headers;

/// Maximum bytes of a notification: as large as a feed may be.
const LARGEST: usize = 16 << 20;

/// Maximum calls with a body that are processed at the same time. A hub whose call is refused tries
/// again (section 7).
const AT_ONCE: usize = 4;

/// Processes the calls of hubs.
pub trait HubCalls: Clone + Send + Sync + 'static {
    /// Whether a subscription has this token. Called before anything else of a request is read.
    fn knows(&self, token: &str) -> impl Future<Output = HubReply> + Send;
    /// Handles a hub's verification of a subscription.
    fn asked(&self, token: &str, question: HubQuery) -> impl Future<Output = HubReply> + Send;
    /// Handles a signed notification.
    fn told(
        &self,
        token: &str,
        signature: Option<&str>,
        body: &[u8],
    ) -> impl Future<Output = HubReply> + Send;
}

/// The response to a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HubReply {
    /// Confirmed, with the challenge.
    Challenge(String),
    /// Acknowledged.
    Heard,
    /// There is no such subscription.
    Unknown,
    /// An internal error; the hub may retry.
    Trouble(String),
}

/// The parameters of a verification request, section 5.3 of the Recommendation.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct HubQuery {
    /// `subscribe`, `unsubscribe` or `denied`.
    #[serde(rename = "hub.mode")]
    pub mode: String,
    /// The feed's address at the hub.
    #[serde(rename = "hub.topic")]
    pub topic: String,
    /// The challenge, which the subscriber repeats to confirm.
    #[serde(rename = "hub.challenge")]
    pub challenge: Option<String>,
    /// How long the hub will send notifications.
    #[serde(rename = "hub.lease_seconds")]
    pub lease_seconds: Option<u64>,
    /// Why the hub refuses the subscription.
    #[serde(rename = "hub.reason")]
    pub reason: Option<String>,
}

/// The router of the callback.
pub fn hub_router<C: HubCalls>(calls: C) -> Router {
    let free = Arc::new(Semaphore::new(AT_ONCE));
    Router::new()
        .route("/hub/{token}", get(ask::<C>).post(tell::<C>))
        .layer(CatchPanicLayer::new())
        .layer(map_response(headers::protect_call))
        .with_state((calls, free))
}

async fn ask<C: HubCalls>(
    State((calls, _)): State<(C, Arc<Semaphore>)>,
    Path(token): Path<String>,
    query: Result<Query<HubQuery>, QueryRejection>,
) -> Response {
    let Ok(Query(question)) = query else {
        return (
            StatusCode::BAD_REQUEST,
            "This is a callback for WebSub hubs; hub.mode or hub.topic is missing.\n",
        )
            .into_response();
    };
    match calls.asked(&token, question).await {
        // As bytes, so that no browser renders what an attacker may have sent.
        HubReply::Challenge(challenge) => {
            ([(CONTENT_TYPE, "application/octet-stream")], challenge).into_response()
        }
        HubReply::Heard => StatusCode::OK.into_response(),
        HubReply::Unknown => StatusCode::NOT_FOUND.into_response(),
        HubReply::Trouble(what) => trouble(&what),
    }
}

async fn tell<C: HubCalls>(
    State((calls, free)): State<(C, Arc<Semaphore>)>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(_taken) = free.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "10")]).into_response();
    };
    match calls.knows(&token).await {
        HubReply::Trouble(what) => return trouble(&what),
        // This tells the hub that nobody is subscribed (section 7).
        HubReply::Unknown => return StatusCode::GONE.into_response(),
        HubReply::Challenge(_) | HubReply::Heard => {}
    }
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let signature = headers.get("x-hub-signature").and_then(|value| value.to_str().ok());
    match calls.told(&token, signature, &body).await {
        HubReply::Challenge(_) | HubReply::Heard => StatusCode::ACCEPTED.into_response(),
        HubReply::Unknown => StatusCode::GONE.into_response(),
        HubReply::Trouble(what) => trouble(&what),
    }
}

/// Logs the error, and answers without it, because it is not for the hub.
fn trouble(what: &str) -> Response {
    tracing::error!("a hub's request failed: {what}");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    use super::*;

    /// Accepts every token, and reports each request for one.
    #[derive(Clone)]
    struct Knows(mpsc::UnboundedSender<()>);

    impl HubCalls for Knows {
        async fn knows(&self, _: &str) -> HubReply {
            let _ = self.0.send(());
            HubReply::Heard
        }

        async fn asked(&self, _: &str, _: HubQuery) -> HubReply {
            HubReply::Heard
        }

        async fn told(&self, _: &str, _: Option<&str>, _: &[u8]) -> HubReply {
            HubReply::Heard
        }
    }

    #[tokio::test]
    async fn few_calls_of_hubs_are_taken_in_at_once() {
        let (known, mut asked) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let router = hub_router(Knows(known));
        tokio::spawn(crate::serve(listener, router, crate::Limits::default(), stop.clone()));
        let call = async |body: &str| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head =
                "POST /hub/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\n";
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            stream
        };
        let answer = async |mut stream: TcpStream| {
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            text
        };
        let mut half = Vec::new();
        for _ in 0..AT_ONCE {
            half.push(call("a").await);
            asked.recv().await.unwrap();
        }
        let refused = answer(call("abc").await).await;
        assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 10"), "{refused}");
        let mut first = half.remove(0);
        first.write_all(b"bc").await.unwrap();
        assert!(answer(first).await.starts_with("HTTP/1.1 202"));
        assert!(answer(call("abc").await).await.starts_with("HTTP/1.1 202"));
        stop.cancel();
    }
}
