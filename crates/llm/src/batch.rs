//! Batches: many prompts in one request, which the server answers within a day at half the price.
//!
//! OpenAI's batch API takes a file of requests, Anthropic's takes them in one body. Both return the
//! replies as lines of JSON, in any order, with the caller's id for each prompt.
//!
//! This module sends nothing: it makes bodies and parses responses. [`crate::Model`] sends the
//! requests.

use serde_json::{Value, json};

use crate::prompt::Prompt;
use crate::protocol::{Form, MORE_TOKENS, Room};
use crate::settings::Protocol;

/// Maximum prompts of one batch. OpenAI accepts 50,000 and Anthropic 100,000; this many are held in
/// memory, and as many are lost at once if a batch fails.
pub const BATCH_PROMPTS_MAX: usize = 5_000;

/// Maximum bytes of the prompts of one batch: half of what OpenAI accepts (200 MB; Anthropic
/// accepts 256 MB). The other half is for JSON and for later prompts about the same reads, which
/// are longer. These limits were documented in November 2026.
pub const BATCH_BYTES_MAX: usize = 100_000_000;

/// Maximum bytes of the replies of one batch.
pub(crate) const LARGEST_REPLIES: usize = 64 * 1024 * 1024;

/// The separator of the fields of an uploaded form. It cannot occur in the requests, because JSON
/// on one line has no line break before it.
pub(crate) const BOUNDARY: &str = "backissue-batch-3f1c9a";

/// The path and version of requests within an OpenAI batch.
const CHAT: &str = "/v1/chat/completions";

/// A prompt with the caller's id for it: at most 64 letters, digits, `-` and `_`.
#[derive(Clone, Debug)]
pub struct BatchPrompt<'p> {
    /// The id.
    pub id: String,
    /// The prompt.
    pub prompt: Prompt<'p>,
}

/// The state of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// The server is processing the batch.
    Running {
        /// Number of processed prompts.
        done: u64,
        /// Number of all prompts.
        all: u64,
    },
    /// The batch has ended, and its replies can be requested. Some prompts may have no reply.
    Ended,
    /// The server gave up the batch, for this reason.
    Failed(String),
}

/// The id of a prompt, with the response in the protocol's own form, or the reason why there is
/// none.
pub(crate) type Line = (String, Result<Value, String>);

/// The body that creates an Anthropic batch.
pub(crate) fn of_anthropic(model: &str, prompts: &[BatchPrompt<'_>], form: Form) -> Value {
    let requests = prompts.iter().map(|BatchPrompt { id, prompt }| {
        json!({ "custom_id": id, "params": Protocol::Anthropic.body(model, prompt, form, room(prompt)) })
    });
    json!({ "requests": requests.collect::<Vec<_>>() })
}

/// The form that uploads an OpenAI batch.
pub(crate) fn of_open_ai(model: &str, prompts: &[BatchPrompt<'_>], form: Form) -> String {
    let lines = prompts.iter().map(|BatchPrompt { id, prompt }| {
        let body = Protocol::OpenAi.body(model, prompt, form, room(prompt));
        let line = json!({ "custom_id": id, "method": "POST", "url": CHAT, "body": body });
        format!("{line}\n")
    });
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"batch.jsonl\"\r\n\
         Content-Type: application/jsonl\r\n\r\n{}\r\n--{BOUNDARY}--\r\n",
        lines.collect::<String>()
    )
}

/// The key of our marker in the metadata of an OpenAI batch.
const MARKER: &str = "backissue";

/// The body that starts an uploaded OpenAI batch.
pub(crate) fn start(file: &str, marker: &str) -> Value {
    let metadata = json!({ MARKER: marker });
    json!({ "input_file_id": file, "endpoint": CHAT, "completion_window": "24h", "metadata": metadata })
}

/// A batch that was sent, but whose name at the server was not stored.
#[derive(Clone, Debug)]
pub struct LostBatch<'a> {
    /// The marker with which the batch was sent.
    pub marker: &'a str,
    /// Number of prompts in the batch.
    pub prompts: usize,
    /// A time before the batch was sent (RFC 3339, UTC).
    pub since: &'a str,
    /// The names of other batches, which are known already.
    pub known: &'a [String],
}

/// The name of a lost batch in a server's list of batches. Anthropic's batches have no marker. They
/// are recognised by their time and number of prompts, and the ids in their replies show whether
/// the choice was right.
pub(crate) fn find(protocol: Protocol, list: &Value, lost: &LostBatch<'_>) -> Option<String> {
    let all = list["data"].as_array()?;
    let is_it = |batch: &&Value| {
        if protocol != Protocol::Anthropic {
            return batch["metadata"][MARKER] == lost.marker;
        }
        // Times in UTC sort like texts, down to the second.
        let second = |at: &str| at.get(..19).map(str::to_owned);
        let created = batch["created_at"].as_str().and_then(second);
        let counts = batch["request_counts"].as_object().into_iter().flat_map(|counts| counts.values());
        let prompts: u64 = counts.filter_map(Value::as_u64).sum();
        created.is_some_and(|at| Some(at) >= second(lost.since)) && prompts == lost.prompts as u64
    };
    // Lists have the newest batch first.
    let names = all.iter().rev().filter(is_it).filter_map(|batch| batch["id"].as_str());
    names.map(str::to_owned).find(|id| !id.is_empty() && id.len() <= 200 && !lost.known.contains(id))
}

/// The limits for a prompt in a batch. Within a batch, a reply that was cut off cannot be requested
/// again, so the limit is higher.
fn room(prompt: &Prompt<'_>) -> Room {
    Room { answer: MORE_TOKENS, context: Protocol::context(prompt, MORE_TOKENS) }
}

/// The state in a server's description of a batch. Returns `None` if it has none.
pub(crate) fn state(protocol: Protocol, answer: &Value) -> Option<BatchState> {
    let counts = &answer["request_counts"];
    let count = |name: &str| counts[name].as_u64().unwrap_or(0);
    if protocol == Protocol::Anthropic {
        let done = count("succeeded") + count("errored") + count("canceled") + count("expired");
        return match answer["processing_status"].as_str()? {
            "ended" => Some(BatchState::Ended),
            _ => Some(BatchState::Running { done, all: done + count("processing") }),
        };
    }
    match answer["status"].as_str()? {
        // Those that were cancelled or expired have the replies until then.
        "completed" | "expired" | "cancelled" => Some(BatchState::Ended),
        "failed" => {
            let said = answer["errors"]["data"][0]["message"].as_str();
            Some(BatchState::Failed(said.unwrap_or("the server does not say why").to_owned()))
        }
        _ => Some(BatchState::Running { done: count("completed") + count("failed"), all: count("total") }),
    }
}

/// The replies in a document with one reply per line. Skips lines that cannot be parsed.
pub(crate) fn lines(protocol: Protocol, text: &str) -> Vec<Line> {
    let of_line = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        let id = line["custom_id"].as_str()?.to_owned();
        Some((id, if protocol == Protocol::Anthropic { of_message(&line) } else { of_completion(&line) }))
    };
    text.lines().filter_map(of_line).collect()
}

fn of_message(line: &Value) -> Result<Value, String> {
    let result = &line["result"];
    match result["type"].as_str() {
        Some("succeeded") => Ok(result["message"].clone()),
        Some(kind) => {
            let error = &result["error"];
            let said = error["error"]["message"].as_str().or(error["message"].as_str());
            Err(said.unwrap_or(kind).to_owned())
        }
        None => Err("it has no result".to_owned()),
    }
}

fn of_completion(line: &Value) -> Result<Value, String> {
    let response = &line["response"];
    if response["status_code"] == 200 {
        return Ok(response["body"].clone());
    }
    let said = [&response["body"]["error"]["message"], &line["error"]["message"]];
    let said = said.iter().find_map(|said| said.as_str());
    Err(said.unwrap_or("it has no response").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_both_protocols_are_read() {
        let running = BatchState::Running { done: 3, all: 5 };
        for (protocol, answer, expected) in [
            (
                Protocol::Anthropic,
                json!({ "processing_status": "in_progress", "request_counts": { "processing": 2, "succeeded": 2, "errored": 1 } }),
                Some(running.clone()),
            ),
            (Protocol::Anthropic, json!({ "processing_status": "ended" }), Some(BatchState::Ended)),
            (
                Protocol::OpenAi,
                json!({ "status": "in_progress", "request_counts": { "total": 5, "completed": 2, "failed": 1 } }),
                Some(running),
            ),
            (Protocol::OpenAi, json!({ "status": "expired" }), Some(BatchState::Ended)),
            (
                Protocol::OpenAi,
                json!({ "status": "failed", "errors": { "data": [{ "message": "no such model" }] } }),
                Some(BatchState::Failed("no such model".to_owned())),
            ),
            (Protocol::OpenAi, json!({}), None),
            (Protocol::Anthropic, json!([]), None),
        ] {
            assert_eq!(state(protocol, &answer), expected, "{answer}");
        }
    }

    #[test]
    fn lost_batch_is_found_in_the_servers_list() {
        let known = ["msgbatch_3".to_owned()];
        let lost = LostBatch { marker: "m1", prompts: 20, since: "2026-05-12T08:00:00Z", known: &known };
        let batch = |id: &str, at: &str, left: u64, done: u64| {
            json!({ "id": id, "type": "message_batch", "created_at": at, "request_counts":
                { "processing": left, "succeeded": done, "errored": 0, "canceled": 0, "expired": 0 } })
        };
        let list = json!({ "has_more": false, "data": [
            batch("msgbatch_3", "2026-05-12T09:00:00.5Z", 20, 0), batch("msgbatch_2", "2026-05-12T08:10:00.1Z", 5, 15),
            batch("msgbatch_1", "2026-05-12T08:05:00Z", 19, 0), batch("msgbatch_0", "2026-05-12T07:00:00Z", 20, 0),
        ]});
        assert_eq!(find(Protocol::Anthropic, &list, &lost).as_deref(), Some("msgbatch_2"));
        let list = json!({ "object": "list", "data": [
            { "id": "batch_2", "metadata": null, "created_at": 1_778_572_900 },
            { "id": "batch_1", "metadata": { "backissue": "m1" }, "created_at": 1_778_572_801 },
        ]});
        assert_eq!(find(Protocol::OpenAi, &list, &lost).as_deref(), Some("batch_1"));
        assert_eq!(find(Protocol::OpenAi, &json!({ "data": [] }), &lost), None);
        assert_eq!(find(Protocol::OpenAi, &json!([]), &lost), None);
    }

    #[test]
    fn lines_have_a_reply_or_a_reason() {
        let text = [
            json!({ "custom_id": "a", "result": { "type": "succeeded", "message": { "content": [] } } }).to_string(),
            json!({ "custom_id": "b", "result": { "type": "expired" } }).to_string(),
            json!({ "custom_id": "c", "result": { "type": "errored", "error": { "type": "error", "error": { "message": "too long" } } } })
                .to_string(),
            "{ not JSON".to_owned(),
        ];
        let read = lines(Protocol::Anthropic, &text.join("\n"));
        let expected = [
            ("a", Ok(json!({ "content": [] }))),
            ("b", Err("expired".to_owned())),
            ("c", Err("too long".to_owned())),
        ];
        assert_eq!(read, expected.map(|(id, result)| (id.to_owned(), result)));

        let text = [
            json!({ "custom_id": "a", "response": { "status_code": 200, "body": { "choices": [] } }, "error": null }).to_string(),
            json!({ "custom_id": "b", "response": { "status_code": 400, "body": { "error": { "message": "no" } } } }).to_string(),
            json!({ "custom_id": "c", "response": null, "error": { "code": "batch_expired", "message": "too late" } }).to_string(),
        ];
        let read = lines(Protocol::OpenAi, &text.join("\n"));
        let expected = [
            ("a", Ok(json!({ "choices": [] }))),
            ("b", Err("no".to_owned())),
            ("c", Err("too late".to_owned())),
        ];
        assert_eq!(read, expected.map(|(id, result)| (id.to_owned(), result)));
    }

    #[test]
    fn article_cannot_end_the_form_of_an_upload() {
        let user = format!("\r\n--{BOUNDARY}--\r\n");
        let prompt = Prompt { system: "s", user: &user, schema: &Value::Null };
        let form = of_open_ai("m", &[BatchPrompt { id: "a".to_owned(), prompt }], Form::Full);
        assert_eq!(form.matches(&format!("\r\n--{BOUNDARY}")).count(), 2, "{form}");
    }
}
