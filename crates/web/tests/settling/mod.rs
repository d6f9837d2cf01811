//! The page of settings, with a stand-in for the program around the pages.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use backissue_model::{NewSource, Source, Standing};
use backissue_store::{Dispatch, Resend, SendingClaim, SendingResult, SourceFilter, Spent};
use backissue_web::{
    Backfilling, ConfiguredModel, ConfiguredRecipient, FeedList, Figures, Finding, FoundModel, FoundToFollow,
    Images, Lacking, ModelsFound, OfferedGroup, Operator, Readers, SettingInForce, TriedModel,
};
use url::Url;

use super::marking::OWN;
use super::specimens::blogs;
use super::{Answer, Site, html, site, site_of};

/// The model that was chosen.
static CHOSEN: std::sync::Mutex<Option<String>> = std::sync::Mutex::new(None);

/// The model that was tested.
static TESTED: std::sync::Mutex<Option<String>> = std::sync::Mutex::new(None);

/// The sources that were asked for what they published before.
static BACKFILLED: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

/// The token for the figures.
pub const FIGURES_TOKEN: &str = "a token of tests";

/// A stand-in that knows three addresses and one list.
#[derive(Debug)]
pub struct StandIn;

fn blog(feed: &Url) -> NewSource {
    NewSource {
        title: "New \"blog\" <b>".into(),
        company: None,
        site_url: None,
        feed_url: Some(feed.clone()),
        sitemap_url: None,
        listing_url: None,
    }
}

impl Operator for StandIn {
    fn why_not_fetched(&self, url: &Url) -> Option<String> {
        (url.host_str() == Some("10.0.0.1")).then(|| "10.0.0.1 is private".to_owned())
    }

    fn settings(&self) -> Vec<SettingInForce> {
        let setting = |name: &str, value: &str, origin: &str| SettingInForce {
            name: name.into(),
            value: value.into(),
            origin: origin.into(),
        };
        vec![
            setting("listen", "127.0.0.1:7878", "default"),
            setting("contact", "<i>me</i>", "$BACKISSUE_CONTACT"),
        ]
    }

    fn models(&self) -> Vec<ConfiguredModel> {
        let about = "openai m:7b at http://127.0.0.1:1/, key set".to_owned();
        vec![ConfiguredModel { name: "mine".into(), about, roles: vec!["annotates new reads"] }]
    }

    fn models_found(&self) -> ModelsFound<'_> {
        let found = |name: &str, is_in_use: bool| FoundModel {
            name: name.into(),
            about: "Ollama at http://127.0.0.1:11434, on this machine.".into(),
            price: "It costs nothing: it runs on this machine.".into(),
            is_in_use,
            is_configured: name == "mine",
        };
        Box::pin(async move { vec![found("ollama/<b>:1", false), found("mine", true)] })
    }

    fn choose_model(&self, name: &str) -> bool {
        *CHOSEN.lock().unwrap() = Some(name.to_owned());
        true
    }

    fn test_model(&self, name: &str) -> bool {
        *TESTED.lock().unwrap() = Some(name.to_owned());
        true
    }

    fn cost(&self, model: &str, spent: &Spent) -> Option<String> {
        (model == "mine").then(|| format!("${}.00", spent.reads))
    }

    fn tried_model(&self) -> Option<TriedModel> {
        let chosen = CHOSEN.lock().unwrap().clone();
        chosen.map(|name| TriedModel { name, result: Some(Err("it is down; start it".to_owned())) })
    }

    fn recipients(&self) -> Vec<ConfiguredRecipient> {
        let recipient = |name: &str, trouble: Option<&str>| ConfiguredRecipient {
            name: name.into(),
            about: "slack".into(),
            trouble: trouble.map(str::to_owned),
        };
        vec![recipient("team", None), recipient("broken", Some("it has no `url`; copy the address there"))]
    }

    fn lacking<'o>(&'o self, recipient: &'o str) -> Lacking<'o> {
        let lack =
            (recipient == "team").then(|| "team gets the answers to “gone”, which is removed".to_owned());
        Box::pin(async move { Ok(lack) })
    }

    fn why_no_webhook(&self, url: &str) -> Option<String> {
        (!url.starts_with("https://"))
            .then(|| "its `url` is secret, so it must begin with https://".to_owned())
    }

    fn new_signing_key(&self) -> String {
        "whsec_c2VjcmV0".to_owned()
    }

    fn configuration_file(&self) -> String {
        "/home/me/config.toml".into()
    }

    fn fetches(&self) -> bool {
        true
    }

    fn find(&self, url: Url) -> Finding<'_> {
        Box::pin(async move {
            match url.path() {
                "/one" => Ok(FoundToFollow::One(Box::new(blog(&url)))),
                "/two" => {
                    let feeds =
                        ["one", "other"].map(|end| (Some(format!("Feed {end}")), url.join(end).unwrap()));
                    Ok(FoundToFollow::Several(feeds.to_vec()))
                }
                _ => Err(format!("{url} names no feed")),
            }
        })
    }

    fn groups(&self) -> Result<Vec<OfferedGroup>, String> {
        let group = |slug: &str, blogs: u32| OfferedGroup {
            slug: slug.into(),
            title: format!("Group <i>{slug}</i>"),
            sources: (0..blogs)
                .map(|n| blog(&format!("https://{slug}.example/{n}").parse().unwrap()))
                .collect(),
        };
        Ok(vec![group("one", 1), group("two", 2)])
    }

    fn backfill<'o>(&'o self, source: &'o Source) -> Backfilling<'o> {
        BACKFILLED.lock().unwrap().push(source.slug.to_string());
        Box::pin(std::future::ready(Ok(())))
    }

    fn feeds_in(&self, opml: &[u8]) -> Result<FeedList, String> {
        let opml = String::from_utf8_lossy(opml);
        if !opml.starts_with("<opml") {
            return Err("this is no OPML".into());
        }
        let feeds = opml.matches("<outline").enumerate().map(|(n, _)| {
            (blog(&format!("https://list.example/{n}").parse().unwrap()), Some("A group".to_owned()))
        });
        Ok(FeedList { feeds: feeds.collect(), skipped: vec!["An outline without an address.".into()] })
    }

    fn opml_of(&self, sources: Vec<Source>) -> String {
        format!("<opml>{}</opml>", sources.len())
    }

    fn figures(&self) -> Figures<'_> {
        Box::pin(std::future::ready("# TYPE backissue_up gauge\nbackissue_up 1\n".to_owned()))
    }

    fn permits_figures(&self, token: &str) -> bool {
        token == FIGURES_TOKEN
    }
}

pub fn stand_in() -> Option<Arc<dyn Operator>> {
    Some(Arc::new(StandIn))
}

impl Site {
    pub(super) async fn page_at(&self, path: &str) -> html::Page {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        let page = html::Page::parse(path, &answer.body);
        page.assert_well_formed();
        page
    }

    pub(super) async fn sent(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token("/").await;
        let fields: Vec<_> = [("token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post(path, &fields, &[OWN]).await
    }

    pub(super) async fn to(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.sent(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.body);
        answer.headers["location"].to_str().unwrap().to_owned()
    }

    async fn source_called(&self, title: &str) -> Source {
        let sources = self.store.sources(&SourceFilter::default()).await.unwrap();
        sources.into_iter().find(|source| source.title == title).unwrap()
    }
}

#[tokio::test]
async fn blog_is_followed_by_its_address() {
    let site = site(&blogs()).await;
    let settings = site.page_at("/settings").await;
    assert!(settings.text().contains("3 sources are followed"), "{}", settings.text());
    let to = site.to("/settings/follow", &[("url", "blog.example/one")]).await;
    assert_eq!(to, "/settings?followed=new-blog-b&new");
    assert!(site.page_at(&to).await.one("#done").starts_with("Following New \"blog\" <b>."));
    let again = site.to("/settings/follow", &[("url", "https://blog.example/one")]).await;
    assert!(site.page_at(&again).await.one("#done").starts_with("Already following"));

    let several = site.sent("/settings/follow", &[("url", "https://blog.example/two")]).await;
    let page = html::Page::parse("/settings/follow", &several.body);
    page.assert_well_formed();
    assert_eq!(
        page.attributes("button[name=url]", "value"),
        ["https://blog.example/one", "https://blog.example/other"]
    );
    for (typed, why) in
        [("https://blog.example/none", "names no feed"), ("javascript:alert(1)", "is not an address")]
    {
        let answer = site.sent("/settings/follow", &[("url", typed)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        let page = html::Page::parse("/settings/follow", &answer.body);
        page.assert_well_formed();
        assert!(page.one("#follow-wrong").contains(why), "{typed}");
        assert_eq!(page.attributes("#follow", "value"), [typed], "what was typed is still there");
    }
    assert_eq!(site.store.sources(&SourceFilter::default()).await.unwrap().len(), 4);
}

#[tokio::test]
async fn group_of_the_starter_list_is_followed_at_once() {
    let site = site(&blogs()).await;
    let page = site.page_at("/settings").await;
    assert_eq!(page.attributes("#group option", "value"), ["one", "two"]);
    assert_eq!(page.all("#group option")[1], "Group <i>two</i> (2 blogs)");
    let to = site.to("/settings/group", &[("group", "two")]).await;
    assert_eq!(to, "/settings?new=2&known=0");
    assert!(site.page_at(&to).await.one("#done").starts_with("Following 2 new sources"));
    let unknown = site.sent("/settings/group", &[("group", "three")]).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.store.sources(&SourceFilter::default()).await.unwrap().len(), 5);
}

#[tokio::test]
async fn source_is_asked_for_what_it_published_before() {
    let site = site(&blogs()).await;
    let source = site.source_called("Undergrowth").await;
    let path = format!("/settings/source/{}", source.id.0);
    assert_eq!(site.page_at(&path).await.all("button[value=backfill]").len(), 1);
    let to = site.to(&format!("{path}/change"), &[("do", "backfill")]).await;
    assert_eq!(to, "/source/undergrowth");
    assert_eq!(*BACKFILLED.lock().unwrap(), ["undergrowth"]);
}

#[tokio::test]
async fn model_is_chosen_among_those_that_were_found() {
    let site = site(&blogs()).await;
    assert!(site.page_at("/settings").await.attributes("a", "href").contains(&"/settings/models".to_owned()));
    let page = site.page_at("/settings/models").await;
    assert_eq!(page.attributes("input[name=model]", "value"), ["ollama/<b>:1", "mine", "built-in"]);
    assert!(page.text().contains("It costs nothing") && page.text().contains("It annotates new reads."));
    let unknown = site.sent("/settings/models/use", &[("model", "openai/x@evil.example")]).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert_eq!(*CHOSEN.lock().unwrap(), None, "only what was offered can be chosen");
    let to = site.to("/settings/models/use", &[("model", "ollama/<b>:1")]).await;
    let page = site.page_at(&to).await;
    assert_eq!(page.one("#said"), "“ollama/<b>:1”: it is down; start it.");
}

#[tokio::test]
async fn configured_model_is_tested_and_its_cost_told_per_month() {
    let site = site(&blogs()).await;
    assert!(site.page_at("/settings/models").await.text().contains("No language model has been used yet."));
    let month = jiff::SignedDuration::from_hours(31 * 24);
    for (model, at) in [("mine", super::now()), ("mine", super::now() + month), ("gone", super::now())] {
        let spent = Spent { reads: 3, input_tokens: 1_234, output_tokens: 5, ..Spent::default() };
        site.store.record_spent(model, spent, at).await.unwrap();
    }
    let page = site.page_at("/settings/models").await;
    let cost = page.all("section[aria-labelledby=costs] dd");
    assert!(cost[0].contains("Its price is not known. input_price and output_price"), "{cost:?}");
    assert!(cost[0].contains("3 reads, 1,234 tokens in and 5 out") && !cost[0].contains('$'), "{cost:?}");
    assert!(cost[1].contains("In all $6.00 for 6 reads.") && cost[1].matches("$3.00, 3 reads").count() == 2);
    let tests = page.attributes("button[formaction='/settings/models/test']", "aria-label");
    assert_eq!(tests, ["Test mine"], "only what is configured is tested");
    for other in ["ollama/<b>:1", "built-in"] {
        let refused = site.sent("/settings/models/test", &[("model", other)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{other}");
    }
    assert_eq!(*TESTED.lock().unwrap(), None);
    assert_eq!(site.to("/settings/models/test", &[("model", "mine")]).await, "/settings/models");
    assert_eq!(TESTED.lock().unwrap().as_deref(), Some("mine"));
}

#[tokio::test]
async fn source_is_renamed_paused_and_asked() {
    let site = site(&blogs()).await;
    let source = site.source_called("Undergrowth").await;
    let path = format!("/settings/source/{}", source.id.0);
    assert!(site.page_at("/sources").await.attributes(".ledger a.change", "href").contains(&path));
    assert_eq!(site.page_at("/source/undergrowth").await.attributes("a.change", "href"), [path.as_str()]);
    let page = site.page_at(&path).await;
    assert_eq!(page.attributes("#title, #company, #group", "value"), ["Undergrowth", "Fernhost", ""]);
    let change = format!("{path}/change");
    let save = async |title: &str, company: &str| {
        let was = [("was-title", "Undergrowth"), ("was-company", "Fernhost"), ("was-group", "")];
        let typed = [("do", "save"), ("title", title), ("company", company), ("group", " Databases ")];
        site.sent(&change, &[&was[..], &typed].concat()).await
    };
    assert_eq!(save("Undergrowth", "Fern & Host").await.headers["location"], path.as_str());
    let after = site.store.source(source.id).await.unwrap().unwrap();
    assert_eq!((after.title.as_str(), after.company.as_str()), ("Undergrowth", "Fern & Host"));
    assert_eq!(after.group.as_deref(), Some("Databases"));
    site.search.catch_up(|_| ()).await.unwrap();
    assert!(site.get("/search?q=company%3A%22fern+%26+host%22+tenant").await.body.contains("/read/1/"));
    let long = save(&"x".repeat(301), "Fernhost").await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(long.body.contains("at most 300 characters"));
    let stale = save("Undergrowth", "Fern Ltd").await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "the company is another one since the form was opened");
    let page = html::Page::parse(&change, &stale.body);
    page.assert_well_formed();
    assert!(page.one("[role=alert]").contains("“Fern & Host”. Nothing was saved; you typed “Fern Ltd”."));
    assert_eq!(page.attributes("#company", "value"), ["Fern & Host"]);
    assert_eq!(site.source_called("Undergrowth").await.company, "Fern & Host");

    site.to(&change, &[("do", "pause")]).await;
    assert_eq!(site.store.source(source.id).await.unwrap().unwrap().health.standing, Standing::Paused);
    assert_eq!(site.page_at(&path).await.all("button[value=resume]").len(), 1);
    site.to(&change, &[("do", "resume")]).await;
    site.to(&change, &[("do", "ask")]).await;
    let next = site.store.source(source.id).await.unwrap().unwrap().health.next_poll;
    assert!(next <= Some(jiff::Timestamp::now()), "{next:?}");
    assert_eq!(site.sent(&change, &[("do", "eat")]).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.get("/settings/source/999").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn limits_of_a_sources_articles_are_set_in_its_form() {
    let site = site(&blogs()).await;
    let source = site.source_called("Undergrowth").await;
    let path = format!("/settings/source/{}", source.id.0);
    let page = site.page_at(&path).await;
    assert_eq!(page.attributes("#keep, #keep-size", "value"), ["default", "default"]);
    let save = async |keep: &str, size: &str| {
        let was = [("was-title", ""), ("was-company", ""), ("was-group", "")];
        let same = [("title", ""), ("company", ""), ("group", "")];
        let limits = [
            ("do", "save"),
            ("was-keep", "default"),
            ("was-keep-size", "default"),
            ("keep", keep),
            ("keep-size", size),
        ];
        site.sent(&format!("{path}/change"), &[&was[..], &same, &limits].concat()).await
    };
    for (keep, size, why) in [("two years", "default", "26w"), ("2y", "much", "500 MB")] {
        let wrong = save(keep, size).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.body.contains(why) && wrong.body.contains("Nothing was saved"), "{}", wrong.body);
    }
    assert_eq!(save("2y", "500 MB").await.headers["location"], path.as_str());
    let page = site.page_at(&path).await;
    assert_eq!(page.attributes("#keep, #keep-size", "value"), ["2y", "500 MB"]);
}

#[tokio::test]
async fn page_of_a_removed_article_leads_to_its_publisher() {
    let site = site(&blogs()).await;
    let address = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    let before = site.page_at(&address).await;
    assert!(before.all(".body p").len() > 1, "the article");
    let limit = backissue_store::Retention { days: Some(backissue_model::Days(1)), bytes: None };
    let late = super::now() + jiff::SignedDuration::from_hours(24 * 3_650);
    let mut pass = site.store.begin_pruning(limit, false, late).await.unwrap().unwrap();
    assert!(site.store.prune(&mut pass).await.unwrap().unwrap().reads > 1);
    let after = site.page_at(&address).await;
    let text = after.text();
    assert!(text.contains("The article is not kept here any more"), "{text}");
    assert!(after.all(".body p").is_empty());
    let links = after.attributes("#article a", "href");
    assert_eq!(
        links,
        [site.store.read(backissue_model::ReadId(1)).await.unwrap().unwrap().card.url.to_string()]
    );
    assert_eq!(before.all(".statement").len(), after.all(".statement").len(), "what it says stays");
    let html = site.get("/api/v1/reads/1/article").await;
    assert!(html.status == StatusCode::OK && html.body.starts_with("<p>"), "{}", html.body);
    assert!(site.get("/search?q=tenant").await.body.contains("/read/1/"), "it is still found");
}

#[tokio::test]
async fn unfollowing_keeps_the_reads_unless_one_says_otherwise() {
    let site = site(&blogs()).await;
    for (title, reads, gone) in [("Undergrowth", "keep", false), ("Ledger Lines", "delete", true)] {
        let source = site.source_called(title).await;
        let path = format!("/settings/source/{}", source.id.0);
        assert_eq!(site.page_at(&path).await.attributes("[name=reads][checked]", "value"), ["keep"]);
        let before = site.store.reads_annotated().await.unwrap();
        let unfollow = format!("{path}/unfollow");
        assert_eq!(site.sent(&unfollow, &[("reads", "eat")]).await.status, StatusCode::BAD_REQUEST);
        let to = site.to(&unfollow, &[("reads", reads)]).await;
        assert!(site.page_at(&to).await.one("#done").starts_with("Not followed any more."));
        let after = site.store.reads_annotated().await.unwrap();
        assert_eq!(before - after, if gone { source.reads } else { 0 }, "{title}");
        assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn lists_of_feeds_come_in_and_go_out() {
    let site = site(&blogs()).await;
    let out = site.get("/settings/feeds.opml").await;
    assert_eq!((out.status, out.body.as_str()), (StatusCode::OK, "<opml>3</opml>"));
    assert!(out.headers["content-disposition"].to_str().unwrap().contains("feeds.opml"));
    let list = "<opml><outline/><outline/></opml>";
    let said = async |answer: Answer| {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let page = html::Page::parse("/settings/opml", &answer.body);
        page.assert_well_formed();
        page
    };
    let page = said(site.sent("/settings/opml", &[("opml", list)]).await).await;
    let done = page.one("#done");
    assert!(done.starts_with("Following 2 new sources; 0 were followed already, 1 left out."), "{done}");
    let new = page.attributes("section[aria-labelledby=new] a", "href");
    assert!(new.len() == 2 && new.iter().all(|to| to.starts_with("/source/new-blog-b")), "{new:?}");
    let left_out = page.all("section[aria-labelledby=left-out] li");
    assert_eq!(left_out, ["An outline without an address."]);
    assert_eq!(site.source_called("New \"blog\" <b>").await.group.as_deref(), Some("A group"));
    for (wrong, why) in
        [("</textarea>no", "no OPML"), (&*format!("<opml>{}", "<outline/>".repeat(2001)), "at most")]
    {
        let answer = site.sent("/settings/opml", &[("opml", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = html::Page::parse("/settings/opml", &answer.body);
        page.assert_well_formed();
        assert!(page.one("#opml-wrong").contains(why), "{}", page.one("#opml-wrong"));
        assert_eq!(page.one("#opml"), wrong);
    }
    let nothing = site.sent("/settings/opml", &[("opml", " ")]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nothing.body.contains("There is no list; choose the file"), "{}", nothing.body);
}

#[tokio::test]
async fn list_of_feeds_is_sent_as_a_file() {
    let site = site(&blogs()).await;
    let sends = async |token: &str, file: &[u8]| {
        let field = |name: &str, text: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let file_head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.opml\"\r\n\
                         Content-Type: text/x-opml\r\n\r\n";
        let head = field("token", token) + &field("opml", "pasted") + file_head;
        let body = [head.as_bytes(), file, b"\r\n--b--\r\n"].concat();
        let request = Request::post("/settings/opml")
            .header("host", "localhost:7878")
            .header(OWN.0, OWN.1)
            .header("content-type", "multipart/form-data; boundary=b");
        site.answer(request.body(Body::from(body)).unwrap()).await
    };
    let token = site.token("/").await;
    let answer = sends(&token, b"<opml><outline/></opml>").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.body.contains("Following 1 new source; 0 were"), "the file counts: {}", answer.body);
    let again = sends(&token, b"<opml><outline/></opml>").await.body;
    assert!(again.contains("Following 0 new sources; 1 were followed already"), "{again}");
    let pasted = sends(&token, b"").await;
    assert_eq!(pasted.status, StatusCode::UNPROCESSABLE_ENTITY, "without a file, what was pasted counts");
    assert_eq!(sends("", b"<opml><outline/></opml>").await.status, StatusCode::FORBIDDEN);
    let large = sends(&token, &vec![b' '; 1 << 20]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.body.contains("`backissue import FILE` takes larger lists"), "{}", large.body);
    assert_eq!(site.store.sources(&SourceFilter::default()).await.unwrap().len(), 4);
}

#[tokio::test]
async fn settings_models_and_what_is_set_aside_are_told() {
    let site = site(&blogs()).await;
    let page = site.page_at("/settings").await;
    for words in [
        "mine (annotates new reads)", "Not used yet.", "<i>me</i>", "$BACKISSUE_CONTACT",
        "/home/me/config.toml",
    ] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    assert!(page.text().contains("Nothing. A page that cannot be had"), "{}", page.text());
    assert!(page.text().contains("It has no `url`; copy the address there."), "a recipient's trouble");
    assert!(page.text().contains("Team gets the answers to “gone”, which is removed."), "{}", page.text());
    let week = Dispatch::Week("2026-W20".parse().unwrap());
    let lease = jiff::SignedDuration::from_mins(5);
    let claim = site.store.claim_sending("team", week, Resend::No, lease, super::now()).await.unwrap();
    let SendingClaim::Claimed(sending) = claim else { panic!("{claim:?}") };
    let failed = SendingResult::GivenUp("the webhook is gone; make another".to_owned());
    site.store.finish_sending(&sending, &failed, super::now()).await.unwrap();
    let told = site.page_at("/settings").await.text();
    assert!(
        told.contains("Week 2026-W20: the webhook is gone; make another; `backissue send --to team"),
        "{told}"
    );
    for (model, reads) in [("mine", 2), ("gone", 1)] {
        let spent = Spent {
            reads,
            questions: 4,
            input_tokens: 12_345,
            output_tokens: 67,
            failures: 1,
            ..Spent::default()
        };
        site.store.record_spent(model, spent, super::now()).await.unwrap();
        site.store
            .record_spent(model, spent, super::now() + jiff::SignedDuration::from_hours(24))
            .await
            .unwrap();
    }
    let told = site.page_at("/settings").await.text();
    assert!(
        told.contains("So far 8 questions for 4 reads, 24,690 tokens in and 134 out, 2 without a reply."),
        "{told}"
    );
    assert!(told.contains("Not configured any more:gone"), "{told}");
    assert_eq!(site.to("/settings/ask", &[]).await, "/settings?asked=1");
    assert_eq!(site.to("/settings/retry", &[]).await, "/settings?retried=0");
    site.store.withdraw(backissue_model::ReadId(1), true, super::now()).await.unwrap();
    let page = site.page_at("/settings").await;
    assert_eq!(page.attributes(".aside a", "href"), ["/correct/1"]);
}

#[tokio::test]
async fn read_only_site_shows_no_settings() {
    let site = site_of(&blogs(), Images::default(), Readers::ReadOnly("No password.".into())).await;
    for path in ["/settings", "/settings/feeds.opml", "/settings/source/1"] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.body.contains("No password.") && !answer.body.contains("BACKISSUE_CONTACT"), "{path}");
    }
    for path in ["/", "/sources", "/source/undergrowth"] {
        assert!(!site.get(path).await.body.contains("/settings"), "{path}");
    }
}

#[tokio::test]
async fn shared_address_is_asked_about_before_it_is_saved() {
    let site = site(&blogs()).await;
    let one = backissue_model::ReaderId::ONE;
    let shared = "/save?title=A+post&text=Look:+https://blog.example/shared%3Fa%3D1%26b%3D2";
    let page = site.page_at(shared).await;
    assert_eq!(page.attributes("#save-url", "value"), ["https://blog.example/shared?a=1&b=2"]);
    assert!(page.text().contains("A post") && site.store.saved_waiting(one, 20).await.unwrap().is_empty());
    let nothing = site.page_at("/save?url=javascript:alert(1)").await;
    assert_eq!(nothing.attributes("#save-url", "value"), [""]);
    assert_eq!(site.to("/save", &[("url", "https://blog.example/shared")]).await, "/sources?saved=1#save");
    let sources = site.page_at("/sources?saved=1").await;
    assert!(sources.one("#waiting").contains("shown as soon as it is fetched"), "{}", sources.text());
    let bookmarklet = sources.attributes(".bookmarklet a", "href").remove(0);
    let leads =
        "javascript:location.href='http://localhost:7878/save?url='+encodeURIComponent(location.href)";
    assert_eq!(bookmarklet, leads);
}

#[tokio::test]
async fn pages_can_be_installed_and_their_shelf_listed() {
    let site = site(&blogs()).await;
    let manifest = site.get("/manifest.webmanifest").await;
    assert_eq!(manifest.headers["content-type"], "application/manifest+json");
    let manifest: serde_json::Value = serde_json::from_str(&manifest.body).unwrap();
    assert_eq!(manifest["share_target"]["action"], "/save");
    for icon in manifest["icons"].as_array().unwrap() {
        let answer = site.get(icon["src"].as_str().unwrap()).await;
        assert_eq!(
            (answer.status, &answer.headers["content-type"]),
            (StatusCode::OK, &"image/png".parse().unwrap())
        );
    }
    let worker = site.get("/sw.js").await;
    assert!(worker.headers["content-type"].to_str().unwrap().starts_with("text/javascript"));
    let keep = backissue_model::Mark::Keep;
    let (one, read) = (backissue_model::ReaderId::ONE, backissue_model::ReadId(1));
    site.store.mark(one, read, keep, true, super::now()).await.unwrap();
    let list = site.get("/offline.json").await;
    assert_eq!(list.headers["cache-control"], "private, no-store");
    let list: serde_json::Value = serde_json::from_str(&list.body).unwrap();
    let path = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(list["pages"], serde_json::json!([path, "/shelf"]));
    for asset in list["assets"].as_array().unwrap() {
        assert_eq!(site.get(asset.as_str().unwrap()).await.status, StatusCode::OK, "{asset}");
    }
}
