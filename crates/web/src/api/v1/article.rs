//! `/api/v1/reads/{id}/article`

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::{Block, BlockKind, Blocks, markdown};
use backissue_store::{ReadPage, Store};
use maud::html;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::api::v1::request::Params;
use crate::documents::{MARKDOWN, document};
use crate::fault::Fault;
use crate::read_address::read_id;

/// The form of an article.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Form {
    /// Sanitised HTML.
    #[default]
    Html,
    /// Plain text. Evidence counts its bytes.
    Text,
    /// Markdown.
    Markdown,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Formed {
    /// The form; `html` if left out. `text` is the text whose bytes evidence counts.
    #[param(inline)]
    format: Option<Form>,
}

/// The article of a read.
#[utoipa::path(get, path = "/api/v1/reads/{id}/article", operation_id = "get_article", tag = "Reads",
    params(("id" = i64, Path, description = "The read's number.", minimum = 1), Formed),
    responses((status = 200, description = "The article, clean. If a limit of the archive removed its HTML, `html` is its text in paragraphs.", content(
        (String = "text/html"), (String = "text/plain"), (String = "text/markdown")))))]
pub(super) async fn article(
    Path(id): Path<String>,
    Params(given): Params<Formed>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let page = store.read(read_id(&id)?).await?.ok_or(Fault::NoSuchRead)?;
    Ok(match given.format.unwrap_or_default() {
        Form::Html => document("text/html; charset=utf-8", as_html(page)),
        Form::Text => document("text/plain; charset=utf-8", page.article.text),
        Form::Markdown => document(MARKDOWN, as_markdown(&page)),
    })
}

/// The article's HTML; paragraphs of its text if a limit removed that.
fn as_html(page: ReadPage) -> String {
    if page.html_gone_at.is_none() {
        return page.article.html;
    }
    let paragraphs = page.article.text.split("\n\n");
    html! { @for paragraph in paragraphs { p { (paragraph) } } }.into_string()
}

fn as_markdown(page: &ReadPage) -> String {
    let (text, blocks) = (&page.article.text, &page.article.blocks);
    format!("# {}\n\n{}\n", markdown::link(&page.card.title, &page.card.url), body(text, blocks))
}

/// The blocks of an article. Nothing in its text is markup.
fn body(text: &str, blocks: &Blocks) -> String {
    if blocks.is_empty() {
        return text.split("\n\n").map(markdown::text).collect::<Vec<_>>().join("\n\n");
    }
    let mut body = String::new();
    let mut before = None;
    for Block { span, kind } in blocks.iter() {
        let words = span.of(text);
        let line = match kind {
            BlockKind::Heading => format!("## {}", markdown::text(words)),
            BlockKind::Paragraph => markdown::text(words),
            BlockKind::ListItem => format!("- {}", markdown::text(words)),
            BlockKind::Quote => format!("> {}", markdown::text(words)),
            BlockKind::Caption => format!("*{}*", markdown::text(words)),
            BlockKind::Code | BlockKind::Table => fenced(words),
        };
        let is_tight = before == Some(BlockKind::ListItem) && *kind == BlockKind::ListItem;
        body.push_str(if before.is_none() {
            ""
        } else if is_tight {
            "\n"
        } else {
            "\n\n"
        });
        body.push_str(&line);
        before = Some(*kind);
    }
    body
}

/// Text behind a fence that is longer than any in it.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_markdown_and_text_no_markup() {
        let text = "Why\n\nIt *failed*.\n\none\n\ntwo\n\na ```` b";
        let blocks: Blocks = "h0-3 p5-17 l19-22 l24-27 c29-37".parse().unwrap();
        assert_eq!(
            body(text, &blocks),
            "## Why\n\nIt \\*failed\\*.\n\n- one\n- two\n\n`````\na ```` b\n`````"
        );
        assert_eq!(body("# a\n\nb", &Blocks::default()), "\\# a\n\nb");
    }
}
