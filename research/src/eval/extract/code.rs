//! Splits lines of code as highlighters do, into pieces of different kinds.

use minijinja::{Value, context};

/// Words that are reserved in most languages.
const KEYWORDS: &[&str] = &[
    "and", "as", "async", "await", "break", "case", "class", "const", "continue", "def", "do", "else", "end",
    "enum", "export", "extends", "false", "final", "fn", "for", "from", "func", "function", "if", "impl",
    "import", "in", "interface", "let", "match", "mut", "new", "nil", "not", "null", "or", "package",
    "private", "pub", "public", "return", "select", "self", "static", "struct", "this", "throw", "true",
    "try", "type", "use", "val", "var", "void", "where", "while", "with",
];

/// The lines of a code block, each as a list of pieces with `text` and `kind`. The kind is empty
/// for text that is not highlighted.
pub fn lines(code: &str) -> Vec<Vec<Value>> {
    code.split('\n')
        .map(|line| pieces(line).into_iter().map(|(kind, text)| context! { kind, text }).collect())
        .collect()
}

fn pieces(line: &str) -> Vec<(&'static str, &str)> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let while_in = |test: fn(char) -> bool| rest.find(|c| !test(c)).unwrap_or(rest.len());
        let begins_comment = rest.starts_with("//") || first == '#' && !rest.starts_with("#[");
        let (kind, length) = match first {
            _ if begins_comment => ("comment", rest.len()),
            '"' | '\'' | '`' => match rest[1..].find(first) {
                Some(end) => ("string", end + 2),
                None => ("", 1),
            },
            c if c.is_ascii_digit() => ("number", while_in(|c| c.is_ascii_alphanumeric() || c == '.')),
            c if c.is_alphabetic() || c == '_' => {
                let length = while_in(|c| c.is_alphanumeric() || c == '_');
                if KEYWORDS.contains(&&rest[..length]) {
                    ("keyword", length)
                } else if rest[length..].starts_with('(') {
                    ("function", length)
                } else {
                    ("", length)
                }
            }
            c if c.is_whitespace() => ("", while_in(char::is_whitespace)),
            '(' | ')' | '{' | '}' | '[' | ']' | ',' | ';' | '.' | ':' => ("punctuation", 1),
            '=' | '+' | '-' | '*' | '/' | '<' | '>' | '!' | '&' | '|' | '%' => ("operator", 1),
            c => ("", c.len_utf8()),
        };
        pieces.push((kind, &rest[..length]));
        rest = &rest[length..];
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_a_line_are_the_line() {
        for line in ["", "  let x = f(1.5, \"a\"); // the end", "it's an open quote", "größe – 'ß' # é"]
        {
            assert_eq!(pieces(line).iter().map(|p| p.1).collect::<String>(), line);
        }
        let kinds: Vec<&str> =
            pieces("let f = g(\"a\", 1)").iter().map(|p| p.0).filter(|k| !k.is_empty()).collect();
        let wanted = ["keyword", "operator", "function", "punctuation", "string", "punctuation", "number"];
        assert_eq!(kinds[..7], wanted);
    }
}
