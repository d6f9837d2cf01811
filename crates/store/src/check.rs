//! What `backissue doctor` asks of the database.

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked, e.g. `integrity`.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, in plain words.
    pub detail: String,
}
