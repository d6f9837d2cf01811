//! Whole-program tests and what they need: a small web of blogs on loopback, databases, a browser.
//!
//! The program never depends on this crate; the developer chores (`cargo xtask`) do.

pub mod postgres;
pub mod shared;
pub mod web;
