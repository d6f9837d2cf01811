//! The tokens, comments and string literals of a Rust file.

use std::ops::Range;

use anyhow::anyhow;
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// A comment: consecutive lines with the same marker.
pub struct Comment {
    /// The first line, from 1.
    pub line: usize,
    /// Whether it is a doc comment (`///` or `//!`).
    pub is_doc: bool,
    /// The text of each line, without the marker.
    pub lines: Vec<String>,
}

/// A string literal as written, without its quotes.
pub struct Text {
    /// The line of its start, from 1.
    pub line: usize,
    /// The text between the quotes.
    pub text: String,
    /// Whether it is inside `#[error(…)]`.
    pub is_error: bool,
}

/// A test.
pub struct Test {
    /// The line of its name, from 1.
    pub line: usize,
    /// Its name.
    pub name: String,
}

/// The parts of a file that the checks need.
pub struct Source {
    /// All comments, in order.
    pub comments: Vec<Comment>,
    /// String literals outside tests.
    pub texts: Vec<Text>,
    /// All tests.
    pub tests: Vec<Test>,
}

/// Parses a file into tokens.
///
/// # Errors
/// If it is not Rust.
pub fn tokens(source: &str) -> anyhow::Result<TokenStream> {
    source.parse().map_err(|error| anyhow!("not Rust: {error}"))
}

impl Source {
    /// Parses a file.
    ///
    /// # Errors
    /// If it is not Rust.
    pub fn of(source: &str) -> anyhow::Result<Self> {
        let tokens = tokens(source)?;
        let mut code = Vec::new();
        spans(tokens.clone(), source, &mut code);
        code.sort_by_key(|span| span.start);
        let mut texts = Vec::new();
        literals(without_tests(tokens.clone()), false, &mut texts);
        let mut tests = Vec::new();
        find_tests(tokens, &mut tests);
        Ok(Self { comments: comments(source, &code), texts, tests })
    }
}

/// The byte ranges of all tokens. Skips doc comments, which the compiler turns into attributes.
fn spans(tokens: TokenStream, source: &str, into: &mut Vec<Range<usize>>) {
    for token in tokens {
        if source[token.span().byte_range()].starts_with("//") {
            continue;
        }
        match token {
            TokenTree::Group(group) => {
                into.extend([group.span_open().byte_range(), group.span_close().byte_range()]);
                spans(group.stream(), source, into);
            }
            other => into.push(other.span().byte_range()),
        }
    }
}

/// The comments between the tokens.
fn comments(source: &str, code: &[Range<usize>]) -> Vec<Comment> {
    let mut found: Vec<(Comment, &str, bool)> = Vec::new();
    let mut at = 0;
    let mut line = 1;
    let end = source.len()..source.len();
    for span in code.iter().chain([&end]) {
        let gap = &source[at..span.start.max(at)];
        for (n, text) in gap.split('\n').enumerate() {
            line += usize::from(n > 0);
            let Some(text) = text.trim_start().strip_prefix("//") else { continue };
            let marker = &text[..usize::from(text.starts_with(['/', '!']))];
            let text = &text[marker.len()..];
            let text = text.strip_prefix(' ').unwrap_or(text).to_owned();
            // A comment after code on the same line is a separate comment.
            let is_alone = n > 0 || at == 0;
            match found.last_mut() {
                Some((before, same, true))
                    if is_alone && *same == marker && before.line + before.lines.len() == line =>
                {
                    before.lines.push(text);
                }
                _ => {
                    let comment = Comment { line, is_doc: !marker.is_empty(), lines: vec![text] };
                    found.push((comment, marker, is_alone));
                }
            }
        }
        line += source[span.clone()].matches('\n').count();
        at = at.max(span.end);
    }
    found.into_iter().map(|(comment, ..)| comment).collect()
}

/// The tokens without items that `#[cfg(test)]` marks.
pub fn without_tests(tokens: TokenStream) -> TokenStream {
    let mut kept = Vec::new();
    let mut in_test = false;
    for token in tokens {
        match &token {
            TokenTree::Group(group) if in_test => {
                // The item's body, not an attribute or its arguments.
                if group.delimiter() == Delimiter::Brace {
                    in_test = false;
                }
            }
            TokenTree::Punct(punct) if in_test => in_test = punct.as_char() != ';',
            TokenTree::Group(group) if is_cfg_test(group) => {
                kept.pop();
                in_test = true;
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_tests(group.stream()));
                inner.set_span(group.span());
                kept.push(TokenTree::Group(inner));
            }
            _ if in_test => {}
            _ => kept.push(token),
        }
    }
    kept.into_iter().collect()
}

fn is_cfg_test(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket && group.stream().to_string().replace(' ', "") == "cfg(test)"
}

fn literals(tokens: TokenStream, is_error: bool, into: &mut Vec<Text>) {
    let mut attribute = None;
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let Some((_, text)) = text.split_once('"').filter(|(before, _)| before.len() < 4) else {
                    continue;
                };
                let text = text.trim_end_matches(['"', '#']).replace("\\\n", " ").replace("\\n", " ");
                into.push(Text { line: literal.span().start().line, text, is_error });
            }
            TokenTree::Group(group) => {
                let inner = group.stream();
                // A doc comment is `#[doc = "…"]` here. It is checked as a comment.
                if first_ident(&inner).is_none_or(|name| name != "doc") {
                    literals(inner, is_error || attribute.as_ref().is_some_and(|a| a == "error"), into);
                }
            }
            TokenTree::Ident(name) => {
                attribute = Some(name);
                continue;
            }
            TokenTree::Punct(_) => {}
        }
        attribute = None;
    }
}

fn first_ident(tokens: &TokenStream) -> Option<Ident> {
    match tokens.clone().into_iter().next()? {
        TokenTree::Ident(name) => Some(name),
        _ => None,
    }
}

/// Finds tests: functions with an attribute that ends in `test`, properties of proptest, and
/// `on_both!` tests.
fn find_tests(tokens: TokenStream, into: &mut Vec<Test>) {
    let mut is_test = false;
    let mut before = String::new();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                if group.delimiter() == Delimiter::Bracket {
                    let text = group.stream().to_string().replace(' ', "");
                    let name = text.split('(').next().unwrap_or_default();
                    is_test |= name == "test" || name.ends_with("::test");
                } else if is_macro(&tokens, at, "on_both") {
                    let name = group.stream().into_iter().find_map(|token| match token {
                        TokenTree::Ident(name) => Some(name),
                        _ => None,
                    });
                    into.extend(
                        name.map(|name| Test { line: name.span().start().line, name: name.to_string() }),
                    );
                }
                find_tests(group.stream(), into);
                before.clear();
            }
            TokenTree::Ident(name) => {
                if before == "fn" && is_test {
                    into.push(Test { line: name.span().start().line, name: name.to_string() });
                    is_test = false;
                }
                before = name.to_string();
            }
            _ => before.clear(),
        }
    }
}

fn is_macro(tokens: &[TokenTree], at: usize, name: &str) -> bool {
    at >= 2
        && matches!(&tokens[at - 1], TokenTree::Punct(p) if p.as_char() == '!')
        && matches!(&tokens[at - 2], TokenTree::Ident(ident) if ident == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r##"//! What it is.
//! Second line.

/// A text.
#[error("is not {0}")]
fn a() -> &'static str { // behind code
    // One
    // two.
    let _url = "http://x//y";
    r#"raw // text"#
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_is_one() { let _ = "of a test"; }

    on_both!(two_is_two, |db| { });
}
"##;

    #[test]
    fn comments_texts_and_tests_are_found() {
        let source = Source::of(FILE).unwrap();
        let comments: Vec<(usize, bool, String)> =
            source.comments.iter().map(|c| (c.line, c.is_doc, c.lines.join("|"))).collect();
        let expected = [
            (1, true, "What it is.|Second line."),
            (4, true, "A text."),
            (6, false, "behind code"),
            (7, false, "One|two."),
        ];
        assert_eq!(comments, expected.map(|(line, is_doc, text)| (line, is_doc, text.to_owned())));
        let texts: Vec<(&str, bool)> = source.texts.iter().map(|t| (t.text.as_str(), t.is_error)).collect();
        assert_eq!(texts, [("is not {0}", true), ("http://x//y", false), ("raw // text", false)]);
        let tests: Vec<(usize, &str)> = source.tests.iter().map(|t| (t.line, t.name.as_str())).collect();
        assert_eq!(tests, [(16, "one_is_one"), (18, "two_is_two")]);
    }
}
