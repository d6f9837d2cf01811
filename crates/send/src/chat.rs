//! Sends messages to the webhooks of chat servers.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use backissue_digest::chat::Service;
use backissue_fetch::{client_tls, innermost_reason, is_on_this_machine, operator_client, retry_after};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use ring::hmac;
use serde_json::Value;
use url::Url;

use crate::answer::one_line;
use crate::{Secret, SendError};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Maximum bytes of a response that are read.
const READ: usize = 4096;
/// Minimum bytes of a key that signs messages (Standard Webhooks, "Symmetric keys").
const KEY_MIN: usize = 24;
/// Maximum bytes of such a key in base64.
const KEY_MAX: usize = 64;
/// Minimum characters of a part of an address that may be a secret.
const SECRET_PART_MIN: usize = 8;

/// The settings of a chat server.
#[derive(Clone, Debug)]
pub struct ChatSettings {
    /// The operator's name for the recipient.
    pub name: String,
    /// The service.
    pub service: Service,
    /// The address of its webhook. For Matrix, the address of the server.
    pub url: Secret,
    /// The key that signs messages to a webhook. For Matrix, the access token.
    pub key: Option<Secret>,
    /// The Matrix room.
    pub room: Option<String>,
    /// PEM files with certificate authorities to trust in addition to the system's.
    pub ca: Vec<PathBuf>,
}

/// A message with its id and time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery<'d> {
    /// The id of the message. It is equal for all attempts, so that the receiver can recognise a
    /// duplicate.
    pub(crate) id: &'d str,
    /// The time of the attempt.
    pub(crate) at: Timestamp,
    /// The message.
    pub(crate) message: &'d Value,
}

/// A client for a chat server.
#[derive(Clone, Debug)]
pub struct Chat {
    settings: ChatSettings,
    client: Client,
    url: Url,
    /// The key that signs messages to a webhook.
    signing: Option<hmac::Key>,
}

impl Chat {
    /// Prepares the client without sending anything.
    ///
    /// # Errors
    /// [`SendError::Setup`] if the settings cannot be used.
    pub fn new(settings: ChatSettings) -> Result<Self, SendError> {
        let what = format!("the recipient `{}`", settings.name);
        let unfit = |why: &str| SendError::Setup { what: what.clone(), why: why.to_owned() };
        let url: Url = settings
            .url
            .reveal()
            .parse()
            .map_err(|_| unfit("its `url` is no address; copy the webhook's address again"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_on_this_machine(&url) => {}
            _ => {
                return Err(unfit(
                    "its `url` is secret, so it must begin with https://; http:// is allowed only on this machine",
                ));
            }
        }
        if settings.service == Service::Matrix && (settings.room.is_none() || settings.key.is_none()) {
            return Err(unfit(
                "a Matrix room needs `room`, as !id:server, and the access token in `key_env`",
            ));
        }
        let signing = match (settings.service, &settings.key) {
            (Service::Webhook, Some(key)) => Some(signing_key(key.reveal()).map_err(unfit)?),
            _ => None,
        };
        let tls = client_tls(&settings.ca).map_err(|error| unfit(&error.to_string()))?;
        let client = operator_client(&url, &tls, CONNECT_WITHIN).timeout(ANSWER_WITHIN);
        let client = client.build().map_err(|error| unfit(&innermost_reason(&error)))?;
        Ok(Self { settings, client, url, signing })
    }

    /// The service.
    pub fn service(&self) -> Service {
        self.settings.service
    }

    /// Sends a message. Returns the status of the response.
    ///
    /// # Errors
    /// See [`SendError`].
    pub(crate) async fn send(&self, delivery: Delivery<'_>) -> Result<String, SendError> {
        let answer = self.request(delivery)?.send().await;
        let response = answer.map_err(|error| {
            // Only a request that left can have arrived.
            let may_have_arrived = !(error.is_connect() || error.is_builder());
            let why = innermost_reason(&error.without_url());
            let why = match self.url.host_str() {
                Some(host) if !may_have_arrived => format!("{host}: {why}; check the host in its `url`"),
                _ => why,
            };
            self.for_now(&why, None, may_have_arrived)
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(status.to_string());
        }
        let wait = retry_after(response.headers(), SystemTime::now());
        let said = format!("{status}{}", self.answer(response).await);
        if status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
        {
            return Err(self.for_now(&said, wait, false));
        }
        let gone = status == StatusCode::GONE;
        let remedy = match (status, self.settings.service) {
            (_, Service::Matrix) => "check `url`, `room` and the access token",
            (StatusCode::NOT_FOUND | StatusCode::GONE, _) => {
                "make a new webhook there and set its address in `url`"
            }
            _ if status.is_redirection() => {
                "the address leads elsewhere; make a new webhook there and set its address in `url`"
            }
            _ => "check the recipient in the configuration",
        };
        let (server, to) = (self.server(), self.settings.name.clone());
        Err(SendError::Refused { server, to, said, remedy: remedy.to_owned(), gone })
    }

    /// The headers and the body of the request, without secrets, for a preview.
    pub(crate) fn formatted(&self, delivery: Delivery<'_>) -> String {
        let method = self.method();
        let mut lines = vec![format!("{method} (the secret address of {})", self.settings.name)];
        lines.push("Content-Type: application/json".to_owned());
        if self.settings.service == Service::Webhook {
            lines.extend(
                self.signature(delivery, &delivery.message.to_string())
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}")),
            );
        }
        if self.settings.service == Service::Matrix {
            lines.push("Authorization: Bearer (secret)".to_owned());
        }
        format!("{}\n\n{:#}\n", lines.join("\n"), delivery.message)
    }

    fn method(&self) -> Method {
        if self.settings.service == Service::Matrix { Method::PUT } else { Method::POST }
    }

    fn request(&self, delivery: Delivery<'_>) -> Result<RequestBuilder, SendError> {
        let body = delivery.message.to_string();
        let mut request = self
            .client
            .request(self.method(), self.address(delivery.id)?)
            .header("content-type", "application/json");
        match (self.settings.service, &self.settings.key) {
            (Service::Webhook, _) => {
                for (name, value) in self.signature(delivery, &body) {
                    request = request.header(name, value);
                }
            }
            (Service::Matrix, Some(token)) => request = request.bearer_auth(token.reveal()),
            _ => {}
        }
        Ok(request.body(body))
    }

    /// The address for the request. It contains the id for Matrix, which ignores a second message
    /// with the same id.
    fn address(&self, id: &str) -> Result<Url, SendError> {
        let mut url = self.url.clone();
        if let (Service::Matrix, Some(room)) = (self.settings.service, &self.settings.room) {
            let unfit = || SendError::Setup {
                what: format!("the recipient `{}`", self.settings.name),
                why: "its `url` is not the address of a Matrix server".to_owned(),
            };
            url.path_segments_mut()
                .map_err(|()| unfit())?
                .pop_if_empty()
                .extend(["_matrix", "client", "v3", "rooms", room, "send", "m.room.message", id]);
        }
        Ok(url)
    }

    /// The headers with the id, time and signature of a message
    /// (<https://www.standardwebhooks.com>).
    fn signature(&self, delivery: Delivery<'_>, body: &str) -> Vec<(&'static str, String)> {
        let seconds = delivery.at.as_second();
        let mut headers =
            vec![("webhook-id", delivery.id.to_owned()), ("webhook-timestamp", seconds.to_string())];
        if let Some(key) = &self.signing {
            let tag = hmac::sign(key, format!("{}.{seconds}.{body}", delivery.id).as_bytes());
            headers.push(("webhook-signature", format!("v1,{}", STANDARD.encode(tag))));
        }
        headers
    }

    /// The server's message about a refusal, without secrets.
    async fn answer(&self, mut response: reqwest::Response) -> String {
        let mut bytes = Vec::new();
        while bytes.len() < READ
            && let Ok(Some(chunk)) = response.chunk().await
        {
            bytes.extend_from_slice(&chunk);
        }
        bytes.truncate(READ);
        let line = one_line(&self.scrub(&String::from_utf8_lossy(&bytes)));
        if line.is_empty() { line } else { format!(": {line}") }
    }

    /// The text without the key, the address and the parts of the address.
    fn scrub(&self, text: &str) -> String {
        let values = self.url.query_pairs().map(|(_, value)| value.into_owned());
        let segments = self.url.path_segments().into_iter().flatten().map(str::to_owned);
        let parts = values.chain(segments).filter(|part| part.len() >= SECRET_PART_MIN);
        let path = Some(self.url.path().to_owned()).filter(|path| path.len() > 1);
        let secrets = path.into_iter().chain(parts).map(|part| Secret::new(&part));
        let secrets = [&self.settings.url].into_iter().chain(&self.settings.key).cloned().chain(secrets);
        secrets.fold(text.to_owned(), |text, secret| secret.scrub(&text))
    }

    fn server(&self) -> String {
        format!("the {} server", self.settings.service.as_str())
    }

    fn for_now(&self, why: &str, retry_after: Option<Duration>, may_have_arrived: bool) -> SendError {
        let (server, to) = (self.server(), self.settings.name.clone());
        SendError::ForNow { server, to, why: self.scrub(why), retry_after, may_have_arrived }
    }
}

/// The key for a text: decoded from base64 after `whsec_`, or else the text itself. Returns what is
/// wrong with a key that nobody should sign with.
fn signing_key(text: &str) -> Result<hmac::Key, &'static str> {
    let bytes = match text.strip_prefix("whsec_") {
        Some(coded) => STANDARD.decode(coded).ok().filter(|bytes| (KEY_MIN..=KEY_MAX).contains(&bytes.len())),
        None => Some(text.as_bytes().to_vec()).filter(|bytes| bytes.len() >= KEY_MIN),
    };
    let bytes = bytes.ok_or(
        "its `key` cannot sign; after whsec_ it is base64 of 24 to 64 bytes, as `openssl rand -base64 32` makes them, \
         and another text has at least 24 bytes",
    )?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_standard_webhooks_sign() {
        let coded = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7_u8; bytes]));
        for key in [coded(24), coded(64), "x".repeat(24), "x".repeat(100)] {
            assert!(signing_key(&key).is_ok(), "{key}");
        }
        for key in
            [coded(23), coded(65), "whsec_!!!notbase64".to_owned(), "whsec_".to_owned(), "a".to_owned()]
        {
            let settings = ChatSettings {
                name: "ops".to_owned(),
                service: Service::Webhook,
                url: Secret::new("https://hooks.example/x"),
                key: Some(Secret::new(&key)),
                room: None,
                ca: Vec::new(),
            };
            let refused = Chat::new(settings).unwrap_err().to_string();
            assert!(refused.contains("its `key` cannot sign") && !refused.contains("notbase64"), "{refused}");
        }
    }
}
