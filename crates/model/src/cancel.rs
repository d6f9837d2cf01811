//! Cancels long computations. A computation calls [`checkpoint`] regularly, which ends it if it was
//! cancelled.
//!
//! A cancelled computation unwinds to [`Cancel::run`], so its functions need no special return
//! type.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    static CURRENT: RefCell<Option<Cancel>> = const { RefCell::new(None) };
}

/// A switch that cancels a computation. All clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

/// Cancels the computation when it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Cancel);

/// The panic payload of a cancelled computation.
struct Cancelled;

impl Cancel {
    /// Cancels the computation: it ends at its next [`checkpoint`].
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns a guard that cancels the computation when it is dropped.
    pub fn on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }

    /// Runs `step` on this thread. Returns `None` if it was cancelled. Other panics continue.
    pub fn run<T>(&self, step: impl FnOnce() -> T) -> Option<T> {
        let before = CURRENT.replace(Some(self.clone()));
        let result = catch_unwind(AssertUnwindSafe(step));
        CURRENT.set(before);
        match result {
            Ok(value) => Some(value),
            Err(payload) if payload.is::<Cancelled>() => None,
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Ends the computation that runs on this thread, if it was cancelled. Does nothing outside of
/// [`Cancel::run`].
pub fn checkpoint() {
    let cancelled =
        CURRENT.with_borrow(|cancel| cancel.as_ref().is_some_and(|cancel| cancel.0.load(Ordering::Relaxed)));
    if cancelled {
        let payload: Box<dyn Any + Send> = Box::new(Cancelled);
        resume_unwind(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelled_step_ends_at_its_next_checkpoint() {
        let cancel = Cancel::default();
        let steps = std::cell::Cell::new(0);
        let step = || {
            loop {
                checkpoint();
                steps.set(steps.get() + 1);
                if steps.get() == 3 {
                    cancel.cancel();
                }
            }
        };
        assert_eq!(cancel.run::<()>(step), None);
        assert_eq!(steps.get(), 3);
        checkpoint();
        assert_eq!(Cancel::default().run(|| 7), Some(7));
    }

    #[test]
    fn dropped_guard_cancels() {
        let cancel = Cancel::default();
        drop(cancel.on_drop());
        assert_eq!(cancel.run(checkpoint), None);
    }

    #[test]
    fn panic_of_a_step_goes_on() {
        let caught = catch_unwind(|| Cancel::default().run(|| resume_unwind(Box::new("oh"))));
        assert!(caught.is_err_and(|payload| payload.is::<&str>()));
        checkpoint();
    }
}
