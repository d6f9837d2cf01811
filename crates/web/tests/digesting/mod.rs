//! A week's digest: put in order by forms, previewed, published.

use backissue_model::{ReadId, ReaderId, Week};
use backissue_web::Readers;

use super::marking::OWN;
use super::*;

const PAGE: &str = "/week/2026-W20/digest";
const FORM: &str = "/week/2026-W20/issue";

/// The fields of the page's form, with the typed values in place of those on the page.
async fn fields(site: &Site, act: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let page = html::Page::parse(PAGE, &site.get(PAGE).await.body);
    page.assert_well_formed();
    let names = page.attributes("form.digest input", "name");
    let values = page.attributes("form.digest input", "value");
    let mut fields: Vec<(String, String)> = names.into_iter().zip(values).collect();
    for name in page.attributes("form.digest textarea", "name") {
        let value = page.all(&format!("form.digest textarea[name={name}]")).concat();
        fields.push((name, value));
    }
    for (name, value) in typed {
        let field = fields.iter_mut().find(|(known, _)| known == name).expect("the form has this field");
        field.1 = (*value).to_owned();
    }
    fields.push(("do".to_owned(), act.to_owned()));
    fields
}

async fn send(site: &Site, fields: &[(String, String)]) -> Answer {
    let pairs: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    site.post(FORM, &pairs, &[OWN]).await
}

async fn act(site: &Site, act: &str, typed: &[(&str, &str)]) {
    let answer = send(site, &fields(site, act, typed).await).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{act}: {}", answer.body);
    assert!(answer.headers["location"].to_str().unwrap().starts_with(PAGE));
}

async fn first(site: &Site) -> Vec<String> {
    let page = html::Page::parse(PAGE, &site.get(PAGE).await.body);
    page.attributes("form.digest input[name=first]", "value")[0].split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn reads_are_put_in_order_dropped_and_remarked_on() {
    let site = site(&blogs()).await;
    let by_rule = first(&site).await;
    assert_eq!(by_rule.len(), 2, "{by_rule:?}");
    let [a, b] = [by_rule[0].clone(), by_rule[1].clone()];
    let remark = format!("remark-{b}");
    act(
        &site,
        &format!("up {b}"),
        &[("remark", "A quiet week.\r\n\r\nRead *both*."), (&remark, "We had this.")],
    )
    .await;
    assert_eq!(first(&site).await, [b.clone(), a.clone()]);
    let body = site.get(PAGE).await.body;
    assert!(
        body.contains("A quiet week.") && body.contains("We had this.") && body.contains("Your draft"),
        "{body}"
    );
    act(&site, &format!("drop {a}"), &[]).await;
    assert_eq!(first(&site).await, std::slice::from_ref(&b));
    let preview = site.get(&format!("{PAGE}?show=markdown")).await.body;
    assert!(preview.contains("We had this.") && preview.contains("Read \\*both\\*."), "{preview}");
    act(&site, &format!("restore {a}"), &[]).await;
    act(&site, &format!("first {a}"), &[]).await;
    assert_eq!(first(&site).await, [b.clone(), a.clone()]);
    act(&site, &format!("rest {b}"), &[]).await;
    assert_eq!(first(&site).await, std::slice::from_ref(&a));
    act(&site, "reset", &[]).await;
    assert_eq!(first(&site).await, by_rule);
    assert!(site.get(PAGE).await.body.contains("A proposal by rule"));
}

#[tokio::test]
async fn issue_goes_out_once_it_is_published() {
    let site = site(&blogs()).await;
    let documents = ["/week/2026-W20.md", "/weeks.atom", "/weeks.json"];
    act(&site, "save", &[("remark", "Mind the caches.")]).await;
    for path in documents {
        assert!(!site.get(path).await.body.contains("Mind the caches."), "{path} shows a draft");
    }
    let tag = site.get(documents[1]).await.headers["etag"].clone();
    act(&site, "publish", &[]).await;
    for path in documents {
        assert!(site.get(path).await.body.contains("Mind the caches."), "{path}");
    }
    assert_ne!(site.get(documents[1]).await.headers["etag"], tag);
    let narrowed = site.get("/week/2026-W20.md?kind=incident").await.body;
    assert!(!narrowed.contains("Mind the caches."), "a part of a week is not the issue: {narrowed}");
    act(&site, "withdraw", &[]).await;
    assert!(!site.get(documents[0]).await.body.contains("Mind the caches."));
}

#[tokio::test]
async fn form_of_an_older_version_changes_nothing() {
    let site = site(&blogs()).await;
    let old = fields(&site, "save", &[("remark", "Mine")]).await;
    act(&site, "save", &[("remark", "Theirs")]).await;
    let answer = send(&site, &old).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    let week: Week = "2026-W20".parse().unwrap();
    assert_eq!(site.store.issue(week).await.unwrap().unwrap().issue.remark, "Theirs");
    let page = html::Page::parse(FORM, &answer.body);
    page.assert_well_formed();
    assert_eq!(
        page.all("form.digest textarea[name=remark]").concat().trim(),
        "Mine",
        "what was typed is there"
    );
    assert_eq!(page.all("section.own pre").concat().trim(), "Theirs");
    // The form of this page can be sent.
    let version = page.attributes("form.digest input[name=version]", "value")[0].clone();
    let fields: Vec<_> = old
        .into_iter()
        .map(|(name, value)| if name == "version" { (name, version.clone()) } else { (name, value) })
        .collect();
    assert_eq!(send(&site, &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.store.issue(week).await.unwrap().unwrap().issue.remark, "Mine");
}

#[tokio::test]
async fn what_the_reader_keeps_is_proposed_first() {
    let site = site(&blogs()).await;
    let by_rule = first(&site).await;
    let second: i64 = by_rule[1].parse().unwrap();
    let mark = backissue_model::Mark::Keep;
    site.store.mark(ReaderId::ONE, ReadId(second), mark, true, now()).await.unwrap();
    assert_eq!(first(&site).await[0], by_rule[1]);
    let markdown = site.get("/week/2026-W20.md").await.body;
    site.store.mark(ReaderId::ONE, ReadId(second), mark, false, now()).await.unwrap();
    assert_eq!(site.get("/week/2026-W20.md").await.body, markdown, "others do not get one reader's order");
}

#[tokio::test]
async fn hidden_read_is_proposed_as_dropped_and_not_in_the_issue() {
    let site = site(&blogs()).await;
    let hidden: i64 = first(&site).await[0].parse().unwrap();
    let mark = backissue_model::Mark::Hide;
    site.store.mark(ReaderId::ONE, ReadId(hidden), mark, true, now()).await.unwrap();
    let page = html::Page::parse(PAGE, &site.get(PAGE).await.body);
    assert_eq!(page.attributes("form.digest input[name=dropped]", "value"), [hidden.to_string()]);
    let link = format!("/read/{hidden}/");
    assert!(page.attributes("form.digest a", "href").iter().any(|href| href.starts_with(&link)));
    act(&site, "publish", &[]).await;
    let title = site.store.cards(&[ReadId(hidden)]).await.unwrap()[0].title.clone();
    let preview = site.get(&format!("{PAGE}?show=text")).await.body;
    let markdown = site.get("/week/2026-W20.md").await.body;
    assert!(!markdown.contains(&title) && !preview.contains(&title), "{markdown}");
    // The issue is the same for all: hiding another read later changes nothing.
    let other: i64 = first(&site).await[0].parse().unwrap();
    site.store.mark(ReaderId::ONE, ReadId(other), mark, true, now()).await.unwrap();
    assert_eq!(first(&site).await[0], other.to_string());
}

#[tokio::test]
async fn every_preview_shows_what_would_go_out() {
    let site = site(&blogs()).await;
    for show in ["mail", "text", "markdown", "slack", "discord", "mattermost", "teams", "matrix", "webhook"] {
        let path = format!("{PAGE}?show={show}");
        let answer = site.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{show}");
        let page = html::Page::parse(&path, &answer.body);
        page.assert_well_formed();
        page.assert_loads_nothing_from_elsewhere();
        assert!(page.text().contains("Good fences"), "{show}: {}", page.text());
    }
    assert_eq!(site.get(&format!("{PAGE}?show=fax")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn digest_is_nobodys_on_a_read_only_server() {
    let site = site_of(&blogs(), Images::default(), Readers::ReadOnly("No.".into())).await;
    assert_eq!(site.get(PAGE).await.status, StatusCode::FORBIDDEN);
    let week = site.get("/week/2026-W20").await.body;
    assert!(!week.contains(PAGE), "nothing leads there");
    let open = super::site(&blogs()).await;
    assert!(open.get("/week/2026-W20").await.body.contains(PAGE));
    for mistaken in ["up", "up x", "fly 1", ""] {
        let answer = send(&open, &fields(&open, mistaken, &[]).await).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{mistaken}");
    }
}
