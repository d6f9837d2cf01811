//! The command line: help, exit codes, JSON, no colour in pipes, subscriptions, `inspect`.

use std::io::Write;
use std::process::Stdio;

use backissue_needs::{needs, shared_dir};
use backissue_tests::program::Archive;
use backissue_tests::web::SmallWeb;

use crate::{small_web, synced_small_web};

fn alone() -> Archive {
    Archive::new(Vec::new()).unwrap()
}

const COMMANDS: [&str; 44] = [
    "serve", "work", "sync", "follow", "backfill", "unfollow", "starter", "sources", "import", "export",
    "weeks", "week", "show", "save", "keep", "done", "note", "correct", "withdraw", "merge", "shelf",
    "reader", "token", "webhook", "schema", "find", "searches", "prior-art", "mcp", "reindex", "inspect",
    "annotate", "models", "send", "publish", "doctor", "prune", "backup", "restore", "copy", "health",
    "config", "source", "help",
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
        assert!(
            !help.contains("--host-pause") && help.contains("help settings"),
            "settings are folded: {help}"
        );
    }
    let settings = archive.done(&["help", "settings"]).unwrap();
    for flag in ["--data", "--listen", "--allow-port", "--ca", "BACKISSUE_TIME_ZONE"] {
        assert!(settings.contains(flag), "{flag} is missing: {settings}");
    }
    assert_eq!(archive.done(&["help", "follow"]).unwrap(), archive.done(&["follow", "--help"]).unwrap());
    let slip = archive.run(&["help", "folow"]).unwrap();
    assert!(slip.code == 3 && slip.err.contains("follow"), "{}", slip.err);
}

#[test]
fn mistyped_data_folder_makes_no_archive() {
    let archive = alone();
    let typo = archive.folder().join("typo");
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(backissue_tests::program::binary().unwrap());
        command.args(words).args(["--data", &typo.display().to_string()]);
        let output = command.env("XDG_CONFIG_HOME", archive.folder()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), err)
    };
    for words in [
        vec!["weeks"],
        vec!["week"],
        vec!["show", "1"],
        vec!["find", "anything"],
        vec!["searches"],
        vec!["searches", "add", "a", "b"],
        vec!["prior-art", "anything"],
        vec!["mcp"],
        vec!["reindex"],
        vec!["sources"],
        vec!["source", "vitess-blog", "--pause"],
        vec!["unfollow", "vitess-blog"],
        vec!["backfill"],
        vec!["annotate", "--all"],
        vec!["export", "--opml"],
        vec!["models", "--usage"],
        vec!["publish", "nowhere"],
        vec!["prune"],
        vec!["backup", "nowhere"],
    ] {
        let (code, _, err) = run(&words);
        assert_eq!(code, Some(3), "{words:?}: {err}");
        assert!(err.contains(&typo.display().to_string()) && err.contains("--data"), "{words:?}: {err}");
        assert!(!typo.exists(), "{words:?} made a folder");
    }
    let (code, out, _) = run(&["doctor"]);
    assert!(code == Some(1) && out.contains("there is no archive"), "{out}");
    assert!(!typo.exists(), "doctor made a folder");

    let opml = archive.folder().join("one.opml");
    let feed = "<outline text=\"Databases\"><outline type=\"rss\" text=\"A\" xmlUrl=\"https://a.example/feed\"/></outline>";
    std::fs::write(&opml, format!("<opml version=\"2.0\"><head/><body>{feed}</body></opml>")).unwrap();
    let (code, _, err) = run(&["import", &opml.display().to_string()]);
    assert!(code == Some(0) && err.contains("A new archive in"), "{err}");
    let (code, out, err) = run(&["sources"]);
    assert!(code == Some(0) && out.contains("Databases"), "{out}{err}");
    std::fs::remove_dir_all(&typo).unwrap();
    let (code, _, err) = run(&["weeks", "--create"]);
    assert!(code == Some(3) && err.contains("A new archive in") && typo.exists(), "{err}");
}

#[test]
fn wrong_values_have_our_error_messages() {
    let archive = alone();
    for (words, remedy) in [
        (vec!["serve", "--listen", "blog:http"], "127.0.0.1:7878"),
        (vec!["show", "abc"], "backissue week"),
        (vec!["annotate", "abc"], "backissue week"),
        (vec!["backfill", "--since", "yesterday"], "2024-05-17"),
        (vec!["backfill", "--limit", "many"], "from 1"),
        (vec!["follow", "vitess"], "vitess.io/blog"),
        (vec!["follow", "vitess.io", "--pick", "first"], "from 1"),
        (vec!["find", "x", "--limit", "0"], "from 1 to 200"),
        (vec!["prior-art", "x", "--limit", "99"], "from 1 to 30"),
        (vec!["weeks", "--year", "last"], "from 1000"),
        (vec!["week", "last"], "2026-W20"),
        (vec!["week", "--kind", "incidnt"], "did you mean “incident”?"),
        (vec!["week", "--form", "quotd"], "did you mean “quoted”?"),
        (vec!["config", "--workers", "0"], "from 1 to 256"),
        (vec!["config", "--allow-port", "http"], "from 1 to 65535"),
        (vec!["config", "--base-url", "not a host"], "https://"),
        (vec!["publish", "site", "--base-url", "https://u:p@x.example/"], "no user and no password"),
        (vec!["config", "--host-pause", "soon"], "15m"),
        (vec!["config", "--time-zone", "Mars"], "Europe/Berlin"),
        (vec!["config", "--image-cache-limit", "much"], "500 MB"),
        (vec!["config", "--keep-articles", "2 years"], "26w"),
        (vec!["source", "x", "--articles-for", "2 years"], "unlimited"),
        (vec!["source", "x", "--articles-up-to", "0 MB"], "would keep nothing"),
        (vec!["config", "--images", "never"], "click"),
        (vec!["config", "--resolve", "x"], "HOST:PORT:ADDRESS"),
        (vec!["config", "--readers", "many"], "one or several"),
        (vec!["config", "--trusted-proxies", "everybody"], "10.0.0.0/8"),
        (vec!["config", "--proxy-user-header", "Host"], "Remote-User"),
        (vec!["config", "--proxy-unknown-users", "welcome"], "refuse or reader"),
        (vec!["config", "--log-format", "xml"], "text or json"),
        (vec!["config", "--metrics-token", "short"], "openssl rand"),
        (vec!["copy", "--from", "reads.sqlite", "--to", "x"], "sqlite:FILE or postgres://"),
        (vec!["reader", "add", "a b"], "without spaces"),
        (vec!["reader", "role", "one", "king"], "operator and reader"),
        (vec!["token", "add", "x", "--scope", "all"], "read, write and operate"),
        (vec!["token", "add", "x", "--days", "0"], "from 1 to 3650"),
        (vec!["config", "--requests-per-minute", "0"], "from 1 to 1000000"),
        (vec!["webhook", "add", "https://hooks.example/", "--event", "all"], "read.annotated"),
        (vec!["weeks", "--format", "xml"], "json or ndjson"),
        (vec!["week", "--format", "json", "--markdown"], "--markdown"),
        (vec!["serve", "--demo", "--data", "reads"], "temporary folder"),
        (vec!["--data", "reads", "serve", "--demo"], "temporary folder"),
        (vec!["serve", "--demo", "--database", "postgres://me@db/reads"], "temporary folder"),
        (vec!["inspect", "page", "x.html", "--url", "::"], "https://"),
    ] {
        let said = archive.run(&words).unwrap();
        assert_eq!(said.code, 2, "{words:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(remedy), "{words:?}: {}", said.err);
        for raw in
            ["invalid digit", "socket address", "relative URL", "not in ", "failed to parse", "empty host"]
        {
            assert!(!said.err.contains(raw), "{words:?}: {}", said.err);
        }
    }
    let refused = archive.run(&["follow", "http://blog.example:8097/feed"]).unwrap();
    assert!(refused.err.contains("--allow-port 8097"), "{}", refused.err);
    let refused = archive.run(&["follow", "http://127.0.0.1/feed"]).unwrap();
    assert!(refused.err.contains("--allow-private-addresses"), "{}", refused.err);
}

#[test]
fn unknown_names_get_suggestions() {
    let archive = alone();
    let opml = archive.folder().join("one.opml");
    let feed = "<outline type=\"rss\" text=\"Vitess blog\" xmlUrl=\"https://vitess.example/feed\"/>";
    std::fs::write(&opml, format!("<opml version=\"2.0\"><head/><body>{feed}</body></opml>")).unwrap();
    archive.done(&["import", &opml.display().to_string()]).unwrap();
    archive.done(&["source", "vitess-blog", "--company", "PlanetScale"]).unwrap();
    for (words, code, hint) in [
        (vec!["week", "2026-W20", "--source", "vites-blog"], 3, "vitess-blog"),
        (vec!["week", "2026-W20", "--source", "planetscale"], 3, "vitess-blog"),
        (vec!["week", "2026-W20", "--concept", "cachng"], 3, "caching"),
        (vec!["unfollow", "vitess-blgo"], 3, "vitess-blog"),
        (vec!["backfill", "vitess"], 3, "vitess-blog"),
        (vec!["source", "vites"], 3, "vitess-blog"),
        (vec!["starter", "databases"], 3, "databases-and-streaming"),
        (vec!["follow", "--group", "databses-and-streaming"], 3, "databases-and-streaming"),
        (vec!["find", "company:planetscal x"], 3, "PlanetScale"),
        (vec!["find", "source:vitess x"], 3, "vitess-blog"),
        (vec!["find", "concept:cachng x"], 3, "caching"),
        (vec!["find", "kind:incidnt x"], 3, "incident"),
        (vec!["find", "form:writen x"], 3, "written"),
        (vec!["find", "tech:kafk x"], 3, "Kafka"),
        (vec!["prior-art", "company:planetscal x"], 3, "PlanetScale"),
    ] {
        let said = archive.run(&words).unwrap();
        assert_eq!(said.code, code, "{words:?}: {}{}", said.out, said.err);
        let hint = format!("did you mean “{hint}”?");
        assert!(said.err.contains(&hint), "{words:?}: {}{}", said.out, said.err);
    }
    let said = archive.run(&["shelf", "--label", "outage"]).unwrap();
    assert!(said.code == 3 && said.err.contains("There is no label “outage”"), "{}", said.err);
    for (words, code) in [
        (vec!["find", "company:PlanetScale source:vitess-blog concept:caching kind:incident tech:kafka"], 3),
        (vec!["week", "2026-W20", "--source", "vitess-blog", "--concept", "Rate limiting"], 3),
    ] {
        let said = archive.run(&words).unwrap();
        assert_eq!(said.code, code, "{words:?}");
        assert!(!said.err.contains("did you mean"), "{words:?}: {}", said.err);
    }
}

#[test]
fn wrong_model_is_reported_before_following() {
    let archive = alone();
    let opml = archive.folder().join("none.opml");
    std::fs::write(&opml, "<opml version=\"2.0\"><head/><body/></opml>").unwrap();
    let file = opml.display().to_string();
    for words in [
        vec!["sync", "--annotate-with", "gpt"],
        vec!["sync", "--embed-with", "gpt"],
        vec!["sync", "--ca", "/no/such/file.pem"],
        vec!["serve", "--annotate-with", "gpt"],
        vec!["import", &file, "--annotate-with", "gpt"],
        vec!["follow", "--group", "first-dozen", "--annotate-with", "gpt"],
    ] {
        let said = archive.run(&words).unwrap();
        assert_eq!(said.code, 1, "{words:?}: {}", said.err);
        assert!(said.err.contains(words[words.len() - 1]), "{words:?}: {}", said.err);
        assert!(!archive.folder().join("archive.sqlite").exists(), "{words:?} made an archive");
    }
}

#[test]
fn exit_codes_distinguish_results() {
    let archive = alone();
    for (words, code) in [
        (vec!["config"], 0),
        (vec!["weeks"], 3),
        (vec!["week"], 3),
        (vec!["week", "2026-W99"], 2),
        (vec!["show", "1"], 3),
        (vec!["keep", "1"], 3),
        (vec!["done"], 2),
        (vec!["note", "1", "words"], 3),
        (vec!["note", "1", "- words"], 3),
        (vec!["note", "1", "--replace"], 2),
        (vec!["note", "1", "--replce"], 2),
        (vec!["correct", "1", "--outcome", "--json"], 2),
        (vec!["shelf"], 3),
        (vec!["shelf", "--label", "a,b"], 2),
        (vec!["export", "--mine", "mine.json"], 3),
        (vec!["find", "anything"], 3),
        (vec!["find"], 2),
        (vec!["prior-art", "anything", "--markdown"], 3),
        (vec!["prior-art", "x", "--markdown", "--json"], 2),
        (vec!["reindex"], 3),
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
fn output_in_a_pipe_has_no_colours() {
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
fn closed_pipe_is_no_error() {
    let archive = alone();
    for words in [vec!["config", "--json"], vec!["config"], vec!["starter"], vec!["starter", "--json"]] {
        // The other end is closed before anything is written.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = archive.command(&words).stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(0), ""), "{words:?}");
    }
}

#[test]
fn config_shows_the_origin_of_settings() {
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
fn real_opml_file_round_trips() {
    needs!(SharedData);
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
fn site_leads_to_its_feed_or_a_list_of_feeds() {
    needs!(SharedData);
    let (_web, archive) = small_web();
    let known = archive.json(&["follow", "https://vitess.io/blog/feed.json"]).unwrap();
    assert_eq!(known[0]["new"], false);
    let site = archive.json(&["follow", "julialang.org/blog/"]).unwrap();
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
    let renamed = archive.json(&["follow", "vitess.io/blog/feed.json", "--title", "Vitess"]).unwrap();
    assert_eq!((&renamed[0]["new"], &renamed[0]["source"]["title"]), (&false.into(), &"Vitess".into()));
    assert_eq!(renamed[0]["source"]["slug"], again[0]["source"]["slug"]);
    let slug = again[0]["source"]["slug"].as_str().unwrap();
    let paused =
        archive.json(&["source", slug, "--company", "Vitess", "--group", "Databases", "--pause"]).unwrap();
    assert_eq!((&paused["company"], &paused["group"]), (&"Vitess".into(), &"Databases".into()));
    assert_eq!(paused["health"]["standing"], "paused");
    let out = archive.done(&["export", "--opml"]).unwrap();
    assert!(out.contains("text=\"Databases\"") && out.contains("title=\"Vitess\""), "{out}");
    assert!(archive.done(&["sources"]).unwrap().contains("paused"));
    let resumed = archive.json(&["source", slug, "--resume"]).unwrap();
    assert_eq!(resumed["health"]["standing"], "active");
    // There is no page, but a feed.
    let folder = archive.json(&["follow", "vitess.io/blog"]).unwrap();
    assert_eq!((&folder[0]["new"], &folder[0]["source"]["slug"]), (&false.into(), &slug.into()), "{folder}");
    let nothing = archive.run(&["follow", "https://vitess.io/no/such/page"]).unwrap();
    assert_eq!(nothing.code, 1);
    assert!(nothing.err.contains("vitess.io") && nothing.err.contains("404"), "{}", nothing.err);
}

#[test]
fn inspect_output_is_stable() {
    needs!(SharedData);
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

#[test]
fn readers_data_is_exported_and_imported() {
    needs!(SharedData);
    let (_web, archive) = synced_small_web();
    let week = archive.json(&["week"]).unwrap();
    let read = &week["reads"][0];
    let (number, title) = (read["id"].to_string(), read["title"].as_str().unwrap().to_owned());
    archive.done(&["keep", &number]).unwrap();
    archive.done(&["done", &number]).unwrap();
    archive.done(&["done", "--not", &number]).unwrap();
    archive.done(&["note", &number, "We had **this** too."]).unwrap();
    assert_eq!(archive.done(&["note", &number]).unwrap().trim(), "We had **this** too.");
    let twice = archive.run(&["note", &number, "Other words"]).unwrap();
    assert!(twice.code == 1 && twice.err.contains("--replace"), "{}", twice.err);
    let shelf = archive.json(&["shelf"]).unwrap();
    assert_eq!((&shelf[0]["title"], &shelf[0]["note"]), (&title.into(), &"We had **this** too.".into()));
    assert!(archive.done(&["shelf", "--markdown"]).unwrap().contains("](http"));

    let nowhere = archive.run(&["export", "--mine", "/no/such/folder/mine.json"]).unwrap();
    assert!(nowhere.code == 1 && nowhere.err.contains("/no/such/folder/mine.json"), "{}", nowhere.err);
    let file = archive.folder().join("mine.json").display().to_string();
    archive.done(&["export", "--mine", &file]).unwrap();
    archive.done(&["note", &number, "", "--replace"]).unwrap();
    archive.done(&["keep", "--not", &number]).unwrap();
    assert_eq!(archive.run(&["shelf"]).unwrap().code, 3, "nothing is kept now");
    let taken = archive.json(&["import", &file]).unwrap();
    assert_eq!((&taken["reads"], &taken["new"]), (&1.into(), &0.into()));
    for left_out in ["missing", "refused", "skipped", "refused_searches"] {
        assert_eq!(taken[left_out], serde_json::json!([]), "{left_out}");
    }
    assert_eq!(archive.json(&["shelf"]).unwrap(), shelf, "all of it is back");
    let mut mine: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    mine["reads"][0]["highlights"] =
        serde_json::json!([{ "exact": "Tail\nlatency *rose*", "remark": "Ours\n\ntoo" }]);
    std::fs::write(&file, mine.to_string()).unwrap();
    archive.json(&["import", &file]).unwrap();
    let markdown = archive.done(&["shelf", "--markdown"]).unwrap();
    let quoted = "\n  - “Tail latency \\*rose\\*”\n    > Ours\n    >\n    > too";
    assert!(markdown.contains(quoted), "{markdown}");
    assert_eq!(archive.json(&["shelf"]).unwrap()[0]["highlights"][0]["remark"], "Ours\n\ntoo");
    std::fs::write(&file, r#"{"form": "backissue-reader-99", "reads": []}"#).unwrap();
    let newer = archive.run(&["import", &file]).unwrap();
    assert!(newer.code == 1 && newer.err.contains("backissue-reader-99"), "{}", newer.err);
}

#[test]
fn password_is_set_changed_and_removed() {
    let archive = alone();
    archive.run(&["sources", "--create"]).unwrap();
    let set = |text: &[u8]| run_with(&archive, &["reader", "password"], text);
    for (wrong, says) in [
        (&b"short\n"[..], "at least 12 characters"),
        (b"", "standard input is empty"),
        (b"aaaaaaaaaaaaaaaa\n", "guessed first"),
        (b"two lines in it\nare refused\n", "control characters"),
        (b"\xff\xfe", "UTF-8"),
    ] {
        let (code, said) = set(wrong);
        assert!(code == 1 && said.contains(says), "{said}");
    }
    let (code, said) = set(b"tide pool ledger\n");
    assert!(code == 0 && said.contains("The password is set."), "{said}");
    let (code, said) = set(b"another pool ledger\r\n");
    assert!(code == 0 && said.contains("was changed; 0 sessions ended"), "{said}");
    let removed = archive.done(&["reader", "password", "--remove"]).unwrap();
    assert!(removed.contains("was removed"), "{removed}");
    assert!(archive.done(&["reader", "password", "--remove"]).unwrap().contains("There was no password."));
}

#[test]
fn readers_are_added_given_roles_and_removed() {
    let archive = alone();
    archive.run(&["sources", "--create"]).unwrap();
    assert!(archive.done(&["reader", "list"]).unwrap().contains("one  operator  has no password"));
    let made = archive.run(&["reader", "add", "Anna", "--base-url", "https://reads.example.org/"]).unwrap();
    assert!(made.code == 0 && made.out.starts_with("https://reads.example.org/join/"), "{}", made.out);
    assert!(
        made.err.contains("anna was added") && made.err.contains("readers = \"several\""),
        "{}",
        made.err
    );
    assert!(!made.err.contains("`listen`"), "{}", made.err);
    let somewhere = archive.run(&["reader", "add", "anna"]).unwrap();
    assert!(somewhere.err.contains("put that before /join/"), "{}", somewhere.err);
    let again = archive.json(&["reader", "add", "anna"]).unwrap();
    assert_eq!(again["new"], false);
    assert!(again["link"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{again}");
    let (code, said) = run_with(&archive, &["reader", "password", "anna"], b"tide pool ledger\n");
    assert!(code == 0 && said.contains("The password of anna is set."), "{said}");
    let readers = archive.json(&["reader", "list"]).unwrap();
    assert_eq!((&readers[1]["name"], &readers[1]["role"]), (&"anna".into(), &"reader".into()));
    assert_eq!(
        (&readers[1]["password"], &readers[1]["invited_until"]),
        (&true.into(), &serde_json::Value::Null)
    );

    for words in [
        &["reader", "remove", "one"][..],
        &["reader", "remove", "one", "--keep-data"],
        &["reader", "role", "one", "reader"],
    ] {
        let last = archive.run(words).unwrap();
        assert!(last.code == 1 && last.err.contains("only operator"), "{}", last.err);
    }
    assert!(
        archive.done(&["reader", "role", "anna", "operator"]).unwrap().contains("anna is an operator now")
    );
    // The other operator has no password.
    for words in [
        &["reader", "remove", "anna", "--keep-data"][..],
        &["reader", "role", "anna", "reader"],
        &["reader", "password", "anna", "--remove", "--readers", "several"],
    ] {
        let last = archive.run(words).unwrap();
        assert!(last.code == 1 && last.err.contains("the only one who can log in"), "{}", last.err);
    }
    let (code, said) = run_with(&archive, &["reader", "password", "one"], b"tide pool ledger\n");
    assert!(code == 0 && said.contains("The password of one is set."), "{said}");
    assert!(archive.json(&["token", "add", "phone", "--reader", "anna"]).is_ok());
    let asked = archive.run(&["reader", "remove", "anna"]).unwrap();
    assert!(asked.code == 1 && asked.err.contains("anna has 1 token. "), "{}", asked.err);
    let closed = archive.run(&["reader", "remove", "anna", "--keep-data"]).unwrap();
    assert!(closed.code == 0 && closed.out.contains("stays"), "{}", closed.err);
    assert!(closed.err.contains("anna has 1 token."), "{}", closed.err);
    assert!(archive.done(&["reader", "list"]).unwrap().contains("closed since"));
    assert!(archive.done(&["reader", "remove", "anna"]).unwrap().contains("anna was removed"));
    let unknown = archive.run(&["reader", "remove", "anna"]).unwrap();
    assert!(unknown.code == 1 && unknown.err.contains("the archive has one"), "{}", unknown.err);
}

#[test]
fn tokens_are_made_listed_and_removed() {
    let archive = alone();
    archive.run(&["sources", "--create"]).unwrap();
    archive.done(&["reader", "add", "anna"]).unwrap();
    let none = archive.run(&["token", "list"]).unwrap();
    assert!(none.code == 0 && none.err.contains("backissue token add NAME"), "{}", none.err);
    let made = archive.run(&["token", "add", "phone", "--scope", "write"]).unwrap();
    assert!(made.out.starts_with("backissue_") && made.err.contains("not shown again"), "{}", made.err);
    let annas = archive.json(&["token", "add", "phone", "--reader", "anna", "--days", "30"]).unwrap();
    assert_eq!((&annas["scope"], annas["ends_at"].is_string()), (&"read".into(), true));
    let all = archive.json(&["token", "list"]).unwrap();
    assert_eq!(
        (&all[0]["name"], &all[0]["scope"], all.as_array().unwrap().len()),
        (&"phone".into(), &"write".into(), 1)
    );
    assert!(!all.to_string().contains(made.out.trim()));
    assert!(archive.done(&["token", "list"]).unwrap().contains("phone  write  never used"));
    for (words, says) in [
        (&["token", "add", "phone"][..], "another token"),
        (&["token", "add", "x", "--scope", "operate", "--reader", "anna"], "--scope write"),
    ] {
        let refused = archive.run(words).unwrap();
        assert!(refused.code == 1 && refused.err.contains(says), "{}", refused.err);
    }
    assert!(archive.done(&["token", "remove", "phone"]).unwrap().contains("was removed"));
    let gone = archive.run(&["token", "remove", "phone"]).unwrap();
    assert!(gone.code == 3 && gone.err.contains("backissue token list"), "{}", gone.err);
}

#[test]
fn commands_act_for_the_reader_that_is_named() {
    needs!(SharedData);
    let (_web, archive) = synced_small_web();
    archive.done(&["reader", "add", "anna"]).unwrap();
    let number = archive.all_reads().unwrap()[0]["id"].to_string();
    archive.done(&["keep", &number, "--reader", "anna"]).unwrap();
    archive.done(&["note", &number, "Annas thought", "--reader", "ANNA"]).unwrap();
    assert_eq!(archive.run(&["shelf"]).unwrap().code, 3, "the operator keeps nothing");
    assert_eq!(archive.json(&["shelf", "--reader", "anna"]).unwrap()[0]["note"], "Annas thought");
    assert_eq!(archive.done(&["note", &number]).unwrap().trim(), "");
    assert_eq!(archive.run(&["find", "is:kept"]).unwrap().code, 3, "the operator keeps nothing");
    assert_eq!(archive.json(&["find", "is:kept", "--reader", "anna"]).unwrap()["total"], 1);
    let mine = archive.done(&["export", "--mine", "-"]).unwrap();
    assert!(!mine.contains("Annas thought"), "{mine}");
    let annas = archive.done(&["export", "--mine", "-", "--reader", "anna"]).unwrap();
    assert!(annas.contains("Annas thought"), "{annas}");
    let unknown = archive.run(&["keep", &number, "--reader", "ben"]).unwrap();
    assert!(unknown.code == 1 && unknown.err.contains("no reader called ben"), "{}", unknown.err);

    let offered = archive.run(&["reader", "remove", "anna"]).unwrap();
    assert!(
        offered.code == 1 && offered.err.contains("export --mine anna.json --reader anna"),
        "{}",
        offered.err
    );
    archive.done(&["reader", "remove", "anna", "--yes"]).unwrap();
    assert_eq!(archive.json(&["reader", "list"]).unwrap().as_array().unwrap().len(), 1);
}

#[test]
fn saved_links_of_other_programs_become_saved_pages() {
    let archive = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let pocket = "title,url,time_added,tags,status\nOne,https://blog.example/one,1700000000,\"databases|a, b\",unread\n\
                  Two,https://blog.example/two,1700000001,,archive\nThree,http://127.0.0.1/three,1700000001,,unread\n";
    std::fs::write(path("pocket.csv"), pocket).unwrap();
    let said = archive.run(&["import", &path("pocket.csv")]).unwrap();
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.err.contains("A new archive"), "{}", said.err);
    for part in ["Pocket: 3 saved links.", "2 pages will be fetched", "127.0.0.1/three is not public"] {
        assert!(said.out.contains(part), "no {part:?} in {}", said.out);
    }
    let mine = archive.done(&["export", "--mine", "-"]).unwrap();
    let mine: serde_json::Value = serde_json::from_str(&mine).unwrap();
    let [one, two] = &mine["reads"].as_array().unwrap()[..] else { panic!("{mine}") };
    assert_eq!((&one["url"], &one["saved"]), (&"https://blog.example/one".into(), &true.into()));
    assert_eq!((&one["kept"], &one["title"]), (&"2023-11-14T22:13:20Z".into(), &"One".into()));
    assert_eq!(one["labels"], serde_json::json!(["a", "b", "databases"]));
    assert_eq!((&two["done"], &two["kept"]), (&"2023-11-14T22:13:21Z".into(), &serde_json::Value::Null));
    let again = archive.json(&["import", &path("pocket.csv")]);
    assert!(again.is_err(), "one address is refused again");

    // They go to another archive, as JSON and as Markdown.
    archive.done(&["export", "--mine", &path("mine.json")]).unwrap();
    archive.done(&["export", "--mine", &path("vault"), "--markdown"]).unwrap();
    for from in ["mine.json", "vault"] {
        let other = alone();
        other.run(&["sources", "--create"]).unwrap();
        let said = other.done(&["import", &path(from)]).unwrap();
        assert!(said.contains("2 pages will be fetched"), "{said}");
        let theirs = other.done(&["export", "--mine", "-"]).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&theirs).unwrap(), mine, "{from}");
    }
    std::fs::create_dir(path("empty")).unwrap();
    let empty = archive.run(&["import", &path("empty")]).unwrap();
    assert!(empty.code == 1 && empty.err.contains("no Markdown file"), "{}", empty.err);
}

#[test]
fn reads_are_corrected_in_the_terminal_and_exported_as_labels() {
    needs!(SharedData);
    let (_web, archive) = synced_small_web();
    let reads = archive.all_reads().unwrap();
    let read = reads.iter().find(|read| read["problem_form"] == "quoted").expect("a read has a problem");
    let number = read["id"].to_string();
    let nothing = archive.done(&["correct", &number]).unwrap();
    assert!(nothing.contains("Nothing about read"), "{nothing}");
    let problem = "Xylophones filled the queue.";
    let words = [
        "correct", &number, "--problem", problem, "--outcome", "", "--concepts", "Caching", "--date",
        "2020-02-29",
    ];
    let told = archive.done(&words).unwrap();
    assert!(told.contains("corrected by a person on") && told.contains("the program said"), "{told}");
    let shown = archive.json(&["show", &number]).unwrap();
    assert_eq!((&shown["precis"]["problem"]["text"], &shown["week"]), (&problem.into(), &"2020-W09".into()));
    let found = archive.json(&["find", "xylophones filling queues"]).unwrap();
    assert_eq!(found["reads"][0]["id"].to_string(), number, "{found}");

    let labels = archive.done(&["export", "--corrections", "-"]).unwrap();
    let label: serde_json::Value = serde_json::from_str(labels.trim_end()).unwrap();
    assert_eq!((&label["problem"]["text"], &label["outcome"]), (&problem.into(), &serde_json::Value::Null));
    assert_eq!((&label["url"], &label["readers"]), (&read["url"], &1.into()));
    assert_eq!(label["concepts"], serde_json::json!(["caching"]));
    for (words, why) in [
        (["--problem", &"x".repeat(321)], "at most 320 characters"),
        (["--kind", "incidents"], "did you mean"),
        (["--concepts", "xylophones"], "is not a concept"),
        (["--date", "2999-01-01"], "in the future"),
    ] {
        let refused = archive.run(&["correct", &number, words[0], words[1]]).unwrap();
        assert!(refused.code == 1 && refused.err.contains(why), "{}", refused.err);
    }
    assert_eq!(archive.run(&["correct", "999999", "--kind", "other"]).unwrap().code, 3);

    let file = archive.folder().join("mine.json").display().to_string();
    archive.done(&["export", "--mine", &file]).unwrap();
    let partly = archive.json(&["correct", &number, "--undo=date,concepts"]).unwrap();
    let fields: Vec<_> = partly["corrections"].as_array().unwrap().iter().map(|one| &one["field"]).collect();
    assert!(fields.contains(&&"problem".into()) && !fields.contains(&&"date".into()), "{fields:?}");
    archive.done(&["correct", &number, "--undo"]).unwrap();
    assert_eq!(archive.json(&["show", &number]).unwrap()["problem"], read["problem"]);
    assert_eq!(archive.json(&["import", &file]).unwrap()["reads"], 1);
    assert_eq!(archive.json(&["show", &number]).unwrap()["precis"], shown["precis"], "all of it is back");
}

#[test]
fn reads_are_hidden_and_merged_in_the_terminal() {
    needs!(SharedData);
    let (_web, archive) = synced_small_web();
    let reads = archive.all_reads().unwrap();
    let (one, other) = (reads[0]["id"].to_string(), reads[1]["id"].to_string());
    archive.done(&["withdraw", &one]).unwrap();
    assert_eq!(archive.run(&["show", &one]).unwrap().code, 3);
    assert!(archive.done(&["withdraw"]).unwrap().contains(reads[0]["title"].as_str().unwrap()));
    archive.done(&["sync"]).unwrap();
    assert_eq!(archive.run(&["show", &one]).unwrap().code, 3, "its feed does not bring it back");
    archive.done(&["withdraw", "--not", &one]).unwrap();
    assert_eq!(archive.json(&["withdraw"]).unwrap(), serde_json::json!([]));
    assert_eq!(archive.all_reads().unwrap().len(), reads.len());
    assert_eq!(archive.run(&["withdraw", "999999"]).unwrap().code, 3);

    let asked = archive.run(&["merge", &one, &other]).unwrap();
    assert!(asked.code == 1 && asked.err.contains("--yes"), "{}", asked.err);
    let merged = archive.json(&["merge", &one, &other, "--yes"]).unwrap();
    assert_eq!(merged["merged"], true);
    assert_eq!(archive.all_reads().unwrap().len(), reads.len() - 1);
    assert_eq!(archive.json(&["show", &one]).unwrap()["id"], archive.json(&["show", &other]).unwrap()["id"]);
    assert_eq!(archive.json(&["doctor"]).unwrap()["ok"], true);
}

/// Runs a command with this standard input.
pub fn run_with(archive: &Archive, words: &[&str], input: &[u8]) -> (i32, String) {
    let mut command = archive.command(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn empty_input_removes_no_note() {
    needs!(SharedData);
    let (_web, archive) = synced_small_web();
    let number = archive.json(&["week"]).unwrap()["reads"][0]["id"].to_string();
    let marked = utf16("\u{feff}Größe\r\n");
    assert_eq!(run_with(&archive, &["note", &number, "-"], &marked).0, 0);
    let note = || archive.done(&["note", &number]).unwrap().trim().to_owned();
    assert_eq!(note(), "Größe", "UTF-16 as shells write it, without its byte order mark");
    for (input, why) in [
        (&b""[..], "standard input is empty; nothing was changed"),
        (&b"\xef\xbb\xbf \n"[..], "standard input is empty"),
        (&utf16("unmarked")[..], "UTF-16 without a byte order mark; save it as UTF-8"),
        (&b"caf\xe9"[..], "not valid UTF-8"),
    ] {
        let (code, said) = run_with(&archive, &["note", &number, "-", "--replace"], input);
        assert!(code == 1 && said.contains(why), "{code}: {said}");
    }
    assert_eq!(archive.run(&["note", &number, "--replace"]).unwrap().code, 2, "it needs a text");
    assert_eq!(note(), "Größe");
    let removed = archive.run(&["note", &number, "", "--replace"]).unwrap();
    assert!(removed.code == 0 && removed.err.contains("was removed"), "{}", removed.err);
    assert_eq!(note(), "");
}

#[test]
fn import_needs_an_archive_and_reports_refusals() {
    needs!(SharedData);
    let (_web, archive) = synced_small_web();
    let week = archive.json(&["week"]).unwrap();
    let url = &week["reads"][0]["url"];
    let labels: Vec<String> = (0..22).map(|n| format!("label {n:02}")).collect();
    let mine = serde_json::json!({
        "form": "backissue-reader-1",
        "reads": [{ "url": url, "note": "x".repeat(100_001), "labels": labels }],
    });
    let file = archive.folder().join("mine.json");
    let name = file.display().to_string();
    std::fs::write(&file, [b"\xef\xbb\xbf", mine.to_string().as_bytes()].concat()).unwrap();
    let said = archive.run(&["import", &name]).unwrap();
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    let url = url.as_str().unwrap();
    for why in [
        format!("Not imported for {url}: its note would have 100001 characters, at most 100000 are allowed."),
        format!(
            "Not imported for {url}: a read has at most 20 labels, so it did not get: label 20, label 21."
        ),
        "import it again".to_owned(),
    ] {
        assert!(said.out.contains(&why), "{why}: {}", said.out);
    }
    let elsewhere = alone();
    let (code, told) = run_with(&elsewhere, &["import", "-"], b"Dear diary");
    assert!(
        code == 1 && told.contains("OPML") && told.contains("--mine") && told.contains("Pocket"),
        "{told}"
    );
    let said = elsewhere.run(&["import", &name]).unwrap();
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("can only be added to the reads of an archive"), "{}", said.err);
    assert!(!elsewhere.folder().join("archive.sqlite").exists());
    let help = elsewhere.done(&["import", "--help"]).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("import its feeds and run `sync` first"), "{help}");

    std::fs::write(&file, utf16(&format!("\u{feff}{mine}"))).unwrap();
    let said = archive.run(&["import", &name, "--json"]).unwrap();
    let taken: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &taken["reads"], &taken["missing"]), (4, &1.into(), &serde_json::json!([])));
    assert_eq!(taken["refused"][1]["url"], url);
    std::fs::write(&file, utf16(&mine.to_string())).unwrap();
    let said = archive.run(&["import", &name]).unwrap();
    assert!(said.code == 1 && said.err.contains("UTF-16 without a byte order mark"), "{}", said.err);
}

#[test]
fn any_page_is_saved_fetched_and_kept() {
    needs!(SharedData);
    let (web, archive) = synced_small_web();
    let week = archive.json(&["week"]).unwrap();
    let (url, title) = (week["reads"][0]["url"].as_str().unwrap(), &week["reads"][0]["title"]);
    let known = archive.json(&["save", url]).unwrap();
    assert_eq!(known, serde_json::json!({ "read": week["reads"][0]["id"], "new": false }));
    assert_eq!(archive.json(&["shelf"]).unwrap()[0]["url"], url);

    let mut flags = web.arguments();
    flags.extend(SmallWeb::without_pauses());
    let alone = Archive::new(flags).unwrap();
    let said = alone.done(&["save", url]).unwrap();
    assert!(said.contains("Saved as read 1."), "{said}");
    assert_eq!(alone.run(&["shelf"]).unwrap().code, 3, "it is not fetched yet");
    let synced = alone.json(&["sync"]).unwrap();
    assert_eq!((&synced["sources_due"], &synced["reads_done"]), (&0.into(), &1.into()), "{synced}");
    let shelf = alone.json(&["shelf"]).unwrap();
    assert_eq!((&shelf[0]["url"], &shelf[0]["title"]), (&url.into(), title));
    assert_eq!(alone.json(&["save", url]).unwrap()["new"], false);
    assert_eq!(alone.json(&["doctor"]).unwrap()["ok"], true);
    for (address, why) in
        [("mailto:me@blog.example", "not an address on the web"), ("https://", "not an address")]
    {
        let said = alone.run(&["save", address]).unwrap();
        assert!(said.code == 2 && said.err.contains(why), "{address}: {}", said.err);
    }
    let private = Archive::new(Vec::new()).unwrap().run(&["save", "http://127.0.0.1/x"]).unwrap();
    assert!(private.code == 1 && private.err.contains("is not public"), "{}", private.err);
}
