//! The jobs of reads: claims, results and failures. A stage and its result commit together.

mod annotated;
mod claim;
mod extracted;
mod failed;
mod work;

pub use claim::{ATTEMPTS_MAX, ClaimedRead, Finished};
pub(crate) use claim::{CLAIMED, claimed_of_row};
pub(crate) use extracted::ADMITTED_BY_ANOTHER;
pub use extracted::Extracted;
pub use failed::{Retry, SetAside};
pub use work::{Queue, Tally};

#[cfg(test)]
pub(crate) use {
    claim::DueRead,
    extracted::{SAME_FINGERPRINT, SAME_SHORT_TEXT},
    failed::last_set_aside,
    work::NEXT_DUE,
};
