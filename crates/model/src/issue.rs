//! An issue: a week's digest as a person edited it.

use serde::{Deserialize, Serialize};

use crate::bounds::cut;
use crate::read::ReadId;
use crate::signs::misleads;

/// Maximum characters of the remark at the top of an issue.
pub const REMARK_MAX: usize = 2000;
/// Maximum characters of the remark beside a read.
pub const READ_REMARK_MAX: usize = 600;

/// What a person decided about a week's digest. Rules decide the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Issue {
    /// The remark at the top; empty if there is none.
    pub remark: String,
    /// The reads that come first, in order.
    pub first: Vec<IssueRead>,
    /// Reads that are left out.
    pub dropped: Vec<ReadId>,
}

/// A read that comes first in the digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueRead {
    /// The read.
    pub read: ReadId,
    /// The remark beside it; empty if there is none.
    #[serde(default)]
    pub remark: String,
}

impl Issue {
    /// The issue within its limits: long remarks are cut, misleading characters go, and a read that
    /// is listed twice stays once.
    pub fn tidy(mut self) -> Self {
        self.remark = tidy(&self.remark, REMARK_MAX);
        let mut seen = std::collections::HashSet::new();
        self.first.retain(|chosen| seen.insert(chosen.read));
        for chosen in &mut self.first {
            chosen.remark = tidy(&chosen.remark, READ_REMARK_MAX);
        }
        self.dropped.retain(|read| seen.insert(*read));
        self
    }
}

/// A remark within its limit, without misleading characters. Browsers end lines with two
/// characters; one stays.
fn tidy(remark: &str, most: usize) -> String {
    let plain = remark.replace("\r\n", "\n").replace(misleads, "");
    cut(plain.trim(), most).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidy_issue_has_each_read_once_and_bounded_remarks() {
        let chosen = |read, remark: &str| IssueRead { read: ReadId(read), remark: remark.to_owned() };
        let issue = Issue {
            remark: " word".repeat(1000),
            first: vec![chosen(1, " a\r\nb\u{202e} "), chosen(2, &"b ".repeat(1000)), chosen(1, "again")],
            dropped: vec![ReadId(2), ReadId(3), ReadId(3)],
        };
        let tidy = issue.tidy();
        assert!(tidy.remark.chars().count() <= REMARK_MAX && tidy.remark.starts_with("word"));
        assert_eq!(tidy.first.iter().map(|chosen| chosen.read.0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(tidy.first[0].remark, "a\nb");
        assert!(tidy.first[1].remark.chars().count() <= READ_REMARK_MAX);
        assert_eq!(tidy.dropped, [ReadId(3)]);
    }
}
