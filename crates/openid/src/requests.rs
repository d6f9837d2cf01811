//! Sends requests to the provider, with limits of time and size.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use backissue_fetch::{client_tls, innermost_reason, is_on_this_machine, operator_client, tls_reason};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::Client;
use url::Url;

use crate::OpenIdError;

/// Time limit for connecting and the TLS handshake.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Time limit for a request.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Maximum bytes of a response. Google's longest document has about 2 KB.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Why a request got no response, in words for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoAnswer(String);

/// A client that sends requests to one provider.
#[derive(Debug)]
pub(crate) struct Requests {
    client: Client,
    /// Whether the provider is on this machine, so that plain HTTP cannot be intercepted.
    is_local: bool,
}

impl Requests {
    /// Prepares the client. `ca` are PEM files with certificate authorities to trust in addition to
    /// the system's.
    pub(crate) fn to(issuer: &Url, ca: &[PathBuf]) -> Result<Self, OpenIdError> {
        let tls = client_tls(ca).map_err(|error| OpenIdError::Setup(error.to_string()))?;
        let client = operator_client(issuer, &tls, CONNECT_WITHIN).timeout(ANSWER_WITHIN).build();
        let client = client.map_err(|error| OpenIdError::Setup(innermost_reason(&error)))?;
        Ok(Self { client, is_local: is_on_this_machine(issuer) })
    }

    /// Whether nobody between the two machines can read a request to this address.
    pub(crate) fn is_safe(&self, url: &Url) -> bool {
        url.scheme() == "https" || (self.is_local && url.scheme() == "http" && is_on_this_machine(url))
    }

    /// Sends a request. A redirect is not followed but returned like any other response.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let url = request.uri().to_string();
        if !url.parse().is_ok_and(|url| self.is_safe(&url)) {
            return Err(NoAnswer(format!("its address {url} does not begin with https://")));
        }
        let request = reqwest::Request::try_from(request).map_err(|error| NoAnswer(error.to_string()))?;
        let mut answer = self.client.execute(request).await.map_err(|error| no_answer(&error))?;
        // Its body is no answer of the protocol, but what a proxy or a crash says.
        if answer.status().is_server_error() {
            return Err(NoAnswer(format!("it answered with status {}", answer.status().as_u16())));
        }
        let mut response = http::Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        while let Some(chunk) = answer.chunk().await.map_err(|error| no_answer(&error))? {
            if response.body().len() + chunk.len() > LARGEST_ANSWER {
                return Err(NoAnswer(format!("its answer at {url} is larger than {LARGEST_ANSWER} bytes")));
            }
            response.body_mut().extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Requests {
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn no_answer(error: &reqwest::Error) -> NoAnswer {
    if error.is_timeout() {
        return NoAnswer(format!("it did not answer within {} s", ANSWER_WITHIN.as_secs()));
    }
    match tls_reason(error) {
        Some(reason) => NoAnswer(format!("no secure connection: {reason}")),
        None => NoAnswer(innermost_reason(error)),
    }
}
