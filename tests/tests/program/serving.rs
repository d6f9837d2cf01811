//! The pages of a real archive: all links work, responses are cached and compressed, nothing loads
//! from other sites.

use std::collections::{BTreeMap, VecDeque};

use backissue_tests::program::{Archive, client};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH};

/// Number of pages of each kind to open: enough to find all kinds of links, few enough to be quick.
const OF_EACH_SORT: usize = 12;

/// The kind of page at an address: its first segment, and whether it is filtered.
fn sort_of(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    format!("/{first}?{}", names.join("&"))
}

fn links(html: &str) -> Vec<String> {
    html.split(" href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.starts_with('/') && !link.starts_with("//"))
        .map(|link| link.split('#').next().unwrap_or(link).replace("&amp;", "&"))
        .collect()
}

#[tokio::test]
async fn all_links_of_the_demo_work() {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--demo"]).unwrap();
    let client = client();
    served.until_idle(&client).await.unwrap();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut known = std::collections::BTreeSet::from(["/".to_owned()]);
    let mut open = VecDeque::from([("/".to_owned(), "the start".to_owned())]);
    while let Some((path, from)) = open.pop_front() {
        let answer = client.get(served.url(&path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}, linked from {from}");
        assert!(answer.headers().contains_key(CONTENT_SECURITY_POLICY), "{path} has no policy");
        let is_page = answer.headers()["content-type"].to_str().unwrap().starts_with("text/html");
        let body = answer.text().await.unwrap();
        if !is_page {
            continue;
        }
        for elsewhere in [
            "<script src=\"http",
            "<link rel=\"stylesheet\" href=\"http",
            "<img src=\"http",
            " style=\"",
            "<style",
            " onclick=",
        ] {
            assert!(!body.contains(elsewhere), "{path} has {elsewhere}");
        }
        for link in links(&body) {
            let count = seen.entry(sort_of(&link)).or_default();
            if *count < OF_EACH_SORT && known.insert(link.clone()) {
                *count += 1;
                open.push_back((link, path.clone()));
            }
        }
    }
    for sort in ["/week?", "/weeks?", "/read?", "/sources?", "/source?", "/concepts?", "/concept?"] {
        assert!(seen.contains_key(sort), "no link leads to {sort}: {:?}", seen.keys());
    }
}

#[tokio::test]
async fn unchanged_page_is_a_304_and_others_are_compressed() {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--demo"]).unwrap();
    let client = client();
    served.until_idle(&client).await.unwrap();
    for path in ["/", "/weeks", "/sources", "/concepts"] {
        let first = client.get(served.url(path)).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(first.headers()[CONTENT_ENCODING], "gzip", "{path}");
        let etag = first.headers()[ETAG].clone();
        let again =
            client.get(served.url(path)).header(IF_NONE_MATCH, etag).header("accept-encoding", "gzip").send();
        assert_eq!(again.await.unwrap().status(), StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[tokio::test]
async fn wrong_address_gets_a_page_with_links() {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let client = client();
    for (path, status) in [
        ("/no/such/page", 404),
        ("/week/2026-W99", 400),
        ("/week/1998-W01", 200),
        ("/read/999/x", 404),
        ("/source/nobody", 404),
        ("/concept/no-such-concept", 404),
        ("/?after=nonsense", 400),
        ("/?kind=nonsense", 400),
        ("/", 200),
        ("/weeks", 200),
    ] {
        let answer = client.get(served.url(path)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert!(answer.text().await.unwrap().contains("href=\"/weeks\""), "{path} has no way out");
    }
    let (status, _) = served.stop().unwrap();
    assert!(status.success());
}
