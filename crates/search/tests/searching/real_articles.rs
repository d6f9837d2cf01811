//! Tests with real articles: every tenth page of the shared test data.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::made::{index_of, read};
use backissue_extract::{Page, extract};
use backissue_model::ReadId;
use backissue_needs::{needs, shared_dir};
use backissue_search::{Document, Index, Marks, Query, Typing, Weights, highlights, passage};
use url::Url;

fn articles() -> Vec<Document> {
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
        let article = extract(&page, None).ok()?;
        let mut read = read(0, &article.title?, &article.text);
        read.company = url.host_str()?.to_owned();
        Some(read)
    };
    let mut reads: Vec<Document> = pages.iter().step_by(10).filter_map(article).collect();
    for (id, read) in (1..).zip(&mut reads) {
        read.id = ReadId(id);
    }
    assert!(reads.len() > 100, "only {} articles", reads.len());
    reads
}

fn first(index: &Index, query: &str) -> Option<i64> {
    let found = index.searcher().words(&Query::parse(query), &Weights::default(), Typing::Done, 1).unwrap();
    found.hits.first().map(|hit| hit.id.0)
}

#[test]
fn article_is_found_by_its_title_and_a_sentence() {
    needs!(SharedData);
    let reads = articles();
    let (_folder, index) = index_of(&reads);
    let mut titles: HashMap<&str, usize> = HashMap::new();
    reads.iter().for_each(|read| *titles.entry(&read.title).or_default() += 1);
    let (mut asked, mut by_title, mut by_sentence, mut passages) = (0, 0, 0, 0);
    for read in reads.iter().filter(|read| titles[read.title.as_str()] == 1 && read.text.len() > 2_000) {
        asked += 1;
        by_title += usize::from(first(&index, &read.title) == Some(read.id.0));
        let middle = read.text.floor_char_boundary(read.text.len() / 2);
        let words: Vec<&str> = read.text[middle..].split_whitespace().skip(1).take(12).collect();
        by_sentence += usize::from(first(&index, &words.join(" ")) == Some(read.id.0));

        let marks = Marks::of(&Query::parse(&read.title), &[]);
        if let Some(passage) = passage(&read.text, &marks, 240) {
            passages += 1;
            assert_eq!(&read.text[passage.start..passage.start + passage.text.len()], passage.text);
            assert!(passage.text.chars().count() <= 240);
            assert!(!passage.highlights.is_empty(), "{}: {passage:?}", read.title);
        }
        assert!(!highlights(&read.title, &marks).is_empty(), "{}", read.title);
    }
    assert!(asked > 80, "{asked}");
    println!("{asked} asked: {by_title} by title, {by_sentence} by twelve words, {passages} with a passage");
    assert!(by_title * 100 >= asked * 97, "{by_title} of {asked} by their titles");
    assert!(by_sentence * 100 >= asked * 90, "{by_sentence} of {asked} by twelve words");
    assert!(passages * 100 >= asked * 97, "{passages} of {asked} have a passage");
}
