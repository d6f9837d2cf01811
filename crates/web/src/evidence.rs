//! Finds a précis's evidence and a reader's highlights in the article's HTML and marks them, so
//! that links can lead to them.
//!
//! Evidence is a span of the article's plain text. Text and HTML are written in the same pass over
//! the page and differ only in white space. So a position is converted by counting the characters
//! before it, without white space. The text at the position is compared with the quote. If it
//! differs, the nearest occurrence of the quote is marked. If there is none, nothing is marked.
//! Only text nodes are split: a quote across a link or two paragraphs is marked in several pieces,
//! and no element moves.

use std::collections::HashSet;
use std::ops::Range;

use backissue_model::{Precis, Statement};
use dom_query::{Document, NodeRef};

/// Elements that contain no text themselves: white space between their children has no meaning, and
/// marks are not allowed there.
const HOLDS_NO_WORDS: &[&str] = &["ul", "ol", "dl", "table", "thead", "tbody", "tfoot", "tr"];

/// A passage to be marked.
#[derive(Debug)]
pub(crate) struct Passage {
    role: Role,
    /// The id of its first mark.
    id: String,
    /// Number of bytes of text before it, without white space.
    start: usize,
    /// Its text without white space.
    words: String,
}

/// The reason why a passage is marked.
#[derive(Debug)]
enum Role {
    /// It is evidence for the statement with this name.
    Evidence(&'static str),
    /// The reader highlighted it.
    Highlight,
}

/// The id of the first mark of a highlight.
pub(crate) fn id_of_highlight(highlight: i64) -> String {
    format!("highlight-{highlight}")
}

/// The id of the mark of the `nth` piece of evidence, from 1, of a statement.
pub(crate) fn id(statement: &str, nth: usize) -> String {
    format!("evidence-{statement}-{nth}")
}

/// All evidence of `precis`. `text` is the article's plain text.
pub(crate) fn passages(text: &str, precis: &Precis) -> Vec<Passage> {
    let of_statement = |(statement, said): (&'static str, &Statement)| {
        let passages = said.evidence.iter().zip(1..).map(|(evidence, nth)| Passage {
            role: Role::Evidence(statement),
            id: id(statement, nth),
            start: text.get(..evidence.span.start as usize).map_or(0, |before| solid(before).len()),
            words: solid(&evidence.quote),
        });
        passages.collect::<Vec<_>>()
    };
    precis.statements().flat_map(of_statement).collect()
}

/// A highlighted passage: its text without white space, and the bytes of text before it, without
/// white space.
pub(crate) fn highlighted(highlight: i64, start: usize, words: String) -> Passage {
    Passage { role: Role::Highlight, id: id_of_highlight(highlight), start, words }
}

/// Marks `passages` in the article. Returns the ids of those that were found.
pub(crate) fn mark(document: &Document, passages: &[Passage]) -> HashSet<String> {
    let texts: Vec<NodeRef> = document.root().descendants().into_iter().filter(NodeRef::is_text).collect();
    let words: String = texts.iter().map(|node| solid(&node.text())).collect();
    let found: Vec<(&Passage, Range<usize>)> =
        passages.iter().filter_map(|passage| Some((passage, passage.place_in(&words)?))).collect();
    let mut begun = HashSet::new();
    let mut before = 0;
    for node in texts {
        let text = node.text();
        let after = before + solid(&text).len();
        let pieces: Vec<_> = found
            .iter()
            .filter(|(_, place)| place.start <= after && before <= place.end)
            .map(|(passage, place)| (*passage, stretch(&text, before, place)))
            .filter(|(_, piece)| !piece.is_empty())
            .collect();
        before = after;
        if !pieces.is_empty() && may_be_marked(&node, &text) {
            mark_pieces(&node, &text, &pieces, &mut begun);
        }
    }
    begun
}

impl Passage {
    /// Its range in the article's text without white space.
    fn place_in(&self, words: &str) -> Option<Range<usize>> {
        let here = |start: usize| start..start + self.words.len();
        if self.words.is_empty() {
            return None;
        }
        if words.get(here(self.start)) == Some(&self.words) {
            return Some(here(self.start));
        }
        let places = words.match_indices(&self.words).map(|(at, _)| at);
        places.min_by_key(|at| at.abs_diff(self.start)).map(here)
    }
}

/// `text` without white space.
fn solid(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The bytes of `text` that lie in `place`. `before` is the number of bytes before `text`. White
/// space between two words inside is included.
fn stretch(text: &str, before: usize, place: &Range<usize>) -> Range<usize> {
    let (mut at, mut bytes) = (before, 0..0);
    for (byte, c) in text.char_indices() {
        let is_in = if c.is_whitespace() { place.start < at && at < place.end } else { place.contains(&at) };
        if is_in {
            let start = if bytes.is_empty() { byte } else { bytes.start };
            bytes = start..byte + c.len_utf8();
        }
        if !c.is_whitespace() {
            at += c.len_utf8();
        }
    }
    bytes
}

fn may_be_marked(node: &NodeRef, text: &str) -> bool {
    let between = |parent: NodeRef| HOLDS_NO_WORDS.iter().any(|name| parent.has_name(name));
    !text.trim().is_empty() || !node.parent().is_some_and(between)
}

/// Adds marks around `pieces` of the text node `node`, nested if they overlap. `begun` has the
/// passages whose id was used already.
fn mark_pieces(node: &NodeRef, text: &str, pieces: &[(&Passage, Range<usize>)], begun: &mut HashSet<String>) {
    let mut borders: Vec<usize> = pieces.iter().flat_map(|(_, piece)| [piece.start, piece.end]).collect();
    borders.extend([0, text.len()]);
    borders.sort_unstable();
    borders.dedup();
    for border in borders.windows(2) {
        let (start, end) = (border[0], border[1]);
        let mut inner = node.tree.new_text(&text[start..end]);
        let around = pieces.iter().filter(|(_, piece)| piece.start <= start && end <= piece.end);
        for (passage, _) in around {
            let mark = node.tree.new_element("mark");
            if begun.insert(passage.id.clone()) {
                mark.set_attr("id", &passage.id);
            }
            match passage.role {
                Role::Evidence(statement) => {
                    mark.set_attr("class", "evidence");
                    mark.set_attr("data-for", statement);
                }
                Role::Highlight => mark.set_attr("class", "highlight"),
            }
            mark.append_child(&inner);
            inner = mark;
        }
        node.insert_before(&inner);
    }
    node.remove_from_parent();
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use backissue_annotate::{Text, annotate};
    use backissue_extract::{Page, extract};
    use backissue_model::{Article, Evidence, Form, Kind, MadeBy};
    use backissue_needs::{needs, shared_dir};
    use url::Url;

    use super::*;
    use crate::article::for_display;
    use crate::images::Showing;

    /// A précis whose problem and outcome cite these quotes of `text`.
    fn precis(text: &str, problem: &[&str], outcome: &[&str]) -> Precis {
        let statement = |quotes: &[&str]| {
            let evidence = quotes.iter().map(|quote| {
                let start = text.find(quote).unwrap();
                Evidence::at(text, start, start + quote.len()).unwrap()
            });
            Statement {
                text: "It was so.".into(),
                evidence: evidence.collect(),
                confidence: 0.8,
                form: Form::Quoted,
            }
        };
        let made_by =
            MadeBy { annotator: "built-in".into(), version: "1".into(), model: None, prompt_version: None };
        Precis {
            kind: Kind::CaseStudy,
            problem: Some(statement(problem)),
            approach: None,
            outcome: Some(statement(outcome)).filter(|_| !outcome.is_empty()),
            concepts: Vec::new(),
            technologies: Vec::new(),
            made_by,
        }
    }

    /// The article with its marks in short form: `[problem-1:…]` for a mark with an id,
    /// `[problem:…]` without.
    fn marked(html: &str, text: &str, problem: &[&str], outcome: &[&str]) -> String {
        let document = Document::fragment(html);
        mark(&document, &passages(text, &precis(text, problem, outcome)));
        let marked = document.root().first_child().unwrap().inner_html().to_string();
        let mut short = marked.replace("</mark>", "]").replace(r#"<mark id="evidence-"#, "[");
        for statement in ["problem", "outcome"] {
            let attributes = format!(r#"class="evidence" data-for="{statement}">"#);
            short = short
                .replace(&format!("<mark {attributes}"), &format!("[{statement}:"))
                .replace(&format!(r#"" {attributes}"#), ":");
        }
        short
    }

    #[test]
    fn quote_across_elements_is_marked_in_pieces() {
        assert_eq!(
            marked(
                "<p>So: the <code>io.max</code> <em>of one</em> tenant, then.</p>",
                "So: the io.max of one tenant, then.",
                &["the io.max of one tenant"],
                &[]
            ),
            "<p>So: [problem-1:the ]<code>[problem:io.max]</code>[problem: ]<em>[problem:of one]</em>[problem: tenant], then.</p>"
        );
    }

    #[test]
    fn quote_across_blocks_has_no_mark_between_them() {
        assert_eq!(
            marked("<ul>\n<li>one</li>\n<li>two</li>\n</ul>", "one\ntwo", &["one\ntwo"], &[]),
            "<ul>\n<li>[problem-1:one]</li>\n<li>[problem:two]</li>\n</ul>"
        );
    }

    #[test]
    fn shared_evidence_has_both_names() {
        assert_eq!(
            marked("<p>a b c d</p>", "a b c d", &["a b c"], &["b c d"]),
            "<p>[problem-1:a ][outcome-1:[problem:b c]][outcome: d]</p>"
        );
        assert_eq!(marked("<p>a b</p>", "a b", &["a b"], &["a b"]), "<p>[outcome-1:[problem-1:a b]]</p>");
    }

    #[test]
    fn highlight_and_evidence_are_marked_together() {
        let text = "One tenant\n\nslowed the others";
        let document = Document::fragment("<p>One <b>tenant</b></p><p>slowed the others</p>");
        let mut passages = passages(text, &precis(text, &["tenant"], &[]));
        passages.push(highlighted(7, 0, "Onetenantslowed".into()));
        passages.push(highlighted(8, 3, "tenant".into()));
        let found = mark(&document, &passages);
        assert_eq!(found.len(), 3);
        let html = document.root().first_child().unwrap().inner_html().to_string();
        assert_eq!(
            html.replace(r#" class="highlight""#, "").replace(r#" class="evidence" data-for="problem""#, ""),
            r#"<p><mark id="highlight-7">One </mark><b><mark id="highlight-8"><mark><mark id="evidence-problem-1">tenant</mark></mark></mark></b></p><p><mark>slowed</mark> the others</p>"#
        );
    }

    #[test]
    fn repeated_words_are_marked_at_the_right_place() {
        let html = "<p>It failed.</p><p>It failed.</p>";
        let text = "It failed.\n\nIt failed.";
        let mut precis = precis(text, &["It failed."], &[]);
        precis.problem.as_mut().unwrap().evidence = vec![Evidence::at(text, 12, 22).unwrap()];
        let document = Document::fragment(html);
        let found = mark(&document, &passages(text, &precis));
        assert!(found.contains("evidence-problem-1"));
        assert_eq!(*document.select("p").nodes()[0].inner_html(), *"It failed.");
    }

    #[test]
    fn missing_quotes_are_not_marked_and_moved_ones_found() {
        let text = "before: the quote";
        let gone = marked("<p>something else</p>", text, &["the quote"], &[]);
        assert_eq!(gone, "<p>something else</p>");
        let moved = marked("<p>long before: the quote</p>", text, &["the quote"], &[]);
        assert_eq!(moved, "<p>long before: [problem-1:the quote]</p>");
    }

    #[test]
    fn hostile_text_stays_text() {
        let text = "a </p><script>x()</script> & b";
        let html = "<p>a &lt;/p&gt;&lt;script&gt;x()&lt;/script&gt; &amp; b</p>";
        assert_eq!(
            marked(html, text, &["</p><script>x()</script> & b"], &[]),
            "<p>a [problem-1:&lt;/p&gt;&lt;script&gt;x()&lt;/script&gt; &amp; b]</p>"
        );
    }

    /// Real articles with their addresses: every fifteenth page of the shared web.
    fn real_articles() -> Vec<(Url, Article)> {
        let web = shared_dir().unwrap().join("web");
        let (mut folders, mut pages) = (vec![web.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "html") {
                    pages.push(path);
                }
            }
        }
        pages.sort();
        let article = |page: &PathBuf| {
            let address = format!("https://{}", page.strip_prefix(&web).unwrap().display());
            let url: Url = address.trim_end_matches("index.html").parse().unwrap();
            let bytes = std::fs::read(page).unwrap();
            let page = Page { bytes: &bytes, media_type: Some("text/html; charset=utf-8"), url: Some(&url) };
            Some((url.clone(), extract(&page, None).ok()?))
        };
        pages.iter().step_by(15).filter_map(article).collect()
    }

    /// A précis with arbitrary evidence: overlapping spans of all lengths from all over the text.
    fn precis_of_anything(text: &str) -> Precis {
        let mut precis = precis(text, &[], &[]);
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let evidence = |statement: usize| {
            let stretches = (0..7).filter_map(|nth| {
                let start = (nth * 7_919 + statement * 104_729) * starts.len() / 60_000 % starts.len();
                let end = (start + 3 * nth.pow(3) + 40 * statement).min(starts.len() - 1);
                Evidence::at(text, starts[start], starts[end]).filter(|e| !e.quote.trim().is_empty())
            });
            Some(Statement {
                text: "It was so.".into(),
                evidence: stretches.collect(),
                confidence: 0.5,
                form: Form::Quoted,
            })
        };
        (precis.problem, precis.approach, precis.outcome) = (evidence(0), evidence(1), evidence(2));
        precis
    }

    /// The number of pieces of evidence, and how many of them are marked exactly. Checks that the
    /// article is unchanged otherwise.
    fn marked_to_the_letter(url: &Url, article: &Article, precis: &Precis) -> (usize, usize) {
        let plain = for_display(&article.html, url, &[], &Showing::none()).html.into_string();
        let passages = passages(&article.text, precis);
        let shown = for_display(&article.html, url, &passages, &Showing::none());
        let document = Document::fragment(shown.html.into_string());
        assert_eq!(document.text(), Document::fragment(plain.as_str()).text(), "{url}: other words");
        let quotes = precis.statements().flat_map(|(statement, said)| {
            said.evidence.iter().zip(1..).map(move |(evidence, nth)| (id(statement, nth), &evidence.quote))
        });
        let (mut all, mut found) = (0, 0);
        for (id, quote) in quotes {
            all += 1;
            if shown.marks.contains(&id) {
                let first = document.select(&format!("mark#{id}"));
                assert_eq!(first.length(), 1, "{url}: {id} is there once");
                let begins = first.nodes()[0].text().trim().chars().next();
                assert_eq!(begins, quote.trim().chars().next(), "{url}: {id} begins elsewhere");
                found += 1;
            }
        }
        let without_marks = |document: &Document| {
            document.root().strip_elements(&["mark"]);
            document.root().first_child().unwrap().inner_html()
        };
        assert_eq!(
            without_marks(&document),
            without_marks(&Document::fragment(plain)),
            "{url}: other elements"
        );
        (all, found)
    }

    #[test]
    fn evidence_in_real_articles_is_marked_exactly() {
        needs!(SharedData);
        let (mut anything, mut own) = ((0, 0), (0, 0));
        for (url, article) in real_articles() {
            let (all, found) = marked_to_the_letter(&url, &article, &precis_of_anything(&article.text));
            anything = (anything.0 + all, anything.1 + found);
            let precis = annotate(&Text::of(&article, "The Company", Some(&url)));
            let (all, found) = marked_to_the_letter(&url, &article, &precis);
            own = (own.0 + all, own.1 + found);
        }
        for (all, found) in [anything, own] {
            assert!(all > 10 && found * 100 >= all * 99, "{found} of {all}");
        }
    }
}
