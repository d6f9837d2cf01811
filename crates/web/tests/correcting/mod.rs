//! Corrections through the form of a read's page.

use axum::http::StatusCode;
use backissue_model::{Correction, ReadField, ReadId};
use backissue_web::{Images, Readers};

use super::marking::OWN;
use super::specimens::{HOSTILE, PROBLEM, blogs};
use super::{Answer, Site, html, site, site_of};

impl Site {
    async fn correction_page(&self, id: i64) -> html::Page {
        let path = format!("/correct/{id}");
        let answer = self.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let page = html::Page::parse(&path, &answer.body);
        page.assert_well_formed();
        page
    }

    /// Sends the form of a read with these fields changed.
    async fn correct(&self, id: i64, changed: &[(&str, &str)]) -> Answer {
        let page = self.correction_page(id).await;
        let mut fields: Vec<(String, String)> =
            vec![("token".into(), page.attributes(".settle [name=token]", "value").remove(0))];
        for field in ReadField::ALL {
            let was = page.attributes(&format!("[name=was-{field}]"), "value").remove(0);
            let typed = changed.iter().find(|(name, _)| *name == field.as_str());
            fields.push((field.to_string(), typed.map_or(was.clone(), |(_, typed)| (*typed).to_owned())));
            fields.push((format!("was-{field}"), was));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.post(&format!("/correct/{id}/save"), &fields, &[OWN]).await
    }
}

#[tokio::test]
async fn correction_shows_what_the_program_said_and_is_undone() {
    let site = site(&blogs()).await;
    let before = site.read_page(1).await;
    assert_eq!(before.attributes(".correct a", "href"), ["/correct/1"]);
    let said = "Deploys  emptied\r\nthe cache.";
    let saved =
        site.correct(1, &[("problem", said), ("concepts", "Caching, rate limiting"), ("outcome", "")]).await;
    assert_eq!(
        (saved.status, &saved.headers["location"]),
        (StatusCode::SEE_OTHER, &"/read/1#how".parse().unwrap())
    );
    let page = site.read_page(1).await;
    assert_eq!(page.one("h1"), "Deploys emptied the cache.");
    assert_eq!(page.one("[data-statement=problem] .backing"), "Corrected by a person.");
    let grounds = page.one("#how");
    assert!(grounds.contains("Corrected by a person on ") && grounds.contains(PROBLEM), "{grounds}");
    assert!(grounds.contains("Concepts: Corrected by a person on "), "{grounds}");
    assert!(!grounds.contains("What changed"), "an unchanged field is not corrected: {grounds}");
    let week = html::Page::parse("/", &site.get("/week/2026-W20").await.body);
    assert!(week.text().contains("corrected by a person"), "{}", week.text());
    let corrected = "/week/2026-W20?form=corrected";
    let narrow = html::Page::parse(corrected, &site.get(corrected).await.body);
    assert_eq!(narrow.all("a[data-read]"), ["Deploys emptied the cache."]);
    assert_eq!(narrow.attributes("a.chip", "href"), ["/week/2026-W20"]);
    site.search.catch_up(|_| ()).await.unwrap();
    assert!(site.get("/search?q=emptied").await.body.contains("/read/1/"), "search finds it");
    let found = html::Page::parse("/", &site.get("/search?q=form:corrected").await.body);
    assert_eq!(found.all(".found .problem"), ["Deploys emptied the cache."]);
    let data: serde_json::Value = serde_json::from_str(&site.get("/api/read/1").await.body).unwrap();
    assert_eq!(data["problem_form"], "corrected");
    assert_eq!(
        (&data["corrections"][0]["field"], &data["corrections"][0]["said"]),
        (&"problem".into(), &PROBLEM.into())
    );

    let form = site.correction_page(1).await;
    assert_eq!(form.attributes("[name=take-back]", "value"), ["problem", "concepts"]);
    assert_eq!(form.attributes("[name=concepts]", "value"), ["caching, rate-limiting"]);
    let token = form.attributes("#take-back [name=token]", "value").remove(0);
    let fields = [("token", token.as_str()), ("take-back", "problem")];
    let back = site.post("/correct/1/save", &fields, &[OWN]).await;
    assert_eq!(back.headers["location"], "/correct/1#problem");
    assert_eq!(site.read_page(1).await.one("h1"), PROBLEM);
}

#[tokio::test]
async fn refused_correction_keeps_what_was_typed_and_saves_nothing() {
    let site = site(&blogs()).await;
    let long = "x".repeat(321);
    for (field, typed, why) in [
        ("problem", long.as_str(), "at most 320 characters; this one has 321"),
        ("title", " ", "cannot be empty"),
        ("kind", "incidents", "is not a kind"),
        ("concepts", "rate-limitin", "did you mean"),
        ("date", "2999-01-01", "in the future"),
        ("date", "yesterday", "write it as 2026-05-12"),
        ("company", HOSTILE.repeat(4).as_str(), "at most 200 characters"),
    ] {
        let answer = site.correct(1, &[(field, typed), ("outcome", "It is fast.")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        let page = html::Page::parse("/correct/1/save", &answer.body);
        page.assert_well_formed();
        assert!(page.one(&format!("#{field}-wrong")).contains(why), "{field}: {}", page.text());
        assert_eq!(page.attributes("[aria-invalid]", "id"), [field]);
        assert!(page.text().contains("It is fast."), "the other field is still there");
        assert!(site.store.corrections(ReadId(1)).await.unwrap().is_empty(), "{field}");
    }
    assert_eq!(site.get("/correct/9999").await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/correct/x").await.status, StatusCode::NOT_FOUND);
    let token = site.token("/").await;
    let half = [("token", token.as_str()), ("problem", "x")];
    assert_eq!(site.post("/correct/1/save", &half, &[OWN]).await.status, StatusCode::BAD_REQUEST);
    let wrong = [("token", token.as_str()), ("take-back", "text")];
    assert_eq!(site.post("/correct/1/save", &wrong, &[OWN]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn form_corrects_only_what_was_changed_in_it() {
    let site = site(&blogs()).await;
    let hostile = format!("{HOSTILE} \" onfocus=\"alert(1)");
    assert_eq!(site.correct(1, &[("title", &hostile)]).await.status, StatusCode::SEE_OTHER);
    let corrected = site.store.corrections(ReadId(1)).await.unwrap();
    assert_eq!(corrected.iter().map(|one| one.correction.field()).collect::<Vec<_>>(), [ReadField::Title]);
    site.correction_page(1).await;
    assert_eq!(site.read_page(1).await.one("cite"), hostile);
    let event = Correction::of(ReadField::Kind, "event").unwrap();
    site.store.correct(ReadId(2), &[event], &[], super::now()).await.unwrap();
    let page = site.read_page(2).await;
    assert!(page.one("#how").contains("Kind: Corrected by a person on"), "{}", page.one("#how"));
    assert!(page.one("#how").contains("the program said: Incident."), "{}", page.one("#how"));
}

#[tokio::test]
async fn read_only_site_shows_corrections_and_takes_none() {
    let site = site_of(&blogs(), Images::default(), Readers::ReadOnly("No password.".into())).await;
    let correction = Correction::of(ReadField::Problem, "Queues grew.").unwrap();
    site.store.correct(ReadId(1), &[correction], &[], super::now()).await.unwrap();
    let page = site.read_page(1).await;
    assert!(page.one("[data-statement=problem] .backing").contains("Corrected by a person."));
    assert!(page.attributes(".correct a", "href").is_empty());
    let refused = site.get("/correct/1").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("No password."));
}

#[tokio::test]
async fn read_is_hidden_from_everybody_and_shown_again() {
    let site = site(&blogs()).await;
    let token = site.token("/").await;
    let send = async |path: &str| site.post(path, &[("token", &token)], &[OWN]).await;
    let hidden = send("/correct/1/hide").await;
    assert_eq!(
        (hidden.status, &hidden.headers["location"]),
        (StatusCode::SEE_OTHER, &"/correct/1".parse().unwrap())
    );
    assert_eq!(site.get("/read/1").await.status, StatusCode::NOT_FOUND);
    for path in [
        "/week/2026-W20", "/source/undergrowth", "/feed.atom", "/concept/multi-tenancy", "/api/week/2026-W20",
    ] {
        assert!(!site.get(path).await.body.contains("Good fences"), "{path}");
    }
    site.search.catch_up(|_| ()).await.unwrap();
    assert!(!site.get("/search?q=tenant").await.body.contains("/read/1/"));
    let page = site.correction_page(1).await;
    assert_eq!(page.attributes("form.settle", "action"), ["/correct/1/show"]);
    assert_eq!(send("/correct/1/hide").await.headers["location"], "/correct/1", "twice is once");
    assert_eq!(send("/correct/1/show").await.headers["location"], "/read/1");
    assert_eq!(site.read_page(1).await.one("h1"), PROBLEM);
    assert_eq!(send("/correct/9999/hide").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn two_reads_are_compared_before_they_are_merged() {
    let site = site(&blogs()).await;
    let page = site.correction_page(2).await;
    assert_eq!(page.attributes("form.settle:not([method])", "action"), ["/correct/2/same"]);
    let path = "/correct/2/same?as=http%3A%2F%2Flocalhost%3A7878%2Fread%2F1%2Fgood-fences";
    let page = html::Page::parse(path, &site.get(path).await.body);
    page.assert_well_formed();
    assert!(
        page.text().contains("This cannot be undone") && page.text().contains("stays"),
        "{}",
        page.text()
    );
    assert_eq!(page.attributes(".settle [name=as]", "value"), ["1"]);
    for (path, status) in [
        ("/correct/2/same?as=x", StatusCode::BAD_REQUEST),
        ("/correct/2/same", StatusCode::BAD_REQUEST),
        ("/correct/2/same?as=999", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(site.get(path).await.status, status, "{path}");
    }
    assert_eq!(site.store.cards(&[ReadId(1), ReadId(2)]).await.unwrap().len(), 2, "nothing was merged yet");
    let token = site.token("/").await;
    let merged = site.post("/correct/2/merge", &[("token", &token), ("as", "1")], &[OWN]).await;
    assert_eq!(merged.headers["location"], "/read/1");
    assert!(site.get("/read/2").await.headers["location"].to_str().unwrap().starts_with("/read/1/"));
}
