//! Tests of saved searches and their new answers.

use axum::http::StatusCode;
use backissue_model::ReaderId;
use backissue_store::{Compared, SavedSearch};

use super::specimens::blogs;
use super::{Images, Readers, Site, archive, html, site, site_of, specimens};

const ONE: ReaderId = ReaderId::ONE;

impl Site {
    async fn saved(&self) -> Vec<SavedSearch> {
        self.store.saved_searches(ONE).await.unwrap()
    }

    async fn save_as(&self, name: &str, question: &str) -> super::Answer {
        self.sent("/searches/save", &[("name", name), ("question", question), ("to", "team")]).await
    }
}

#[tokio::test]
async fn search_is_saved_from_its_answer_changed_and_removed() {
    let site = site(&blogs()).await;
    let answer = site.page_at("/search?q=noisy+neighbours").await;
    assert_eq!(answer.attributes(".save-search input[name=question]", "value"), ["noisy neighbours"]);
    assert_eq!(answer.attributes(".save-search select option", "value"), ["", "team", "broken"]);
    assert!(site.page_at("/searches").await.text().contains("You have saved no search"));
    let saved = site.save_as(" Noisy \u{202e}ones ", "noisy neighbours").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let search = site.saved().await.remove(0);
    assert_eq!((search.name.as_str(), search.recipient.as_deref()), ("Noisy ones", Some("team")));
    assert_eq!(saved.headers["location"], format!("/searches#s{}", search.id));
    let answer = site.page_at("/search?q=noisy+neighbours").await;
    assert!(answer.one(".save-search").contains("Saved as Noisy ones"), "{}", answer.one(".save-search"));
    let page = site.page_at("/searches").await;
    assert!(page.own_links().contains("/search.atom?q=noisy+neighbours"), "it has its feed");

    for (question, why) in [(&*"y ".repeat(300), "at most 500 characters"), (" ", "no question")] {
        let refused = site.save_as("x", question).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{question}");
        assert!(refused.body.contains(why), "{why}: {}", refused.body);
    }
    let change = format!("/searches/{}/change", search.id);
    site.save_as("other", "slow builds").await;
    for (name, why) in [
        ("other", "Another saved search"),
        ("--", "at least one letter"),
        (&"x".repeat(81), "at most 80 characters"),
    ] {
        let again = site.save_as(name, "else").await;
        let changed = site.sent(&change, &[("name", name), ("to", "team")]).await;
        for (refused, form) in [(again, ".save-search"), (changed, "details[open]")] {
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
            let page = html::Page::parse("/searches", &refused.body);
            page.assert_well_formed();
            assert!(page.one("[role=alert]").contains(why), "{why}: {}", page.one("[role=alert]"));
            assert_eq!(page.attributes(&format!("{form} input[name=name]"), "value"), [name]);
            assert_eq!(page.attributes(&format!("{form} option[selected]"), "value"), ["team"]);
        }
    }
    let other = site.saved().await.into_iter().find(|own| own.name.as_str() == "other").unwrap();
    site.to(&format!("/searches/{}/remove", other.id), &[]).await;
    let nobody = site.sent(&change, &[("name", "x"), ("to", "nobody")]).await;
    assert_eq!(nobody.status, StatusCode::BAD_REQUEST);
    site.to(&change, &[("name", "Neighbours"), ("to", "")]).await;
    let search = site.saved().await.remove(0);
    assert_eq!((search.name.as_str(), search.recipient), ("Neighbours", None));
    for act in ["change", "seen", "remove"] {
        let missing = site.sent(&format!("/searches/999/{act}"), &[("name", "x"), ("to", "")]).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{act}");
    }
    site.to(&format!("/searches/{}/remove", search.id), &[]).await;
    assert!(site.saved().await.is_empty());
}

#[tokio::test]
async fn new_answer_is_marked_in_its_week_and_counted_until_seen() {
    let site = site(&blogs()).await;
    site.save_as("late posts", "one late post").await;
    let search = site.saved().await.remove(0);
    let mut more = blogs();
    more[0].posts = vec![specimens::late_post()];
    more.truncate(1);
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    archive::fill(&site.store, &more, later).await.unwrap();
    site.search.catch_up(|_| ()).await.unwrap();
    let version = site.search.index().position();
    let new = site.store.new_reads(search.compared, version, search.since).await.unwrap();
    let answers = new.iter().map(|read| read.id).collect();
    let compared = Compared { search: search.id, from: search.compared, answers, others: vec![] };
    assert_eq!(
        site.store.store_compared(ONE, &[compared], version, jiff::Timestamp::now()).await.unwrap(),
        1
    );

    let page = site.page_at("/searches").await;
    assert!(page.text().contains("1 new") && page.text().contains("One late post"), "{}", page.text());
    assert_eq!(page.all(".alike .marks").len(), 1, "it can be kept from here");
    let week = site.page_at("/").await;
    assert!(week.text().contains("Answers late posts"), "{}", week.text());
    assert!(week.own_links().contains("/search?q=one+late+post"));
    site.to(&format!("/searches/{}/seen", search.id), &[]).await;
    let page = site.page_at("/searches").await;
    assert!(page.text().contains("nothing new"), "{}", page.text());
    assert!(site.page_at("/").await.text().contains("Answers late posts"), "the mark stays");
}

#[tokio::test]
async fn strangers_see_nothing_of_saved_searches() {
    let site = site_of(&blogs(), Images::default(), Readers::ReadOnly("No password.".into())).await;
    assert_eq!(site.get("/searches").await.status, StatusCode::FORBIDDEN);
    let answer = site.get("/search?q=noisy+neighbours").await;
    let page = html::Page::parse("/search", &answer.body);
    assert!(page.all(".save-search").is_empty());
}
