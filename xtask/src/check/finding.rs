//! The violations that the checks report.

use std::path::PathBuf;

/// A violation of a rule.
pub struct Finding {
    pub path: PathBuf,
    pub line: usize,
    pub message: String,
}
