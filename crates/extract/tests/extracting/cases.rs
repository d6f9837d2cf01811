//! Pages on which people met faults: the cases of the shared data, with the right values.

use std::fs;

use backissue_extract::{Page, extract};
use serde_json::Value;
use url::Url;

use crate::shared_web::shared;

/// The patterns of the cases are few and simple; what they ask is asked in their words.
fn matches(text: &str, pattern: &str) -> bool {
    regex_lite::Regex::new(&format!("(?s){pattern}")).unwrap().is_match(text)
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn pages_that_people_reported_are_read_right() {
    let folder = shared().join("cases/cases");
    let cases: Value = serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let (mut tried, mut wrong) = (0, Vec::new());
    for case in cases.as_array().unwrap().iter().filter(|case| case["kind"] == "page") {
        tried += 1;
        let file = case["file"].as_str().unwrap();
        let url: Url = case["args"][1].as_str().unwrap().parse().unwrap();
        let bytes = fs::read(folder.join(file)).unwrap();
        let page = Page { bytes: &bytes, media_type: None, url: Some(&url) };
        let article = extract(&page, None).unwrap_or_else(|e| panic!("{file}: {e}"));
        let article = serde_json::to_value(article).unwrap();
        for check in case["checks"].as_array().unwrap() {
            let got = &article[check[0].as_str().unwrap()];
            let (text, wanted) = (got.as_str().unwrap_or(""), check[2].as_str().unwrap_or(""));
            let holds = match check[1].as_str().unwrap() {
                "is" => *got == check[2],
                "has" => text.contains(wanted),
                "lacks" => !text.contains(wanted),
                "starts" => text.starts_with(wanted),
                "has flat" => flat(text).contains(&flat(wanted)),
                "matches" => matches(text, wanted),
                "one of" => check[2].as_array().unwrap().contains(got),
                other => panic!("{file}: there is no check {other}"),
            };
            if !holds {
                wrong.push(format!("{file}: {check} but {got}"));
            }
        }
    }
    assert!(tried >= 25, "only {tried} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
