//! Schema, migrations, every line of SQL.

mod cards;
mod check;
mod error;
mod location;
mod polls;
mod signatures;
mod sources;
mod way;

pub use cards::{Cursor, CursorError, Facets, Order, Page, Place, ReadCard, ReadFilter, ReadPage, WeekCount};
pub use check::Finding;
pub use error::StoreError;
pub use location::{Location, LocationError};
pub use polls::{Admission, Admitted, PollOutcome};
pub use sources::{ClaimedSource, Follow, Scope, SourceFilter, Unfollowed};
pub use way::{ClaimedRead, Extracted, Finished, Retry, SetAside, Tally};

/// The archive's database.
#[derive(Clone, Debug)]
pub struct Store {
    location: Location,
}
