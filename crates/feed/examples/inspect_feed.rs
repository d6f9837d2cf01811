//! Prints parsed feeds, one JSON object per line, to compare many documents with another parser.
//!
//! `cargo run -p backissue-feed --example inspect_feed -- FILE…` parses the named files. Without
//! arguments it reads file names from standard input, one per line. A document that is no feed
//! gives `{"file": …, "error": …}`.

use std::io::{BufRead, Write};

use backissue_feed::{Hints, parse};

fn main() -> std::io::Result<()> {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let files: Box<dyn Iterator<Item = String>> = if named.is_empty() {
        Box::new(std::io::stdin().lock().lines().map_while(Result::ok))
    } else {
        Box::new(named.into_iter())
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for file in files {
        let bytes = std::fs::read(&file)?;
        let mut line = match parse(&bytes, &Hints::default()) {
            Ok(feed) => serde_json::to_value(feed)?,
            Err(error) => serde_json::json!({ "error": error.to_string() }),
        };
        line["file"] = file.into();
        writeln!(out, "{line}")?;
    }
    Ok(())
}
