//! Runs two functions at the same time.

use std::panic::resume_unwind;
use std::thread;

/// Runs `aside` on another thread and `here` on this one. A panic of either is propagated.
pub(crate) fn join<A: Send, B>(aside: impl FnOnce() -> A + Send, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let aside = scope.spawn(aside);
        let here = here();
        (aside.join().unwrap_or_else(|panic| resume_unwind(panic)), here)
    })
}
