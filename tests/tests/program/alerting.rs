//! Saved searches: new reads that answer them are marked and counted, and alerts are sent.

use std::process::Stdio;

use backissue_tests::made_up_web::{Document, MadeUpWeb};
use backissue_tests::program::{Archive, client, terminate, wait};
use backissue_tests::stand_in_chat::StandInChat;
use jiff::Timestamp;
use serde_json::json;

/// A blog whose feed grows, an archive that follows it, and a configuration with a webhook.
struct Desk {
    web: MadeUpWeb,
    archive: Archive,
    posts: Vec<(&'static str, &'static str)>,
    _folder: tempfile::TempDir,
}

const OLD: (&str, &str) =
    ("A retry storm of last year", "Clients retried at once, and the retry storm took the gateway down. ");
const STORM: (&str, &str) = (
    "How a retry storm emptied our connection pool",
    "Every client retried at the same moment, and the retry storm held all connections. ",
);
const PRINTER: (&str, &str) =
    ("Printing labels in the warehouse", "The printer of the warehouse writes labels on paper rolls. ");

impl Desk {
    fn new(chat: &StandInChat) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let config = format!(
            "gather_answers = \"1s\"\n[[recipient]]\nname = \"ops\"\nchat = \"webhook\"\nurl = \"{}\"\n\
             [[recipient]]\nname = \"reader\"\nchat = \"webhook\"\nurl = \"{}\"\nsearch = \"storms\"\nmine = true\n",
            chat.url("/ops"),
            chat.url("/reader")
        );
        std::fs::write(&file, config).unwrap();
        let web = MadeUpWeb::start([].into()).unwrap();
        let mut flags = web.arguments();
        flags.extend(["--config".to_owned(), file.display().to_string()]);
        let archive = Archive::new(flags).unwrap();
        let mut desk = Self { web, archive, posts: Vec::new(), _folder: folder };
        desk.publish(&[OLD]);
        desk.archive.done(&["follow", "http://acme.example/feed"]).unwrap();
        desk.archive.done(&["sync"]).unwrap();
        desk
    }

    fn publish(&mut self, posts: &[(&'static str, &'static str)]) {
        self.posts.extend(posts);
        let now = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let items: String = self
            .posts
            .iter()
            .enumerate()
            .map(|(n, (title, _))| {
                format!("<item><title>{title}</title><link>http://acme.example/{n}</link><pubDate>{now}</pubDate></item>")
            })
            .collect();
        let feed = format!("<rss version=\"2.0\"><channel><title>Acme</title>{items}</channel></rss>");
        let mut documents = backissue_tests::made_up_web::Documents::new();
        documents.insert("acme.example/feed".to_owned(), Document::new("application/rss+xml", feed));
        for (n, (title, prose)) in self.posts.iter().enumerate() {
            let page = format!(
                "<!doctype html><title>{title}</title><article><h1>{title}</h1><p>{}</p></article>",
                prose.repeat(20)
            );
            documents.insert(format!("acme.example/{n}"), Document::page(&page));
        }
        self.web.put(documents);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_answers_to_saved_searches_are_marked_and_sent_once() {
    let chat = StandInChat::start().unwrap();
    let mut desk = Desk::new(&chat);
    let archive = &desk.archive;
    archive.done(&["searches", "add", "storms", "who had retry storms", "--to", "ops"]).unwrap();
    archive.done(&["searches", "add", "paper", "kind:tutorial", "nothing", "like", "this"]).unwrap();
    let said = archive.run(&["searches", "add", "storms", "again"]).unwrap();
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("another saved search is called “storms”"), "{}", said.err);
    let said = archive.run(&["searches", "add", "x", "y", "--to", "nobody"]).unwrap();
    assert!(said.err.contains("no recipient is called `nobody`"), "{}", said.err);
    let said = archive.run(&["searches", "remove", "storm"]).unwrap();
    assert_eq!((said.code, said.err.contains("storms")), (3, true), "{}", said.err);
    let listed = archive.json(&["searches"]).unwrap();
    let unseen: Vec<_> = listed.as_array().unwrap().iter().map(|search| &search["unseen"]).collect();
    assert_eq!(unseen, [&json!(0), &json!(0)], "what was there is not new");

    desk.publish(&[STORM, PRINTER]);
    let archive = &desk.archive;
    archive.done(&["sync"]).unwrap();
    let served = archive.serve(&[]).unwrap();
    let client = client();
    served.until_searchable(&client, 3).await.unwrap();
    let posted = chat.next().unwrap();
    let message = posted.json().unwrap();
    assert_eq!(
        (posted.path.as_str(), &message["type"], &message["reads"]),
        ("/ops", &json!("answers"), &json!(1))
    );
    assert_eq!(message["first"][0]["title"], STORM.0);
    assert_eq!(message["first"][0]["remark"], "Answers “storms”.");

    let text = async |path: &str| client.get(served.url(path)).send().await.unwrap().text().await.unwrap();
    let week = text("/").await;
    assert_eq!(week.matches("<em>storms</em>").count(), 1, "only the new read is marked: {week}");
    let page = text("/searches").await;
    assert!(page.contains("<strong>1</strong>") || page.contains("<strong>1 new</strong>"), "{page}");
    assert!(page.contains(STORM.0) && !page.contains(OLD.0), "{page}");
    assert!(text("/search.atom?q=who+had+retry+storms").await.contains(STORM.0));
    served.stop().unwrap();
    assert_eq!(chat.others(), 0, "one message");

    // After a restart the answer is not sent again; a later one goes out alone.
    desk.publish(&[("A second retry storm", "The retry storm came back when clients retried again. ")]);
    let archive = &desk.archive;
    archive.done(&["sync"]).unwrap();
    let served = archive.serve(&[]).unwrap();
    let message = chat.next().unwrap().json().unwrap();
    assert_eq!(
        (&message["reads"], &message["first"][0]["title"]),
        (&json!(1), &json!("A second retry storm"))
    );
    served.stop().unwrap();
    assert_eq!(chat.others(), 0);
    let listed = archive.json(&["searches", "list"]).unwrap();
    let storms = listed.as_array().unwrap().iter().find(|search| search["name"] == "storms").unwrap();
    assert_eq!((&storms["unseen"], &storms["to"]), (&json!(2), &json!("ops")));
    let said = archive.done(&["send"]).unwrap();
    let ops: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("ops")).skip(1).take(2).collect();
    assert!(ops[0].contains("no week was sent yet") && ops[1].contains("new answers were sent"), "{said}");
}

#[test]
fn alerts_go_out_from_a_process_without_pages() {
    let chat = StandInChat::start().unwrap();
    let mut desk = Desk::new(&chat);
    desk.archive.done(&["searches", "add", "storms", "who had retry storms", "--to", "ops"]).unwrap();
    desk.publish(&[STORM, PRINTER]);
    let archive = &desk.archive;
    archive.done(&["sync"]).unwrap();
    let mut command = archive.command(&["work"]);
    let mut worker = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let posted = chat.next().unwrap();
    let message = posted.json().unwrap();
    assert_eq!((posted.path.as_str(), &message["first"][0]["title"]), ("/ops", &json!(STORM.0)));
    terminate(&worker).unwrap();
    assert!(wait(&mut worker).unwrap().success());
    assert_eq!(chat.others(), 0, "one message");
}

#[test]
fn recipient_gets_the_answers_of_a_week_to_a_saved_search() {
    let chat = StandInChat::start().unwrap();
    let mut desk = Desk::new(&chat);
    desk.publish(&[STORM, PRINTER]);
    let archive = &desk.archive;
    archive.done(&["sync"]).unwrap();
    let week = backissue_model::Week::of(Timestamp::now(), &jiff::tz::TimeZone::UTC).to_string();
    let send = ["send", "--to", "reader", "--week", &week, "--dry-run"];
    let said = archive.run(&send).unwrap();
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("no saved search has this name"), "{}", said.err);
    let doctor = archive.run(&["doctor"]).unwrap();
    assert!(doctor.out.contains("reader gets the answers to “storms”"), "{}", doctor.out);
    archive.done(&["searches", "add", "storms", "retry storms"]).unwrap();
    let said = archive.done(&send).unwrap();
    assert!(said.contains(STORM.0) && said.contains(OLD.0), "of the whole week, not only new reads: {said}");
    assert!(!said.contains(PRINTER.0), "{said}");
}

#[test]
fn saved_searches_survive_export_and_import() {
    let chat = StandInChat::start().unwrap();
    let (one, two) = (Desk::new(&chat), Desk::new(&chat));
    one.archive.done(&["searches", "add", "storms", "who had retry storms", "--to", "ops"]).unwrap();
    one.archive.done(&["searches", "add", "outages", "kind:incident"]).unwrap();
    let file = one.archive.folder().join("mine.json");
    let file = file.to_str().unwrap();
    one.archive.done(&["export", "--mine", file]).unwrap();
    two.archive.done(&["searches", "add", "outages", "kind:tutorial"]).unwrap();
    let said = two.archive.run(&["import", file]).unwrap();
    assert_eq!(said.code, 4, "{}", said.out);
    assert!(said.out.contains("“outages” was not imported: another saved search"), "{}", said.out);
    two.archive.done(&["searches", "rename", "outages", "guides"]).unwrap();
    two.archive.done(&["import", file]).unwrap();
    let listed = two.archive.json(&["searches"]).unwrap();
    let names: Vec<_> =
        listed.as_array().unwrap().iter().map(|search| search["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["guides", "outages", "storms"]);
}
