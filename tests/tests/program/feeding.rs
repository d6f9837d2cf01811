//! Feeds and Markdown of the archive, parsed by other programs.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use backissue_needs::{PYTHON, feed_validator_python, needs};
use backissue_tests::program::{Archive, Served, client};
use serde_json::Value;

use crate::publishing::{BASE, DemoArchive, files_in, publish};

fn demo() -> (Archive, Served) {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--demo"]).unwrap();
    (archive, served)
}

const FEEDS: [&str; 4] =
    ["/feed.atom", "/weeks.atom", "/concept/caching.atom", "/search.atom?q=kind:incident"];

/// A Python program that prints how feedparser parses the document on standard input.
const FEEDPARSER: &str = "
import json, sys, feedparser
feed = feedparser.parse(sys.stdin.buffer.read())
print(json.dumps({
    'bozo': str(feed.get('bozo_exception', '')),
    'version': feed.version,
    'title': feed.feed.title,
    'entries': [{
        'id': e.id, 'link': e.link, 'title': e.title, 'published': e.published, 'author': e.author,
        'content': e.content[0].value, 'source': e.get('source', {}).get('title'), 'tags': len(e.get('tags', [])),
    } for e in feed.entries],
}))
";

#[tokio::test]
async fn feedparser_reads_every_feed_without_a_complaint() {
    needs!(FeedReaders);
    let (_archive, served) = demo();
    let client = client();
    served.until_idle(&client).await.unwrap();
    served.until_searchable(&client, 42).await.unwrap();
    for path in FEEDS {
        let answer = client.get(served.url(path)).send().await.unwrap().error_for_status().unwrap();
        let body = answer.bytes().await.unwrap();
        let said = fed(Command::new(PYTHON).args(["-c", FEEDPARSER]), &body);
        let feed: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(feed["bozo"], "", "{path}");
        assert_eq!(feed["version"], "atom10", "{path}");
        let entries = feed["entries"].as_array().unwrap();
        assert!(!entries.is_empty(), "{path}");
        for entry in entries {
            assert!(entry["link"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{path}: {entry}");
            assert!(!entry["content"].as_str().unwrap().is_empty(), "{path}: {entry}");
            let is_week = path == "/weeks.atom";
            assert!(is_week || entry["source"].is_string() && entry["author"].is_string(), "{path}: {entry}");
        }
    }
}

/// The output of a program for a document on its standard input.
fn fed(command: &mut Command, document: &[u8]) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(document).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// The faults of a feed that is at this address, one per line.
fn faults(document: &str, address: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let mut command = Command::new(feed_validator_python().unwrap());
    command.arg(data.join("validate_feed.py")).arg(data.join("atom.rnc")).arg(address);
    fed(&mut command, document.as_bytes())
}

#[tokio::test]
async fn every_feed_is_valid() {
    needs!(FeedValidator);
    let (_archive, served) = demo();
    let client = client();
    served.until_idle(&client).await.unwrap();
    served.until_searchable(&client, 42).await.unwrap();
    let sources = client.get(served.url("/sources")).send().await.unwrap().text().await.unwrap();
    let (_, source) = sources.split_once("href=\"/source/").unwrap();
    let source = format!("/source/{}.atom", source.split('"').next().unwrap());
    let mut paths = FEEDS.to_vec();
    paths.extend([source.as_str(), "/feed.atom?kind=incident&concept=caching", "/search.atom?q=zzyzx"]);
    for path in paths {
        for path in [path.to_owned(), path.replace(".atom", ".json")] {
            let answer = client.get(served.url(&path)).send().await.unwrap().error_for_status().unwrap();
            let body = answer.text().await.unwrap();
            assert_eq!(faults(&body, &served.url(&path)), "", "{path}");
        }
    }
    // What is broken is found.
    let all = |path: &str| client.get(served.url(path)).send();
    let atom = all("/feed.atom").await.unwrap().text().await.unwrap();
    let json = all("/feed.json").await.unwrap().text().await.unwrap();
    for (document, from, to) in [
        (&atom, "</title><published>", "</title><date/><published>"),
        (&atom, "</updated>", " </updated>"),
        (&atom, "rel=\"self\"", "rel=\"via\""),
        (&atom, "&lt;p&gt;", "&lt;p onclick=\"run()\"&gt;"),
        (&json, "\"content_html\"", "\"content\""),
        (&json, "\"authors\"", "\"writers\""),
        (&json, "version/1.1", "version/2"),
    ] {
        let path = if document.starts_with('<') { "/feed.atom" } else { "/feed.json" };
        let broken = document.replace(from, to);
        assert_ne!(broken, *document, "{from}");
        assert_ne!(faults(&broken, &served.url(path)), "", "{from}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_of_a_shelf_and_of_companies_are_valid() {
    needs!(FeedValidator);
    let demo = DemoArchive::synced().await;
    demo.archive.done(&["keep", "1"]).unwrap();
    let served = demo.archive.serve(&["--no-fetch"]).unwrap();
    let client = client();
    let shelf = async || client.get(served.url("/shelf")).send().await.unwrap().text().await.unwrap();
    let page = shelf().await;
    let token = page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let request = client.post(served.url("/shelf/address"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let form = format!("token={token}&back=%2Fshelf&do=new");
    request.body(form).send().await.unwrap().error_for_status().unwrap();
    let page = shelf().await;
    let addresses: Vec<&str> = page.split("class=\"address\" href=\"").skip(1).collect();
    assert_eq!(addresses.len(), 2, "{page}");
    for address in addresses {
        let address = address.split('"').next().unwrap();
        let body = client.get(address).send().await.unwrap().error_for_status().unwrap().text().await;
        let body = body.unwrap();
        assert!(body.contains("/read/1/"), "{body}");
        assert_eq!(faults(&body, address), "", "{address}");
    }

    // A published site has a feed of each company.
    let parent = tempfile::tempdir().unwrap();
    let site = parent.path().join("site");
    publish(&demo.archive, &site, &["--saved"]);
    let files = files_in(&site);
    let mut feeds = 0;
    for (file, feed) in files.iter().filter(|(file, _)| file.starts_with("company/")) {
        if file.ends_with(".atom") || file.ends_with(".json") {
            let feed = String::from_utf8(feed.clone()).unwrap();
            assert_eq!(faults(&feed, &format!("{BASE}{file}")), "", "{file}");
            feeds += 1;
        }
    }
    assert!(feeds >= 4, "{feeds}");
}

#[tokio::test]
async fn newsboat_takes_every_entry_without_an_error() {
    needs!(FeedReaders);
    let (_archive, served) = demo();
    let client = client();
    served.until_idle(&client).await.unwrap();
    served.until_searchable(&client, 42).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("config"), format!("error-log \"{}\"\n", file("errors").display())).unwrap();
    for (number, path) in FEEDS.iter().enumerate() {
        let body = client.get(served.url(path)).send().await.unwrap().text().await.unwrap();
        let entries = body.matches("<entry>").count();
        std::fs::write(file("urls"), format!("{}\n", served.url(path))).unwrap();
        // A cache per feed: what two feeds have is counted once in one.
        let cache = file(&format!("{number}.db"));
        let run = |what: &str| {
            let mut command = Command::new("newsboat");
            command.arg("-u").arg(file("urls")).arg("-c").arg(&cache).arg("-C").arg(file("config"));
            let output = command.args(["-x", what]).env("HOME", folder.path()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{what}: {said}{}", String::from_utf8_lossy(&output.stderr));
            said
        };
        run("reload");
        let unread = run("print-unread");
        let found = unread.split_whitespace().next();
        assert_eq!(found, Some(entries.to_string().as_str()), "{path}: {unread}");
    }
    let errors = std::fs::read_to_string(file("errors")).unwrap_or_default();
    assert_eq!(errors, "");
}

#[test]
fn week_as_markdown_is_the_same_on_the_page_and_in_the_terminal() {
    needs!(SharedData);
    let (_web, archive) = crate::synced_small_web();
    let week = archive.json(&["week"]).unwrap()["week"].as_str().unwrap().to_owned();
    let printed = archive.done(&["week", &week, "--markdown"]).unwrap();
    assert!(printed.starts_with("# Week ") && printed.contains("\n## "), "{printed}");
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let page = runtime.block_on(async {
        client().get(served.url(&format!("/week/{week}.md"))).send().await.unwrap().text().await.unwrap()
    });
    assert_eq!(printed, page);
}
