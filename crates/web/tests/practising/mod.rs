//! Practising through the pages' forms: cards, answers, ratings, and the file for Anki.

use axum::http::StatusCode;
use backissue_model::{Evidence, Form, Mark, ReadId, ReaderId, Statement};
use backissue_web::{Images, Readers};

use super::archive::Blog;
use super::marking::OWN;
use super::specimens::blogs;
use super::{Site, html, site, site_of};

const APPROACH: &str = "=A limit for each tenant";

/// The specimens, each problem with an approach; the hostile one's is unsure.
fn with_approaches() -> Vec<Blog> {
    let mut blogs = blogs();
    for post in blogs.iter_mut().flat_map(|blog| &mut blog.posts) {
        let hostile = post.url.path().ends_with("alert");
        post.precis.approach = post.precis.problem.as_ref().map(|_| Statement {
            text: APPROACH.into(),
            evidence: vec![Evidence::at(&post.article.text, 0, 7).unwrap()],
            confidence: if hostile { 0.2 } else { 0.6 },
            form: Form::Written,
        });
    }
    blogs
}

impl Site {
    async fn card(&self, path: &str) -> html::Page {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        let page = html::Page::parse(path, &answer.body);
        page.assert_well_formed();
        page
    }

    /// Answers the card that a page shows; returns the address that reveals it.
    async fn answer_card(&self, page: &html::Page, text: &str) -> String {
        let action = page.attributes("#answer-form", "action").remove(0);
        let token = page.attributes("#answer-form input[name=token]", "value").remove(0);
        let fields = [("token", token.as_str()), ("back", "/practise/card"), ("text", text)];
        let answer = self.post(&action, &fields, &[OWN]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.headers["location"].to_str().unwrap().to_owned()
    }

    /// Rates the answer that a page shows; returns the address of the next card.
    async fn rate(&self, page: &html::Page, rating: &str) -> String {
        let action = page.attributes("form.rate", "action").remove(0);
        let field = |name: &str| page.attributes(&format!("form.rate input[name={name}]"), "value").remove(0);
        let (token, back) = (field("token"), field("back"));
        let fields = [("token", token.as_str()), ("back", &back), ("rating", rating)];
        let answer = self.post(&action, &fields, &[OWN]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.headers["location"].to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn card_is_answered_revealed_rated_and_kept_beside_the_read() {
    let site = site(&with_approaches()).await;
    let chooser = site.card("/practise").await;
    assert_eq!(chooser.one(".tally"), "No card is due.");
    let cards =
        [("/concept/noisy-neighbours", true), ("/concept/caching", true), ("/concept/fuzzing", false)];
    for (path, has_cards) in cards {
        let concept = site.card(path).await;
        assert_eq!(
            !concept.attributes(".head a[href^='/practise/card']", "href").is_empty(),
            has_cards,
            "{path}"
        );
        let slug = path.trim_start_matches("/concept/").to_owned();
        assert_eq!(chooser.attributes("#concept option", "value").contains(&slug), has_cards, "{path}");
    }
    assert_eq!(chooser.all(".decks li a:first-child"), ["All of the archive"], "nothing is kept");
    let card = site.card("/practise/card").await;
    let problem = card.one("h1");
    assert!(problem.contains("9,000 requests"), "the newest first: {problem}");
    assert!(!card.text().contains("When a show goes live"), "the title would tell too much");
    assert!(!card.text().contains(APPROACH));

    let revealed = site.answer_card(&card, "I would *cache* more <script>alert(1)</script>").await;
    let shown = site.card(&revealed).await;
    assert_eq!(shown.one("h1"), problem);
    assert_eq!(shown.one(".written em"), "cache");
    assert!(shown.all(".written script").is_empty());
    assert_eq!(shown.one(".said"), APPROACH);
    assert_eq!(shown.one("blockquote.passage"), "At the");
    assert!(shown.attributes(".backing a", "href")[0].ends_with("#evidence-approach-1"));
    assert_eq!(
        shown.all("form.rate button"),
        ["Again 10 minutes", "Hard 1 day", "Good 2 days", "Easy 8 days"]
    );

    let next = site.rate(&shown, "good").await;
    let second = site.card(&next).await;
    assert!(second.one(".eyebrow").contains("2 of 10"), "{}", second.one(".eyebrow"));
    assert_ne!(second.one("h1"), problem);
    let read = site.read_page(2).await;
    assert_eq!(read.one("#answers .written em"), "cache");
    assert!(read.one("#answers .under").ends_with("Good"), "{}", read.one("#answers .under"));

    let again = site.card(&revealed).await;
    assert_eq!(again.attributes("form.rate [aria-pressed=true]", "value"), ["good"]);
    let remove = read.attributes("#answers button", "formaction").remove(0);
    let token = site.token("/").await;
    let answer = site.post(&remove, &[("token", &token), ("back", "/read/2")], &[OWN]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(site.read_page(2).await.all("#answers").is_empty());
    assert_eq!(site.get(&revealed).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn session_ends_with_a_calm_summary() {
    let site = site(&with_approaches()).await;
    let mut path = "/practise/card".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = site.card(&path).await;
        if page.attributes("#answer-form", "action").is_empty() {
            break;
        }
        seen.push(page.one("h1"));
        let revealed = site.card(&site.answer_card(&page, "").await).await;
        assert!(revealed.text().contains("None this time."));
        path = site.rate(&revealed, if seen.len() == 1 { "easy" } else { "hard" }).await;
    }
    assert_eq!(seen.len(), 3, "of four problems one has no sure approach");
    let end = site.card(&path).await;
    assert_eq!(
        (end.one("h1"), end.one(".standfirst")),
        ("That is all for now".into(), "3 answers: 1 easy, 2 hard.".into())
    );
    assert_eq!(end.all(".decks li").len(), 3);
    assert!(!end.text().to_lowercase().contains("streak"));
    assert_eq!(site.card("/practise/card").await.one("h1"), "Nothing to practise with now");
}

#[tokio::test]
async fn ten_answers_make_a_session() {
    let site = site(&with_approaches()).await;
    let reader = ReaderId::ONE;
    let since = site.store.last_answer(reader).await.unwrap();
    for n in 0..10 {
        let at = super::now() + jiff::SignedDuration::from_mins(n);
        let answer = site.store.answer_card(reader, ReadId(1), &"Mine".parse().unwrap(), at).await.unwrap();
        let path = format!("/practise/card?since={since}");
        assert!(!site.card(&path).await.attributes("#answer-form", "action").is_empty(), "{n}");
        let next = backissue_practise::next_showing;
        site.store.rate_card(reader, answer.id, backissue_model::Rating::Again, next).await.unwrap();
    }
    let end = site.card(&format!("/practise/card?since={since}")).await;
    assert_eq!(
        (end.one("h1"), end.one(".standfirst")),
        ("That is a session".into(), "10 answers: 10 again.".into())
    );
    let other = site.card("/practise/card").await;
    assert!(other.one(".eyebrow").contains("1 of 10"), "another session begins at one");
}

#[tokio::test]
async fn decks_are_narrowed_and_problems_skipped() {
    let site = site(&with_approaches()).await;
    let one = site.card("/practise/card?concept=noisy-neighbours").await;
    let skip = one.attributes("#answer-form a", "href").remove(0);
    assert!(skip.starts_with("/practise/card?concept=noisy-neighbours&since=0&skip="), "{skip}");
    let end = site.card(&skip).await;
    assert_eq!(end.one("h1"), "Nothing to practise with now");
    assert!(end.text().contains("Show what was skipped"));
    assert_eq!(site.card("/practise/card?from=shelf").await.one("h1"), "Nothing to practise with now");
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Keep, true, super::now()).await.unwrap();
    assert_eq!(site.card("/practise/card?from=shelf").await.one("h1"), one.one("h1"));
    for (path, status) in [
        ("/practise/card?from=nowhere", 400),
        ("/practise/card?label=a,b", 400),
        ("/practise/card?concept=%00", 404),
        ("/practise/card?since=-1", 400),
        ("/practise/card?skip=x", 400),
        ("/practise/answer/1", 404),
        ("/practise/answer/x", 404),
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        html::Page::parse(path, &answer.body).assert_well_formed();
    }
}

#[tokio::test]
async fn hostile_answers_are_refused_and_change_nothing() {
    let site = site(&with_approaches()).await;
    let token = site.token("/").await;
    let before = site.version().await;
    for (path, name, value, status) in [
        ("/practise/reveal/1", "text", "x".repeat(1 << 20).as_str(), 413),
        ("/practise/reveal/1", "text", "é".repeat(100_001).as_str(), 413),
        ("/practise/reveal/9999", "text", "a", 404),
        ("/practise/reveal/x", "text", "a", 404),
        ("/practise/reveal/1", "other", "a", 400),
        ("/practise/reveal/1?from=nowhere", "text", "a", 400),
        ("/practise/rate/1", "rating", "good", 404),
        ("/practise/rate/1", "rating", "best", 400),
        ("/practise/rate/x", "rating", "good", 404),
        ("/practise/remove/1", "x", "x", 404),
    ] {
        let answer = site.post(path, &[("token", &token), (name, value)], &[OWN]).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {value:.20}");
        html::Page::parse(path, &answer.body).assert_well_formed();
    }
    assert_eq!(site.version().await, before);
}

#[tokio::test]
async fn cards_go_to_anki_without_formulas() {
    let site = site(&with_approaches()).await;
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Keep, true, super::now()).await.unwrap();
    let answer = site.get("/practise/cards.csv?from=shelf").await;
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    assert!(answer.headers["content-disposition"].to_str().unwrap().contains("backissue-cards.csv"));
    let lines: Vec<&str> = answer.body.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len(), 1, "{}", answer.body);
    assert!(
        lines[0].starts_with("\"https://fernhost.example/good-fences\",\"One busy tenant"),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains("\"'=A limit for each tenant\""), "{}", lines[0]);
    let all = site.get("/practise/cards.csv").await.body;
    assert_eq!(all.lines().filter(|line| line.starts_with("\"https://")).count(), 3, "{all}");
}

#[tokio::test]
async fn a_read_only_site_does_not_practise() {
    let site = site_of(&with_approaches(), Images::default(), Readers::ReadOnly("No password.".into())).await;
    let (one, read) = (ReaderId::ONE, ReadId(1));
    let answer = site.store.answer_card(one, read, &"Secret".parse().unwrap(), super::now()).await.unwrap();
    for path in [
        "/practise".to_owned(),
        "/practise/card".to_owned(),
        format!("/practise/answer/{}", answer.id),
        "/practise/cards.csv".to_owned(),
    ] {
        let answer = site.get(&path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.body.contains("No password.") && !answer.body.contains("Secret"), "{path}");
    }
    let page = site.read_page(1).await;
    assert!(page.all("#answers").is_empty() && !page.text().contains("Secret"));
}
