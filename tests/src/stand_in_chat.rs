//! A stand-in for a chat server on loopback. It stores the messages that it gets, and answers as a
//! test says.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::server_thread::ServerThread;

/// The maximum time that a test waits for a message.
const PATIENCE: Duration = Duration::from_secs(60);

/// A received request.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, unchanged.
    pub body: String,
}

impl Posted {
    /// The body as JSON.
    ///
    /// # Errors
    /// If the body is not JSON.
    pub fn json(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.body)?)
    }

    /// The value of a header. Empty if the header is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A running stand-in.
#[derive(Debug)]
pub struct StandInChat {
    server: ServerThread,
    answer: Arc<Mutex<(u16, String)>>,
    posted: Receiver<Posted>,
}

impl StandInChat {
    /// Starts a server on a free port of loopback. It accepts every message.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start() -> anyhow::Result<Self> {
        let answer = Arc::new(Mutex::new((200, "ok".to_owned())));
        let (sender, posted) = channel();
        let given = Arc::clone(&answer);
        let handler = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| -> Response {
            let body = String::from_utf8_lossy(&body).into_owned();
            // A test that has ended wants no more messages.
            let _ = sender.send(Posted { method, path: uri.path().to_owned(), headers, body });
            let (status, said) = given.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [("retry-after", "3600")], said).into_response()
        };
        let router = Router::new().fallback(handler);
        Ok(Self { server: ServerThread::start("stand-in-chat", router)?, answer, posted })
    }

    /// The address of a path at the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }

    /// Sets the status and the text of all further answers.
    pub fn answer(&self, status: u16, said: &str) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = (status, said.to_owned());
    }

    /// Waits for the next message and returns it.
    ///
    /// # Errors
    /// If no message comes in time.
    pub fn next(&self) -> anyhow::Result<Posted> {
        self.posted.recv_timeout(PATIENCE).context("no message came")
    }

    /// Number of messages that no call has returned yet. Removes them.
    pub fn others(&self) -> usize {
        self.posted.try_iter().count()
    }
}
