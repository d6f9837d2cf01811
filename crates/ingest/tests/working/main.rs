//! Tests for the workers, with a real store and real sockets.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod backfilling;
mod bench;
mod good_citizen;
mod misbehaving;
mod reannotating;
