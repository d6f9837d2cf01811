//! Mail addresses that strangers type into a form.

use std::fmt;
use std::str::FromStr;

/// Maximum bytes of a mail address (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const ADDRESS_MAX: usize = 254;
/// Maximum bytes before the `@`.
const LOCAL_MAX: usize = 64;

/// The text is not a mail address, or not one that the program writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no mail address; write for example name@example.org")]
pub struct NoMailAddress;

/// The mail address of a subscriber, in lower case. It has only letters, digits and the usual
/// signs, so that it needs no escaping. Addresses with other signs, such as quotes, are refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubscriberAddress(String);

impl SubscriberAddress {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SubscriberAddress {
    type Err = NoMailAddress;

    fn from_str(text: &str) -> Result<Self, NoMailAddress> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(NoMailAddress)?;
        let is_local = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
        let fits = text.len() <= ADDRESS_MAX
            && (1..=LOCAL_MAX).contains(&local.len())
            && local.chars().all(is_local)
            && local.split('.').all(|part| !part.is_empty());
        let is_label = |label: &str| {
            !label.is_empty()
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let is_name = domain.contains('.')
            && domain.split('.').all(is_label)
            && domain.rsplit('.').next().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()));
        if fits && is_name { Ok(Self(text.to_ascii_lowercase())) } else { Err(NoMailAddress) }
    }
}

impl fmt::Display for SubscriberAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_accepted() {
        let read = |text: &str| text.parse::<SubscriberAddress>().map(|address| address.to_string());
        assert_eq!(
            read(" Ada.Lovelace+weeks@Mail.Example.org ").as_deref(),
            Ok("ada.lovelace+weeks@mail.example.org")
        );
        for wrong in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "ada@@example.org",
            "a b@example.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "\"ada\"@example.org",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada@-example.org",
            "ada@example..org",
            ".ada@example.org",
            "<ada@example.org>",
            "ada@exämple.org",
            &format!("{}@example.org", "a".repeat(65)),
            &format!("a@{}.org", "a.".repeat(130)),
        ] {
            assert_eq!(read(wrong), Err(NoMailAddress), "{wrong:?}");
        }
    }
}
