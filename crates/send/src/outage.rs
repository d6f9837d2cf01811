//! Logs the failures of repeated work without repeating them.

use std::error::Error;

use tracing::warn;

/// Logs a failure only once until the next success.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    is_failing: bool,
}

impl Outage {
    /// Returns the value of a success. Logs the first failure after a success: `what` failed, and
    /// the reason.
    pub(crate) fn log<T>(&mut self, result: Result<T, impl Error + 'static>, what: &str) -> Option<T> {
        let was_failing = std::mem::replace(&mut self.is_failing, result.is_err());
        match result {
            Ok(value) => Some(value),
            Err(failure) => {
                if !was_failing {
                    warn!(error = &failure as &dyn Error, "{what}: {failure}; it is tried again");
                }
                None
            }
        }
    }
}
