//! The command line: help, exit codes, JSON, no colour in pipes, subscriptions in and out, `inspect`.

use backissue_tests::program::Archive;
use backissue_tests::shared::shared_dir;

use crate::small_web;

fn alone() -> Archive {
    Archive::new(Vec::new()).unwrap()
}

const COMMANDS: [&str; 20] = [
    "serve",
    "sync",
    "follow",
    "backfill",
    "unfollow",
    "starter",
    "sources",
    "import",
    "export",
    "weeks",
    "week",
    "show",
    "find",
    "prior-art",
    "reindex",
    "inspect",
    "annotate",
    "models",
    "doctor",
    "config",
];

#[test]
fn every_command_has_help_with_an_example() {
    let archive = alone();
    let all = archive.done(&["--help"]).unwrap();
    assert!(all.contains("Exit codes"));
    for command in COMMANDS {
        assert!(all.contains(command), "{command} is missing from the list");
        let help = archive.done(&[command, "--help"]).unwrap();
        assert!(help.contains(&format!("backissue {command}")) && help.contains("Example"), "{help}");
    }
}

#[test]
fn exit_codes_tell_scripts_what_happened() {
    let archive = alone();
    for (words, code) in [
        (vec!["config"], 0),
        (vec!["weeks"], 3),
        (vec!["week"], 3),
        (vec!["week", "2026-W99"], 2),
        (vec!["show", "1"], 3),
        (vec!["find", "anything"], 3),
        (vec!["find"], 2),
        (vec!["prior-art", "anything", "--markdown"], 3),
        (vec!["prior-art", "x", "--markdown", "--json"], 2),
        (vec!["reindex"], 0),
        (vec!["unfollow", "nobody"], 3),
        (vec!["starter", "no-such-group"], 3),
        (vec!["no-such-command"], 2),
        (vec!["import", "/no/such/file.opml"], 1),
        (vec!["inspect", "feed", "/no/such/feed.xml"], 1),
    ] {
        let said = archive.run(&words).unwrap();
        assert_eq!(said.code, code, "{words:?}: {}{}", said.out, said.err);
        assert!(code == 0 || !said.err.is_empty() || !said.out.is_empty(), "{words:?} fails without a word");
    }
}

#[test]
fn nothing_is_coloured_in_a_pipe() {
    let archive = alone();
    for words in
        [vec!["config"], vec!["starter"], vec!["starter", "first-dozen"], vec!["weeks"], vec!["show", "7"]]
    {
        let said = archive.run(&words).unwrap();
        assert!(
            !said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'),
            "{words:?}: {}{}",
            said.out,
            said.err
        );
    }
}

#[test]
fn config_says_where_each_setting_comes_from() {
    let archive = alone();
    let file = archive.folder().join("mine.toml");
    std::fs::write(&file, "workers = 3\nlisten = '127.0.0.1:9999'\n").unwrap();
    let mut command = archive.command(&["config", "--json", "--config", &file.display().to_string()]);
    let output = command.env("BACKISSUE_LISTEN", "127.0.0.1:8888").output().unwrap();
    let config: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(config["listen"]["value"], "127.0.0.1:8888");
    assert_eq!(config["listen"]["origin"], "$BACKISSUE_LISTEN");
    assert_eq!(config["workers"]["value"], "3");
    assert_eq!(config["workers"]["origin"], file.display().to_string());
    assert_eq!(config["data"]["origin"], "--data");
    assert_eq!(config["poll_every"]["origin"], "default");
}

#[test]
fn a_real_opml_file_comes_in_and_goes_out_again() {
    let archive = alone();
    let opml = shared_dir().unwrap().join("engineering_blogs.opml");
    let first = archive.json(&["import", &opml.display().to_string()]).unwrap();
    let again = archive.json(&["import", &opml.display().to_string()]).unwrap();
    let new = first["new"].as_u64().unwrap();
    assert!(new > 380, "{first}");
    assert_eq!(again["new"], 0, "{again}");
    assert_eq!(again["known"].as_u64(), Some(new + first["known"].as_u64().unwrap()));

    let out = archive.folder().join("out.opml");
    archive.done(&["export", "--opml", "--output", &out.display().to_string()]).unwrap();
    let other = alone();
    let copied = other.json(&["import", &out.display().to_string()]).unwrap();
    assert_eq!(copied["new"].as_u64(), Some(new), "{copied}");
}

#[test]
fn a_site_leads_to_its_feed_and_several_feeds_are_listed() {
    let (_web, archive) = small_web();
    let known = archive.json(&["follow", "https://vitess.io/blog/feed.json"]).unwrap();
    assert_eq!(known[0]["new"], false);
    let site = archive.json(&["follow", "https://julialang.org/blog/"]).unwrap();
    assert_eq!(site[0]["source"]["feed_url"], "https://julialang.org/feed.xml", "{site}");
    assert_eq!(site[0]["new"], false, "{site}");
    let gone = archive.json(&["unfollow", "https://vitess.io/blog/feed.json", "--yes"]).unwrap();
    assert_eq!(gone["reads_dropped"], 0);
    let again = archive
        .json(&[
            "follow",
            "https://vitess.io/blog/feed.json",
            "--company",
            "PlanetScale",
            "--title",
            "Vitess, the blog",
        ])
        .unwrap();
    assert_eq!(again[0]["new"], true);
    assert_eq!(again[0]["source"]["company"], "PlanetScale");
    let nothing = archive.run(&["follow", "https://vitess.io/no/such/page"]).unwrap();
    assert_eq!(nothing.code, 1);
    assert!(nothing.err.contains("vitess.io") && nothing.err.contains("404"), "{}", nothing.err);
}

#[test]
fn inspect_keeps_its_contract() {
    let archive = alone();
    let web = shared_dir().unwrap().join("web");
    let path = |rest: &str| web.join(rest).display().to_string();
    let keys = |value: &serde_json::Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    let inspect = |words: &[&str]| -> serde_json::Value {
        serde_json::from_str(&archive.done(&[&["inspect"], words].concat()).unwrap()).unwrap()
    };

    let feed_file = path("linkerd.io/blog/index.xml");
    let feed = inspect(&["feed", &feed_file, "--url", "https://linkerd.io/blog/index.xml"]);
    assert_eq!(keys(&feed), "entries format site_url title");
    assert_eq!(feed["format"], "atom");
    let entries = feed["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 30);
    assert_eq!(keys(&entries[0]), "author content id published summary title updated url");
    assert!(entries.iter().all(|e| e["url"].as_str().unwrap().starts_with("https://linkerd.io/")));

    let page_file = path("vitess.io/blog/2023-03-27-connection-pooling-in-vitess/index.html");
    let url = "https://vitess.io/blog/2023-03-27-connection-pooling-in-vitess/";
    let page = inspect(&["page", &page_file, "--url", url]);
    assert_eq!(
        keys(&page),
        "author canonical_url html language minutes published site_name text title words"
    );
    assert!(page["text"].as_str().unwrap().contains("pool"));

    let precis = inspect(&["precis", &page_file, "--url", url, "--company", "Vitess"]);
    assert!(precis["kind"].is_string() && precis["concepts"].is_array() && precis["made_by"].is_object());

    let lines = archive.run(&["inspect", "feed", &feed_file, &page_file]).unwrap();
    assert_eq!(lines.code, 1, "one of the two is no feed");
    let lines: Vec<serde_json::Value> = lines.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["file"], feed_file);
    assert!(lines[1]["error"].as_str().unwrap().contains("web page"), "{}", lines[1]["error"]);
}
