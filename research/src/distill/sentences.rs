//! The training sentences: those of the articles in the test data.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use backissue_extract::{Page, extract};
use backissue_needs::shared_dir;
use url::Url;

/// The length of a sentence, in characters. Shorter sentences say little, and longer ones are
/// lists.
const CHARACTERS: std::ops::RangeInclusive<usize> = 15..=300;

/// The sentences of all articles of the selected blogs, each once, in file order.
pub fn of_blogs(wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<String>> {
    let web = shared_dir()?.join("web");
    let mut hosts: Vec<String> = vec![];
    for entry in fs::read_dir(&web).with_context(|| format!("{} cannot be read", web.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            hosts.extend(entry.file_name().into_string().ok().filter(|host| wanted(host)));
        }
    }
    hosts.sort();
    let (mut sentences, mut seen) = (vec![], HashSet::new());
    for host in hosts {
        let folder = web.join(&host);
        for page in pages(&folder)? {
            let url = address(&host, &folder, &page)?;
            let bytes = fs::read(&page)?;
            let page = Page { bytes: &bytes, media_type: Some("text/html; charset=utf-8"), url: Some(&url) };
            // Pages without an article, such as lists, are skipped.
            let Ok(article) = extract(&page, None) else { continue };
            sentences.extend(of_text(&article.text).filter(|sentence| seen.insert(sentence.clone())));
        }
    }
    Ok(sentences)
}

/// All pages below a folder except the front page, in order.
fn pages(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut open, mut pages) = (vec![folder.to_owned()], vec![]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("{} cannot be read", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "html") && path != folder.join("index.html") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    Ok(pages)
}

fn address(host: &str, folder: &Path, page: &Path) -> anyhow::Result<Url> {
    let path = page.strip_prefix(folder)?.to_str().context("a page's name is no text")?;
    Ok(Url::parse(&format!("https://{host}/{}", path.strip_suffix("index.html").unwrap_or(path)))?)
}

/// The sentences of prose, roughly: indented text is code, and a sentence ends before a capital.
fn of_text(text: &str) -> impl Iterator<Item = String> {
    let blocks = text.split("\n\n").filter(|block| !block.starts_with("    ") && !block.contains("\n   "));
    blocks.flat_map(of_block).filter(|sentence| CHARACTERS.contains(&sentence.chars().count()))
}

fn of_block(block: &str) -> Vec<String> {
    let words: Vec<&str> = block.split_whitespace().collect();
    let mut sentences = vec![];
    let mut begin = 0;
    for end in 1..=words.len() {
        let ends = words.get(end).is_none_or(|next| {
            words[end - 1].ends_with(['.', '!', '?'])
                && next.starts_with(|first: char| first.is_ascii_uppercase() || first == '"' || first == '(')
        });
        if ends {
            sentences.push(words[begin..end].join(" "));
            begin = end;
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_needs::needs;

    #[test]
    fn prose_becomes_sentences_and_code_does_not() {
        let text = "We were slow. Very\nslow, i.e. minutes! (Users wrote to us about it.)\n\n    let code = \"no prose\";\n\nShort.";
        let sentences: Vec<String> = of_text(text).collect();
        assert_eq!(sentences, ["Very slow, i.e. minutes!", "(Users wrote to us about it.)"]);
    }

    #[test]
    fn reporting_blogs_are_not_used_for_training() {
        needs!(SharedData);
        let hosts = std::cell::RefCell::new(vec![]);
        of_blogs(|host| {
            hosts.borrow_mut().push(host.to_owned());
            false
        })
        .unwrap();
        // `reads` has one file per blog and is not used for training.
        let held: Vec<&str> = crate::labels::REPORTING
            .into_iter()
            .filter(|host| hosts.borrow().iter().any(|it| it == host))
            .collect();
        assert_eq!(
            held,
            ["linkerd.io", "datafusion.apache.org", "eng.d2iq.com"],
            "as the blogs' folders are called"
        );
    }
}
