//! Mail addresses that strangers type into a form, and the rule for all addresses.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use url::Host;

/// Maximum bytes of a mail address (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const ADDRESS_MAX: usize = 254;
/// Maximum bytes before the `@`.
const LOCAL_MAX: usize = 64;

/// The text is not a mail address, or not one that the program writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no mail address; write for example name@example.org, with plain letters before the @")]
pub struct NoMailAddress;

/// The address with its domain in ASCII, as each mail server takes it: `ada@bücher.example` becomes
/// `ada@xn--bcher-kva.example`. Other signs before the `@` are refused, since many servers do not
/// take them (RFC 6531).
pub fn ascii_mail_address(text: &str) -> Result<Cow<'_, str>, NoMailAddress> {
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    let (local, domain) = text.split_once('@').filter(|(local, _)| local.is_ascii()).ok_or(NoMailAddress)?;
    match Host::parse(domain) {
        Ok(Host::Domain(domain)) => Ok(Cow::Owned(format!("{local}@{domain}"))),
        _ => Err(NoMailAddress),
    }
}

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
        let text = ascii_mail_address(text.trim())?;
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
        assert_eq!(read("Ada@Bücher.example").as_deref(), Ok("ada@xn--bcher-kva.example"));
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
            "ünï@bücher.example",
            "ada@bücher",
            "ada@bü cher.example",
            &format!("{}@example.org", "a".repeat(65)),
            &format!("a@{}.org", "a.".repeat(130)),
        ] {
            assert_eq!(read(wrong), Err(NoMailAddress), "{wrong:?}");
        }
    }
}
