//! Helpers for tests of the whole program: a small web of blogs on loopback, databases, a browser,
//! and stand-ins for servers.
//!
//! The program never depends on this crate. The developer chores (`cargo xtask`) do.

pub mod browser;
pub mod chance;
pub mod contents;
pub mod database;
pub mod file_server;
pub mod hostile;
pub mod made_up_web;
pub mod postgres;
pub mod program;
pub mod server_thread;
pub mod small_past;
pub mod stand_in_chat;
pub mod stand_in_hub;
pub mod stand_in_model;
pub mod stand_in_provider;
pub mod stand_in_smtp;
pub mod web;
