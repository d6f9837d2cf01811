//! Addresses of reads.

use backissue_model::{ReadId, number_in_address};
use backissue_store::ReadCard;

use crate::fault::Fault;

/// The number of a read in an address.
pub(crate) fn read_id(id: &str) -> Result<ReadId, Fault> {
    number_in_address(id).map(ReadId).ok_or(Fault::NoSuchRead)
}

/// The page address of `card`.
pub(crate) fn href(card: &ReadCard) -> String {
    format!("/read/{}/{}", card.id, card.slug)
}
