//! What the article's HTML says of the blocks of its text: which are headings, code, list items, quotations, tables.
//!
//! The HTML has been sanitised before, so a plain scan over its tags is enough; a page that is not well formed gives a
//! poorer outline and nothing worse. This module must not render HTML or trust it.

use std::collections::HashSet;

/// Letters and digits of each heading, list item, table, quotation and piece of code.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    headings: HashSet<String>,
    items: HashSet<String>,
    code: String,
    quotes: String,
    tables: String,
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
                let letters = squash(&without_entities(&rest[..tag_at]), usize::MAX);
                open.iter_mut().for_each(|(_, text)| text.push_str(&letters));
            }
            rest = &rest[tag_at..];
            let tag_end = rest.find('>').map_or(rest.len(), |end| end + 1);
            let (closing, name) = tag_name(&rest[..tag_end]);
            rest = &rest[tag_end..];
            let Some(role) = Role::of(name) else { continue };
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

    fn take(&mut self, role: Role, text: String) {
        let append = |to: &mut String| {
            to.push('\n');
            to.push_str(&text);
        };
        match role {
            Role::Heading => drop(self.headings.insert(text)),
            Role::Item => drop(self.items.insert(text.chars().take(ENOUGH).collect())),
            Role::Code => append(&mut self.code),
            Role::Quote => append(&mut self.quotes),
            Role::Table => append(&mut self.tables),
        }
    }

    pub(crate) fn is_heading(&self, body: &str) -> bool {
        body.len() < 400 && self.headings.contains(&squash(body, usize::MAX))
    }

    pub(crate) fn is_list_item(&self, body: &str) -> bool {
        !self.items.is_empty() && self.items.contains(&squash(body, ENOUGH))
    }

    pub(crate) fn is_code(&self, body: &str) -> bool {
        holds(&self.code, body)
    }

    pub(crate) fn is_quote(&self, body: &str) -> bool {
        holds(&self.quotes, body)
    }

    pub(crate) fn is_table(&self, body: &str) -> bool {
        holds(&self.tables, body)
    }
}

fn holds(heap: &str, body: &str) -> bool {
    if heap.is_empty() {
        return false;
    }
    let letters = squash(body, ENOUGH);
    letters.len() > 3 && heap.contains(&letters)
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
}
