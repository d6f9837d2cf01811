//! Tests on real pages.

use std::path::{Path, PathBuf};

use backissue_crawl::discover;
use backissue_feed::Hints;
use backissue_needs::{needs, shared_dir};
use serde_json::Value;
use url::Url;

fn shared(path: &str) -> PathBuf {
    shared_dir().unwrap().join(path)
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn page_of_the_shared_web_declares_its_feed() {
    needs!(SharedData);
    let manifest: Vec<Value> = serde_json::from_slice(&read(&shared("web/manifest.json"))).unwrap();
    for host in ["artsy.github.io", "linkerd.io", "vitess.io", "eng.d2iq.com"] {
        let feed = manifest.iter().find(|entry| entry["host"] == host).unwrap()["feeds"][0].as_str().unwrap();
        let page = shared("web").join(host).join("blog/index.html");
        let page = if page.exists() { page } else { shared("web").join(host).join("index.html") };
        let url = Url::parse(&format!("https://{host}/blog/")).unwrap();
        let found = discover(&read(&page), &Hints { url: Some(url), media_type: None });
        assert!(found.iter().any(|found| found.url.path() == feed), "{host}: {found:?}");
    }
}
