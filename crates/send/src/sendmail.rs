//! Sends mails by the program `sendmail`, which all common mail servers provide.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::SendError;
use crate::letter::Letter;

/// Time limit for passing a mail to the program.
const TAKE_WITHIN: Duration = Duration::from_secs(180);

/// The exit code for an unknown user (sysexits.h).
const NO_USER: i32 = 67;
/// The exit code for a temporary failure.
const TEMPORARY: i32 = 75;

/// The program `sendmail`.
#[derive(Clone, Debug)]
pub(crate) struct Sendmail {
    /// The path of the program.
    pub(crate) program: PathBuf,
}

impl Sendmail {
    /// Passes a mail to the program. The later delivery is only in the log of that mail server.
    pub(crate) async fn send(
        &self,
        from: &str,
        to: &str,
        mail: &[u8],
        letter: &Letter,
    ) -> Result<(), SendError> {
        let mut command = Command::new(&self.program);
        // A line with one dot does not end the mail.
        command.args(["-i", "-f", from, "--", to]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| self.unfit(&error))?;
        let hand_over = async {
            if let Some(mut input) = child.stdin.take() {
                // A program that ends early says why with its exit code.
                let _ = input.write_all(&with_plain_lines(mail)).await;
            }
            child.wait_with_output().await
        };
        let later = |why: String| SendError::ForNow {
            server: self.name(),
            to: letter.shown_to(),
            why,
            retry_after: None,
            may_have_arrived: true,
        };
        match timeout(TAKE_WITHIN, hand_over).await {
            Ok(Ok(output)) => self.result(output.status, &String::from_utf8_lossy(&output.stderr), letter),
            Ok(Err(error)) => Err(later(error.to_string())),
            Err(_) => Err(later(format!("it did not end within {} seconds", TAKE_WITHIN.as_secs()))),
        }
    }

    fn result(&self, status: ExitStatus, said: &str, letter: &Letter) -> Result<(), SendError> {
        let (server, to) = (self.name(), letter.shown_to());
        let said = match letter.said(said) {
            said if said.is_empty() => status.to_string(),
            said => said,
        };
        match status.code() {
            Some(0) => Ok(()),
            Some(NO_USER) => Err(letter.no_mailbox(server, said)),
            Some(TEMPORARY) | None => Err(SendError::ForNow {
                server,
                to,
                why: said,
                retry_after: None,
                may_have_arrived: status.code().is_none(),
            }),
            Some(_) => {
                let remedy = "check `server` in [mail] and the log of that program".to_owned();
                Err(SendError::Refused { server, to, said, remedy, gone: false })
            }
        }
    }

    fn unfit(&self, error: &std::io::Error) -> SendError {
        SendError::Setup {
            what: format!("`server` in [mail], {}", self.program.display()),
            why: format!(
                "{error}; name the file of this machine's program, such as sendmail:/usr/sbin/sendmail"
            ),
        }
    }

    fn name(&self) -> String {
        self.program.display().to_string()
    }
}

impl From<&Path> for Sendmail {
    fn from(program: &Path) -> Self {
        Self { program: program.to_owned() }
    }
}

/// A mail with the line ends of this system, as the program expects it.
fn with_plain_lines(mail: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(mail.len());
    let mut bytes = mail.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\r' || bytes.peek() != Some(&b'\n') {
            plain.push(byte);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_line_ends_change() {
        assert_eq!(with_plain_lines(b"a\r\n\r\nb\rc\r\n"), b"a\n\nb\rc\n");
    }
}
