//! After a kill while notes and highlights are written, all that were answered as saved are in the
//! archive.

use std::sync::Arc;
use std::time::Duration;

use backissue_needs::{needs, shared_dir};
use backissue_tests::chance::Random;
use backissue_tests::program::{Served, client};
use backissue_tests::web::{SmallWeb, SmallWebOptions};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use url::form_urlencoded::Serializer;

use crate::killing::{Kept, kills, seed};

/// Answers before a kill. On a busy machine the first ones take long.
const ANSWERS: usize = 2;
/// Maximum time to wait for each of these answers.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum time from these answers to the kill.
const LATEST: Duration = Duration::from_millis(300);

/// Waits for the first answers, then for a random time.
async fn until_the_kill(answered: &Notify, random: &mut Random) {
    for _ in 0..ANSWERS {
        // Without an answer the kill comes all the same. The test counts what was saved.
        let _ = timeout(PATIENCE, answered.notified()).await;
    }
    sleep(LATEST.mul_f64(random.below(1000) as f64 / 1000.0)).await;
}

/// The state of a note, as its writer knows it.
struct Written {
    read: i64,
    /// The last text that was answered as saved.
    saved: String,
    /// A text that was sent without an answer.
    sent: Option<String>,
    /// Number of texts that were answered as saved.
    saves: usize,
}

/// The note's form on the page of a read.
struct NoteForm {
    token: String,
    version: String,
    text: String,
}

impl NoteForm {
    async fn of(client: &reqwest::Client, served: &Served, read: i64) -> Self {
        let page = client.get(served.url(&format!("/read/{read}"))).send().await.unwrap();
        let page = page.text().await.unwrap();
        Self {
            token: between(&page, "name=\"token\" value=\"", "\""),
            version: version(&page),
            text: between(&between(&page, "<textarea id=\"note-text\"", "</textarea>"), ">\n", "\0"),
        }
    }
}

fn version(page: &str) -> String {
    between(page, "name=\"version\" value=\"", "\"")
}

/// The text after `start` and before `end`, or to the end of the page.
fn between(page: &str, start: &str, end: &str) -> String {
    let (_, rest) = page.split_once(start).unwrap_or_else(|| panic!("no {start:?} in {page}"));
    rest.split_once(end).map_or(rest, |(text, _)| text).to_owned()
}

/// An archive of the web after a sync, its seed, which is printed, and its newest week.
fn synced(web: &SmallWeb, make: impl Fn(&SmallWeb) -> Kept) -> (Kept, u64, serde_json::Value) {
    let seed = seed();
    println!("BACKISSUE_TEST_SEED={seed}");
    let kept = make(web);
    kept.archive.done(&["sync"]).unwrap();
    let week = kept.archive.json(&["week"]).unwrap();
    (kept, seed, week)
}

/// Posts a form. Fails if the server is gone.
async fn posted(
    client: &reqwest::Client,
    address: &str,
    fields: &[(&str, &str)],
) -> reqwest::Result<reqwest::Response> {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = client.post(address).header("content-type", "application/x-www-form-urlencoded");
    request.body(body).send().await
}

/// Saves ever longer texts as one note until the server is gone.
async fn write(
    client: reqwest::Client,
    address: String,
    kill: usize,
    form: NoteForm,
    mut note: Written,
    answered: Arc<Notify>,
) -> Written {
    let mut version = form.version;
    for n in 1.. {
        let text = format!("Text {n} before kill {kill}") + &"\nword".repeat(n);
        note.sent = Some(text.clone());
        let fields = [("token", &*form.token), ("part", "marks"), ("version", &*version), ("text", &*text)];
        let Ok(answer) = posted(&client, &address, &fields).await else { break };
        assert!(answer.status().is_success(), "{}", answer.status());
        (note.saved, note.sent, note.saves) = (text, None, note.saves + 1);
        answered.notify_one();
        let Ok(part) = answer.text().await else { break };
        version = self::version(&part);
    }
    note
}

/// Checks a note after a kill: it is the text that was answered last, or one that had no answer
/// yet.
fn assert_kept(note: &Written, there: &str, seed: u64) {
    let is_kept = there == note.saved || note.sent.as_deref() == Some(there);
    assert!(
        is_kept,
        "BACKISSUE_TEST_SEED={seed}: read {} has {there:?}; answered as saved was {:?}, without an answer {:?}",
        note.read, note.saved, note.sent
    );
}

async fn kills_lose_no_saved_note(make: impl Fn(&SmallWeb) -> Kept) {
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let (kept, seed, week) = synced(&web, make);
    let (mut random, kills) = (Random(seed), kills());
    let reads = week["reads"].as_array().unwrap().iter().take(3).map(|read| read["id"].as_i64().unwrap());
    let mut notes: Vec<Written> =
        reads.map(|read| Written { read, saved: String::new(), sent: None, saves: 0 }).collect();
    let client = client();
    for kill in 0..kills {
        let served = kept.archive.serve(&[]).unwrap();
        let (mut writers, answered) = (JoinSet::new(), Arc::new(Notify::new()));
        for mut note in notes.drain(..) {
            let form = NoteForm::of(&client, &served, note.read).await;
            assert_kept(&note, &form.text, seed);
            (note.saved, note.sent) = (form.text.clone(), None);
            let address = served.url(&format!("/note/{}", note.read));
            writers.spawn(write(client.clone(), address, kill, form, note, answered.clone()));
        }
        until_the_kill(&answered, &mut random).await;
        drop(served);
        notes = writers.join_all().await;
        kept.ten_minutes_pass();
    }
    for note in &notes {
        let there = kept.archive.done(&["note", &note.read.to_string()]).unwrap();
        assert_kept(note, there.trim_end(), seed);
    }
    let saves: usize = notes.iter().map(|note| note.saves).sum();
    println!("{kills} kills, {saves} notes saved between them");
    assert!(saves > kills, "{saves} saved notes test nothing");
    assert_sound(&kept);
}

/// Checks that `doctor` finds no fault.
fn assert_sound(kept: &Kept) {
    let found = kept.archive.json(&["doctor"]).unwrap();
    assert_eq!(found["ok"], true, "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_sqlite_kills_lose_no_saved_note() {
    needs!(SharedData);
    kills_lose_no_saved_note(Kept::on_sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_postgresql_kills_lose_no_saved_note() {
    needs!(SharedData, Postgres);
    kills_lose_no_saved_note(Kept::on_postgresql).await;
}

/// Highlights passages of a read, one after another, until the server is gone. Returns those that
/// were answered as saved.
async fn mark(
    client: reqwest::Client,
    address: String,
    token: String,
    passages: Vec<String>,
    answered: Arc<Notify>,
) -> Vec<String> {
    let mut saved = Vec::new();
    for passage in passages {
        let remark = remark_on(&passage);
        // The redirect leads to what is answered at once.
        let fields = [
            ("token", &*token),
            ("back", "/health"),
            ("prefix", ""),
            ("suffix", ""),
            ("quote", &*passage),
            ("remark", &*remark),
        ];
        let Ok(answer) = posted(&client, &address, &fields).await else { break };
        // A passage that the article has twice is refused.
        if answer.status() != 400 {
            assert!(answer.status().is_success(), "{}", answer.status());
            saved.push(passage);
            answered.notify_one();
        }
    }
    saved
}

fn remark_on(passage: &str) -> String {
    format!("On “{passage}”")
}

/// Passages of eight words from different places of an article.
fn passages(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks_exact(8).map(|words| words.join(" ")).collect()
}

async fn kills_lose_no_saved_highlight(make: impl Fn(&SmallWeb) -> Kept) {
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let (kept, seed, week) = synced(&web, make);
    let (mut random, kills) = (Random(seed), kills());
    let ids = week["reads"].as_array().unwrap().iter().map(|read| read["id"].as_i64().unwrap());
    let mut reads: Vec<(i64, String, Vec<String>, Vec<String>)> = ids
        .map(|id| {
            let shown = kept.archive.json(&["show", &id.to_string()]).unwrap();
            let text = shown["article"]["text"].as_str().unwrap_or_default();
            (id, shown["url"].as_str().unwrap_or_default().to_owned(), passages(text), Vec::new())
        })
        .collect();
    reads.sort_by_key(|(_, _, passages, _)| std::cmp::Reverse(passages.len()));
    reads.truncate(3);
    let client = client();
    for _ in 0..kills {
        let served = kept.archive.serve(&[]).unwrap();
        let (mut writers, answered) = (JoinSet::new(), Arc::new(Notify::new()));
        for (at, (read, _, passages, saved)) in reads.iter().enumerate() {
            let token = NoteForm::of(&client, &served, *read).await.token;
            let left = passages.iter().skip(saved.len() * 2).cloned().collect();
            let address = served.url(&format!("/highlights/{read}"));
            let (client, answered) = (client.clone(), answered.clone());
            writers.spawn(async move { (at, mark(client, address, token, left, answered).await) });
        }
        until_the_kill(&answered, &mut random).await;
        drop(served);
        for (at, new) in writers.join_all().await {
            reads[at].3.extend(new);
        }
        kept.ten_minutes_pass();
    }
    let mine = kept.archive.done(&["export", "--mine", "-"]).unwrap();
    let mine: serde_json::Value = serde_json::from_str(&mine).unwrap();
    let mut all = 0;
    for (read, url, _, saved) in &reads {
        let own = mine["reads"].as_array().unwrap().iter().find(|own| own["url"] == url.as_str());
        let highlights =
            own.map_or(Vec::new(), |own| own["highlights"].as_array().cloned().unwrap_or_default());
        for passage in saved {
            let remark = remark_on(passage);
            let is_there = highlights.iter().any(|highlight| highlight["remark"] == remark.as_str());
            assert!(is_there, "BACKISSUE_TEST_SEED={seed}: read {read} lost the highlight {passage:?}");
        }
        all += saved.len();
    }
    println!("{kills} kills, {all} highlights saved between them");
    assert!(all > kills, "{all} saved highlights test nothing");
    assert_sound(&kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_sqlite_kills_lose_no_saved_highlight() {
    needs!(SharedData);
    kills_lose_no_saved_highlight(Kept::on_sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_postgresql_kills_lose_no_saved_highlight() {
    needs!(SharedData, Postgres);
    kills_lose_no_saved_highlight(Kept::on_postgresql).await;
}
