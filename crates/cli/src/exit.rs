//! Exit codes for scripts.

use std::process::ExitCode;

use crate::output::{self, ALERT, PLAIN};

/// The result of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Success, exit code 0.
    Fine,
    /// The work is done, but `doctor` found a fault, or `inspect` refused one of several documents.
    /// Exit code 1.
    Fault,
    /// The requested week, read or source does not exist. Exit code 3.
    NotThere,
    /// The work is partly done: some sources could not be polled, or some reads are left. Exit code
    /// 4.
    Partly,
}

/// The text about exit codes in `--help`.
pub const HELP: &str = "Exit codes: 0 done; 1 failed; 2 wrong use; 3 what was asked for is not there; \
4 done, but some sources could not be reached or some reads were left.";

/// The process's exit code. Prints a failure with its causes on standard error.
pub fn code(outcome: anyhow::Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Fault) => ExitCode::FAILURE,
        Ok(Outcome::NotThere) => ExitCode::from(3),
        Ok(Outcome::Partly) => ExitCode::from(4),
        Err(failure) if is_closed_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            let code =
                if failure.is::<crate::open::NoArchive>() { ExitCode::from(3) } else { ExitCode::FAILURE };
            output::tell_line(tracing::Level::ERROR, &format!("{ALERT}backissue:{PLAIN} {failure:#}"));
            code
        }
    }
}

/// Whether the failure is that the reader of our output has closed it, as `head` does.
fn is_closed_pipe(failure: &anyhow::Error) -> bool {
    failure
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}
