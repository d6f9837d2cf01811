//! Exit codes that scripts can rely on.

use std::process::ExitCode;

/// How a command ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well: 0.
    Fine,
    /// It was done, but found something wrong (`doctor`), or one of several documents was refused (`inspect`): 1.
    Fault,
    /// What was asked for is not there (a week, a read, a source): 3.
    NotThere,
    /// It was done, but not all of it: some sources could not be polled, or some reads were left: 4.
    Partly,
}

/// What `--help` says of the codes.
pub const HELP: &str = "Exit codes: 0 done; 1 failed; 2 wrong use; 3 what was asked for is not there; \
4 done, but some sources could not be reached or some reads were left.";

/// The process's exit code; a failure is told on standard error with what led to it.
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
            let said = crate::output::safe(&format!("{failure:#}"));
            anstream::eprintln!("{}backissue:{} {said}", crate::output::ALERT, crate::output::PLAIN);
            code
        }
    }
}

/// Whether the reader of our output went away, as `head` does: no failure.
fn is_closed_pipe(failure: &anyhow::Error) -> bool {
    failure
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}
