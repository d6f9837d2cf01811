//! Webhooks: another program is notified of events by signed messages, which are sent again until
//! it answers.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use backissue_needs::needs;
use backissue_tests::database::Database;
use backissue_tests::made_up_web::{Document, Documents, MadeUpWeb};
use backissue_tests::program::{Archive, client, terminate, wait};
use backissue_tests::stand_in_chat::{Posted, StandInChat};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

const DUE_NOW: &str = "UPDATE webhook_call SET due_at = 1 WHERE due_at IS NOT NULL";

/// Publishes a blog with this number of posts.
pub(crate) fn publish(web: &MadeUpWeb, posts: usize) {
    let now = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let (mut items, mut documents) = (String::new(), Documents::new());
    for n in 1..=posts {
        let title = format!("How queue {n} filled up");
        items += &format!(
            "<item><title>{title}</title><link>http://acme.example/{n}</link><pubDate>{now}</pubDate></item>"
        );
        let prose = format!("Queue {n} was full, and every worker waited for the lock. ").repeat(20);
        let page =
            format!("<!doctype html><title>{title}</title><article><h1>{title}</h1><p>{prose}</p></article>");
        documents.insert(format!("acme.example/{n}"), Document::page(&page));
    }
    let feed = format!("<rss version=\"2.0\"><channel><title>Acme</title>{items}</channel></rss>");
    documents.insert("acme.example/feed".to_owned(), Document::new("application/rss+xml", feed));
    web.put(documents);
}

fn assert_signed(posted: &Posted, key: &str) {
    let key = STANDARD.decode(key.strip_prefix("whsec_").unwrap()).unwrap();
    let signed =
        format!("{}.{}.{}", posted.header("webhook-id"), posted.header("webhook-timestamp"), posted.body);
    let tag = STANDARD.decode(posted.header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes(), &tag).unwrap();
}

async fn assert_told(database: Option<&Database>) {
    let (chat, web) = (StandInChat::start().unwrap(), MadeUpWeb::start([].into()).unwrap());
    publish(&web, 1);
    let mut flags = web.arguments();
    flags.extend(database.map(|database| format!("--database={}", database.url())));
    let archive = Archive::new(flags).unwrap();
    archive.done(&["follow", "http://acme.example/feed"]).unwrap();
    archive.done(&["sync"]).unwrap();

    let url = chat.url("/hooks/very-secret");
    let refused = archive.run(&["webhook", "add", "http://10.0.0.1/", "--event", "week.closed"]).unwrap();
    assert!(refused.code == 1 && refused.err.contains("https://"), "{}", refused.err);
    let added = archive
        .json(&["webhook", "add", &url, "--event", "read.annotated", "--event", "week.closed"])
        .unwrap();
    let key = added["key"].as_str().unwrap();
    let twice = archive.run(&["webhook", "add", &url, "--event", "week.closed"]).unwrap();
    assert!(twice.code == 1 && twice.err.contains("webhook 1 has this address already"), "{}", twice.err);
    let list = || archive.json(&["webhook", "list"]).unwrap()[0].clone();
    assert_eq!(
        (&list()["last"], &list()["waiting"]),
        (&Value::Null, &json!(0)),
        "what was there is not told"
    );
    chat.answer(503, "very-secret is busy");
    publish(&web, 2);
    archive.done(&["sync"]).unwrap();
    assert_eq!(list()["waiting"], 1, "it waits for a process that delivers it");

    let served = archive.serve(&[]).unwrap();
    let first = chat.next().unwrap();
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/hooks/very-secret"));
    assert_signed(&first, key);
    let message = first.json().unwrap();
    assert_eq!((&message["type"], &message["webhook"]), (&json!("read.annotated"), &json!(1)));
    assert_eq!(message["id"], first.header("webhook-id"), "the same for each attempt");
    assert_eq!(message["data"]["read"]["title"], "How queue 2 filled up");
    served.stop().unwrap();
    let failed = list();
    assert_eq!((&failed["waiting"], &failed["last"]["accepted"]), (&json!(1), &json!(false)), "{failed}");
    assert!(failed["last"]["answer"].as_str().unwrap().contains("503"), "{failed}");
    assert!(!failed.to_string().contains("very-secret"), "{failed}");
    assert_eq!(chat.others(), 0, "it is due later");

    // The test is delivered at once, what failed later.
    chat.answer(200, "thanks");
    let tested = archive.done(&["webhook", "test", "1"]).unwrap();
    assert!(tested.contains("200 OK"), "{tested}");
    assert_eq!(chat.next().unwrap().json().unwrap()["type"], "webhook.test");
    match database {
        Some(database) => database.run(DUE_NOW).unwrap(),
        None => {
            let file = SqliteConnectOptions::new().filename(archive.folder().join("archive.sqlite"));
            let mut file = file.connect().await.unwrap();
            file.execute(DUE_NOW).await.unwrap();
            file.close().await.unwrap();
        }
    }
    // One of several processes delivers it.
    let worker = database.map(|_| {
        let mut command = archive.command(&["work"]);
        let mut worker = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(worker.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(log.any(|line| line.contains("works on")), "the worker did not start");
        (worker, log)
    });
    let served = archive.serve(&[]).unwrap();
    let again = chat.next().unwrap();
    assert_eq!((again.header("webhook-id"), &again.body), (first.header("webhook-id"), &first.body));
    assert_signed(&again, key);
    let client = client();
    served.until_idle(&client).await.unwrap();
    let page = client.get(served.url("/settings")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("read.annotated, week.closed") && !page.contains("very-secret"), "{page}");
    served.stop().unwrap();
    if let Some((mut worker, _log)) = worker {
        terminate(&worker).unwrap();
        assert!(wait(&mut worker).unwrap().success());
    }
    assert_eq!(chat.others(), 0, "once");
    assert_eq!((&list()["waiting"], &list()["last"]["accepted"]), (&json!(0), &json!(true)));
    archive.done(&["webhook", "remove", "1"]).unwrap();
    assert_eq!(archive.run(&["webhook", "test", "1"]).unwrap().code, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_is_told_once_and_again_after_a_failure_on_sqlite() {
    assert_told(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_is_told_once_and_again_after_a_failure_on_postgresql() {
    needs!(Postgres);
    assert_told(Some(&Database::create().unwrap())).await;
}
