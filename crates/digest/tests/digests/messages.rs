//! Tests for mails and messages: they stay within limits, and text from the web has no effect in
//! them.

use backissue_digest::chat::Service;
use backissue_digest::{Choice, Digest, WeekRead, compose, compose_answers, mail, markdown};
use backissue_model::{Form, Kind};
use backissue_store::AlertHit;
use serde_json::Value;

use super::made_up::*;

/// A week of this many reads, with texts of maximum length.
fn long_week(reads: i64) -> Digest {
    let kinds = [Kind::CaseStudy, Kind::Announcement, Kind::Tutorial];
    let long = |id: i64| {
        let company = format!("Company{}", id % 40);
        let mut read =
            read(id, &company, kinds[id as usize % 3], if id % 3 == 0 { 0.9 } else { 0.0 }, &["caching"]);
        let title = format!("{id} {}", "words of a title ".repeat(18));
        read.read.card.title = title.trim().to_owned();
        read.read.card.url = format!("https://long.example/{id}/{}", "x".repeat(200)).parse().unwrap();
        read.read.precis.approach = Some(statement(&"They did it. ".repeat(24), 0.9, Form::Quoted));
        read.read.precis.outcome = Some(statement(&"It got better. ".repeat(21), 0.9, Form::Written));
        read
    };
    let reads: Vec<WeekRead> = (1..=reads).map(long).collect();
    let mut digest = compose(WEEK.parse().unwrap(), reads, &Choice { most: 9, ..Choice::default() }, None);
    digest.remark = "A remark. ".repeat(200);
    for pick in &mut digest.picks {
        pick.remark = "Beside it. ".repeat(55);
    }
    digest
}

fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, all)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, all)),
        _ => {}
    }
}

#[test]
fn message_of_any_week_keeps_the_limits_of_its_service() {
    let site = site(Some("https://reads.example/"));
    for reads in [0, 1, 12, 150, 1000] {
        let digest = long_week(reads);
        for service in Service::ALL {
            let message = service.message(&digest, &site);
            assert!(service.takes(&message), "{service:?} of {reads}: {} bytes", message.to_string().len());
            let mut all = Vec::new();
            texts(&message, &mut all);
            let longest = all.iter().map(|text| text.chars().count()).max().unwrap();
            let most = match service {
                Service::Slack => 3000,
                Service::Discord => 4096,
                _ => usize::MAX,
            };
            assert!(longest <= most, "{service:?}: a text of {longest} characters");
            if reads == 1000 && service != Service::Webhook {
                assert!(message.to_string().contains("more reads are in the archive"), "{service:?}");
            }
        }
    }
}

/// A digest of this many new answers.
fn answers(reads: i64) -> Digest {
    let hit = |id: i64| AlertHit {
        read: read(id, "Acme", Kind::CaseStudy, 0.9, &["caching"]).read,
        searches: vec!["retry storms".to_owned(), "a <b>\u{202e}".to_owned()],
    };
    compose_answers((1..=reads).map(hit).collect()).unwrap()
}

#[test]
fn alert_says_what_each_read_answers_and_keeps_the_limits() {
    assert_eq!(compose_answers(Vec::new()), None);
    let site = site(Some("https://reads.example/"));
    for reads in [1, 20, 200] {
        let digest = answers(reads);
        assert_eq!(
            (digest.picks.len(), digest.left_out()),
            (reads.min(20) as usize, (reads - 20).max(0) as usize)
        );
        for service in Service::ALL {
            let message = service.message(&digest, &site);
            assert!(service.takes(&message), "{service:?} of {reads}");
            let text = message.to_string();
            assert!(
                text.contains("retry storms") && text.contains("https://reads.example/searches"),
                "{text}"
            );
        }
    }
    let footing = mail::Footing { recipient: "me@reads.example".to_owned(), unsubscribe: None };
    let one = mail::week(&answers(1), &site, &footing);
    assert!(one.subject.starts_with("A new answer to your saved searches: "), "{}", one.subject);
    assert!(one.text.contains("> Answers “retry storms” and “a <b>"), "{}", one.text);
    assert!(one.text.contains("when new reads answer saved"), "{}", one.text);
    assert!(one.html.contains("a &lt;b&gt;") && !one.html.contains("once a week"), "{}", one.html);
}

#[test]
fn mail_of_any_week_is_small_and_loads_nothing() {
    let footing = mail::Footing {
        recipient: "ann@example.org".to_owned(),
        unsubscribe: "https://reads.example/unsubscribe/1".parse().ok(),
    };
    for reads in [0, 1, 12, 1000] {
        let mail = mail::week(&long_week(reads), &site(Some("https://reads.example/")), &footing);
        assert!(mail.html.len() < 100_000 && mail.text.len() < 100_000, "{reads}: {}", mail.html.len());
        for loads in ["<img", "<script", "<link", "<iframe", "url(", "@import", " src="] {
            assert!(!mail.html.contains(loads), "{loads}");
        }
        assert!(
            mail.html.contains("https://reads.example/unsubscribe/1")
                && mail.html.contains("ann@example.org")
        );
        assert!(mail.text.contains("To stop it: https://reads.example/unsubscribe/1"));
        let too_long = mail.text.lines().find(|line| line.chars().count() > 78 && !line.contains("https://"));
        assert_eq!(too_long, None);
        assert_eq!(mail.html.contains("more reads are in the archive"), reads == 1000);
        assert!(mail.subject.starts_with("Week 20 of 2026") && mail.subject.chars().count() < 110);
    }
}

#[test]
fn mail_says_the_same_in_text_and_html() {
    let mut first = read(1, "Acme", Kind::CaseStudy, 0.9, &["caching"]);
    first.read.precis.approach = Some(statement("They cached it", 0.8, Form::Written));
    let reads =
        vec![first, read(2, "Birch", Kind::Tutorial, 0.0, &[]), read(3, "Cedar", Kind::Event, 0.0, &[])];
    let mut digest = compose(WEEK.parse().unwrap(), reads, &Choice::default(), None);
    digest.remark = "Mind the caches.".to_owned();
    let footing = mail::Footing { recipient: "ann@example.org".to_owned(), unsubscribe: None };
    let mail = mail::week(&digest, &site(None), &footing);
    let expected = "Week 20 of 2026: 11–17 May 2026

3 reads from 3 companies, 1 with a problem: 30 min to read, 10 min for the
first.

Mind the caches.

1. “Problem 1”
   Read 1 of Acme · Acme · 10 min · problem: sure · Caching
   What they did (sure): They cached it
   https://acme.example/1


OTHER READS

- Read 2 of Birch, Birch, 10 min
  https://birch.example/2


ANNOUNCEMENTS

- Read 3 of Cedar, Cedar, 10 min
  https://cedar.example/3

-- 
Backissue sends this to ann@example.org once a week.
";
    assert_eq!(mail.text, expected);
    for part in
        ["“Problem 1”", "Read 1 of Acme", "They cached it", "Mind the caches.", "https://cedar.example/3"]
    {
        assert!(mail.html.contains(part), "{part}: {}", mail.html);
    }
    assert_eq!(mail.subject, "Week 20 of 2026: Read 1 of Acme");
}

#[test]
fn html_of_a_mail_has_each_title_once() {
    let reads = vec![read(1, "Acme", Kind::CaseStudy, 0.9, &[])];
    let mut digest = compose(WEEK.parse().unwrap(), reads, &Choice::default(), None);
    let footing = mail::Footing { recipient: "ann@example.org".to_owned(), unsubscribe: None };
    for is_leading in [true, false] {
        digest.picks[0].read.card.problem_leads = is_leading;
        let html = mail::week(&digest, &site(None), &footing).html;
        let body = html.split("<body").nth(1).unwrap();
        assert_eq!(body.matches("Read 1 of Acme</a>").count(), 1, "{body}");
        assert_eq!(body.matches("Read 1 of Acme").count(), 1, "{body}");
    }
}

#[test]
fn remark_keeps_its_lines_in_every_form() {
    let reads = vec![read(1, "Acme", Kind::CaseStudy, 0.9, &[])];
    let mut digest = compose(WEEK.parse().unwrap(), reads, &Choice::default(), None);
    digest.remark = "one\r\ntwo\r\n\r\nthree".to_owned();
    digest.picks[0].remark = "four\nfive\n\nsix".to_owned();
    let site = site(None);
    let message = |service: Service| {
        let mut all = Vec::new();
        texts(&service.message(&digest, &site), &mut all);
        all.join("\n\n")
    };
    let footing = mail::Footing { recipient: "ann@example.org".to_owned(), unsubscribe: None };
    let mail = mail::week(&digest, &site, &footing);
    let breaks = |html: &str| html.matches("<br>").count();
    assert_eq!((breaks(&mail.html), breaks(&message(Service::Matrix))), (2, 2), "{}", mail.html);
    for (written, parts) in [
        (markdown::week(&digest, &site), ["one  \ntwo\n\nthree\n", "four  \nfive\n\nsix\n"]),
        (message(Service::Mattermost), ["one  \ntwo\n\nthree", "four  \nfive\n\nsix"]),
        (message(Service::Slack), ["one\ntwo\n\nthree", "four\nfive\n\nsix"]),
        (message(Service::Discord), ["one\ntwo\n\nthree", "four\nfive\n\nsix"]),
        (message(Service::Teams), ["one\n\ntwo", "four\n\nfive\n\nsix"]),
        (message(Service::Matrix), ["one\ntwo\n\nthree\n", "   > four\n   > five\n   >\n   > six\n"]),
        (mail.text, ["one\ntwo\n\nthree\n", "   > four\n   > five\n   >\n   > six\n"]),
        (mail.html, ["one<br>two</p>", "four<br>five</p>"]),
    ] {
        for part in parts {
            assert!(written.contains(part), "{part:?} is not in {written}");
        }
    }
}

#[test]
fn nothing_from_the_web_calls_anybody_or_is_a_link() {
    let site = site(None);
    for words in [
        "<!channel> <@U123> <https://evil.example|here>",
        "@everyone @here @channel @room",
        "[a](javascript:alert(1)) ![x](https://evil.example/p.png)",
        "</p><script>alert(1)</script><img src=x>",
    ] {
        let mut hostile = read(1, words, Kind::CaseStudy, 0.9, &[]);
        hostile.read.card.title = words.to_owned();
        hostile.read.precis.problem = Some(statement(words, 0.9, Form::Written));
        let mut other = hostile.clone();
        other.read.card.kind = Kind::Announcement;
        let mut digest = compose(WEEK.parse().unwrap(), vec![hostile, other], &Choice::default(), None);
        digest.remark = words.to_owned();
        let slack = Service::Slack.message(&digest, &site).to_string();
        assert!(
            !slack.contains("<!") && !slack.contains("<@") && !slack.contains("<https://evil"),
            "{slack}"
        );
        let discord = Service::Discord.message(&digest, &site);
        assert_eq!(discord["allowed_mentions"]["parse"], serde_json::json!([]));
        let mattermost = Service::Mattermost.message(&digest, &site).to_string();
        for name in ["@everyone", "@here", "@channel"] {
            assert!(!mattermost.contains(name), "{mattermost}");
        }
        assert_eq!(Service::Matrix.message(&digest, &site)["m.mentions"], serde_json::json!({}));
        for service in [Service::Discord, Service::Mattermost, Service::Teams] {
            let mut all = Vec::new();
            texts(&service.message(&digest, &site), &mut all);
            let unescaped = all.join("\n").replace("\\]", "");
            for link in ["](javascript", "](https://evil"] {
                assert!(!unescaped.contains(link), "{service:?}: {unescaped}");
            }
        }
        let matrix = Service::Matrix.message(&digest, &site);
        let html = matrix["formatted_body"].as_str().unwrap();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        let footing = mail::Footing { recipient: "a@b.example".to_owned(), unsubscribe: None };
        let mail = mail::week(&digest, &site, &footing);
        assert!(!mail.html.contains("<script") && !mail.html.contains("<img"), "{}", mail.html);
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
    }
}
