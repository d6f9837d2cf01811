//! Addresses of reads.

use backissue_model::ReadId;
use backissue_store::ReadCard;

use crate::fault::Fault;

/// The number of a read in an address.
pub(crate) fn read_id(id: &str) -> Result<ReadId, Fault> {
    id.parse().map(ReadId).map_err(|_| Fault::NoSuchRead)
}

/// The page address of `card`.
pub(crate) fn href(card: &ReadCard) -> String {
    format!("/read/{}/{}", card.id, card.slug)
}
