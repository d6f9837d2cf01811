//! Prints the précis of articles given as JSON lines on standard input, each an object with `title` and `text` and,
//! where known, `html`, `description`, `company`, `url`, `language`, `tags`. Anything else in the object is handed through.
//!
//! `cargo run --release -p backissue-annotate --example inspect_precis < articles.jsonl`

use std::io::{BufRead, Write};

use backissue_annotate::{Text, annotate};
use serde_json::{Value, json};
use url::Url;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let mut article: Value = serde_json::from_str(&line?)?;
        let field = |name: &str| article.get(name).and_then(Value::as_str);
        let url = field("url").and_then(|url| Url::parse(url).ok());
        let tags: Vec<String> = article.get("tags").map(tags_of).unwrap_or_default();
        let text = field("text").unwrap_or_default();
        let precis = annotate(&Text {
            title: field("title").unwrap_or_default(),
            text,
            html: field("html"),
            description: field("description"),
            company: field("company").unwrap_or_default(),
            url: url.as_ref(),
            language: field("language"),
            tags: &tags,
        });
        let backed = precis.is_backed_by(text);
        if let Some(object) = article.as_object_mut() {
            object.remove("text");
            object.remove("html");
            object.insert("precis".to_owned(), serde_json::to_value(&precis)?);
            object.insert("backed".to_owned(), json!(backed));
        }
        writeln!(out, "{article}")?;
    }
    Ok(())
}

fn tags_of(tags: &Value) -> Vec<String> {
    tags.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
