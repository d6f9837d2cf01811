//! Search in real blogs: in the terminal, beside a server, and with a damaged index.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use backissue_needs::needs;
use backissue_tests::program::{Archive, client};
use serde_json::Value;

use crate::synced_small_web;

/// A problem in a person's words, which hardly occur in the article about it, and that article's
/// address.
const PARAPHRASE: (&str, &str) = (
    "radius search drops nearby places to the east and west but not north or south",
    "https://artsy.github.io/blog/2023/02/10/mongo-geospatial-queries/",
);

/// A problem that several reads have, and the address of one of them.
const SHARED_PROBLEM: (&str, &str) = (
    "changing the schema of a large MySQL table blocks writes and cannot be interrupted",
    "https://vitess.io/blog/2021-06-15-online-ddl-why-no-fk/",
);

/// The addresses of the reads that `find` prints, best first.
fn found(archive: &Archive, question: &str) -> Vec<String> {
    let answer = archive.json(&["find", question, "--limit", "20"]).unwrap();
    let reads = answer["reads"].as_array().unwrap().iter();
    reads.map(|read| read["url"].as_str().unwrap().to_owned()).collect()
}

/// Number of reads in the index.
fn indexed(archive: &Archive) -> u64 {
    archive.json(&["find", "before:2100", "--limit", "1"]).unwrap()["total"].as_u64().unwrap()
}

fn index(archive: &Archive) -> PathBuf {
    archive.folder().join("index")
}

/// The result of `doctor` for the index.
fn doctor(archive: &Archive) -> (bool, String) {
    let said = archive.run(&["doctor", "--json"]).unwrap();
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let checks = found["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "search index").unwrap();
    (check["ok"].as_bool().unwrap(), check["detail"].as_str().unwrap().to_owned())
}

#[test]
fn paraphrase_is_found_and_the_index_recovers() {
    needs!(SharedData);
    let (_web, archive) = synced_small_web();
    let reads: u64 = archive
        .json(&["weeks"])
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|week| week["reads"].as_u64().unwrap())
        .sum();
    let (question, url) = PARAPHRASE;

    let first = found(&archive, question);
    assert!(first.iter().take(5).any(|found| found == url), "{first:?}");
    assert_eq!(indexed(&archive), reads);
    a_table_goes_into_a_document(&archive);
    narrowed_and_paged(&archive);
    let (well, said) = doctor(&archive);
    assert!(well && said.contains(&format!("all {reads} reads")), "{said}");

    // Deleted, and killed while being rebuilt.
    std::fs::remove_dir_all(index(&archive)).unwrap();
    let mut child =
        archive.command(&["find", question]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !begun(&index(&archive)) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::yield_now();
    }
    assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(found(&archive, question), first);
    assert_eq!(indexed(&archive), reads);

    // Damaged.
    let (well, _) = doctor(&archive);
    assert!(well);
    damage(&index(&archive));
    let (well, said) = doctor(&archive);
    assert!(!well && said.contains("backissue reindex"), "{said}");
    made_anew_while_it_is_searched(&archive, question, url);
    let (well, said) = doctor(&archive);
    assert!(well, "{said}");
    assert_eq!(found(&archive, question), first);
}

/// Whether a rebuild of an index has started below the folder.
fn begun(folder: &Path) -> bool {
    let inside = std::fs::read_dir(folder).into_iter().flatten().flatten();
    inside.into_iter().any(|entry| entry.path().join("CURRENT").is_file())
}

/// Changes a byte in the middle of the index's largest file.
fn damage(folder: &Path) {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            if meta.is_dir() { folders.push(entry.path()) } else { files.push((meta.len(), entry.path())) }
        }
    }
    let (length, largest) = files.into_iter().max().unwrap();
    let mut bytes = std::fs::read(&largest).unwrap();
    bytes[usize::try_from(length / 2).unwrap()] ^= 0x55;
    std::fs::write(&largest, bytes).unwrap();
}

fn a_table_goes_into_a_document(archive: &Archive) {
    let (problem, url) = SHARED_PROBLEM;
    let text = archive.done(&["prior-art", problem, "--markdown"]).unwrap();
    assert!(text.starts_with(&format!("## Prior art: {problem}\n")), "{text}");
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("](https://")).collect();
    assert!(rows.len() >= 3 && rows.iter().any(|row| row.contains(url)), "{text}");
    assert!(rows.iter().all(|row| row.replace("\\|", "").matches('|').count() == 7), "{text}");
    let plain = archive.done(&["prior-art", problem]).unwrap();
    assert!(plain.contains(url) && !plain.contains('\u{1b}'), "{plain}");
    let data = archive.json(&["prior-art", problem, "--limit", "3"]).unwrap();
    let ways = data["ways"].as_array().unwrap();
    assert_eq!(ways.iter().map(|way| way["reads"].as_array().unwrap().len()).sum::<usize>(), 3, "{data}");
}

fn narrowed_and_paged(archive: &Archive) {
    let answer = archive.json(&["find", "company:vitess after:2022 before:2024", "--limit", "200"]).unwrap();
    let reads = answer["reads"].as_array().unwrap();
    assert!(reads.len() > 3, "{answer}");
    let years: BTreeSet<&str> = reads.iter().map(|read| &read["published"].as_str().unwrap()[..4]).collect();
    assert_eq!(years, BTreeSet::from(["2022", "2023"]));
    let nothing = archive.run(&["find", "zzyzx", "company:nobody"]).unwrap();
    assert_eq!(nothing.code, 3, "{}", nothing.out);
    let noted = archive.run(&["find", "kind:poem replication"]).unwrap();
    assert_eq!(noted.code, 0);
    assert!(noted.err.contains("poem") && !noted.out.contains("is not a kind"), "{}", noted.err);
}

/// `reindex` beside a server: the server answers all the time, and then uses the new index.
fn made_anew_while_it_is_searched(archive: &Archive, question: &str, url: &str) {
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut child = archive.command(&["reindex", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut answers = 0;
    runtime.block_on(async {
        let client = client();
        let mut address: reqwest::Url = served.url("/api/search").parse().unwrap();
        address.query_pairs_mut().append_pair("q", question);
        loop {
            let ended = child.try_wait().unwrap().is_some();
            let answer = client.get(address.clone()).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            answers += 1;
            if ended {
                break;
            }
        }
    });
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(made["reads"].as_u64().unwrap() > 600, "{made}");
    assert!(answers > 2, "the server was asked {answers} times meanwhile");
    assert!(found(archive, question).iter().any(|found| found == url), "beside a server `find` works too");
    let (status, said) = served.stop().unwrap();
    assert!(status.success(), "{said}");
}

#[tokio::test]
async fn demo_is_searchable_as_soon_as_it_has_reads() {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--demo"]).unwrap();
    let client = client();
    served.until_idle(&client).await.unwrap();
    served.until_searchable(&client, 42).await.unwrap();
    let get = async |path: &str| {
        let answer = client.get(served.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    let question = "/api/search?q=messages+eat+all+memory+when+consumers+are+slow";
    let found: Value = serde_json::from_str(&get(question).await).unwrap();
    let first = &found["items"][0];
    assert_eq!(first["title"], "Backpressure, from the map down", "{found}");
    let page = get("/search?q=cache").await;
    assert!(page.contains("<mark>") && !page.contains("still taking in"), "{page}");
    let read = get(first["path"].as_str().unwrap()).await;
    assert!(read.contains("About this read"));
}
