//! A stand-in for a language model's server: on loopback, with the forms of the four protocols and
//! replies from the test.
//!
//! It refuses what the real servers refuse (a wrong path, a malformed body), so that a client that
//! works with it implements the protocols. It does not know what a good reply is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::server_thread::ServerThread;

/// A received prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `openai`, `anthropic`, `gemini`, `ollama` or `embeddings`, by the path.
    pub protocol: &'static str,
    /// The key, as the protocol sends it.
    pub key: Option<String>,
    /// The model.
    pub model: String,
    /// The system text.
    pub system: String,
    /// The user's text. For embeddings the texts, one per line.
    pub user: String,
    /// Whether a JSON schema was sent.
    pub has_schema: bool,
    /// Whether a temperature was sent.
    pub has_temperature: bool,
    /// The requested context, which only Ollama lets a client choose.
    pub context: Option<u64>,
    /// Whether the system text is marked for the server's cache, as Anthropic's server needs it.
    pub marks_cache: bool,
    /// Whether it came in a batch.
    pub is_batched: bool,
    /// Number of earlier requests to the stand-in.
    pub before: usize,
}

impl Asked {
    /// The number of tokens that the stand-in counts for the prompt: one per four characters, at
    /// least 100.
    pub fn tokens(&self) -> u64 {
        ((self.system.chars().count() + self.user.chars().count()) as u64 / 4).max(100)
    }
}

/// The stand-in's behaviour.
#[derive(Clone, Debug)]
pub enum Does {
    /// Replies with this text, counting [`Asked::tokens`] for the prompt and 10 for the reply.
    Says(String),
    /// Replies with this text after reading only this many tokens of the prompt, like servers that
    /// cut a prompt silently.
    Cuts(String, u64),
    /// Responds with a status, a `Retry-After` header and a message.
    Refuses(u16, Option<String>, String),
    /// Responds with these bytes and 200.
    Sends(Vec<u8>),
    /// Never responds.
    Hangs,
}

type Acts = Arc<dyn Fn(&Asked) -> Does + Send + Sync>;
type Lists = Arc<dyn Fn(&str) -> Option<Value> + Send + Sync>;

#[derive(Clone)]
struct Stage {
    acts: Acts,
    lists: Lists,
    asked: Arc<Mutex<Vec<Asked>>>,
    batches: Arc<Mutex<BTreeMap<String, Batch>>>,
    /// If set, the answer to the next batch is withheld, and this gets a message. Then it is unset.
    loses: Arc<Mutex<Option<mpsc::Sender<()>>>>,
    /// Whether the replies of batches include one to a prompt that nobody sent.
    strays: Arc<AtomicBool>,
}

/// A batch, or the uploaded file of one.
#[derive(Clone, Default)]
struct Batch {
    /// The uploaded requests, or the replies, one per line.
    lines: String,
    prompts: usize,
    /// How often the client asked for its state. It ends at the second request.
    looks: usize,
    /// The metadata that the client gave it.
    metadata: Value,
}

/// A running stand-in. Dropping it stops it.
pub struct StandInModel {
    server: ServerThread,
    asked: Arc<Mutex<Vec<Asked>>>,
    loses: Arc<Mutex<Option<mpsc::Sender<()>>>>,
    strays: Arc<AtomicBool>,
}

impl StandInModel {
    /// Starts a stand-in that does for each request what `acts` returns.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start(acts: impl Fn(&Asked) -> Does + Send + Sync + 'static) -> anyhow::Result<Self> {
        Self::start_listing(|_| None, acts)
    }

    /// Starts a stand-in as [`StandInModel::start`] does. It also answers requests for lists of
    /// models, by their path.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start_listing(
        lists: impl Fn(&str) -> Option<Value> + Send + Sync + 'static,
        acts: impl Fn(&Asked) -> Does + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let stage = Stage {
            acts: Arc::new(acts),
            lists: Arc::new(lists),
            asked: asked.clone(),
            batches: Arc::default(),
            loses: Arc::default(),
            strays: Arc::default(),
        };
        let (loses, strays) = (stage.loses.clone(), stage.strays.clone());
        let router = Router::new().fallback(answer).with_state(stage);
        Ok(Self { server: ServerThread::start("stand-in-model", router)?, asked, loses, strays })
    }

    /// Its address for a protocol, as in settings.
    pub fn url(&self, protocol: &str) -> String {
        let version = match protocol {
            "ollama" => return format!("http://{}", self.server.address),
            "gemini" => "v1beta",
            _ => "v1",
        };
        format!("http://{}/{version}", self.server.address)
    }

    /// Accepts the next batch without answering. The returned receiver gets a message when the
    /// batch has arrived.
    pub fn lose_next_batch(&self) -> mpsc::Receiver<()> {
        let (lost, came) = mpsc::channel();
        *self.loses.lock().unwrap_or_else(PoisonError::into_inner) = Some(lost);
        came
    }

    /// Adds to the replies of all further batches one to a prompt that nobody sent.
    pub fn add_stray_replies(&self) {
        self.strays.store(true, Ordering::SeqCst);
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(
    State(stage): State<Stage>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    if let Some(response) = batches(&stage, &method, uri.path(), &headers, &body) {
        let is_new = method == Method::POST && uri.path().ends_with("/batches");
        let lost = stage.loses.lock().unwrap_or_else(PoisonError::into_inner).take_if(|_| is_new);
        if let Some(lost) = lost {
            // The test may have ended.
            let _ = lost.send(());
            std::future::pending::<()>().await;
        }
        return response;
    }
    if method == Method::GET {
        return match (stage.lists)(uri.path()) {
            Some(list) => list.to_string().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    let Some(mut asked) =
        serde_json::from_str(&body).ok().and_then(|body| understood(uri.path(), &headers, &body))
    else {
        let path = uri.path();
        let is_known = path.starts_with("/v1") || path.starts_with("/api");
        let status = if is_known { StatusCode::BAD_REQUEST } else { StatusCode::NOT_FOUND };
        return (
            status,
            json!({ "error": { "message": format!("{path} was not understood: {body}") } }).to_string(),
        )
            .into_response();
    };
    stage.remember(&mut asked);
    match (stage.acts)(&asked) {
        Does::Says(text) => reply(&asked, &text, asked.tokens()).to_string().into_response(),
        Does::Cuts(text, read) => reply(&asked, &text, read).to_string().into_response(),
        Does::Sends(bytes) => bytes.into_response(),
        Does::Refuses(status, wait, message) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let error =
                if asked.protocol == "ollama" { json!(message) } else { json!({ "message": message }) };
            let body = json!({ "error": error }).to_string();
            let mut refusal = (status, body).into_response();
            if let Some(wait) = wait.and_then(|wait| wait.parse().ok()) {
                refusal.headers_mut().insert("retry-after", wait);
            }
            refusal
        }
        Does::Hangs => std::future::pending().await,
    }
}

impl Stage {
    fn remember(&self, asked: &mut Asked) {
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.before = all.len();
        all.push(asked.clone());
    }

    /// A reply to a prompt that nobody sent, as a line of a batch's replies.
    fn stray(&self, headers: &HeaderMap) -> String {
        if !self.strays.load(Ordering::SeqCst) {
            return String::new();
        }
        let id = "0123456789abcdef0123456789abcdef";
        let line = if headers.contains_key("anthropic-version") {
            let message = json!({ "content": [{ "type": "text", "text": "{}" }], "stop_reason": "end_turn", "usage": {} });
            json!({ "custom_id": id, "result": { "type": "succeeded", "message": message } })
        } else {
            let choice = json!({ "message": { "content": "{}" }, "finish_reason": "stop" });
            json!({ "custom_id": id, "response": { "status_code": 200, "body": { "choices": [choice] } }, "error": null })
        };
        format!("{line}\n")
    }

    /// The result of one request of a batch, in the protocol's form.
    fn result(&self, path: &str, headers: &HeaderMap, id: &str, body: &Value) -> Option<Value> {
        let mut asked = Asked { is_batched: true, ..understood(path, headers, body)? };
        self.remember(&mut asked);
        let given = match (self.acts)(&asked) {
            Does::Says(text) => Ok(reply(&asked, &text, asked.tokens())),
            Does::Cuts(text, read) => Ok(reply(&asked, &text, read)),
            Does::Refuses(_, _, message) => Err(message),
            Does::Sends(_) | Does::Hangs => Err("expired".to_owned()),
        };
        Some(match (asked.protocol, given) {
            ("anthropic", Ok(message)) => {
                json!({ "custom_id": id, "result": { "type": "succeeded", "message": message } })
            }
            ("anthropic", Err(message)) => {
                let error = json!({ "type": "error", "error": { "type": "invalid_request_error", "message": message } });
                json!({ "custom_id": id, "result": { "type": "errored", "error": error } })
            }
            (_, Ok(body)) => {
                json!({ "custom_id": id, "response": { "status_code": 200, "body": body }, "error": null })
            }
            (_, Err(message)) => {
                let body = json!({ "error": { "message": message } });
                json!({ "custom_id": id, "response": { "status_code": 400, "body": body }, "error": null })
            }
        })
    }
}

/// Answers requests about batches as Anthropic's and OpenAI's servers do. Returns `None` for other
/// requests, and for those that a real server would refuse.
fn batches(stage: &Stage, method: &Method, path: &str, headers: &HeaderMap, body: &str) -> Option<Response> {
    let mut all = stage.batches.lock().unwrap_or_else(PoisonError::into_inner);
    let json = |value: Value| Some(value.to_string().into_response());
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["v1", "messages", "batches"]) => {
            headers.get("anthropic-version")?;
            let body: Value = serde_json::from_str(body).ok()?;
            let requests = body["requests"].as_array()?;
            let results = requests.iter().map(|request| {
                stage.result("/v1/messages", headers, request["custom_id"].as_str()?, &request["params"])
            });
            let results = results.collect::<Option<Vec<Value>>>()?;
            let id = format!("msgbatch_{}", all.len());
            let lines = results.iter().map(|line| format!("{line}\n")).collect();
            all.insert(id.clone(), Batch { lines, prompts: requests.len(), ..Batch::default() });
            json(json!({ "id": id, "type": "message_batch", "processing_status": "in_progress" }))
        }
        ("GET", ["v1", "messages", "batches"]) => {
            let batches = all.iter().filter(|(id, _)| id.starts_with("msgbatch_")).map(|(id, batch)| {
                json!({
                    "id": id, "type": "message_batch", "processing_status": "in_progress", "created_at": "2120-01-01T00:00:00.1Z",
                    "request_counts": { "processing": batch.prompts, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0 },
                })
            });
            json(json!({ "data": batches.rev().collect::<Vec<_>>(), "has_more": false }))
        }
        ("GET", ["v1", "batches"]) => {
            let batches = all.iter().filter(|(id, _)| id.starts_with("batch_")).map(|(id, batch)| {
                json!({ "id": id, "object": "batch", "status": "in_progress", "created_at": 4_733_510_400_u64, "metadata": batch.metadata })
            });
            json(json!({ "object": "list", "data": batches.rev().collect::<Vec<_>>(), "has_more": false }))
        }
        ("GET", ["v1", "messages", "batches", id]) => {
            let batch = all.get_mut(*id)?;
            batch.looks += 1;
            let ended = batch.looks > 1;
            let (done, left) = if ended { (batch.prompts, 0) } else { (0, batch.prompts) };
            json(json!({
                "id": id, "type": "message_batch", "processing_status": if ended { "ended" } else { "in_progress" },
                "request_counts": { "processing": left, "succeeded": done, "errored": 0, "canceled": 0, "expired": 0 },
            }))
        }
        ("GET", ["v1", "messages", "batches", id, "results"]) => {
            let batch = all.get(*id).filter(|batch| batch.looks > 1)?;
            Some(format!("{}{}", batch.lines, stage.stray(headers)).into_response())
        }
        ("POST", ["v1", "files"]) => {
            let media_type = headers.get("content-type")?.to_str().ok()?;
            let boundary = media_type.strip_prefix("multipart/form-data; boundary=")?;
            let (opening, end) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}--\r\n"));
            let mut fields = body.strip_suffix(&end)?.split(&opening);
            let purpose = fields.nth(1)?;
            let (head, lines) = fields.next()?.split_once("\r\n\r\n")?;
            if !purpose.ends_with("name=\"purpose\"\r\n\r\nbatch\r\n")
                || !head.contains("name=\"file\"; filename=")
            {
                return None;
            }
            let id = format!("file-{}", all.len());
            all.insert(id.clone(), Batch { lines: lines.to_owned(), ..Batch::default() });
            json(json!({ "id": id, "object": "file", "purpose": "batch" }))
        }
        ("POST", ["v1", "batches"]) => {
            let body: Value = serde_json::from_str(body).ok()?;
            let file = all.get(body["input_file_id"].as_str()?)?.lines.clone();
            if body["endpoint"] != "/v1/chat/completions" || body["completion_window"] != "24h" {
                return None;
            }
            let results = file.lines().map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                let is_right = line["method"] == "POST" && line["url"] == "/v1/chat/completions";
                let id = line["custom_id"].as_str().filter(|_| is_right)?;
                stage.result("/v1/chat/completions", headers, id, &line["body"])
            });
            let results = results.collect::<Option<Vec<Value>>>()?;
            let id = format!("batch_{}", all.len());
            let lines = results.iter().map(|line| format!("{line}\n")).collect();
            let metadata = body["metadata"].clone();
            all.insert(id.clone(), Batch { lines, prompts: results.len(), looks: 0, metadata });
            json(json!({ "id": id, "object": "batch", "status": "validating" }))
        }
        ("GET", ["v1", "batches", id]) => {
            let batch = all.get_mut(*id)?;
            batch.looks += 1;
            let ended = batch.looks > 1;
            let done = if ended { batch.prompts } else { 0 };
            json(json!({
                "id": id, "object": "batch", "status": if ended { "completed" } else { "in_progress" },
                "request_counts": { "total": batch.prompts, "completed": done, "failed": 0 },
                "output_file_id": if ended { json!(id) } else { Value::Null }, "error_file_id": null,
            }))
        }
        ("GET", ["v1", "files", id, "content"]) => {
            all.get(*id).map(|batch| format!("{}{}", batch.lines, stage.stray(headers)).into_response())
        }
        _ => None,
    }
}

/// Parses a request of one of the protocols. Returns `None` if a real server would refuse it.
fn understood(path: &str, headers: &HeaderMap, body: &Value) -> Option<Asked> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let asked = |protocol, key, model, system, user, schema: &Value, temperature: &Value| Asked {
        protocol,
        key,
        model,
        system,
        user,
        has_schema: schema.is_object(),
        has_temperature: temperature.is_number(),
        context: None,
        marks_cache: false,
        is_batched: false,
        before: 0,
    };
    if path == "/api/chat" {
        let [system, user] = body["messages"].as_array()?.as_slice() else { return None };
        // Without `stream: false` the real server answers in many lines.
        if system["role"] != "system" || user["role"] != "user" || body["stream"] != false {
            return None;
        }
        let key = header("authorization").and_then(|value| Some(value.strip_prefix("Bearer ")?.to_owned()));
        let (system, user) = (text(&system["content"])?, text(&user["content"])?);
        let options = &body["options"];
        let asked = asked(
            "ollama",
            key,
            text(&body["model"])?,
            system,
            user,
            &body["format"],
            &options["temperature"],
        );
        return Some(Asked { context: options["num_ctx"].as_u64(), ..asked });
    }
    if path == "/api/embed" {
        let texts = body["input"].as_array()?.iter().map(text).collect::<Option<Vec<String>>>()?;
        let none = &Value::Null;
        let all = texts.join("\n");
        return Some(asked("ollama embeddings", None, text(&body["model"])?, String::new(), all, none, none));
    }
    if path == "/v1/chat/completions" {
        let [system, user] = body["messages"].as_array()?.as_slice() else { return None };
        if system["role"] != "system" || user["role"] != "user" {
            return None;
        }
        let key = header("authorization").and_then(|value| Some(value.strip_prefix("Bearer ")?.to_owned()));
        let format = &body["response_format"];
        let schema = match format["type"].as_str() {
            Some("json_object") => &format["schema"],
            _ => &format["json_schema"]["schema"],
        };
        let (system, user) = (text(&system["content"])?, text(&user["content"])?);
        return Some(asked("openai", key, text(&body["model"])?, system, user, schema, &body["temperature"]));
    }
    if path == "/v1/embeddings" {
        let texts = body["input"].as_array()?.iter().map(text).collect::<Option<Vec<String>>>()?;
        // Like OpenAI's server: no empty list, no empty text.
        if texts.is_empty() || texts.iter().any(String::is_empty) || body["encoding_format"] != "float" {
            return None;
        }
        let key = header("authorization").and_then(|value| Some(value.strip_prefix("Bearer ")?.to_owned()));
        let all = texts.join("\n");
        let none = &Value::Null;
        return Some(asked("embeddings", key, text(&body["model"])?, String::new(), all, none, none));
    }
    if path == "/v1/messages" {
        header("anthropic-version")?;
        body["max_tokens"].as_u64()?;
        let [message] = body["messages"].as_array()?.as_slice() else { return None };
        let schema = &body["output_config"]["format"]["schema"];
        // The system text is a text or a list of blocks.
        let blocks = body["system"].as_array().map(Vec::as_slice).unwrap_or_default();
        if blocks.iter().any(|block| block["type"] != "text") {
            return None;
        }
        let in_blocks: Option<String> = blocks.iter().map(|block| block["text"].as_str()).collect();
        let system = text(&body["system"]).or(in_blocks.filter(|text| !text.is_empty()))?;
        let marks_cache = blocks.last().is_some_and(|block| block["cache_control"]["type"] == "ephemeral");
        let (user, key) = (text(&message["content"])?, header("x-api-key"));
        let temperature = &body["temperature"];
        let asked = asked("anthropic", key, text(&body["model"])?, system, user, schema, temperature);
        return Some(Asked { marks_cache, ..asked });
    }
    let model = path.strip_prefix("/v1beta/models/")?.strip_suffix(":generateContent")?.to_owned();
    let config = &body["generationConfig"];
    let system = text(&body["systemInstruction"]["parts"][0]["text"])?;
    let user = text(&body["contents"][0]["parts"][0]["text"])?;
    let key = header("x-goog-api-key");
    Some(asked("gemini", key, model, system, user, &config["responseJsonSchema"], &config["temperature"]))
}

/// A reply that counts `read` tokens of the prompt.
fn reply(asked: &Asked, text: &str, read: u64) -> Value {
    match asked.protocol {
        "ollama" => json!({
            "model": asked.model, "created_at": "2026-05-17T09:40:00Z",
            "message": { "role": "assistant", "content": text }, "done": true, "done_reason": "stop",
            "total_duration": 1, "prompt_eval_count": read, "eval_count": 10,
        }),
        "ollama embeddings" => {
            let vector: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            json!({ "model": asked.model, "embeddings": vec![vector; asked.user.lines().count()] })
        }
        "openai" => json!({
            "object": "chat.completion",
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": read, "completion_tokens": 10, "total_tokens": read + 10 },
        }),
        // The reply is a number per dimension, separated by white space. All texts have the same
        // vector, last text first.
        "embeddings" => {
            let vector: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            let data = (0..asked.user.lines().count())
                .rev()
                .map(|index| json!({ "object": "embedding", "index": index, "embedding": vector }));
            json!({ "object": "list", "data": data.collect::<Vec<_>>(), "usage": { "prompt_tokens": 100, "total_tokens": 100 } })
        }
        "anthropic" => json!({
            "type": "message", "role": "assistant", "content": [{ "type": "text", "text": text }], "stop_reason": "end_turn",
            "usage": { "input_tokens": read, "output_tokens": 10 },
        }),
        _ => json!({
            "candidates": [{ "content": { "role": "model", "parts": [{ "text": text }] }, "finishReason": "STOP" }],
            "usageMetadata": { "promptTokenCount": read, "candidatesTokenCount": 10, "totalTokenCount": read + 10 },
        }),
    }
}
