//! Checks that the tests that docs/SECURITY.md names exist.

use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::workspace::read;

/// The document whose tables name tests.
const DOCUMENT: &str = "docs/SECURITY.md";
/// Minimum letters of a test's name in the document. Shorter words are settings and the like.
const MIN_NAME: usize = 20;

/// Checks the document, if it is among the files.
///
/// # Errors
/// If a file cannot be read.
pub fn check(files: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let document = Path::new(DOCUMENT);
    if !files.iter().any(|path| path == document) {
        return Ok(Vec::new());
    }
    let is_source = |path: &&PathBuf| path.extension().is_some_and(|end| end == "rs");
    let sources: Vec<String> =
        files.iter().filter(is_source).map(|path| read(path)).collect::<Result<_, _>>()?;
    let exists = |name: &str| sources.iter().any(|source| source.contains(name));
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(read(document)?.lines()) {
        for name in names_in(line).filter(|name| !exists(name)) {
            let message = format!("there is no test `{name}`");
            findings.push(Finding { path: document.to_owned(), line: number, message });
        }
    }
    Ok(findings)
}

/// The names of tests in a row of a table: in backticks, of small letters and underscores.
fn names_in(line: &str) -> impl Iterator<Item = &str> {
    let parts = line.split('`').skip(1).step_by(2);
    parts.filter(move |part| {
        line.starts_with('|')
            && part.len() >= MIN_NAME
            && part.contains('_')
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tests_are_found_in_rows() {
        let row = "| A page | `crates/web/src`, `image_cache_limit`, `misleading_characters_are_known`, `a_b` | `no_vector_is_markup_at_all` |";
        let names: Vec<&str> = names_in(row).collect();
        assert_eq!(names, ["misleading_characters_are_known", "no_vector_is_markup_at_all"]);
        assert_eq!(names_in("See `misleading_characters_are_known`.").count(), 0);
    }
}
