//! Checks words in comments, documents, interface texts and test names, and the length of comments.
//!
//! `xtask/words.txt` lists words that slow readers down, with better ones.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::finding::Finding;
use super::rust::{Comment, Source};
use crate::workspace::read;

/// The list, relative to the workspace.
const LIST: &str = "xtask/words.txt";
/// Maximum columns of a line with a comment.
const MAX_COLUMNS: usize = 100;
/// Maximum words of a sentence in a doc comment. The aim is 25.
const MAX_SENTENCE: usize = 35;
/// Maximum characters of a test's name.
const MAX_TEST_NAME: usize = 60;
/// Folders whose string literals people read.
const INTERFACE: &[&str] = &["crates/web/src", "crates/cli/src"];
/// Files with data: invented posts, and documents by others.
const DATA: &[&str] = &["crates/demo/posts", "fuzz/corpus", "eval/minilm"];

/// One line of the list.
struct Rule {
    /// The forms of the word, in lower case.
    forms: Vec<String>,
    instead: String,
    /// Longer phrases in which the word is allowed.
    allowed: Vec<String>,
}

/// Checks the files.
///
/// # Errors
/// If a file cannot be read or is not Rust, or the list is malformed.
pub fn check(files: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let rules = rules(&read(Path::new(LIST))?)?;
    let mut findings = Vec::new();
    let is_read = |path: &&PathBuf| !DATA.iter().any(|skip| path.starts_with(skip));
    for path in files.iter().filter(is_read) {
        let mut report = |line, message| findings.push(Finding { path: path.clone(), line, message });
        match path.extension().and_then(|e| e.to_str()) {
            Some("rs") => {
                let text = read(path)?;
                let source = Source::of(&text).with_context(|| path.display().to_string())?;
                check_rust(path, &text, &source, &rules, &mut report);
            }
            Some("md") => check_words(&rules, &markdown(&read(path)?), &mut report),
            _ => {}
        }
    }
    Ok(findings)
}

fn check_rust(
    path: &Path,
    text: &str,
    source: &Source,
    rules: &[Rule],
    report: &mut impl FnMut(usize, String),
) {
    let lines: Vec<&str> = text.lines().collect();
    for comment in &source.comments {
        check_words(rules, &prose(comment), report);
        for (line, _) in prose(comment) {
            let columns = lines[line - 1].chars().count();
            // An address cannot be wrapped.
            if columns > MAX_COLUMNS && !lines[line - 1].contains("://") {
                report(line, format!("a comment of {columns} columns; wrap at {MAX_COLUMNS}"));
            }
        }
        if comment.is_doc {
            for (line, words) in long_sentences(comment) {
                report(line, format!("a sentence of {words} words; at most {MAX_SENTENCE}"));
            }
        }
    }
    let is_interface = INTERFACE.iter().any(|folder| path.starts_with(folder));
    for text in source.texts.iter().filter(|text| text.is_error || is_interface) {
        check_words(rules, &[(text.line, text.text.clone())], report);
    }
    for test in &source.tests {
        check_words(rules, &[(test.line, test.name.replace('_', " "))], report);
        if test.name.len() > MAX_TEST_NAME {
            report(
                test.line,
                format!("a test's name of {} characters; at most {MAX_TEST_NAME}", test.name.len()),
            );
        }
    }
}

/// Parses the list: `form, form | instead | allowed, allowed` per line.
fn rules(list: &str) -> anyhow::Result<Vec<Rule>> {
    let lines = list.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let words = |cell: &str| -> Vec<String> {
        let words = cell.split(',').map(|word| word.trim().to_lowercase());
        words.filter(|word| !word.is_empty()).collect()
    };
    lines
        .map(|line| {
            let mut cells = line.split('|');
            let forms = words(cells.next().unwrap_or_default());
            let instead = cells.next().map(str::trim).unwrap_or_default().to_owned();
            let allowed = words(cells.next().unwrap_or_default());
            anyhow::ensure!(
                !forms.is_empty() && !instead.is_empty() && cells.next().is_none(),
                "{LIST} has a line that is not `words | instead | allowed`: {line}"
            );
            Ok(Rule { forms, instead, allowed })
        })
        .collect()
}

/// Reports each listed word in the text, given as numbered lines.
fn check_words(rules: &[Rule], lines: &[(usize, String)], report: &mut impl FnMut(usize, String)) {
    let (text, starts) = joined(lines);
    for rule in rules {
        for form in &rule.forms {
            for (at, _) in text.match_indices(form.as_str()) {
                if is_word(&text, at, form) && !rule.allowed.iter().any(|a| covers(&text, at, form, a)) {
                    let line =
                        starts.iter().rev().find(|(start, _)| *start <= at).map_or(0, |(_, line)| *line);
                    report(line, format!("“{form}”: write {}", rule.instead));
                }
            }
        }
    }
}

/// The lines as one text in lower case, with single spaces and without code spans, and the position
/// of each line in it.
fn joined(lines: &[(usize, String)]) -> (String, Vec<(usize, usize)>) {
    let mut text = String::new();
    let mut starts = Vec::new();
    let mut in_code = false;
    for (line, content) in lines {
        starts.push((text.len(), *line));
        for c in content.chars() {
            match c {
                '`' => {
                    in_code = !in_code;
                    text.push('`');
                }
                _ if in_code => {}
                c if c.is_whitespace() && text.ends_with(' ') => {}
                c if c.is_whitespace() => text.push(' '),
                c => text.extend(c.to_lowercase()),
            }
        }
        if content.trim().is_empty() {
            // A paragraph ends, and so does a code span.
            in_code = false;
            text.push('\n');
        } else if !text.ends_with(' ') {
            text.push(' ');
        }
    }
    (text, starts)
}

/// Whether the match at `at` is not part of a longer word, a compound or a path.
fn is_word(text: &str, at: usize, form: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    !text[..at].ends_with(is_part) && !text[at + form.len()..].starts_with(is_part)
}

/// Whether the match at `at` is inside an allowed phrase.
fn covers(text: &str, at: usize, form: &str, phrase: &str) -> bool {
    phrase.match_indices(form).any(|(inside, _)| {
        at.checked_sub(inside).is_some_and(|start| text.get(start..start + phrase.len()) == Some(phrase))
    })
}

/// The lines of a comment without code blocks.
fn prose(comment: &Comment) -> Vec<(usize, String)> {
    without_code(comment.lines.iter().enumerate().map(|(n, line)| (comment.line + n, line.as_str())))
}

fn markdown(text: &str) -> Vec<(usize, String)> {
    without_code(text.lines().enumerate().map(|(n, line)| (n + 1, line)))
}

fn without_code<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<(usize, String)> {
    let mut in_code = false;
    let mut kept = Vec::new();
    for (number, line) in lines {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            kept.push((number, line.to_owned()));
        }
    }
    kept
}

/// Sentences of a doc comment with too many words: their lines and number of words.
fn long_sentences(comment: &Comment) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut words = 0;
    let mut start = comment.line;
    let mut end = |start, words: &mut usize| {
        if *words > MAX_SENTENCE {
            found.push((start, *words));
        }
        *words = 0;
    };
    for (line, text) in prose(comment) {
        let trimmed = text.trim_start();
        let begins_item = trimmed.starts_with("- ") || trimmed.starts_with(['#', '|', '[']);
        if trimmed.is_empty() || begins_item || trimmed.starts_with(|c: char| c.is_ascii_digit()) {
            end(start, &mut words);
        }
        if trimmed.starts_with('|') {
            continue;
        }
        for word in trimmed.split_whitespace() {
            if words == 0 {
                start = line;
            }
            words += usize::from(word.contains(char::is_alphanumeric));
            if word.trim_end_matches([')', '`', '"', '”', '*']).ends_with(['.', ':', ';', '!', '?']) {
                end(start, &mut words);
            }
        }
    }
    end(start, &mut words);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let rules = rules("anew | again\nleave, leaves | omit | leave out, leaves a mark").unwrap();
        let mut found = Vec::new();
        let lines: Vec<(usize, String)> = text.lines().enumerate().map(|(n, l)| (n + 1, l.into())).collect();
        check_words(&rules, &lines, &mut |line, message| found.push(format!("{line} {message}")));
        found
    }

    #[test]
    fn listed_words_are_found_as_whole_words() {
        assert_eq!(found("It is made\nAnew."), ["2 “anew”: write again"]);
        assert_eq!(found("anewer, re-anew, `anew`, make_anew"), [""; 0]);
    }

    #[test]
    fn allowed_phrases_cross_line_breaks() {
        assert_eq!(found("We leave\nout what leaves a mark"), [""; 0]);
        assert_eq!(found("We leave"), ["1 “leave”: write omit"]);
    }

    #[test]
    fn malformed_list_is_refused() {
        assert!(rules("anew").is_err());
        assert!(rules("anew | again | x | y").is_err());
    }

    #[test]
    fn long_sentences_are_counted_per_item() {
        let lines =
            |text: &str| Comment { line: 1, is_doc: true, lines: text.lines().map(str::to_owned).collect() };
        let long = "word ".repeat(20);
        assert_eq!(long_sentences(&lines(&format!("{long}\n{long}"))), [(1, 40)]);
        assert_eq!(long_sentences(&lines(&format!("{long}.\n{long}"))), []);
        assert_eq!(long_sentences(&lines(&format!("- {long}\n- {long}"))), []);
        assert_eq!(long_sentences(&lines(&format!("```\n{long}{long}\n```"))), []);
    }
}
