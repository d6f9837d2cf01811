//! A client for one model: sends prompts, waits and retries, and reads replies.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use backissue_fetch::{
    client_tls, innermost_reason, is_on_this_machine, operator_client, retry_after, tls_reason,
};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::debug;
use url::Url;

use crate::batch::{self, BatchPrompt, BatchState, LostBatch};
use crate::embeddings;
use crate::error::ModelError;
use crate::listing::{self, Listed};
use crate::prompt::{Prompt, Reply};
use crate::protocol::{Form, MORE_TOKENS, NoReply, OUTPUT_TOKENS, Room, about};
use crate::settings::{ModelSettings, Protocol};

/// A model. Clones share connections and the limit of concurrent requests.
#[derive(Clone, Debug)]
pub struct Model {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: ModelSettings,
    client: Client,
    endpoint: Url,
    headers: HeaderMap,
    host: String,
    is_local: bool,
    turns: Semaphore,
    /// The index, among the protocol's forms, of the first form that the server has not refused.
    form: AtomicUsize,
    /// The largest context that a prompt needed so far. Ollama loads a model again for another
    /// context, so smaller prompts request the same.
    context: AtomicU32,
}

/// Attempts per prompt, if the server refuses temporarily.
const ATTEMPTS: u32 = 3;
/// The longest pause between two attempts. If the server demands a longer one, there is no further
/// attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Time limit for connecting and the TLS handshake.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Maximum bytes of a response.
const LARGEST_ANSWER: usize = 2 * 1024 * 1024;
/// Maximum bytes of a list of models. OpenRouter's has about 1 MB.
const LARGEST_LIST: usize = 16 * 1024 * 1024;
/// Maximum characters of a server's message in an error.
const TOLD: usize = 300;

/// Why one attempt failed.
enum Failed {
    /// A retry may succeed.
    ForNow(ModelError),
    /// A request in a simpler form may succeed.
    Form(ModelError),
    ForGood(ModelError),
}

impl Failed {
    fn error(self) -> ModelError {
        match self {
            Self::ForNow(error) | Self::Form(error) | Self::ForGood(error) => error,
        }
    }
}

impl Model {
    /// Sets up the client. `ca` are PEM files with certificate authorities to trust in addition to
    /// the system's.
    ///
    /// # Errors
    /// [`ModelError::Setup`].
    pub fn new(settings: ModelSettings, ca: &[PathBuf]) -> Result<Self, ModelError> {
        let fault = |reason: String| ModelError::Setup { name: settings.name.clone(), reason };
        if !matches!(settings.url.scheme(), "http" | "https") || settings.url.host().is_none() {
            return Err(fault(format!(
                "`{}` is not a server's address; write http://… or https://…",
                settings.url
            )));
        }
        if !settings.url.username().is_empty() || settings.url.password().is_some() {
            return Err(fault("its address holds a password; give it with `key_env` instead".into()));
        }
        let headers = settings.protocol.headers(&settings).map_err(|_| {
            fault("its key has characters that are not allowed; check `key` or `key_env`".into())
        })?;
        let endpoint =
            settings.protocol.endpoint(&settings).ok_or_else(|| fault("its address has no path".into()))?;
        let is_local = is_on_this_machine(&settings.url);
        let tls = client_tls(ca).map_err(|error| fault(error.to_string()))?;
        let client = operator_client(&settings.url, &tls, CONNECT_WITHIN).timeout(settings.timeout);
        let client = client.build().map_err(|error| fault(innermost_reason(&error)))?;
        let host = host_and_port(&settings.url);
        let turns = Semaphore::new(settings.concurrency.max(1));
        let (form, context) = (AtomicUsize::new(0), AtomicU32::new(0));
        let shared = Shared { client, endpoint, headers, host, is_local, turns, form, context, settings };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The operator's name for it.
    pub fn name(&self) -> &str {
        &self.shared.settings.name
    }

    /// The settings in force.
    pub fn settings(&self) -> &ModelSettings {
        &self.shared.settings
    }

    /// Sends a prompt. Waits for a free slot first, and between attempts as the server demands.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub async fn ask(&self, prompt: &Prompt<'_>) -> Result<Reply, ModelError> {
        self.shared.patiently(|| self.shared.try_forms(prompt)).await
    }

    /// The server's host, with the port if it is not the usual one.
    pub fn host(&self) -> &str {
        &self.shared.host
    }

    /// Requests the server's description of the model, without sending a prompt. Returns `None` if
    /// the server has no list, or if the list does not have the model, because some servers accept
    /// models that they do not list.
    ///
    /// # Errors
    /// If the server does not answer, refuses the key, or has no such model.
    pub async fn find(&self) -> Result<Option<Listed>, ModelError> {
        let shared = &self.shared;
        let Some(endpoint) = shared.settings.protocol.list_endpoint(&shared.settings) else {
            return Ok(None);
        };
        let _turn = shared.turn().await?;
        let answer = match shared.get(&endpoint).await {
            Ok(answer) => answer,
            Err(Failed::ForGood(ModelError::NotFound { .. }))
                if shared.settings.protocol == Protocol::OpenAi =>
            {
                return Ok(None);
            }
            Err(failed) => return Err(failed.error()),
        };
        let model = shared.settings.model.as_str();
        let listed = listing::of_protocol(shared.settings.protocol, &answer);
        let found = listed.into_iter().find(|listed| listed.is_called(model));
        if found.is_none() && shared.settings.protocol == Protocol::Ollama {
            return Err(shared.not_found());
        }
        Ok(found)
    }

    /// Sends prompts as a batch, and returns the server's name for it. The requests have the form
    /// that the server accepted last, so send a single prompt first. With `marker`, at most 64
    /// letters and digits, [`Self::find_batch`] finds the batch again if its name is lost.
    ///
    /// # Errors
    /// [`ModelError::Setup`] if the protocol or the server has no batches. For others see
    /// [`ModelError`].
    pub async fn submit(&self, prompts: &[BatchPrompt<'_>], marker: &str) -> Result<String, ModelError> {
        let shared = &self.shared;
        let (settings, protocol) = (&shared.settings, shared.settings.protocol);
        let forms = protocol.forms();
        let form = forms[shared.form.load(Ordering::Relaxed).min(forms.len() - 1)];
        let _turn = shared.turn().await?;
        let sent = match protocol {
            Protocol::Anthropic => {
                let body = batch::of_anthropic(&settings.model, prompts, form);
                shared.post(&self.batch_address(&["messages", "batches"])?, &body, LARGEST_ANSWER).await
            }
            Protocol::OpenAi => {
                let upload = batch::of_open_ai(&settings.model, prompts, form);
                let media_type = format!("multipart/form-data; boundary={}", batch::BOUNDARY);
                let request = shared.client.post(self.batch_address(&["files"])?);
                let request = request.header(reqwest::header::CONTENT_TYPE, media_type).body(upload);
                match shared.send(request, LARGEST_ANSWER).await {
                    Ok(file) => {
                        let body = batch::start(file["id"].as_str().unwrap_or_default(), marker);
                        shared.post(&self.batch_address(&["batches"])?, &body, LARGEST_ANSWER).await
                    }
                    Err(failed) => Err(failed),
                }
            }
            Protocol::Gemini | Protocol::Ollama => return Err(self.without_batches()),
        };
        let answer = sent.map_err(|failed| match failed {
            Failed::ForGood(ModelError::NotFound { .. }) => self.without_batches(),
            failed => failed.error(),
        })?;
        let id = answer["id"].as_str().filter(|id| !id.is_empty() && id.len() <= 200);
        id.map(str::to_owned).ok_or_else(|| shared.unreadable("it does not name the batch"))
    }

    /// Finds the server's name for a batch that was sent, but whose name was not stored. Returns
    /// `None` if it is not among the newest batches of the server.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub async fn find_batch(&self, lost: &LostBatch<'_>) -> Result<Option<String>, ModelError> {
        let shared = &self.shared;
        let protocol = shared.settings.protocol;
        let mut endpoint = match protocol {
            Protocol::Anthropic => self.batch_address(&["messages", "batches"])?,
            Protocol::OpenAi => self.batch_address(&["batches"])?,
            Protocol::Gemini | Protocol::Ollama => return Err(self.without_batches()),
        };
        endpoint.query_pairs_mut().append_pair("limit", "100");
        let list = match shared.patiently(|| shared.get(&endpoint)).await {
            Err(ModelError::NotFound { .. }) => return Ok(None),
            list => list?,
        };
        Ok(batch::find(protocol, &list, lost))
    }

    /// The state of a batch.
    ///
    /// # Errors
    /// See [`ModelError`]. [`ModelError::NotFound`] if the server does not know the batch any more.
    pub async fn batch_state(&self, id: &str) -> Result<BatchState, ModelError> {
        let described = self.describe_batch(id).await?;
        let state = batch::state(self.shared.settings.protocol, &described);
        match state.ok_or_else(|| self.shared.unreadable("it does not describe a batch"))? {
            BatchState::Failed(reason) => Ok(BatchState::Failed(self.shared.told(&reason))),
            state => Ok(state),
        }
    }

    /// The replies of a batch that has ended, in any order, each with the caller's id of its
    /// prompt.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub async fn batch_replies(
        &self,
        id: &str,
    ) -> Result<Vec<(String, Result<Reply, ModelError>)>, ModelError> {
        let shared = &self.shared;
        let protocol = shared.settings.protocol;
        let documents = if protocol == Protocol::Anthropic {
            vec![self.batch_address(&["messages", "batches", id, "results"])?]
        } else {
            let described = self.describe_batch(id).await?;
            let files =
                ["output_file_id", "error_file_id"].map(|field| described[field].as_str().map(str::to_owned));
            let of_file = |file: String| self.batch_address(&["files", &file, "content"]);
            files.into_iter().flatten().map(of_file).collect::<Result<_, _>>()?
        };
        let mut replies = Vec::new();
        for document in documents {
            let get = || shared.raw(shared.client.get(document.clone()), batch::LARGEST_REPLIES);
            let bytes = shared.patiently(get).await?;
            for (id, line) in batch::lines(protocol, &String::from_utf8_lossy(&bytes)) {
                replies.push((id, shared.reply_of_line(line)));
            }
        }
        Ok(replies)
    }

    async fn describe_batch(&self, id: &str) -> Result<Value, ModelError> {
        let endpoint = match self.shared.settings.protocol {
            Protocol::Anthropic => self.batch_address(&["messages", "batches", id])?,
            Protocol::OpenAi => self.batch_address(&["batches", id])?,
            Protocol::Gemini | Protocol::Ollama => return Err(self.without_batches()),
        };
        self.shared.patiently(|| self.shared.get(&endpoint)).await
    }

    fn batch_address(&self, path: &[&str]) -> Result<Url, ModelError> {
        let settings = &self.shared.settings;
        settings.protocol.below(&settings.url, path).ok_or_else(|| self.without_batches())
    }

    fn without_batches(&self) -> ModelError {
        let reason = format!("{} has no batches; leave --batch out", self.shared.host);
        ModelError::Setup { name: self.name().to_owned(), reason }
    }

    /// The embedding of each text, in order and all of one dimension, from a server with OpenAI's
    /// `/embeddings` (also vLLM, llama.cpp and others) or Ollama's `/api/embed`.
    ///
    /// Texts are sent in groups, so that a response stays small. The server limits their lengths.
    /// No text may be empty, because many servers refuse that.
    ///
    /// # Errors
    /// [`ModelError::Setup`] if the protocol has no embeddings. For others see [`ModelError`]. If
    /// one group fails, the whole call fails.
    pub async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let shared = &self.shared;
        let endpoint = embeddings::endpoint(&shared.settings)
            .map_err(|reason| ModelError::Setup { name: self.name().to_owned(), reason })?;
        let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(texts.len());
        for batch in texts.chunks(embeddings::BATCH) {
            let body = embeddings::body(&shared.settings, batch);
            let send = || async {
                let answer = shared.post(&endpoint, &body, embeddings::LARGEST_ANSWER).await?;
                embeddings::vectors(answer, batch.len())
                    .map_err(|reason| Failed::ForGood(shared.unreadable(&reason)))
            };
            let more = shared.patiently(send).await?;
            if let (Some(first), Some(next)) = (vectors.first(), more.first())
                && first.len() != next.len()
            {
                return Err(shared.unreadable("its vectors are of different dimensions"));
            }
            vectors.extend(more);
        }
        Ok(vectors)
    }
}

impl Shared {
    /// Waits until a request may be sent under the limit of concurrent requests.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, ModelError> {
        self.turns.acquire().await.map_err(|_| self.unreadable("the client was closed"))
    }

    /// Calls `attempt` under the limit of concurrent requests, and again if the server refuses
    /// temporarily.
    async fn patiently<T, A: Future<Output = Result<T, Failed>>>(
        &self,
        attempt: impl Fn() -> A,
    ) -> Result<T, ModelError> {
        let _turn = self.turn().await?;
        let mut attempts = 1;
        loop {
            let started = Instant::now();
            let answer = attempt().await;
            let result = if answer.is_ok() { "ok" } else { "failed" };
            let model = self.settings.name.clone();
            metrics::histogram!("backissue_model_seconds", "model" => model, "result" => result)
                .record(started.elapsed());
            let error = match answer {
                Ok(given) => return Ok(given),
                Err(Failed::ForNow(error)) => error,
                Err(Failed::Form(error) | Failed::ForGood(error)) => return Err(error),
            };
            let own = self.settings.pause * 2u32.pow(attempts - 1);
            let pause = error.retry_after().unwrap_or(own);
            if attempts == ATTEMPTS || pause > LONGEST_PAUSE {
                return Err(error);
            }
            let model = self.settings.name.as_str();
            debug!(model, attempt = attempts, ?pause, "retrying after {pause:?}: {error}");
            tokio::time::sleep(pause).await;
            attempts += 1;
        }
    }

    /// Sends the prompt in the fullest form that the server accepts, and remembers the form.
    async fn try_forms(&self, prompt: &Prompt<'_>) -> Result<Reply, Failed> {
        let from = self.form.load(Ordering::Relaxed);
        let mut refused = None;
        for (at, form) in self.settings.protocol.forms().iter().enumerate().skip(from) {
            match self.attempt(prompt, *form).await {
                Ok(reply) => {
                    self.form.fetch_max(at, Ordering::Relaxed);
                    return Ok(reply);
                }
                // The error for the fullest form is the most informative.
                Err(Failed::Form(error)) => refused = refused.or(Some(error)),
                Err(failed) => return Err(failed),
            }
        }
        Err(Failed::ForGood(refused.unwrap_or_else(|| self.unreadable("no form of request was accepted"))))
    }

    /// Sends the prompt, and once more with a higher limit of tokens if the reply was cut off, as
    /// happens to models that reason first.
    async fn attempt(&self, prompt: &Prompt<'_>, form: Form) -> Result<Reply, Failed> {
        let protocol = self.settings.protocol;
        let mut why = String::new();
        for tokens in [OUTPUT_TOKENS, MORE_TOKENS] {
            let needed = Protocol::context(prompt, tokens);
            let context = self.context.fetch_max(needed, Ordering::Relaxed).max(needed);
            let body = protocol.body(&self.settings.model, prompt, form, Room { answer: tokens, context });
            let answer = self.post(&self.endpoint, &body, LARGEST_ANSWER).await?;
            match protocol.reply(&answer, prompt) {
                Ok(reply) => return Ok(reply),
                Err(NoReply::PromptCut(read)) => {
                    let (name, host) = (self.settings.name.clone(), self.host.clone());
                    let sent = about(&[prompt.system, prompt.user]);
                    return Err(Failed::ForGood(ModelError::PromptCut { name, host, read, sent }));
                }
                Err(NoReply::CutOff) => {
                    why = format!("its reply was cut off at {tokens} tokens or at the end of its context");
                }
                Err(NoReply::Silent(reason)) => {
                    why = self.told(&reason);
                    break;
                }
            }
        }
        Err(Failed::ForGood(ModelError::Silent { name: self.settings.name.clone(), reason: why }))
    }

    /// Sends one request. A response of more than `largest` bytes is an error.
    async fn post(&self, endpoint: &Url, body: &Value, largest: usize) -> Result<Value, Failed> {
        let request = self.client.post(endpoint.clone());
        let request =
            request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body.to_string());
        self.send(request, largest).await
    }

    async fn get(&self, endpoint: &Url) -> Result<Value, Failed> {
        self.send(self.client.get(endpoint.clone()), LARGEST_LIST).await
    }

    async fn send(&self, request: RequestBuilder, largest: usize) -> Result<Value, Failed> {
        let bytes = self.raw(request, largest).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failed::ForGood(self.unreadable(&format!("it is not JSON: {error}"))))
    }

    async fn raw(&self, request: RequestBuilder, largest: usize) -> Result<Vec<u8>, Failed> {
        let request = request.headers(self.headers.clone());
        let answer = request.send().await.map_err(|error| Failed::ForGood(self.explain(&error)))?;
        let status = answer.status();
        let wait = retry_after(answer.headers(), SystemTime::now());
        let bytes = self.bytes(answer, largest).await?;
        if !status.is_success() {
            return Err(self.refusal(status, wait, &bytes));
        }
        Ok(bytes)
    }

    /// Converts one line of a batch's replies to a reply.
    fn reply_of_line(&self, line: Result<Value, String>) -> Result<Reply, ModelError> {
        let silent =
            |reason: &str| ModelError::Silent { name: self.settings.name.clone(), reason: self.told(reason) };
        // Servers with batches report a prompt that is too long, so there is no length to compare.
        let prompt = Prompt { system: "", user: "", schema: &Value::Null };
        let answer = line.map_err(|reason| silent(&reason))?;
        self.settings.protocol.reply(&answer, &prompt).map_err(|why| match why {
            NoReply::Silent(reason) => silent(&reason),
            NoReply::CutOff | NoReply::PromptCut(_) => silent("its reply was cut off"),
        })
    }

    async fn bytes(&self, mut answer: Response, largest: usize) -> Result<Vec<u8>, Failed> {
        let mut bytes = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= largest => bytes.extend_from_slice(&chunk),
                Ok(Some(_)) => return Err(Failed::ForGood(self.unreadable("it is larger than any answer"))),
                Ok(None) => return Ok(bytes),
                Err(error) if error.is_timeout() => return Err(Failed::ForGood(self.explain(&error))),
                Err(error) => return Err(Failed::ForNow(self.unreadable(&innermost_reason(&error)))),
            }
        }
    }

    fn refusal(&self, status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Failed {
        let (name, host) = (self.settings.name.clone(), self.host.clone());
        let said = said(body);
        let reason = self.told(&said);
        let status = status.as_u16();
        // Some servers report an unknown form as their own failure.
        let is_of_the_form = status == 500 && said.contains("response_format");
        match status {
            400 | 413 | 422 | 500 if is_too_long(&said) => {
                Failed::ForGood(ModelError::TooLong { name, host, status, reason })
            }
            _ if is_used_up(status, body) => {
                Failed::ForGood(ModelError::QuotaUsedUp { name, host, status, reason })
            }
            _ if is_of_the_form => Failed::Form(ModelError::Refused { name, host, status, reason }),
            401 | 403 => {
                let has_key = self.settings.key.is_some();
                Failed::ForGood(ModelError::Key { name, host, status, has_key })
            }
            404 => Failed::ForGood(self.not_found()),
            429 => Failed::ForNow(ModelError::RateLimited { name, host, reason, retry_after }),
            500..=599 => Failed::ForNow(ModelError::Server { name, host, status, reason, retry_after }),
            400 | 422 => Failed::Form(ModelError::Refused { name, host, status, reason }),
            _ => Failed::ForGood(ModelError::Refused { name, host, status, reason }),
        }
    }

    fn explain(&self, error: &reqwest::Error) -> ModelError {
        let (name, host) = (self.settings.name.clone(), self.host.clone());
        if let Some(reason) = tls_reason(error) {
            return ModelError::Tls { name, host, reason };
        }
        let reason = innermost_reason(error);
        if error.is_connect() {
            let url = self.settings.url.to_string();
            return ModelError::Connect { name, url, reason, is_local: self.is_local };
        }
        if error.is_timeout() {
            return ModelError::Timeout { name, host, limit: self.settings.timeout };
        }
        ModelError::Unreadable { name, host, reason }
    }

    fn not_found(&self) -> ModelError {
        let (name, host) = (self.settings.name.clone(), self.host.clone());
        ModelError::NotFound { name, host, model: self.settings.model.clone(), is_local: self.is_local }
    }

    fn unreadable(&self, reason: &str) -> ModelError {
        let (name, host) = (self.settings.name.clone(), self.host.clone());
        ModelError::Unreadable { name, host, reason: reason.to_owned() }
    }

    /// The server's message, shortened to one line, without the key.
    fn told(&self, reason: &str) -> String {
        let line: String =
            reason.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TOLD).collect();
        self.settings.key.as_ref().map_or_else(|| line.clone(), |key| key.scrub(&line))
    }
}

/// Whether a server's message says that the prompt does not fit into the model's context. The words
/// are those of OpenAI, vLLM, llama.cpp, LM Studio, Anthropic and Gemini.
fn is_too_long(said: &str) -> bool {
    let said = said.to_lowercase().replace('_', " ");
    ["context length", "context size", "context window", "context limit", "prompt is too long"]
        .iter()
        .any(|words| said.contains(words))
        || said.contains("input token count") && said.contains("exceeds")
}

/// Whether a refusal says that the account's quota or credit is used up, rather than that requests
/// came too fast. The words are those of OpenAI, Anthropic, OpenRouter, DeepSeek and Gemini.
/// Gemini's quota per minute counts as a matter of speed.
fn is_used_up(status: u16, body: &[u8]) -> bool {
    if status == 402 {
        return true;
    }
    if !matches!(status, 400 | 403 | 429) {
        return false;
    }
    let text = String::from_utf8_lossy(body);
    let parsed: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let error = &parsed["error"];
    let codes = [&error["code"], &error["type"], &parsed["code"], &parsed["type"]];
    let is_code = |code: &&Value| {
        ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error"]
            .contains(&code.as_str().unwrap_or_default())
    };
    let said = said(body).to_lowercase();
    codes.iter().any(is_code)
        || ["credit balance is too low", "insufficient credits", "insufficient balance"]
            .iter()
            .any(|words| said.contains(words))
        || status == 429 && text.contains("PerDay") && !text.contains("PerMinute")
}

/// The message in an error response. All protocols have it at `error.message`; some servers have it
/// elsewhere.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let parsed: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let message = [&parsed["error"]["message"], &parsed["error"], &parsed["message"], &parsed["detail"]];
    let told = message.iter().find_map(|value| value.as_str());
    told.map_or_else(
        || if text.trim().is_empty() { "no reason given".into() } else { text.into_owned() },
        str::to_owned,
    )
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Protocol, Secret};

    #[test]
    fn invalid_settings_name_the_remedy() {
        for (url, key, words) in [
            ("ftp://models.example/", None, "http"),
            ("https://me:pw@models.example/v1", None, "key_env"),
            ("https://models.example/v1", Some("two\nlines"), "key"),
        ] {
            let mut settings = ModelSettings::new("m", Protocol::OpenAi, "x");
            settings.url = url.parse().unwrap();
            settings.key = key.map(Secret::new);
            let error = Model::new(settings, &[]).unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("lines"), "{error}");
        }
    }

    #[test]
    fn message_of_a_server_is_found_in_any_place() {
        for (body, words) in [
            (r#"{"error":{"message":"no such model"}}"#, "no such model"),
            (r#"{"error":"no such model"}"#, "no such model"),
            (r#"{"detail":"bad"}"#, "bad"),
            ("<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>"),
            (" ", "no reason given"),
        ] {
            assert_eq!(said(body.as_bytes()), words);
        }
    }

    #[test]
    fn used_up_quota_is_distinguished_from_too_many_requests() {
        for (status, body) in [
            (
                429,
                r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
            ),
            (
                402,
                r#"{"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/settings/credits","code":402}}"#,
            ),
            (
                429,
                r#"{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}}"#,
            ),
        ] {
            assert!(is_used_up(status, body.as_bytes()), "{body}");
        }
        for (status, body) in [
            (
                429,
                r#"{"error":{"message":"Rate limit reached for gpt-5-mini on requests per min (RPM)","type":"requests","code":"rate_limit_exceeded"}}"#,
            ),
            (
                429,
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your rate limit"}}"#,
            ),
            (
                429,
                r#"{"error":{"code":429,"message":"You exceeded your current quota","details":[{"violations":[{"quotaId":"GenerateContentInputTokensPerModelPerMinute-FreeTier"}]}]}}"#,
            ),
            (400, r#"{"error":{"message":"temperature is not supported","type":"invalid_request_error"}}"#),
            (500, r#"{"error":{"type":"insufficient_quota"}}"#),
        ] {
            assert!(!is_used_up(status, body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn too_small_context_is_recognised_in_every_servers_words() {
        for said in [
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
            "Your input exceeds the context window of this model.",
            "context_length_exceeded",
            "the request exceeds the available context size, try increasing it",
            "prompt is too long: 215000 tokens > 200000 maximum",
            "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000",
            "the input length exceeds the context length",
            r#"{"error":{"code":400,"message":"request (2622 tokens) exceeds the available context size (512 tokens), try increasing it"}}"#,
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ] {
            assert!(is_too_long(said), "{said}");
        }
        for said in ["temperature is not supported", "invalid schema: maxItems", "context is not an object"] {
            assert!(!is_too_long(said), "{said}");
        }
    }
}
