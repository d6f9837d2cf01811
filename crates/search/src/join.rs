//! Two things at once.

use std::panic::resume_unwind;
use std::thread;

/// Does `aside` on a thread of its own and `here` on this one; a panic of either is this one's.
pub(crate) fn join<A: Send, B>(aside: impl FnOnce() -> A + Send, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let aside = scope.spawn(aside);
        let here = here();
        (aside.join().unwrap_or_else(|panic| resume_unwind(panic)), here)
    })
}
