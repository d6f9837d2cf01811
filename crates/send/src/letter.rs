//! A mail with sender and recipient, and how errors name the recipient.

use backissue_digest::mail::Mail;
use jiff::Timestamp;
use url::Url;

use crate::SendError;
use crate::answer::one_line;

/// A mail with sender and recipient.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The recipient's name: that in the configuration, or `subscriber/12`.
    pub(crate) name: String,
    /// The recipient's address.
    pub(crate) to: String,
    /// Whether the address belongs to a subscriber or a reader. Then no error and no log has it.
    pub(crate) is_private: bool,
    /// The id of the mail, without `<` and `>`. It is equal for all attempts, so that the receiver
    /// can recognise a duplicate.
    pub(crate) message_id: String,
    /// When it was written.
    pub(crate) date: Timestamp,
    /// The mailing list to which the mail belongs, such as `weeks`.
    pub(crate) list: String,
    /// The address at which a single request stops the mails (RFC 8058).
    pub(crate) unsubscribe: Option<Url>,
    /// The subject and the texts.
    pub(crate) mail: Mail,
}

impl Letter {
    /// The recipient in errors: the address, or the name in place of a private one.
    pub(crate) fn shown_to(&self) -> String {
        if self.is_private { self.name.clone() } else { self.to.clone() }
    }

    /// The start of a server's message on one line, without a private address.
    pub(crate) fn said(&self, message: &str) -> String {
        if self.is_private { one_line(&replaced(message, &self.to, &self.name)) } else { one_line(message) }
    }

    /// The error for a mailbox that does not exist. `said` is the server's message from
    /// [`Letter::said`].
    pub(crate) fn no_mailbox(&self, server: String, said: String) -> SendError {
        let remedy = match self.is_private {
            true => "nothing more is sent there".to_owned(),
            false => format!("correct the address, then `backissue send --to {} --resume`", self.name),
        };
        SendError::NoMailbox { server, to: self.shown_to(), said, remedy }
    }
}

/// The text with `name` in place of `address`, in upper or lower case.
fn replaced(text: &str, address: &str, name: &str) -> String {
    let (lower, address) = (text.to_ascii_lowercase(), address.to_ascii_lowercase());
    let (mut out, mut rest) = (String::with_capacity(text.len()), 0);
    for (at, found) in lower.match_indices(&address) {
        out.push_str(&text[rest..at]);
        out.push_str(name);
        rest = at + found.len();
    }
    out + &text[rest..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(is_private: bool) -> Letter {
        Letter {
            name: "subscriber/12".to_owned(),
            to: "ada@example.org".to_owned(),
            is_private,
            message_id: "1".to_owned(),
            date: Timestamp::UNIX_EPOCH,
            list: "weeks".to_owned(),
            unsubscribe: None,
            mail: Mail { subject: String::new(), text: String::new(), html: String::new() },
        }
    }

    #[test]
    fn errors_have_no_address_of_a_person() {
        let words = format!("5.1.1 {}<Ada@Example.org>: no such user", "é".repeat(190));
        let said = letter(true).said(&words);
        assert!(said.ends_with("é<sub") && !said.contains("Ada"), "{said}");
        let said = letter(true).said("5.1.1 <Ada@Example.org> (ada@example.org)\r\n: none");
        assert_eq!(said, "5.1.1 <subscriber/12> (subscriber/12) : none");
        let error = letter(true).no_mailbox("the server".to_owned(), said).to_string();
        assert!(!error.contains("ada@") && !error.contains("--resume"), "{error}");
        let error = letter(false).no_mailbox("the server".to_owned(), "5.1.1".to_owned()).to_string();
        assert!(
            error.contains("ada@example.org") && error.contains("--to subscriber/12 --resume"),
            "{error}"
        );
    }
}
