//! Subscribing to the week by mail. That mails go out is in `tests/program/sending.rs`.

use axum::http::StatusCode;
use jiff::Timestamp;

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
