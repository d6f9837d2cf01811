//! The fetcher against real sockets on loopback: correct servers, faulty servers, and forbidden
//! addresses.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod addresses;
mod answers;
mod bodies;
mod environment;
mod forms;
mod limits;
mod loopback;
mod politeness;
mod redirects;
mod secure;
