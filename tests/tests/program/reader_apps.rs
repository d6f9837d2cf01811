//! The archive in the reader app newsboat, which is controlled by keys as a person would.

use std::process::Command;

use backissue_needs::{PYTHON, needs};
use backissue_tests::program::{Archive, Served, client};
use backissue_tests::web::SmallWeb;
use serde_json::Value;

use crate::synced_small_web;

/// A Python program that types into newsboat's window. Each argument after the folder is
/// `KEYS=>WORDS`: the keys to type, and the words that the window must show then.
const TYPING: &str = r#"
import fcntl, os, pty, select, struct, sys, termios

folder, *steps = sys.argv[1:]
child, window = pty.fork()
if child == 0:
    os.environ.update(HOME=folder, TERM="xterm", LANG="C.UTF-8")
    os.chdir(folder)
    os.execvp("newsboat", ["newsboat", "-q", "-C", "config", "-c", "cache.db"])
fcntl.ioctl(window, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
seen = b""

def until(words):
    global seen
    while words not in seen:
        if not select.select([window], [], [], 20)[0]:
            sys.exit(f"newsboat never showed {words!r} but:\n{seen.decode(errors='replace')}")
        seen += os.read(window, 65536)
    seen = seen[seen.index(words) + len(words):]

for step in steps:
    keys, words = step.split("=>")
    os.write(window, keys.encode().decode("unicode_escape").encode())
    until(words.encode())
try:
    while os.read(window, 65536):
        pass
except OSError:
    pass # The window is closed.
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

/// Number of items of a feed that newsboat fetches.
const ITEMS: u64 = 5;

struct Newsboat {
    folder: tempfile::TempDir,
}

impl Newsboat {
    fn new(served: &Served, token: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Debian's newsboat is too old for `freshrss`, and knows the same API as `feedhq`.
        let config = format!(
            "urls-source feedhq\nfeedhq-url \"{}\"\nfeedhq-login one\nfeedhq-password {token}\nfeedhq-show-special-feeds no\n\
             feedhq-flag-star s\nfeedhq-min-items {ITEMS}\nbind-key j down\nerror-log \"{}\"\n",
            served.url("/api/greader.php"),
            folder.path().join("errors").display()
        );
        std::fs::write(folder.path().join("config"), config).unwrap();
        Self { folder }
    }

    /// Reloads all feeds in newsboat. Returns the number of unread articles.
    fn reload(&self) -> u64 {
        let run = |what: &str| {
            let mut command = Command::new("newsboat");
            command.args(["-C", "config", "-c", "cache.db", "-x", what]).current_dir(self.folder.path());
            let output = command.env("HOME", self.folder.path()).output().unwrap();
            assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        run("reload");
        run("print-unread").split_whitespace().next().unwrap().parse().unwrap()
    }

    fn type_keys(&self, steps: &[&str]) {
        let mut command = Command::new(PYTHON);
        let output = command.args(["-c", TYPING]).arg(self.folder.path()).args(steps).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The server's response to a request of an app.
async fn told(served: &Served, token: &str, path: &str) -> Value {
    let url = served.url(&format!("/api/greader.php/reader/api/0/{path}"));
    let answer = client().get(url).bearer_auth(token).send().await.unwrap().error_for_status().unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

async fn ids(served: &Served, token: &str, state: &str) -> Vec<String> {
    let path = format!("stream/items/ids?n=1000&s=user/-/state/com.google/{state}");
    let items = told(served, token, &path).await;
    let items = items["itemRefs"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn archive() -> (SmallWeb, Archive) {
    let (web, archive) = synced_small_web();
    (web, archive)
}

#[tokio::test]
async fn newsboat_lists_reads_stars_and_marks_both_ways() {
    needs!(SharedData, FeedReaders);
    let (_web, archive) = archive();
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let made = archive.json(&["token", "add", "newsboat", "--scope", "write"]).unwrap();
    let token = made["token"].as_str().unwrap();
    let newsboat = Newsboat::new(&served, token);
    let unread = newsboat.reload();
    let all = ids(&served, token, "reading-list").await;
    let counted = told(&served, token, "unread-count").await;
    let counts = counted["unreadcounts"].as_array().unwrap();
    let of_feeds = counts.iter().filter(|of| of["id"].as_str().unwrap().starts_with("feed/"));
    let known: u64 = of_feeds.map(|of| of["count"].as_u64().unwrap().min(ITEMS)).sum();
    assert_eq!((unread, &counted["max"]), (known, &all.len().into()));

    let feeds = told(&served, token, "subscription/list").await;
    let feeds = feeds["subscriptions"].as_array().unwrap();
    let count = |feed: &Value| {
        counts.iter().find(|of| of["id"] == feed["id"]).map_or(0, |of| of["count"].as_u64().unwrap())
    };
    let first = feeds.iter().position(|feed| count(feed) > 1).expect("a feed with two reads");
    let last = feeds.iter().rposition(|feed| count(feed) > 0).unwrap();
    assert_ne!(first, last);
    let newest = format!("stream/items/ids?n=1&s={}", feeds[last]["id"].as_str().unwrap());
    let newest = told(&served, token, &newest).await["itemRefs"][0]["id"].as_str().unwrap().to_owned();
    archive.done(&["done", &newest]).unwrap();
    assert_eq!(newsboat.reload(), unread - 1, "what is done here is read there");

    // Open the first article of a feed, star it, and go back. Ctrl-L draws the whole window again,
    // since otherwise only letters that change are written.
    let down = "j".repeat(first);
    newsboat.type_keys(&[
        "=>Your feeds",
        &format!("{down}\\n\\x0c=>Articles in feed"),
        "\\n\\x0c=>Link: ",
        "q\\x0c=>Articles in feed",
        "\\x05=>Flags",
        "s\\n=>updated",
        "q\\x0c=>Your feeds",
        "q=>",
    ]);
    let starred = ids(&served, token, "starred").await;
    assert_eq!(starred.len(), 1, "{starred:?}");
    let done = ids(&served, token, "read").await;
    assert!(done.len() == 2 && done.contains(&starred[0]), "{done:?}");
    let shelf = archive.json(&["shelf"]).unwrap();
    assert_eq!(shelf[0]["id"].to_string(), starred[0], "what is starred there is kept here");

    newsboat.type_keys(&["=>Your feeds", &format!("{down}A=>"), "q=>"]);
    let after = told(&served, token, "unread-count").await;
    assert!(!after.to_string().contains(&format!("\"{}\"", feeds[first]["id"].as_str().unwrap())), "{after}");
    assert_eq!(newsboat.reload(), unread - 1 - count(&feeds[first]).min(ITEMS));
    let errors = std::fs::read_to_string(newsboat.folder.path().join("errors")).unwrap_or_default();
    assert_eq!(errors, "");
}
