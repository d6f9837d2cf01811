//! Subscribing to the week by mail, and digests that readers choose. That mails go out is in
//! `tests/program/sending.rs`.

use axum::http::{Method, StatusCode};
use backissue_model::{DigestPart, ReaderId};
use backissue_store::{Dispatch, OwnSearch, Resend, SearchSaved, SendingClaim, SendingResult};
use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp};

use super::specimens::blogs;
use super::{Answer, Site, html, site};

impl Site {
    async fn subscribe(&self, address: &str) -> Answer {
        let page = html::Page::parse("/subscribe", &self.get("/subscribe").await.body);
        page.assert_well_formed();
        let token = page.attributes("#subscribe input[name=token]", "value").remove(0);
        self.post("/subscribe", &[("token", token.as_str()), ("mail", address)], &[super::marking::OWN]).await
    }
}

#[tokio::test]
async fn wrong_addresses_and_too_many_are_refused() {
    let site = site(&blogs()).await;
    assert!(site.get("/").await.body.contains("href=\"/subscribe\""));
    let wrong = site.subscribe("ada at example.org").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = html::Page::parse("/subscribe", &wrong.body);
    page.assert_well_formed();
    assert!(page.one("[role=alert]").contains("write for example name@example.org"));
    assert_eq!(page.attributes("#mail", "value"), ["ada at example.org"], "what was typed stays");
    let without_token = site.post("/subscribe", &[("mail", "ada@example.org")], &[super::marking::OWN]).await;
    assert_eq!(without_token.status, StatusCode::FORBIDDEN);

    let mut answers = Vec::new();
    for number in 0..7 {
        answers.push(site.subscribe(&format!("reader{number}@example.org")).await);
    }
    let accepted = answers.iter().take_while(|answer| answer.status == StatusCode::OK).count();
    assert!((5..=6).contains(&accepted), "{accepted}");
    let late = &answers[accepted];
    assert_eq!(late.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(late.headers.contains_key("retry-after") && late.body.contains("There were too many attempts."));
    let mut mailed = 0;
    while site.store.take_subscriber_due(Timestamp::now()).await.unwrap().is_some() {
        mailed += 1;
    }
    assert_eq!(mailed, answers.iter().filter(|answer| answer.status == StatusCode::OK).count());
}

/// A choice as the form sends it.
const CHOICE: [(&str, &str); 6] = [
    ("mail", "Ada@example.org"),
    ("part", "concepts"),
    ("most", "5"),
    ("weekday", "5"),
    ("hour", "17"),
    ("zone", " Europe/Berlin "),
];

/// The choice with one field changed.
fn but(name: &str, value: &'static str) -> [(&'static str, &'static str); 6] {
    CHOICE.map(|(field, usual)| (field, if field == name { value } else { usual }))
}

#[tokio::test]
async fn reader_chooses_a_digest_and_confirms_its_address() {
    let site = site(&blogs()).await;
    let one = ReaderId::ONE;
    let page = site.page_at("/account/digest").await;
    assert_eq!(page.attributes("#zone", "value"), ["UTC"]);
    assert!(site.page_at("/account").await.own_links().contains("/account/digest"));
    for (name, value, why) in [
        ("mail", "ada at example.org", "write for example name@example.org"),
        ("zone", "Europe/Nowhere", "No time zone has this name."),
        ("most", "99", "Choose from 1 to 30"),
        ("part", "search-1", "Choose which reads you want."),
        ("part", "", "Choose which reads you want."),
    ] {
        let wrong = site.sent("/account/digest", &but(name, value)).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        let page = html::Page::parse("/account/digest", &wrong.body);
        page.assert_well_formed();
        assert!(page.one("[role=alert]").contains(why), "{name}: {}", page.one("[role=alert]"));
        assert_eq!(page.attributes("#hour option[selected]", "value"), ["17"], "what was typed stays");
    }
    assert_eq!(site.store.own_digest(one).await.unwrap(), None);

    assert_eq!(site.to("/account/digest", &CHOICE).await, "/account/digest");
    let waits = site.page_at("/account/digest").await;
    assert!(waits.text().contains("A mail with a link goes to ada@example.org"), "{}", waits.text());
    let own = site.store.own_digest(one).await.unwrap().unwrap();
    let choice = &own.choice;
    assert_eq!(
        (choice.part, choice.most, choice.weekday, choice.hour),
        (DigestPart::Concepts, 5, Weekday::Friday, 17)
    );
    assert_eq!(choice.time_zone, "Europe/Berlin");
    let due = site.store.take_own_digest_due(Timestamp::now()).await.unwrap().unwrap();
    let link = format!("/digest/{}", due.token);
    let asked = site.page_at(&link).await;
    assert!(
        asked.text().contains("ada@example.org each Friday at 17:00 (Europe/Berlin)"),
        "{}",
        asked.text()
    );
    assert!(!site.store.own_digest(one).await.unwrap().unwrap().is_confirmed, "looking confirms nothing");
    let post = async |path: &str| site.ask(Method::POST, path, &[super::marking::OWN]).await;
    let confirmed = post(&link).await;
    assert_eq!(confirmed.status, StatusCode::OK, "{}", confirmed.body);
    assert_eq!(post(&link).await.status, StatusCode::NOT_FOUND, "it works once");
    let account = site.page_at("/account").await;
    assert!(account.text().contains("It goes to ada@example.org each Friday"), "{}", account.text());

    // A mail program unsubscribes; a second click is no error.
    let own = site.store.own_digest(one).await.unwrap().unwrap();
    let stop = format!("/unsubscribe/{}", own.token);
    assert!(site.page_at(&stop).await.text().contains("ada@example.org"));
    assert_eq!(post(&stop).await.status, StatusCode::OK);
    assert_eq!(site.store.own_digest(one).await.unwrap(), None);
    let again = post(&stop).await;
    assert_eq!(again.status, StatusCode::OK);
    assert!(again.body.contains("Already unsubscribed") && !again.body.contains("ada@"), "{}", again.body);

    // So does the reader on the page.
    site.to("/account/digest", &CHOICE).await;
    assert_eq!(site.to("/account/digest/stop", &[]).await, "/account/digest");
    assert_eq!(site.store.own_digest(one).await.unwrap(), None);
}

#[tokio::test]
async fn reader_and_operator_are_told_why_a_digest_does_not_come() {
    let site = site(&blogs()).await;
    let one = ReaderId::ONE;
    let search = OwnSearch {
        name: "storms".parse().unwrap(),
        question: "retry storms".parse().unwrap(),
        recipient: None,
    };
    let SearchSaved::Saved(id) = site.store.save_search(one, &search, Timestamp::now()).await.unwrap() else {
        panic!("it is saved")
    };
    let option = format!("search-{id}");
    let fields = CHOICE.map(|(name, usual)| (name, if name == "part" { option.as_str() } else { usual }));
    site.to("/account/digest", &fields).await;
    let page = site.page_at("/account/digest").await;
    assert_eq!(page.attributes("#part option[selected]", "value"), [option.as_str()]);
    let own = site.store.own_digest(one).await.unwrap().unwrap();
    assert!(site.store.confirm_own_digest(&own.token, "stop", Timestamp::now()).await.unwrap());
    site.store.remove_search(one, id).await.unwrap();
    let alert = async |path: &str| site.page_at(path).await.all("[role=alert]").concat();
    for path in ["/account", "/account/digest"] {
        assert!(alert(path).await.contains("The saved search whose answers you chose is removed"), "{path}");
    }
    site.to("/account/digest", &CHOICE).await;
    assert_eq!(alert("/account").await, "");

    // A failed week is on the page of settings, a missing mailbox also on the reader's.
    let week = Dispatch::Week("2026-W20".parse().unwrap());
    let (now, lease) = (Timestamp::now(), SignedDuration::from_mins(5));
    let claim = site.store.claim_sending("reader/1", week, Resend::No, lease, now).await.unwrap();
    let SendingClaim::Claimed(sending) = claim else { panic!("{claim:?}") };
    let refused = SendingResult::GivenUp("mail.example.org refused it".to_owned());
    assert!(site.store.finish_sending(&sending, &refused, now).await.unwrap());
    let told = alert("/settings").await;
    assert!(told.contains("reader/1 of 2026-W20: mail.example.org refused it"), "{told}");
    assert!(told.contains("backissue send --to reader/1 --week 2026-W20 --again"), "{told}");
    assert!(site.store.fail_own_digest("stop", "5.1.1 nobody here").await.unwrap());
    for path in ["/account", "/account/digest", "/settings"] {
        let told = alert(path).await;
        assert!(told.contains("ada@example.org") && told.contains("5.1.1 nobody here"), "{path}: {told}");
    }
}
