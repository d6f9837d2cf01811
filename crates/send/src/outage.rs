//! Work that is done again and again, and that may fail for a while.

use std::error::Error;

use tracing::warn;

/// Logs a failure once until the next success.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    is_failing: bool,
}

impl Outage {
    /// The value of a success. Logs the first failure after one: `what` failed, and why.
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
