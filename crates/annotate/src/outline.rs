//! What the article's HTML says of the blocks of its text: which are headings, code, list items, quotations, tables.
//!
//! The HTML has been sanitised before, so a plain scan over its tags is enough; a page that is not well formed gives a
//! poorer outline and nothing worse. This module must not render HTML or trust it.

use std::collections::HashSet;

/// Letters and digits of each heading, and the first of them of each list item, table, quotation and piece of code.
///
/// A quotation of several paragraphs, or code with empty lines in it, is as many blocks of the text; each piece that the
/// HTML shows as one is kept by itself.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    headings: HashSet<String>,
    items: HashSet<String>,
    code: HashSet<String>,
    quotes: HashSet<String>,
    tables: HashSet<String>,
}

/// How many letters and digits of a block are compared.
const ENOUGH: usize = 60;

impl Outline {
    /// The outline of `html`.
    pub(crate) fn of(html: &str) -> Self {
        let mut outline = Self::default();
        let mut open: Vec<(Role, String)> = Vec::new();
        let mut rest = html;
        while !rest.is_empty() {
            let tag_at = rest.find('<').unwrap_or(rest.len());
            if !open.is_empty() {
                outline.read(&mut open, &rest[..tag_at]);
            }
            rest = &rest[tag_at..];
            let tag_end = rest.find('>').map_or(rest.len(), |end| end + 1);
            let (closing, name) = tag_name(&rest[..tag_end]);
            rest = &rest[tag_end..];
            let Some(role) = Role::of(name) else {
                if breaks(name) {
                    outline.end_pieces(&mut open);
                }
                continue;
            };
            if !closing {
                // An item's own words end where a list inside it begins.
                if let Some((Role::Item, text)) = open.last().filter(|_| role == Role::Item) {
                    outline.items.insert(text.chars().take(ENOUGH).collect());
                }
                // Deeper nesting than this is not an article's.
                if open.len() < 16 {
                    open.push((role, String::new()));
                }
            } else if let Some(at) = open.iter().rposition(|(r, _)| *r == role) {
                let (role, text) = open.remove(at);
                outline.take(role, text);
            }
        }
        open.into_iter().for_each(|(role, text)| outline.take(role, text));
        outline
    }

    /// Adds text to everything that is open; an empty line inside code ends a piece of it.
    fn read(&mut self, open: &mut [(Role, String)], text: &str) {
        let plain = without_entities(text);
        if open.iter().any(|(role, _)| *role == Role::Code) {
            let mut first = true;
            for line in plain.split('\n') {
                if !first && line.trim().is_empty() {
                    self.end_pieces(open);
                }
                first = false;
                append(open, line);
            }
        } else {
            append(open, &plain);
        }
    }

    /// Takes what is open of quotations and code as pieces of their own.
    fn end_pieces(&mut self, open: &mut [(Role, String)]) {
        for (role, text) in open.iter_mut() {
            if matches!(role, Role::Code | Role::Quote) && !text.is_empty() {
                self.take(*role, std::mem::take(text));
            }
        }
    }

    fn take(&mut self, role: Role, text: String) {
        let first = |text: String| text.chars().take(ENOUGH).collect::<String>();
        match role {
            Role::Heading => drop(self.headings.insert(text)),
            Role::Item => drop(self.items.insert(first(text))),
            Role::Code => drop(self.code.insert(first(text))),
            Role::Quote => drop(self.quotes.insert(first(text))),
            Role::Table => drop(self.tables.insert(first(text))),
        }
    }

    pub(crate) fn is_heading(&self, body: &str) -> bool {
        body.len() < 400 && self.headings.contains(&squash(body, usize::MAX))
    }

    pub(crate) fn is_list_item(&self, body: &str) -> bool {
        has(&self.items, body)
    }

    pub(crate) fn is_code(&self, body: &str) -> bool {
        has(&self.code, body)
    }

    pub(crate) fn is_quote(&self, body: &str) -> bool {
        has(&self.quotes, body)
    }

    pub(crate) fn is_table(&self, body: &str) -> bool {
        has(&self.tables, body)
    }
}

/// Whether one of `pieces` begins as `body` does.
fn has(pieces: &HashSet<String>, body: &str) -> bool {
    if pieces.is_empty() {
        return false;
    }
    let letters = squash(body, ENOUGH);
    !letters.is_empty() && pieces.contains(&letters)
}

fn append(open: &mut [(Role, String)], text: &str) {
    let letters = squash(text, usize::MAX);
    open.iter_mut().for_each(|(_, text)| text.push_str(&letters));
}

/// Whether text on two sides of the tag stands in two blocks.
fn breaks(tag: &str) -> bool {
    ["p", "div", "ul", "ol", "hr", "footer"].iter().any(|name| tag.eq_ignore_ascii_case(name))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Heading,
    Item,
    Code,
    Quote,
    Table,
}

impl Role {
    fn of(tag: &str) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|n| tag.eq_ignore_ascii_case(n));
        if is(&["h1", "h2", "h3", "h4", "h5", "h6"]) {
            Some(Self::Heading)
        } else if is(&["li", "dd", "dt"]) {
            Some(Self::Item)
        } else if is(&["pre"]) {
            Some(Self::Code)
        } else if is(&["blockquote"]) {
            Some(Self::Quote)
        } else if is(&["table"]) {
            Some(Self::Table)
        } else {
            None
        }
    }
}

/// Whether the tag closes, and its name.
fn tag_name(tag: &str) -> (bool, &str) {
    let inner = tag.trim_start_matches('<');
    let (closing, inner) = inner.strip_prefix('/').map_or((false, inner), |rest| (true, rest));
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inner.len());
    (closing, &inner[..end])
}

/// The first `most` letters and digits of `text`, in lower case, nothing else.
fn squash(text: &str, most: usize) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).take(most).map(|c| c.to_ascii_lowercase()).collect()
}

/// `text` without character references, whose letters would otherwise be taken for the article's.
fn without_entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|b| b == b';').map_or(1, |end| end + 1);
        rest = &rest[end..];
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_html_is_read_as_far_as_it_goes() {
        for html in ["<", "<h2", "<h2>open", "</li></li>", "<h2>&amp", "&", "<pre>ä<", "<>", "<h1><h1><h1>"]
        {
            Outline::of(html);
        }
    }

    #[test]
    fn references_and_markup_do_not_hide_a_heading() {
        let outline = Outline::of("<h2 id=a>Backups &amp; <em>restores</em></h2>");
        assert!(outline.is_heading("Backups & restores") && !outline.is_heading("Backups"));
    }

    #[test]
    fn words_inside_code_do_not_make_code_of_a_block() {
        let outline = Outline::of("<h2>Results</h2><pre>results = run()\nprint(results)</pre><p>print</p>");
        assert!(outline.is_code("results = run()\nprint(results)"));
        assert!(!outline.is_code("Results") && !outline.is_code("print") && outline.is_heading("Results"));
    }

    #[test]
    fn each_paragraph_of_a_quotation_and_each_piece_of_code_is_known() {
        let outline = Outline::of(
            "<blockquote><p>It broke.</p><p>Twice.</p></blockquote><pre>a();\n\n<b>b</b>();\n</pre>",
        );
        for quote in ["It broke.", "Twice."] {
            assert!(outline.is_quote(quote) && !outline.is_code(quote), "{quote}");
        }
        assert!(outline.is_code("a();") && outline.is_code("b();"));
    }

    #[test]
    fn many_blocks_beside_much_code_cost_their_own_size_only() {
        let outline = Outline::of(&format!("<pre>{}</pre>", "results = run(x);\n".repeat(20_000)));
        let started = std::time::Instant::now();
        // Searching the code for each of these took minutes.
        assert!((0..20_000).all(|n| !outline.is_code(&format!("Nothing of the sort {n}."))));
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    }
}
