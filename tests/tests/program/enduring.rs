//! A web with all faults at once: the sync ends in bounded memory, reports the fault of each blog,
//! and the correct blogs are complete.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};

use backissue_needs::{needs, shared_dir};
use backissue_tests::contents::Contents;
use backissue_tests::hostile::{Ends, HostileWeb, TRAPS};
use backissue_tests::program::{Archive, wait_and_weigh};
use backissue_tests::web::{SmallWeb, SmallWebOptions};

use crate::syncing::listed_in;

/// The feeds of three correct blogs, which are followed between the faulty ones.
const HONEST: [&str; 3] = [
    "https://artsy.github.io/feed.xml",
    "https://linkerd.io/blog/index.xml",
    "https://eng.d2iq.com/index.xml",
];

/// A time far above the sum of the time limits, and far below a hang.
const BOUND: Duration = Duration::from_secs(150);

/// The maximum memory: eight workers at once, each with a document of maximum size.
const MOST_MEMORY: u64 = 600 << 20;

/// Flags with time limits that correct servers never exceed, even on a busy machine.
const LIMITS: [&str; 6] = ["--connect-timeout", "4s", "--first-byte-timeout", "4s", "--total-timeout", "8s"];

fn archive_of_both(honest: &SmallWeb, hostile: &HostileWeb) -> Archive {
    let mut flags = honest.arguments();
    flags.extend(SmallWeb::without_pauses());
    flags.extend(hostile.arguments().into_iter().take(2));
    flags.extend(LIMITS.map(str::to_owned));
    Archive::new(flags).unwrap()
}

fn follow(archive: &Archive, outlines: &str) {
    let list = archive.folder().join("list.opml");
    std::fs::write(&list, format!("<opml version=\"2.0\"><body>{outlines}</body></opml>")).unwrap();
    archive.done(&["import", &list.display().to_string()]).unwrap();
}

#[test]
fn hostile_web_takes_bounded_time_and_memory() {
    needs!(SharedData);
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let hostile = HostileWeb::start().unwrap();
    let archive = archive_of_both(&web, &hostile);
    let honest = HONEST.map(|feed| format!("<outline type=\"rss\" xmlUrl=\"{feed}\"/>"));
    follow(&archive, &format!("{}{}{}{}", honest[0], hostile.outlines(), honest[1], honest[2]));

    let began = Instant::now();
    let mut command = archive.command(&["sync", "--log", "off"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let (status, most) = wait_and_weigh(&mut child).unwrap();
    let took = began.elapsed();
    println!("{} hostile blogs in {took:?} with at most {} MB", TRAPS.len(), most >> 20);
    assert_eq!(status.code(), Some(4), "it ends, and says that not all went well");
    assert!(took < BOUND, "it took {took:?}");
    assert!(most < MOST_MEMORY, "it held {} MB", most >> 20);

    let contents = Contents::of_sqlite(&archive.folder().join("archive.sqlite")).unwrap();
    let wrong = wrongs(&archive, &contents);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    good_blogs_are_complete(&contents);
    nothing_outside_was_read(&hostile, &contents);
    let found: serde_json::Value =
        serde_json::from_str(&archive.run(&["doctor", "--json"]).unwrap().out).unwrap();
    let checks = found["checks"].as_array().unwrap();
    assert!(checks.iter().all(|c| c["ok"] == true || c["name"] == "network"), "{found}");
}

/// The traps that the program did not handle as expected.
fn wrongs(archive: &Archive, contents: &Contents) -> Vec<String> {
    let sources = archive.json(&["sources"]).unwrap();
    let sources: BTreeMap<&str, &serde_json::Value> =
        sources.as_array().unwrap().iter().map(|s| (s["feed_url"].as_str().unwrap(), s)).collect();
    let ways = contents.ways();
    let mut wrong = Vec::new();
    for trap in TRAPS {
        let source = sources[trap.feed().as_str()];
        let told = source["health"]["last_error"].as_str();
        let kept = source["reads"].as_u64().unwrap();
        let of_read = || {
            let host = format!("http://{}/", trap.host());
            ways.iter().find(|(url, _)| url.starts_with(&host)).and_then(|(_, (_, error))| *error)
        };
        let right = match trap.ends {
            Ends::Source(words) => told.is_some_and(|told| told.contains(words)) && kept == 0,
            Ends::Read(words) => {
                told.is_none() && kept == 0 && of_read().is_some_and(|told| told.contains(words))
            }
            Ends::Kept(reads) => told.is_none() && kept == reads,
        };
        if !right {
            wrong.push(format!(
                "{}: should be {:?}, but there are {kept} reads; the source says {told:?}, its read {:?}",
                trap.name,
                trap.ends,
                of_read()
            ));
        }
    }
    wrong
}

fn good_blogs_are_complete(contents: &Contents) {
    let annotated: BTreeSet<String> = contents
        .ways()
        .iter()
        .filter(|(_, (stage, error))| *stage == "annotated" && error.is_none())
        .map(|(url, _)| url.parse::<backissue_model::CanonicalUrl>().unwrap().key())
        .collect();
    for feed in HONEST {
        let listed = listed_in(feed);
        assert!(listed.len() >= 20, "{feed} lists {}", listed.len());
        let missing: Vec<_> = listed.difference(&annotated).collect();
        assert!(missing.is_empty(), "{feed}: {missing:?}");
    }
}

/// Checks that no entity made the program read a file or send a request.
fn nothing_outside_was_read(hostile: &HostileWeb, contents: &Contents) {
    let asked: Vec<_> = hostile
        .requests()
        .into_iter()
        .filter(|(host, path)| {
            host.starts_with("external-entity")
                && !["/feed.xml", "/robots.txt", "/1"].contains(&path.as_str())
        })
        .collect();
    assert!(asked.is_empty(), "{asked:?}");
    let passwords = std::fs::read_to_string("/etc/passwd").unwrap();
    let secret = passwords.lines().next().unwrap();
    assert!(!format!("{contents:?}").contains(secret), "a file of this machine is in the archive");
}

/// A feed whose `ETag` changes with each response is fetched each time, without duplicates.
#[test]
fn changing_entity_tags_double_nothing() {
    let hostile = HostileWeb::start().unwrap();
    let mut flags = hostile.arguments().to_vec();
    flags.extend(SmallWeb::without_pauses());
    let archive = Archive::new(flags).unwrap();
    let trap = TRAPS.iter().find(|trap| trap.name == "changing-tags").unwrap();
    follow(&archive, &format!("<outline type=\"rss\" xmlUrl=\"{}\"/>", trap.feed()));
    let file = archive.folder().join("archive.sqlite");
    let mut before: Option<Contents> = None;
    for round in 0..3 {
        let summary = archive.json(&["sync"]).unwrap();
        assert_eq!(summary["reads_new"], u64::from(round == 0), "{summary}");
        let now = Contents::of_sqlite(&file).unwrap();
        assert_eq!(now.reads(), 1);
        if let Some(before) = &before {
            let changed = before.differences(&now);
            assert!(changed.iter().all(|row| row.starts_with("source: ")), "{changed:?}");
        }
        before = Some(now);
    }
    let polls = hostile.requests().iter().filter(|(_, path)| path == "/feed.xml").count();
    assert_eq!(polls, 3);
}
