//! Addresses of reads, and numbers in addresses.

use backissue_model::ReadId;
use backissue_store::ReadCard;

use crate::fault::Fault;

/// The number in an address. `+1` and `01` are no numbers, so that a thing has one address.
pub(crate) fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

/// The number of a read in an address.
pub(crate) fn read_id(id: &str) -> Result<ReadId, Fault> {
    number(id).map(ReadId).ok_or(Fault::NoSuchRead)
}

/// The page address of `card`.
pub(crate) fn href(card: &ReadCard) -> String {
    format!("/read/{}/{}", card.id, card.slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_has_one_form() {
        assert_eq!(number("42"), Some(42));
        for other in ["", "042", "+42", "-0", "42 ", "4.0", "99999999999999999999"] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
