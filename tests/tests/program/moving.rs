//! Moving an archive by command: `backup`, `restore`, `copy`, and the check that a backup can be
//! restored.

use backissue_needs::needs;
use backissue_tests::database::Database;
use backissue_tests::program::Archive;

/// An archive that follows three blogs, without polling them.
fn following(flags: Vec<String>) -> Archive {
    let archive = Archive::new(flags).unwrap();
    let opml = archive.folder().join("feeds.opml");
    let outline =
        |n| format!("<outline type=\"rss\" text=\"Blog {n}\" xmlUrl=\"https://blog{n}.example/feed\"/>");
    let outlines: String = (1..=3).map(outline).collect();
    std::fs::write(&opml, format!("<opml version=\"2.0\"><head/><body>{outlines}</body></opml>")).unwrap();
    archive.done(&["import", &opml.display().to_string()]).unwrap();
    archive
}

fn sources(archive: &Archive) -> Vec<String> {
    let listed = archive.json(&["sources"]).unwrap();
    listed.as_array().unwrap().iter().map(|source| source["slug"].as_str().unwrap().to_owned()).collect()
}

/// The result of the check `backup` of `doctor`: whether it passed, and its text.
fn proof(archive: &Archive, words: &[&str]) -> (bool, String) {
    let said = archive.run(&[&["doctor", "--json", "--deep"], words].concat()).unwrap();
    let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let checks = found["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "backup").unwrap();
    (check["ok"].as_bool().unwrap(), check["detail"].as_str().unwrap().to_owned())
}

#[test]
fn backup_is_restored_elsewhere_and_overwrites_nothing() {
    let archive = following(Vec::new());
    let wanted = sources(&archive);
    assert_eq!(wanted.len(), 3);
    let file = archive.folder().join("kept.sqlite");
    let name = file.display().to_string();
    let said = archive.done(&["backup", &name]).unwrap();
    assert!(said.contains("3 sources"), "{said}");
    let again = archive.run(&["backup", &name]).unwrap();
    assert!(again.code == 1 && again.err.contains("--force"), "{}", again.err);
    archive.done(&["backup", "--force", &name]).unwrap();
    for own in ["archive.sqlite", "archive.sqlite-wal", "./archive.sqlite"] {
        let own = archive.folder().join(own).display().to_string();
        let refused = archive.run(&["backup", "--force", &own]).unwrap();
        assert!(refused.code == 1 && refused.err.contains("the archive itself"), "{own}: {}", refused.err);
    }
    assert_eq!(sources(&archive), wanted);
    let left: Vec<_> = std::fs::read_dir(archive.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".backissue-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let (ok, detail) = proof(&archive, &[&name]);
    assert!(ok && detail.contains("restores to 0 reads"), "{detail}");
    let (ok, detail) = proof(&archive, &[]);
    assert!(ok && detail.contains("are equal"), "{detail}");

    let bare = Archive::new(Vec::new()).unwrap();
    let (ok, detail) = proof(&bare, &[&name]);
    assert!(ok && detail.contains("restores to 0 reads"), "{detail}");
    assert_eq!(
        bare.run(&["doctor", "--deep", &name]).unwrap().code,
        0,
        "a backup needs no archive beside it"
    );
    assert!(!bare.folder().join("archive.sqlite").exists());
    let damaged = archive.folder().join("damaged.sqlite");
    let text = std::fs::read(&file).unwrap();
    let at = text.windows(6).position(|six| six == b"Blog 2").unwrap();
    let text: Vec<u8> =
        text[..at].iter().copied().chain(*b"Bl0g 2").chain(text[at + 6..].iter().copied()).collect();
    std::fs::write(&damaged, text).unwrap();
    let (ok, detail) = proof(&bare, &[&damaged.display().to_string()]);
    assert!(!ok && detail.contains("the table `source`"), "{detail}");

    let other = Archive::new(Vec::new()).unwrap();
    other.done(&["restore", &name]).unwrap();
    assert_eq!(sources(&other), wanted);
    let twice = other.run(&["restore", &name]).unwrap();
    assert!(twice.code == 1 && twice.err.contains("is there already"), "{}", twice.err);

    std::fs::write(&file, "no archive, but a text of some length that is no database").unwrap();
    let (ok, detail) = proof(&archive, &[&name]);
    assert!(!ok, "{detail}");
    let third = Archive::new(Vec::new()).unwrap();
    let refused = third.run(&["restore", &name]).unwrap();
    assert!(refused.code == 1 && refused.err.contains("was not restored"), "{}", refused.err);
    assert!(!third.folder().join("archive.sqlite").exists());
}

#[test]
fn limits_of_articles_are_set_and_pruning_says_what_goes() {
    let archive = following(Vec::new());
    let said = archive.done(&["prune"]).unwrap();
    assert!(said.contains("No limit is set") && said.contains("keep_articles"), "{said}");
    let said =
        archive.done(&["source", "blog-1", "--articles-for", "26w", "--articles-up-to", "500 MB"]).unwrap();
    assert!(said.contains("articles stay for: 26w; up to: 500 MB"), "{said}");
    let listed = archive.json(&["source", "blog-1"]).unwrap();
    assert_eq!(
        (&listed["keep_articles"], &listed["keep_articles_size"]),
        (&"26w".into(), &"500000000".into())
    );
    let pruned = archive.json(&["prune", "--dry-run"]).unwrap();
    assert_eq!(pruned, serde_json::json!({ "limited": true, "dry_run": true, "reads": 0, "bytes": 0 }));
    archive.done(&["source", "blog-1", "--articles-for", "default", "--articles-up-to", "default"]).unwrap();
    let pruned = archive.json(&["prune", "--keep-articles", "2y"]).unwrap();
    assert_eq!(pruned["limited"], true);
    let wrong = archive.run(&["prune", "--keep-articles", "soon"]).unwrap();
    assert!(wrong.code == 2 && wrong.err.contains("26w"), "{}", wrong.err);
    let file = archive.folder().join("kept.sqlite").display().to_string();
    archive.done(&["source", "blog-2", "--articles-for", "unlimited"]).unwrap();
    archive.done(&["backup", &file]).unwrap();
    let other = Archive::new(Vec::new()).unwrap();
    other.done(&["restore", &file]).unwrap();
    assert_eq!(other.json(&["source", "blog-2"]).unwrap()["keep_articles"], "unlimited");
}

#[test]
fn archive_moves_to_postgresql_and_back_by_command() {
    needs!(Postgres);
    let archive = following(Vec::new());
    let wanted = sources(&archive);
    let database = Database::create().unwrap();
    let from = format!("sqlite:{}", archive.folder().display());
    let url = database.url();
    let copied = archive.json(&["copy", "--from", &from, "--to", &url]).unwrap();
    assert!(copied["rows"].as_u64().unwrap() > 3, "{copied}");
    let again = archive.run(&["copy", "--from", &from, "--to", &url]).unwrap();
    assert!(again.code == 1 && again.err.contains("has an archive already"), "{}", again.err);

    let there = Archive::new(vec!["--database".into(), url.clone()]).unwrap();
    assert_eq!(sources(&there), wanted);
    let dump = there.run(&["backup", "reads.dump"]).unwrap();
    assert_eq!(dump.code, 1, "nothing is backed up");
    assert!(dump.out.contains("pg_dump --format=custom") && dump.out.contains("pg_restore"), "{}", dump.out);
    assert!(dump.out.contains("may read every table"), "{}", dump.out);
    let (ok, detail) = proof(&there, &[]);
    assert!(ok && detail.contains("are equal"), "{detail}");

    let home = Archive::new(Vec::new()).unwrap();
    let to = format!("sqlite:{}", home.folder().join("archive.sqlite").display());
    let said = home.done(&["copy", "--from", &url, "--to", &to]).unwrap();
    assert!(said.contains("equal on both sides"), "{said}");
    assert!(said.contains(&format!("Use it with --data {}.", home.folder().display())), "{said}");
    let mut here = home.command(&["copy", "--from", &url, "--to", "sqlite:other.sqlite"]);
    let said = here.current_dir(home.folder()).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let folder = home.folder().display();
    assert!(
        said.contains(&format!("Rename it to archive.sqlite and use it with --data {folder}.")),
        "{said}"
    );
    assert_eq!(sources(&home), wanted);
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept.sqlite");
    home.done(&["backup", &kept.display().to_string()]).unwrap();
    let before = std::fs::read(&kept).unwrap();
    let to = format!("sqlite:{}", home.folder().join("of-backup.sqlite").display());
    home.done(&["copy", "--from", &format!("sqlite:{}", kept.display()), "--to", &to]).unwrap();
    assert!(std::fs::read(&kept).unwrap() == before, "a copy only reads its source");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "and leaves nothing beside it");
    let nowhere = home.run(&["copy", "--from", "sqlite:/nowhere/a.sqlite", "--to", "sqlite:x"]).unwrap();
    assert!(nowhere.code == 1 && nowhere.err.contains("no archive"), "{}", nowhere.err);
}
