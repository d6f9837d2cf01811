//! Tracks which elements are open at a position of the source, without building a tree.
//!
//! It follows the rules of tree construction (HTML standard, 13.2.6) as far as they affect the
//! depth: which start tags close earlier elements, and which end tags close nothing although an
//! element with their name is open. Counting the depth by names alone would miss, for example, that
//! repeated `<span><div></span>` nests without limit.

use std::borrow::Cow;

/// Maximum open elements. Browsers stop at 512. Later steps take quadratic time in the depth. Real
/// pages stay far below.
pub(crate) const DEEPEST: usize = 200;

/// Maximum open formatting elements, without links. After a block interrupts them, a parser reopens
/// them in each following block, so that a few bytes could become a thousand elements.
const MOST_FORMATTING: usize = 8;

/// The open elements, outermost first.
#[derive(Debug, Default)]
pub(crate) struct OpenElements<'a> {
    names: Vec<Cow<'a, str>>,
    formatting: usize,
}

/// Whether elements with this name never contain others, or occur only once.
fn never_nests(name: &str) -> bool {
    is_void(name) || matches!(name, "body" | "col" | "colgroup" | "frame" | "head" | "html")
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Formatting elements, which a parser reopens after a block interrupts them.
const FORMATTING: &[&str] =
    &["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

fn formatting(name: &str) -> Option<&'static str> {
    if name.len() > 6 { None } else { FORMATTING.iter().find(|f| **f == name).copied() }
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// Whether the start tag of this element closes an open paragraph.
fn ends_a_paragraph(name: &str) -> bool {
    is_heading(name)
        || matches!(
            name,
            "address"
                | "article"
                | "aside"
                | "blockquote"
                | "center"
                | "dd"
                | "details"
                | "dialog"
                | "dir"
                | "div"
                | "dl"
                | "dt"
                | "fieldset"
                | "figcaption"
                | "figure"
                | "footer"
                | "form"
                | "header"
                | "hgroup"
                | "hr"
                | "li"
                | "listing"
                | "main"
                | "menu"
                | "nav"
                | "ol"
                | "p"
                | "pre"
                | "search"
                | "section"
                | "summary"
                | "ul"
        )
}

/// Whether an end tag with another name cannot close elements outside of this element.
fn is_scope(name: &str) -> bool {
    matches!(name, "applet" | "caption" | "marquee" | "object" | "table" | "td" | "template" | "th")
}

/// Whether the element is in the standard's category "special": an ordinary end tag cannot close
/// elements outside of it.
fn is_special(name: &str) -> bool {
    is_scope(name)
        || ends_a_paragraph(name)
        || matches!(
            name,
            "button" | "iframe" | "noframes" | "noscript" | "select" | "tbody" | "tfoot" | "thead" | "tr"
        )
}

fn is_table_part(name: &str) -> bool {
    matches!(name, "caption" | "tbody" | "td" | "tfoot" | "th" | "thead" | "tr")
}

impl<'a> OpenElements<'a> {
    /// Handles a start tag. Writes the implied end tags to `html`. Returns whether to keep the tag.
    pub(crate) fn start(&mut self, name: Cow<'a, str>, html: &mut String) -> bool {
        let name_text: &str = &name;
        if never_nests(name_text) {
            return true;
        }
        if let Some(at) = self.closed_by(name_text) {
            self.close_to(at, html);
        }
        let kind = formatting(name_text);
        if let Some(kind) = kind.filter(|k| matches!(*k, "a" | "nobr"))
            && let Some(before) = self.last_before(is_scope, |n| n == kind)
        {
            // A link in a link closes the outer one, however far out that was opened.
            end_tag(kind, html);
            self.remove(before);
        }
        let capped = kind.is_some_and(|k| k != "a");
        let has_place = match name_text {
            _ if is_table_part(name_text) => self.last_before(|_| false, is_table).is_some(),
            "form" => !self.names.iter().any(|n| n == "form"),
            _ => true,
        };
        if !has_place || self.names.len() >= DEEPEST || capped && self.formatting >= MOST_FORMATTING {
            return false;
        }
        self.formatting += usize::from(capped);
        self.names.push(name);
        true
    }

    /// Handles an end tag. Writes the implied end tags to `html`. Returns whether it closes
    /// anything.
    pub(crate) fn end(&mut self, name: &str, html: &mut String) -> bool {
        if never_nests(name) {
            return true;
        }
        if name == "form" {
            let form = self.last_before(is_scope, |n| n == name);
            return form.inspect(|&at| self.remove(at)).is_some();
        }
        if formatting(name).is_some() {
            let Some(at) = self.last_before(is_scope, |n| n == name) else { return false };
            if self.names[at..].iter().any(|n| is_special(n)) {
                self.remove(at);
            } else {
                self.close_to(at + 1, html);
                self.remove(at);
            }
            return true;
        }
        let at = match name {
            "p" => self.open_paragraph(),
            "li" => self.last_before(|n| is_scope(n) || matches!(n, "ol" | "ul"), |n| n == "li"),
            "table" | "template" | "tr" | "td" | "th" | "tbody" | "thead" | "tfoot" | "caption" => {
                self.last_before(|n| name != "table" && name != "template" && is_table(n), |n| n == name)
            }
            _ if is_heading(name) => self.last_before(is_scope, is_heading),
            _ if is_special(name) => self.last_before(|n| n != name && is_scope(n), |n| n == name),
            _ => self.last_before(is_special, |n| n == name),
        };
        match at {
            Some(at) => {
                self.close_to(at + 1, html);
                self.remove(at);
                true
            }
            // Without an open paragraph, `</p>` is an empty paragraph, which separates its
            // neighbours.
            None => name == "p",
        }
    }

    /// The outermost element that a start tag closes.
    fn closed_by(&self, name: &str) -> Option<usize> {
        let last = self.names.len().checked_sub(1);
        let on_top = |test: fn(&str) -> bool| last.filter(|&l| test(&self.names[l]));
        let past_blocks = |n: &str| is_special(n) && !matches!(n, "address" | "div" | "p");
        let own = match name {
            "li" => self.last_before(|n| n != "li" && past_blocks(n), |n| n == "li"),
            "dd" | "dt" => {
                let is_term = |n: &str| matches!(n, "dd" | "dt");
                self.last_before(|n| !is_term(n) && past_blocks(n), is_term)
            }
            "td" | "th" => {
                let within = self.last_before(|_| false, |n| is_table(n) || n == "tr")?;
                Some(within + 1).filter(|&at| at < self.names.len())
            }
            "tr" => {
                let within =
                    self.last_before(|_| false, |n| is_table(n) || matches!(n, "tbody" | "thead" | "tfoot"))?;
                Some(within + 1).filter(|&at| at < self.names.len())
            }
            _ if is_table_part(name) => {
                let within = self.last_before(|_| false, is_table)?;
                Some(within + 1).filter(|&at| at < self.names.len())
            }
            "option" => on_top(|n| n == "option"),
            "optgroup" => on_top(|n| n == "option"),
            "button" | "select" => self.last_before(is_scope, |n| n == name),
            _ if is_heading(name) => on_top(is_heading),
            _ => None,
        };
        let paragraph = if ends_a_paragraph(name) { self.open_paragraph() } else { None };
        match (own, paragraph) {
            (Some(own), Some(paragraph)) => Some(own.min(paragraph)),
            (own, paragraph) => own.or(paragraph),
        }
    }

    fn open_paragraph(&self) -> Option<usize> {
        self.last_before(|n| is_scope(n) || n == "button", |n| n == "p")
    }

    /// The innermost element that is `sought`, unless an element that `stops` is inside it.
    fn last_before(&self, stops: impl Fn(&str) -> bool, sought: impl Fn(&str) -> bool) -> Option<usize> {
        for (at, name) in self.names.iter().enumerate().rev() {
            if sought(name) {
                return Some(at);
            }
            if stops(name) {
                return None;
            }
        }
        None
    }

    /// Closes the elements from `at` on. Writes end tags of formatting elements to `html`, so that
    /// a parser does not reopen them.
    fn close_to(&mut self, at: usize, html: &mut String) {
        for name in self.names.drain(at..).rev() {
            if let Some(kind) = formatting(&name) {
                self.formatting -= usize::from(kind != "a");
                end_tag(kind, html);
            }
        }
    }

    fn remove(&mut self, at: usize) {
        let name = self.names.remove(at);
        self.formatting -= usize::from(formatting(&name).is_some_and(|k| k != "a"));
    }
}

fn is_table(name: &str) -> bool {
    matches!(name, "table" | "template")
}

fn end_tag(name: &str, html: &mut String) {
    html.push_str("</");
    html.push_str(name);
    html.push('>');
}
