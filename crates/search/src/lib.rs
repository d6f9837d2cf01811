//! Search by problem: who else had this?
//!
//! An index of the archive's reads, by their words and by their meaning. It is disposable: everything in it comes from the
//! store, it remembers up to which change of the archive it has come, and whoever deletes it gets it back.
//!
//! It must not fetch anything, change the archive, or be the only place where something is known.

mod document;
pub mod meaning;

pub use document::Document;
