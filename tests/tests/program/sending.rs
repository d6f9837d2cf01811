//! Sending weeks: to a real mail server and to chat servers, both on loopback.

use std::path::PathBuf;
use std::process::Stdio;

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::database::Database;
use backissue_tests::made_up_web::{Document, MadeUpWeb};
use backissue_tests::program::{Archive, Said, Served, client, wait};
use backissue_tests::stand_in_chat::StandInChat;
use backissue_tests::stand_in_smtp::{Mood, PASSWORD, Security, StandInSmtp, Taken, USER};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};
use ring::hmac;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::publishing::Blog;

const WEEK: &str = "2026-W20";
const TITLE: &str = "How the queue of billing filled up";

/// An archive with one read of week 20 and a configuration file.
struct Office {
    archive: Archive,
    config: PathBuf,
    _folder: tempfile::TempDir,
}

impl Office {
    fn new(config: &str, more: &[String]) -> Self {
        Self::with_read_of(config, more, "2026-05-12T09:00:00Z".parse().unwrap())
    }

    fn with_read_of(config: &str, more: &[String], published: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let prose = "The queue was full, and every worker waited for the one that held the lock. ".repeat(20);
        let page = format!(
            "<!doctype html><title>{TITLE}</title><article><h1>{TITLE}</h1><time datetime=\"{published}\">then</time>\
             <p>{prose}</p></article>"
        );
        let feed = format!(
            "<rss version=\"2.0\"><channel><title>Acme</title><item><title>{TITLE}</title>\
             <link>http://acme.example/queue</link><pubDate>{}</pubDate></item></channel></rss>",
            published.strftime("%a, %d %b %Y %H:%M:%S GMT")
        );
        let documents = [
            ("acme.example/feed".to_owned(), Document::new("application/rss+xml", feed)),
            ("acme.example/queue".to_owned(), Document::page(&page)),
        ];
        let web = MadeUpWeb::start(documents.into()).unwrap();
        let mut flags = web.arguments();
        flags.extend(["--config".to_owned(), file.display().to_string()]);
        flags.extend_from_slice(more);
        let archive = Archive::new(flags).unwrap();
        archive.done(&["follow", "http://acme.example/feed"]).unwrap();
        archive.done(&["sync"]).unwrap();
        Self { archive, config: file, _folder: folder }
    }

    /// Ends the lease of a killed process, or the pause after a failure.
    async fn make_due(&self) {
        let options = SqliteConnectOptions::new().filename(self.archive.folder().join("archive.sqlite"));
        let mut file = options.connect().await.unwrap();
        file.execute("UPDATE sending SET due_at = 1").await.unwrap();
        file.close().await.unwrap();
    }

    /// Makes all recipients known for long, so that what a schedule missed is made up.
    async fn age_recipients(&self) {
        let options = SqliteConnectOptions::new().filename(self.archive.folder().join("archive.sqlite"));
        let mut file = options.connect().await.unwrap();
        file.execute("UPDATE recipient SET since = 1").await.unwrap();
        file.close().await.unwrap();
    }

    fn configure(&self, config: &str) {
        std::fs::write(&self.config, config).unwrap();
    }

    /// Runs `backissue send` for one recipient.
    fn send(&self, to: &str, more: &[&str]) -> Said {
        let words = [&["send", "--to", to, "--week", WEEK], more].concat();
        self.archive.run(&words).unwrap()
    }
}

fn mail_config(scheme: &str, server: &StandInSmtp, password: &str) -> String {
    format!(
        "[mail]\nserver = \"{scheme}://localhost:{}\"\nuser = \"{USER}\"\npassword = \"{password}\"\n\
         from = \"Backissue <weeks@reads.example>\"\n\
         [[recipient]]\nname = \"team\"\nmail = \"team@acme.example\"\n",
        server.port()
    )
}

/// The configuration of a mail server without TLS and without a login.
fn plain_config(server: &StandInSmtp, more: &str) -> String {
    format!(
        "[mail]\nserver = \"smtp://localhost:{}\"\nfrom = \"weeks@reads.example\"\n\
         [[recipient]]\nname = \"team\"\nmail = \"team@acme.example\"\ntime_zone = \"UTC\"\n{more}",
        server.port()
    )
}

fn trusting(server: &StandInSmtp) -> Vec<String> {
    vec!["--ca".to_owned(), server.authority().display().to_string()]
}

/// The value of a header of a mail, its lines joined.
fn field(mail: &Taken, name: &str) -> String {
    let head = mail.text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
    let line =
        head.lines().find(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
    line.map(|line| line[name.len() + 1..].trim().to_owned()).unwrap_or_default()
}

/// The texts of the parts of a mail, decoded from quoted-printable or base64.
fn parts(mail: &Taken) -> Vec<String> {
    let kind = field(mail, "Content-Type");
    let boundary = kind.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let body = mail.text.split_once("\r\n\r\n").unwrap().1;
    let line = format!("--{boundary}");
    let parts = body.split(&line).skip(1).filter(|part| !part.starts_with("--"));
    parts
        .map(|part| {
            let (head, body) = part.trim_start().split_once("\r\n\r\n").unwrap();
            if head.to_lowercase().contains("base64") {
                let bytes = STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap();
                return String::from_utf8(bytes).unwrap();
            }
            let mut bytes = Vec::new();
            let soft = body.replace("=\r\n", "");
            let mut rest = soft.as_bytes();
            let is_coded = head.to_lowercase().contains("quoted-printable");
            while let Some((first, others)) = rest.split_first() {
                if *first == b'=' && is_coded {
                    let digits = std::str::from_utf8(&others[..2]).unwrap();
                    bytes.push(u8::from_str_radix(digits, 16).unwrap());
                    rest = &others[2..];
                } else {
                    bytes.push(*first);
                    rest = others;
                }
            }
            String::from_utf8(bytes).unwrap()
        })
        .collect()
}

#[test]
fn week_is_mailed_once_over_tls_and_again_only_on_demand() {
    for (security, scheme) in [(Security::StartTls, "smtp"), (Security::Tls, "smtps")] {
        let server = StandInSmtp::start(security).unwrap();
        let base = ["--base-url".to_owned(), "https://reads.example/".to_owned()];
        let office = Office::new(
            &mail_config(scheme, &server, PASSWORD),
            &[trusting(&server), base.to_vec()].concat(),
        );
        let shown = office.send("team", &["--dry-run"]);
        assert_eq!((shown.code, server.others()), (0, 0), "{}", shown.err);
        let sent = office.send("team", &[]);
        assert_eq!(sent.code, 0, "{scheme}: {}{}", sent.out, sent.err);
        let mail = server.next().unwrap();
        assert_eq!((mail.to.as_slice(), mail.over_tls), (["team@acme.example".to_owned()].as_slice(), true));
        assert_eq!(mail.user.as_deref(), Some(USER));
        assert_eq!(field(&mail, "From"), "Backissue <weeks@reads.example>");
        assert!(field(&mail, "Subject").starts_with("Week 20 of 2026"), "{}", field(&mail, "Subject"));
        assert_eq!(field(&mail, "List-Id"), "<weeks.reads.example>");
        let stop = field(&mail, "List-Unsubscribe");
        assert!(stop.starts_with("<https://reads.example/unsubscribe/") && stop.len() > 80, "{stop}");
        assert_eq!(field(&mail, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        assert!(field(&mail, "Content-Type").starts_with("multipart/alternative"));
        let [text, html] = parts(&mail).try_into().unwrap();
        assert!(text.contains(TITLE) && text.contains("http://acme.example/queue"), "{text}");
        assert!(
            html.contains(TITLE) && html.starts_with("<!DOCTYPE html>") && !html.contains("<img"),
            "{html}"
        );
        assert!(shown.out.contains(&field(&mail, "Message-ID")), "{}", shown.out);
        let placeholder = shown.out.contains("<https://reads.example/unsubscribe/TOKEN>");
        assert!(placeholder && !shown.out.contains(stop.trim_matches(['<', '>'])), "{}", shown.out);

        let twice = office.send("team", &[]);
        assert!(twice.code == 0 && twice.out.contains("was sent"), "{}", twice.out);
        assert_eq!(server.others(), 0, "nothing is sent twice");
        assert_eq!(office.send("team", &["--again"]).code, 0);
        let again = field(&server.next().unwrap(), "Message-ID");
        assert_ne!(again, field(&mail, "Message-ID"), "a program that knows the mail would drop it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_fits_the_screen_and_loads_nothing_in_a_browser() {
    needs!(Browser);
    let server = StandInSmtp::start(Security::StartTls).unwrap();
    let office = Office::new(&mail_config("smtp", &server, PASSWORD), &trusting(&server));
    assert_eq!(office.send("team", &[]).code, 0);
    let [_, html] = parts(&server.next().unwrap()).try_into().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mail.html");
    std::fs::write(&file, html).unwrap();
    let browser = Browser::start().await.unwrap();
    for (width, height) in [(360, 780), (1440, 900)] {
        for colours in [Colours::Light, Colours::Dark] {
            browser.look_like(width, height, colours).await.unwrap();
            browser.window.goto(&format!("file://{}", file.display())).await.unwrap();
            let about = format!("{width} {colours:?}");
            let wide = browser.evaluate("document.documentElement.scrollWidth - innerWidth").await.unwrap();
            assert_eq!(wide, 0, "{about}: nothing is wider than the screen");
            let loaded = browser.evaluate("performance.getEntriesByType('resource').length").await.unwrap();
            assert_eq!(loaded, 0, "{about}: nothing is loaded");
            assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new(), "{about}");
            let shown = browser.evaluate("document.querySelector('h1').innerText").await.unwrap();
            assert!(shown.as_str().unwrap().starts_with("Week 20 of 2026"), "{about}: {shown}");
            // The channel red of paper and ink.
            let red = |property: &str| {
                format!(
                    "Number(getComputedStyle(document.querySelector('.sheet')).{property}.match(/\\d+/)[0])"
                )
            };
            let paper = browser.evaluate(&red("backgroundColor")).await.unwrap().as_i64().unwrap();
            let ink = browser.evaluate(&red("color")).await.unwrap().as_i64().unwrap();
            match colours {
                Colours::Light => assert!(ink < 60, "{about}: dark ink, {ink}"),
                Colours::Dark => assert!(paper < 60 && ink > 200, "{about}: {ink} on {paper}"),
            }
        }
    }
}

#[test]
fn what_fails_is_told_with_its_remedy_and_without_secrets() {
    let server = StandInSmtp::start(Security::StartTls).unwrap();
    let office = Office::new(&mail_config("smtp", &server, "a wrong password"), &trusting(&server));
    let told = |said: &Said, remedy: &str, code: i32| {
        let all = format!("{}{}", said.out, said.err);
        assert_eq!(said.code, code, "{all}");
        assert!(all.contains(remedy) && !all.contains("wrong password"), "{all}");
    };
    told(&office.send("team", &[]), "check `user` and `password` in [mail]", 4);
    let waiting = office.archive.json(&["send"]).unwrap();
    assert!(waiting[0]["next"].is_string() && waiting[0]["unsubscribed"].is_null(), "{waiting}");
    office.configure(&mail_config("smtp", &server, PASSWORD));
    told(&office.send("team", &[]), "waits until", 4);
    server.set_mood(Mood::RefusesAll);
    told(&office.send("team", &["--again"]), "check the recipient", 1);
    server.set_mood(Mood::Full);
    told(&office.send("team", &["--again"]), "tries again after", 4);
    told(&office.send("team", &[]), "waits until", 4);
    assert_eq!(server.others(), 0);
    let state = office.archive.json(&["send"]).unwrap();
    assert!(state[0]["error"].as_str().unwrap().contains("system storage"), "{state}");
    let doctor = office.archive.run(&["doctor"]).unwrap();
    assert!(doctor.out.contains("system storage"), "{}", doctor.out);
    server.set_mood(Mood::Takes);
    told(&office.send("team", &["--again"]), "sent to team", 0);
    server.next().unwrap();

    let nobody = "[mail]\nserver = \"smtp://localhost:9\"\nfrom = \"weeks@reads.example\"\n\
                  [[recipient]]\nname = \"team\"\nmail = \"team@acme.example\"\n";
    office.configure(nobody);
    told(&office.send("team", &["--again"]), "check `server` in [mail]", 4);
    told(&office.send("team", &[]), "--again does not wait", 4);
    let plain = StandInSmtp::start(Security::Plain).unwrap();
    office.configure(&mail_config("smtps", &plain, PASSWORD));
    told(&office.send("team", &["--again"]), "write smtp:// in `server` in [mail]", 4);
    office.configure(nobody);
    told(&office.send("taem", &[]), "did you mean", 3);
    let wrong = [
        (nobody.replace("smtp:", "http:"), "smtps://"),
        (nobody.replace("smtp://localhost", "smtps://me:pw@mail.acme.example"), "holds a password"),
        (nobody.replace("weeks@reads.example", "weeks"), "Name <name@example.org>"),
        (nobody.replace("team@acme.example", "team at acme"), "no mail address"),
        (nobody.replace("team@acme.example", "ünï@bücher.example"), "plain letters before the @"),
        (nobody.replace("[mail]", "[letters]"), "letters"),
        (nobody.replace("mail = ", "fax = "), "fax"),
    ];
    for (config, remedy) in wrong {
        office.configure(&config);
        told(&office.send("team", &[]), remedy, 1);
    }
}

#[test]
fn each_recipient_has_a_name_that_nobody_else_has() {
    let row = |name: &str| {
        format!("[[recipient]]\nname = \"{name}\"\nchat = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\n")
    };
    let office = Office::new(&row("team"), &[]);
    for (name, remedy) in [
        ("team", "two recipients are called `team`; rename one of them"),
        ("reader/1", "are those of subscribers and readers; rename it"),
        ("subscriber/ops", "are those of subscribers and readers; rename it"),
    ] {
        office.configure(&(row("team") + &row(name)));
        for refused in [office.archive.run(&["send"]).unwrap(), office.send(name, &[])] {
            assert!(refused.code == 1 && refused.err.contains(remedy), "{}{}", refused.out, refused.err);
        }
        let doctor = office.archive.run(&["doctor"]).unwrap().out;
        assert_eq!(doctor.matches(remedy).count(), 1, "{doctor}");
    }
}

#[test]
fn nothing_more_is_sent_to_a_mailbox_that_does_not_exist() {
    let server = StandInSmtp::start(Security::Plain).unwrap();
    let office = Office::new(&plain_config(&server, ""), &[]);
    server.set_mood(Mood::KnowsNobody);
    let bounced = office.send("team", &[]);
    assert_eq!(bounced.code, 1, "{}{}", bounced.out, bounced.err);
    let said = format!("{}{}", bounced.out, bounced.err);
    assert!(said.contains("no mailbox team@acme.example") && said.contains("--to team --resume"), "{said}");
    for told in [office.archive.done(&["send"]).unwrap(), office.archive.run(&["doctor"]).unwrap().out] {
        assert!(told.contains("no mailbox team@acme.example"), "{told}");
    }
    server.set_mood(Mood::Takes);
    let stopped = office.send("team", &["--again"]);
    assert!(stopped.code == 1 && stopped.out.contains("was unsubscribed"), "{}{}", stopped.out, stopped.err);
    assert_eq!(server.others(), 0);
    office.archive.done(&["send", "--to", "team", "--resume"]).unwrap();
    assert_eq!(office.send("team", &["--again"]).code, 0);
    server.next().unwrap();
}

#[cfg(unix)]
#[test]
fn week_goes_out_by_this_machines_program() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    // Keeps what it gets, and ends with the code that it is told.
    let script = format!(
        "#!/bin/sh\ncd '{}'\necho \"$@\" > words\ncat > mail\necho 'no such user here' >&2\nexit $(cat code)\n",
        folder.path().display()
    );
    std::fs::write(file("sendmail"), script).unwrap();
    std::fs::set_permissions(file("sendmail"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = |program: &str| {
        format!(
            "[mail]\nserver = \"sendmail:{}\"\nfrom = \"Backissue <weeks@reads.example>\"\n\
             [[recipient]]\nname = \"team\"\nmail = \"team@acme.example\"\n",
            file(program).display()
        )
    };
    let office = Office::new(&config("sendmail"), &[]);
    let send = |code: &str| {
        std::fs::write(file("code"), code).unwrap();
        let said = office.send("team", &["--again"]);
        (said.code, format!("{}{}", said.out, said.err))
    };
    assert_eq!(send("0").0, 0);
    let words = std::fs::read_to_string(file("words")).unwrap();
    assert_eq!(words, "-i -f weeks@reads.example -- team@acme.example\n");
    let mail = std::fs::read_to_string(file("mail")).unwrap();
    assert!(mail.contains(TITLE) && mail.contains("List-Id: ") && !mail.contains('\r'), "{mail}");
    for (code, exit, remedy) in [("75", 4, "tries again"), ("69", 1, "refused"), ("67", 1, "--resume")] {
        let (ended, said) = send(code);
        assert!(
            ended == exit && said.contains(remedy) && said.contains("no such user here"),
            "{code}: {said}"
        );
    }
    office.configure(&config("sentmail"));
    office.archive.done(&["send", "--to", "team", "--resume"]).unwrap();
    let (ended, said) = send("0");
    assert!(ended == 1 && said.contains("sentmail") && said.contains("name the file"), "{said}");
}

#[test]
fn each_reader_gets_the_own_part_of_a_week() {
    let blog = Blog::with(&["aardvark", "bittern", "cassowary", "dormouse"]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let recipient = |name: &str, choice: &str| {
        format!(
            "[[recipient]]\nname = \"{name}\"\nchat = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\nreader = \"ann\"\n{choice}\n"
        )
    };
    let all = recipient("concepts", "my_concepts = true") + &recipient("birds", "search = \"birds\"");
    std::fs::write(&config, all).unwrap();
    let config = config.display().to_string();
    let run = |words: &[&str]| {
        let said = blog.archive.run(&[&["--config", config.as_str()], words].concat()).unwrap();
        format!("{}{}", said.out, said.err)
    };
    let preview = |to: &str, week: &str| run(&["send", "--to", to, "--week", week, "--dry-run"]);

    for said in [preview("concepts", "2026-W02"), run(&["doctor"])] {
        assert!(said.contains("for the reader ann, and there is none"), "{said}");
    }
    run(&["reader", "add", "ann"]);
    run(&["searches", "add", "birds", "bittern"]);
    let lacking = preview("birds", "2026-W03");
    assert!(lacking.contains("no saved search has this name"), "the operator's is another's: {lacking}");
    run(&["searches", "add", "birds", "bittern", "--reader", "ann"]);
    let (found, others) = (preview("birds", "2026-W03"), preview("birds", "2026-W02"));
    assert!(found.contains("How bittern") && !others.contains("How aardvark"), "{found}{others}");

    let reads = ["aardvark", "bittern", "cassowary", "dormouse"].map(|name| blog.read(name));
    for read in &reads[..3] {
        run(&["correct", read, "--concepts", "message-queues"]);
        run(&["keep", read, "--reader", "ann"]);
    }
    run(&["correct", &reads[3], "--concepts", "caching"]);
    assert!(preview("concepts", "2026-W02").contains("How aardvark"));
    let others = preview("concepts", "2026-W05");
    assert!(!others.contains("How dormouse"), "{others}");
}

#[tokio::test]
async fn recipient_gets_a_week_twice_at_most_despite_kills() {
    let server = StandInSmtp::start(Security::Plain).unwrap();
    let office = Office::new(&plain_config(&server, ""), &[]);
    server.set_mood(Mood::Silent);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut command = office.archive.command(&["send", "--to", "team", "--week", WEEK]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        ids.push(field(&server.next().unwrap(), "Message-ID"));
        child.kill().unwrap();
        wait(&mut child).unwrap();
        let held = office.send("team", &[]);
        assert!(held.code == 4 && held.out.contains("another process"), "{}{}", held.out, held.err);
        let listed = office.archive.done(&["send"]).unwrap();
        assert!(listed.contains("is being sent, or its process ended"), "{listed}");
        assert_eq!(office.send("team", &["--again"]).code, 4, "nor by hand while another may be sending");
        office.make_due().await;
    }
    assert_eq!(ids[0], ids[1]);
    server.set_mood(Mood::Takes);
    for remedy in ["no answer came to two attempts", "--again tries once more"] {
        let given_up = office.send("team", &[]);
        assert!(given_up.code == 1 && given_up.out.contains(remedy), "{}{}", given_up.out, given_up.err);
    }
    assert_eq!(server.others(), 0, "not a third time");
    assert_eq!(office.send("team", &["--again"]).code, 0);
    server.next().unwrap();
}

#[tokio::test]
async fn second_attempt_without_an_answer_is_the_last() {
    let server = StandInSmtp::start(Security::Plain).unwrap();
    let office = Office::new(&plain_config(&server, ""), &[]);
    server.set_mood(Mood::HangsUp);
    for (code, told) in [
        (4, "tries again after"),
        (1, "no answer came to two attempts"),
        (1, "no answer came to two attempts"),
    ] {
        let said = office.send("team", &[]);
        assert!(said.code == code && said.out.contains(told), "{}{}", said.out, said.err);
        office.make_due().await;
    }
    assert_eq!(server.others(), 2, "not a third time");
    for told in [office.archive.done(&["send"]).unwrap(), office.archive.run(&["doctor"]).unwrap().out] {
        assert!(told.contains("no answer came to two attempts") && told.contains("--again"), "{told}");
    }
}

#[test]
fn chats_get_what_a_dry_run_shows() {
    let chat = StandInChat::start().unwrap();
    let secret = "whsec_YSBzZWNyZXQga2V5IG9mIHRoZSB0ZXN0cw==";
    let recipient = |service: &str, more: &str| {
        let url = chat.url(&format!("/hooks/{service}-secret"));
        format!("[[recipient]]\nname = \"{service}\"\nchat = \"{service}\"\nurl = \"{url}\"\n{more}\n")
    };
    let config = [
        recipient("webhook", &format!("key = \"{secret}\"")),
        recipient("slack", ""),
        recipient("discord", ""),
        recipient("mattermost", ""),
        recipient("teams", ""),
        format!(
            "[[recipient]]\nname = \"matrix\"\nchat = \"matrix\"\nurl = \"{}\"\nkey = \"syt_token\"\nroom = \"!room:acme.example\"\n",
            chat.url("")
        ),
    ];
    let office = Office::new(&config.concat(), &[]);
    for service in ["webhook", "slack", "discord", "mattermost", "teams", "matrix"] {
        let shown = office.send(service, &["--dry-run"]);
        assert_eq!(shown.code, 0, "{}", shown.err);
        assert!(!shown.out.contains("-secret") && !shown.out.contains("syt_token"), "{}", shown.out);
        assert_eq!(chat.others(), 0, "a dry run sends nothing");
        let sent = office.send(service, &[]);
        assert_eq!(sent.code, 0, "{service}: {}{}", sent.out, sent.err);
        let posted = chat.next().unwrap();
        let body = shown.out.split_once("\n\n").unwrap().1;
        assert_eq!(
            posted.json().unwrap(),
            serde_json::from_str::<serde_json::Value>(body).unwrap(),
            "{service}"
        );
        assert!(posted.body.contains("queue of billing"), "{service}: {}", posted.body);
        match service {
            "webhook" => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret key of the tests");
                let signed = format!(
                    "{}.{}.{}",
                    posted.header("webhook-id"),
                    posted.header("webhook-timestamp"),
                    posted.body
                );
                let tag =
                    STANDARD.decode(posted.header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
                hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
            }
            "matrix" => {
                assert_eq!(posted.method, "PUT");
                assert_eq!(posted.header("authorization"), "Bearer syt_token");
                let room = "/_matrix/client/v3/rooms/!room:acme.example/send/m.room.message/";
                assert!(posted.path.starts_with(room), "{}", posted.path);
                office.send(service, &["--again"]);
                assert_ne!(chat.next().unwrap().path, posted.path, "the server would drop it");
            }
            _ => assert_eq!(posted.path, format!("/hooks/{service}-secret")),
        }
    }
}

#[test]
fn refusals_of_chat_servers_are_told_without_the_secret_address() {
    let chat = StandInChat::start().unwrap();
    let url = chat.url("/hooks/T000-secret");
    let office =
        Office::new(&format!("[[recipient]]\nname = \"ops\"\nchat = \"slack\"\nurl = \"{url}\"\n"), &[]);
    for (status, said, code, told) in [
        (404, "no_service for /hooks/T000-secret", 1, "no_service"),
        (429, "slow down", 4, "tries again after"),
        (503, "later", 4, "tries again after"),
        (302, "elsewhere", 1, "302"),
    ] {
        chat.answer(status, said);
        let failed = office.send("ops", &["--again"]);
        let all = format!("{}{}", failed.out, failed.err);
        assert_eq!(failed.code, code, "{status}: {all}");
        assert!(all.contains(told), "{status}: {all}");
        let is_gone = matches!(status, 302 | 404);
        assert_eq!(all.contains("set its address in `url`"), is_gone, "{status}: {all}");
        assert!(!all.contains("T000-secret"), "{status}: {all}");
        let next = office.archive.json(&["send"]).unwrap();
        assert!(!next.to_string().contains("T000-secret"), "{next}");
        if status == 429 {
            // The server asked for an hour; the usual first pause is five minutes.
            let at: Timestamp = next[0]["next"].as_str().unwrap().parse().unwrap();
            assert!(at > Timestamp::now() + SignedDuration::from_mins(50), "{next}");
        }
    }
    let at = |url: &str| format!("[[recipient]]\nname = \"ops\"\nchat = \"slack\"\nurl = \"{url}\"\n");
    office.configure(&at("http://localhost:9/T000-secret"));
    let nobody = office.send("ops", &["--again"]);
    let said = nobody.out;
    assert!(nobody.code == 4 && said.contains("check the host in its `url`"), "{said}{}", nobody.err);
    assert!(said.contains("localhost: ") && !said.contains("T000-secret"), "{said}");
    office.configure(&at("http://hooks.example/T000-secret"));
    let plain = office.send("ops", &["--again"]);
    assert!(plain.err.contains("https://") && !plain.err.contains("T000-secret"), "{}", plain.err);
    let listed = office.archive.done(&["config"]).unwrap();
    assert!(listed.contains("recipient.ops") && !listed.contains("T000-secret"), "{listed}");
}

#[tokio::test]
async fn one_click_unsubscribes_and_nothing_more_is_sent() {
    let server = StandInSmtp::start(Security::StartTls).unwrap();
    let config = mail_config("smtp", &server, PASSWORD);
    let mut flags = trusting(&server);
    flags.extend(["--base-url".to_owned(), "http://backissue.localhost/".to_owned()]);
    let office = Office::new(&config, &flags);
    assert_eq!(office.send("team", &[]).code, 0);
    let mail = server.next().unwrap();
    let stop = field(&mail, "List-Unsubscribe");
    let path = stop.trim_matches(['<', '>']).strip_prefix("http://backissue.localhost").unwrap();
    let served = office.archive.serve(&["--no-fetch"]).unwrap();
    let client = client();
    let page = client.get(served.url(path)).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("team"), "the page asks first");
    assert_eq!(office.send("team", &["--again"]).code, 0, "looking at the page stops nothing");
    server.next().unwrap();
    let post = |path: String| {
        let request =
            client.post(served.url(&path)).header("content-type", "application/x-www-form-urlencoded");
        request.body("List-Unsubscribe=One-Click").send()
    };
    assert_eq!(post(format!("{path}0")).await.unwrap().status(), 404);
    assert_eq!(post(path.to_owned()).await.unwrap().status(), 200);
    let stopped = office.send("team", &["--again"]);
    assert!(stopped.code == 1 && stopped.out.contains("unsubscribed"), "{}{}", stopped.out, stopped.err);
    assert_eq!(server.others(), 0);
    assert!(office.archive.done(&["send", "--to", "team", "--resume"]).unwrap().contains("again"));
    assert_eq!(office.send("team", &["--again"]).code, 0);
    server.next().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_subscribe_confirm_and_unsubscribe() {
    let server = StandInSmtp::start(Security::Plain).unwrap();
    let config = format!(
        "public = \"statements\"\nbase_url = \"http://reads.example/\"\n\
         [mail]\nserver = \"smtp://localhost:{}\"\nfrom = \"weeks@reads.example\"\n\
         [[recipient]]\nname = \"everybody\"\nsubscribers = true\nweekday = \"monday\"\n",
        server.port()
    );
    let office = Office::new(&config, &[]);
    let served = office.archive.serve(&[]).unwrap();
    let client = client();
    let ask = async |address: &str| {
        let page = client.get(served.url("/subscribe")).send().await.unwrap().text().await.unwrap();
        let token =
            page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("token", token.as_str()), ("mail", address)])
            .finish();
        let request =
            client.post(served.url("/subscribe")).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap().split("<main").nth(1).unwrap().split("</main").next().unwrap().to_owned()
    };
    let post = async |path: &str| {
        let request =
            client.post(served.url(path)).header("content-type", "application/x-www-form-urlencoded");
        request.body("List-Unsubscribe=One-Click").send().await.unwrap().status().as_u16()
    };
    let path_in = |text: &str, from: &str| {
        let text = text.replace("=\r\n", "");
        let rest = text.split(&format!("http://reads.example{from}")).nth(1).unwrap().to_owned();
        let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        format!("{from}{token}")
    };

    let first = ask("Ada@example.org").await;
    let mail = server.next().unwrap();
    assert_eq!(
        (mail.to.as_slice(), field(&mail, "List-Unsubscribe").as_str()),
        (&["ada@example.org".to_owned()][..], "")
    );
    let link = path_in(&mail.text, "/subscribe/");
    let page = client.get(served.url(&link)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("ada@example.org") && page.contains("each Monday at 08:00 (UTC)"), "{page}");
    let nobody = office.send("everybody", &[]);
    assert!(
        nobody.out.contains("Nobody has subscribed yet"),
        "opening the link confirms nothing: {}",
        nobody.out
    );
    assert_eq!((post(&link).await, post(&link).await), (200, 404), "it works once");
    assert_eq!(ask("ada@example.org").await, first, "the page does not tell who subscribed");
    assert_eq!(server.others(), 0, "nor does she get another link");

    let sent = office.send("everybody", &[]);
    assert_eq!(
        (sent.code, sent.out.matches("sent to subscriber/").count()),
        (0, 1),
        "{}{}",
        sent.out,
        sent.err
    );
    let week = server.next().unwrap();
    assert_eq!(week.to, ["ada@example.org"]);
    assert!(week.text.contains(TITLE), "{}", week.text);
    assert!(office.archive.done(&["send"]).unwrap().contains("1 subscriber"));
    let stop = path_in(&field(&week, "List-Unsubscribe"), "/unsubscribe/");
    assert!(
        client.get(served.url(&stop)).send().await.unwrap().text().await.unwrap().contains("Stop the mails")
    );
    assert_eq!((post(&stop).await, post(&stop).await), (200, 200), "a second click is no error");
    let again = client.get(served.url(&stop)).send().await.unwrap().text().await.unwrap();
    assert!(again.contains("Already unsubscribed") && !again.contains("ada@example.org"), "{again}");
    let never = format!("/unsubscribe/{}", "0".repeat(64));
    assert_eq!(post(&never).await, 404);
    assert!(office.send("everybody", &["--again"]).out.contains("Nobody has subscribed yet"));
    assert_eq!(server.others(), 0);
    served.stop().unwrap();

    // What subscribing needs is told at the start.
    office.configure(&config.replace("public = \"statements\"\n", ""));
    let refused = office.archive.run(&["serve", "--listen", "127.0.0.1:0"]).unwrap();
    assert!(refused.code == 1 && refused.err.contains("set public = \"statements\""), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_without_fetching_take_addresses_that_work_mails() {
    let server = StandInSmtp::start(Security::Plain).unwrap();
    let config = format!(
        "public = \"statements\"\nbase_url = \"http://backissue.localhost/\"\n\
         [mail]\nserver = \"smtp://localhost:{}\"\nfrom = \"weeks@reads.example\"\n\
         [[recipient]]\nname = \"everybody\"\nsubscribers = true\nweekday = \"monday\"\n",
        server.port()
    );
    let office = Office::new(&config, &[]);
    let served = office.archive.serve(&["--no-fetch"]).unwrap();
    let client = client();
    let page = async |path: &str| client.get(served.url(path)).send().await.unwrap().text().await.unwrap();
    let own = page("/account/digest").await;
    assert!(own.contains("name=\"mail\"") && !own.contains("sends no mails"), "{own}");
    let subscribe = page("/subscribe").await;
    let token = subscribe.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("token", token), ("mail", "ada@example.org")])
        .finish();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let request = client.post(served.url("/subscribe")).header(kind.0, kind.1).body(form);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(server.others(), 0, "pages alone mail nothing");
    // It prints the address of its monitor, as `serve` does that of its pages.
    let working = Served::start(office.archive.command(&["work", "--monitor", "127.0.0.1:0"])).unwrap();
    let mail = server.next().unwrap();
    assert_eq!(mail.to, ["ada@example.org"]);
    assert!(path_in(&mail.text, "/subscribe/").len() > "/subscribe/".len(), "{}", mail.text);
    let (status, said) = working.stop().unwrap();
    assert!(status.success(), "{said}");
}

/// The path of a link in a mail that begins so, with its token.
fn path_in(text: &str, from: &str) -> String {
    let text = text.replace("=\r\n", "");
    let rest = text.split(from).nth(1).unwrap_or_else(|| panic!("{from} is not in {text}"));
    let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    format!("{from}{token}")
}

#[tokio::test(flavor = "multi_thread")]
async fn reader_gets_the_digest_that_was_chosen_and_confirmed() {
    let server = StandInSmtp::start(Security::Plain).unwrap();
    let config = format!(
        "base_url = \"http://backissue.localhost/\"\n\
         [mail]\nserver = \"smtp://localhost:{}\"\nfrom = \"weeks@reads.example\"\n",
        server.port()
    );
    let last_week = Timestamp::now() - SignedDuration::from_hours(24 * 7);
    let office = Office::with_read_of(&config, &[], last_week);
    let served = office.archive.serve(&[]).unwrap();
    let client = client();
    let page = client.get(served.url("/account/digest")).send().await.unwrap().text().await.unwrap();
    let token = page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    // Midnight of today has passed.
    let weekday =
        Timestamp::now().to_zoned_datetime(TimeZone::UTC).weekday().to_monday_one_offset().to_string();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("token", token),
            ("back", "/account/digest"),
            ("mail", "ada@example.org"),
            ("part", "everything"),
            ("most", "5"),
            ("weekday", weekday.as_str()),
            ("hour", "0"),
            ("zone", "UTC"),
        ])
        .finish();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let request = client.post(served.url("/account/digest")).header(kind.0, kind.1).body(form);
    let saved = request.send().await.unwrap().text().await.unwrap();
    assert!(saved.contains("A mail with a link goes to"), "{saved}");
    let mail = server.next().unwrap();
    assert_eq!(mail.to, ["ada@example.org"]);
    let link = served.url(&path_in(&mail.text, "/digest/"));
    assert_eq!(client.get(&link).send().await.unwrap().status(), 200);
    assert_eq!(client.post(&link).send().await.unwrap().status(), 200);
    assert_eq!(client.post(&link).send().await.unwrap().status(), 404, "it works once");
    let (status, said) = served.stop().unwrap();
    assert!(status.success(), "{said}");
    assert_eq!(server.others(), 0, "nothing from before is sent");

    office.age_recipients().await;
    let served = office.archive.serve(&[]).unwrap();
    let week = server.next().unwrap();
    assert_eq!(week.to, ["ada@example.org"]);
    assert!(week.text.contains("queue of billing"), "{}", week.text);
    assert!(field(&week, "List-Unsubscribe").contains("/unsubscribe/"));
    let (status, said) = served.stop().unwrap();
    assert!(status.success(), "{said}");
    let listed = office.archive.json(&["send"]).unwrap();
    assert!(listed[0]["name"] == "reader/1" && listed[0]["sent"].is_string(), "{listed}");

    // A mailbox that is gone is told to the reader and to the operator.
    server.set_mood(Mood::KnowsNobody);
    let bounced = office.archive.run(&["send", "--to", "reader/1", "--again"]).unwrap();
    assert_eq!(bounced.code, 1, "{}{}", bounced.out, bounced.err);
    assert!(bounced.out.contains("no mailbox reader/1") && !bounced.out.contains("ada@"), "{}", bounced.out);
    let served = office.archive.serve(&["--no-fetch"]).unwrap();
    let account = client.get(served.url("/account")).send().await.unwrap().text().await.unwrap();
    for told in
        [account, office.archive.done(&["send"]).unwrap(), office.archive.run(&["doctor"]).unwrap().out]
    {
        assert!(told.contains("ada@example.org") && told.contains("No such user here"), "{told}");
    }
    let nobody = office.archive.run(&["send", "--to", "reader/1"]).unwrap();
    assert!(nobody.code == 3 && nobody.err.contains("nobody is called `reader/1`"), "{}", nobody.err);
    assert_eq!(server.others(), 0);
}

/// The week of a schedule whose time is this moment.
fn at(moment: Timestamp) -> String {
    moment.strftime("weekday = \"%A\"\nat = \"%H:%M:%S\"\n").to_string()
}

/// An archive with a read of last week, and a recipient that it knows already.
fn office_of_last_week(server: &StandInSmtp, more: &[String]) -> Office {
    let last_week = Timestamp::now() - SignedDuration::from_hours(24 * 7);
    let office = Office::with_read_of(&plain_config(server, ""), more, last_week);
    office.configure(&plain_config(server, &at(Timestamp::now() - SignedDuration::from_mins(1))));
    let known = office.archive.json(&["send"]).unwrap();
    assert!(known[0]["name"] == "team" && known[0]["sent"].is_null(), "{known}");
    office
}

#[test]
fn serve_sends_the_last_week_when_it_is_due_and_only_once() {
    let server = StandInSmtp::start(Security::Plain).unwrap();
    let office = office_of_last_week(&server, &[]);
    // A schedule has whole seconds.
    let due = (Timestamp::now() + SignedDuration::from_secs(8)).round(Unit::Second).unwrap();
    office.configure(&plain_config(&server, &at(due)));
    let served = office.archive.serve(&[]).unwrap();
    let mail = server.next().unwrap();
    assert!(Timestamp::now() >= due && mail.text.contains("queue of billing"), "{}", mail.text);
    let (status, said) = served.stop().unwrap();
    assert!(status.success(), "{said}");
    let state = office.archive.json(&["send"]).unwrap();
    assert!(state[0]["sent"].is_string() && state[0]["error"].is_null(), "{state}");
    let week = state[0]["week"].as_str().unwrap();
    let again = office.archive.run(&["send", "--to", "team", "--week", week]).unwrap();
    assert!(again.out.contains("was sent"), "{}", again.out);
    assert_eq!(server.others(), 0);
}

#[tokio::test]
async fn serve_makes_good_what_was_begun_by_hand() {
    let server = StandInSmtp::start(Security::Plain).unwrap();
    let last_week = Timestamp::now() - SignedDuration::from_hours(24 * 7);
    let office = Office::with_read_of(&plain_config(&server, ""), &[], last_week);
    server.set_mood(Mood::Silent);
    let mut command = office.archive.command(&["send", "--to", "team"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let first = server.next().unwrap();
    child.kill().unwrap();
    wait(&mut child).unwrap();
    office.make_due().await;
    server.set_mood(Mood::Takes);
    let served = office.archive.serve(&[]).unwrap();
    let second = server.next().unwrap();
    assert_eq!(field(&second, "Message-ID"), field(&first, "Message-ID"), "a program can drop one");
    let (status, said) = served.stop().unwrap();
    assert!(status.success(), "{said}");
    let state = office.archive.json(&["send"]).unwrap();
    assert!(state[0]["sent"].is_string() && state[0]["error"].is_null(), "{state}");
    assert_eq!(server.others(), 0);
}

#[test]
fn with_postgresql_exactly_one_of_two_serves_sends() {
    let server = StandInSmtp::start(Security::Plain).unwrap();
    let database = Database::create().unwrap();
    let flags = ["--database".to_owned(), database.url()];
    let office = office_of_last_week(&server, &flags);
    let due = Timestamp::now() + SignedDuration::from_secs(12);
    office.configure(&plain_config(&server, &at(due)));
    let config = ["--config".to_owned(), office.config.display().to_string()];
    let other = Archive::new([flags, config].concat()).unwrap();
    let serves = [office.archive.serve(&[]).unwrap(), other.serve(&[]).unwrap()];
    assert!(Timestamp::now() < due, "both have to wait for the moment");
    server.next().unwrap();
    for served in serves {
        let (status, said) = served.stop().unwrap();
        assert!(status.success(), "{said}");
    }
    let state = office.archive.json(&["send"]).unwrap();
    assert!(state[0]["sent"].is_string() && state[0]["error"].is_null(), "{state}");
    assert_eq!(server.others(), 0);
}
