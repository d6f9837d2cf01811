//! The steps, with one file per kind of work. Each step takes a claimed row, does the work, and
//! records the result. No step calls another; [`crate::workers`] calls all of them.

pub(crate) mod annotate;
pub(crate) mod backfill;
mod failed_read;
pub(crate) mod fetch;
pub(crate) mod poll;
pub(crate) mod reannotate;
pub(crate) mod subscribe;
