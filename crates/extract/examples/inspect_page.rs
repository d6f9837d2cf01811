//! Prints the result of [`backissue_extract::extract`] for files, one JSON object per line.
//!
//! `cargo run --release -p backissue-extract --example inspect_page -- FILE…`

use backissue_extract::{Page, extract};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in std::env::args().skip(1) {
        let bytes = std::fs::read(&file)?;
        let line = match extract(&Page { bytes: &bytes, media_type: None, url: None }, None) {
            Ok(article) => {
                let mut line = serde_json::to_value(&article)?;
                line["file"] = file.into();
                line
            }
            Err(error) => serde_json::json!({ "file": file, "error": error.to_string() }),
        };
        println!("{line}");
    }
    Ok(())
}
