//! The events of which webhooks notify other programs.

use serde::{Deserialize, Serialize};

use crate::names::names;

/// An event in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// A read is shown for the first time.
    #[serde(rename = "read.annotated")]
    ReadAnnotated,
    /// A week is over.
    #[serde(rename = "week.closed")]
    WeekClosed,
    /// A new read answers a saved search of the webhook's reader.
    #[serde(rename = "search.hit")]
    SearchHit,
    /// A source could not be polled several times in a row, or is gone for good.
    #[serde(rename = "source.failing")]
    SourceFailing,
}

names! {
    Event, UnknownEvent: ReadAnnotated = "read.annotated", WeekClosed = "week.closed",
    SearchHit = "search.hit", SourceFailing = "source.failing",
}

/// The text is not the name of an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an event; events are read.annotated, week.closed, search.hit and source.failing")]
pub struct UnknownEvent(String);
