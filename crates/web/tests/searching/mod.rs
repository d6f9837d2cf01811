//! The pages that answer a question.

use axum::http::{Method, StatusCode};
use backissue_model::{Mark, ReadId, ReaderId};
use backissue_search::Caught;
use backissue_web::{Images, Readers};

use crate::specimens::{HOSTILE, PROBLEM, QUOTE, blogs, busy_blog, late_post, now};
use crate::{Answer, Site, archive, html, site, site_of};

/// A question as part of an address.
fn asked(path: &str, question: &str) -> String {
    let mut address = url::form_urlencoded::Serializer::new(String::new());
    address.append_pair("q", question);
    format!("{path}?{}", address.finish())
}

async fn page(site: &Site, path: &str) -> html::Page {
    let answer = site.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    let page = html::Page::parse(path, &answer.body);
    page.assert_well_formed();
    page.assert_loads_nothing_from_elsewhere();
    page
}

fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn answer_is_problem_first_with_marked_words() {
    let site = site(&blogs()).await;
    let page = page(&site, &asked("/search", "noisy disk tenants")).await;
    assert_eq!(page.all(".found .problem").first().map(String::as_str), Some(PROBLEM));
    assert!(page.all(".found .problem mark").contains(&"tenant".to_owned()), "in any of its forms");
    assert!(page.all(".found cite mark").contains(&"noisy".to_owned()));
    assert!(page.all(".passage mark").contains(&"disk".to_owned()));
    assert_eq!(page.attributes("form.ask input", "value"), ["noisy disk tenants"]);
    assert!(page.attributes(".masthead input", "name").is_empty(), "one box is enough");
    assert_eq!(page.attributes("meta[name=robots]", "content"), ["noindex"]);
}

#[tokio::test]
async fn paraphrase_is_found_and_shows_its_evidence() {
    let site = site(&blogs()).await;
    let question = "apartment dwellers annoyed by loud roommates";
    let found = json(&site.get(&asked("/api/search", question)).await);
    let first = &found["items"][0];
    assert_eq!(
        (first["problem"].as_str(), first["why"].as_str()),
        (Some(PROBLEM), Some("meaning")),
        "{found}"
    );
    let page = page(&site, &asked("/search", question)).await;
    assert_eq!(page.all(".found li:first-child .passage"), [format!("“{QUOTE}”")]);
    assert!(page.all(".found li:first-child .why")[0].contains("in other words"));
}

#[tokio::test]
async fn facets_are_added_to_the_question_and_removed() {
    let site = site(&blogs()).await;
    let path = asked("/search", "cache");
    let all = page(&site, &path).await;
    let facet = |has: &str| {
        let links = all.attributes(".facet a", "href");
        links.into_iter().find(|link| link.contains(has)).unwrap_or_else(|| panic!("no facet {has}"))
    };
    let narrow = page(&site, &facet("kind%3Aincident")).await;
    assert_eq!(narrow.all("a[data-read]").len(), 1);
    assert_eq!(narrow.attributes("form.ask input", "value"), ["cache kind:incident"]);
    assert_eq!(narrow.attributes("a.chip", "href"), [path.as_str()]);
    assert_eq!(narrow.attributes(".facet a[aria-current]", "href"), [path]);
    let year = facet("after%3A2025");
    assert_eq!(year, "/search?q=cache+after%3A2025+before%3A2026");
    let old = page(&site, &year).await;
    assert_eq!(old.all(".found .problem"), ["At the evening peak p99 for one lock was 2.4 seconds."]);
    assert_eq!(old.attributes("a.chip", "href"), ["/search?q=cache"]);
    for link in all.own_links().into_iter().chain(narrow.own_links()) {
        let status = site.get(&link).await.status;
        assert_eq!(status, StatusCode::OK, "{link}");
    }
}

#[tokio::test]
async fn hostile_questions_stay_text() {
    let site = site(&blogs()).await;
    for question in [
        r#""><script>alert(1)</script>"#,
        "' onfocus=alert(1) x='",
        "company:\"</title><script>\" x",
        "<img src=x onerror=alert(1)>",
        "\u{0}\u{1b}[31m\u{202e} x",
        "(((((((( AND OR NOT ~ ^ * ? \\ : {} [] ",
        "\"unfinished",
        "-",
        "after:never kind:poem concept:nothing foo:bar",
    ] {
        for path in ["/search", "/prior-art"] {
            let page = page(&site, &asked(path, question)).await;
            assert!(page.all("body script, main img, [onfocus], [onerror]").is_empty(), "{question}");
        }
        let part = site.get(&format!("{}&part=results", asked("/search", question))).await;
        assert_eq!(part.status, StatusCode::OK, "{question}");
        assert!(!part.body.contains("<script"), "{}", part.body);
        for path in ["/api/search", "/api/prior-art"] {
            let answer = site.get(&asked(path, question)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {question}: {}", answer.body);
            assert_eq!(answer.headers["content-type"], "application/json");
        }
    }
    let page = page(&site, &asked("/search", "alert marks")).await;
    assert!(page.all(".found .problem").contains(&HOSTILE.to_owned()), "{}", page.text());
}

#[tokio::test]
async fn invalid_parts_are_noted_and_typos_corrected() {
    let site = site(&blogs()).await;
    let noted = page(&site, &asked("/search", "kind:poem cache")).await;
    assert!(noted.one(".notes").contains("“poem” is not a kind"), "{}", noted.one(".notes"));
    let mended = page(&site, &asked("/search", "tennant bandwith")).await;
    assert!(mended.one(".notes").contains("Searched for tenant too"), "{}", mended.one(".notes"));
    assert_eq!(mended.all(".found .problem").first().map(String::as_str), Some(PROBLEM));
}

#[tokio::test]
async fn empty_question_gets_help_and_no_answer_advice() {
    let site = site(&blogs()).await;
    for path in ["/search", "/search?q=", "/search?q=%20%20"] {
        assert_eq!(page(&site, path).await.one("h1"), "Search by problem");
    }
    let nothing = page(&site, &asked("/search", "zzyzx")).await;
    assert_eq!(nothing.one("h1"), "Nothing close enough");
    assert!(nothing.own_links().contains("/concepts"));
    let narrow = page(&site, &asked("/search", "cache company:nobody")).await;
    assert_eq!(narrow.one("h1"), "Nothing close enough");
    assert!(narrow.one(".notes").contains("no company called “nobody”"), "{}", narrow.one(".notes"));
    assert!(narrow.own_links().contains("/search?q=cache"), "there is a way out of the filter");
}

#[tokio::test]
async fn filters_alone_list_the_newest() {
    let site = site(&blogs()).await;
    let page = page(&site, &asked("/search", "kind:case-study")).await;
    let dates = page.attributes(".found time", "datetime");
    assert!(dates.len() == 3 && dates.is_sorted_by(|one, other| one >= other), "{dates:?}");
    assert!(page.one(".tally").starts_with("Newest first"));
}

#[tokio::test]
async fn answer_pages_show_every_read_once() {
    let site = site(&[busy_blog(50)]).await;
    for question in ["company:busy", "post tenant"] {
        let (mut path, mut met, mut pages) = (asked("/search", question), Vec::new(), 0);
        loop {
            let page = page(&site, &path).await;
            met.extend(page.attributes("a[data-read]", "href"));
            pages += 1;
            let Some(next) = page.attributes(".list-end a.onward", "href").pop() else { break };
            path = next;
        }
        let mut once = met.clone();
        once.sort();
        once.dedup();
        assert_eq!((met.len(), once.len(), pages), (50, 50, 3), "{question}");
    }
    let past = page(&site, "/search?q=company%3Abusy&page=9").await;
    assert!(past.text().contains("There are no more pages"));
    assert_eq!(site.get("/search?q=x&page=0").await.status, StatusCode::BAD_REQUEST);
    let first = json(&site.get("/api/search?q=company%3Abusy&limit=30").await);
    assert_eq!(first["items"].as_array().map(Vec::len), Some(30));
    let second = json(&site.get(first["next"].as_str().unwrap()).await);
    assert_eq!(
        (second["items"].as_array().map(Vec::len), &second["next"]),
        (Some(20), &serde_json::Value::Null)
    );
}

#[tokio::test]
async fn script_gets_the_part_that_a_question_changes() {
    let site = site(&blogs()).await;
    // The last word is still being typed.
    let unfinished = site.get("/search?q=bandw&part=results").await;
    assert_eq!(unfinished.headers["content-type"], "text/html; charset=utf-8");
    assert!(unfinished.body.starts_with(r#"<div class="columns"><main"#), "{}", unfinished.body);
    assert!(unfinished.body.contains("/good-fences"), "{}", unfinished.body);
    assert!(!unfinished.body.contains("masthead") && !unfinished.body.contains("role=\"search\""));
}

#[tokio::test]
async fn prior_art_is_a_table_and_markdown() {
    let site = site(&blogs()).await;
    let table = page(&site, &asked("/prior-art", "requests go past the cache")).await;
    assert!(table.all(".prior tbody th").contains(&"Fernhost".to_owned()), "{}", table.text());
    let file = table.own_links().into_iter().find(|link| link.starts_with("/prior-art.md")).unwrap();
    let text = site.get(&file).await;
    assert_eq!(text.headers["content-type"], "text/markdown; charset=utf-8");
    assert!(text.body.starts_with("## Prior art: requests go past the cache\n"), "{}", text.body);
    assert!(text.body.contains("https://fernhost.example/stampede"), "{}", text.body);
    assert_eq!(table.one("#markdown"), text.body.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(table.attributes("button[data-copies]", "data-copies"), ["markdown"]);
    let data = json(&site.get(&asked("/api/prior-art", "requests go past the cache")).await);
    assert!(
        data["ways"].as_array().unwrap().iter().any(|way| way["items"][0]["company"] == "Fernhost"),
        "{data}"
    );
    assert_eq!(page(&site, "/prior-art").await.one("h1"), "Prior art");
    assert_eq!(site.get("/prior-art.md").await.status, StatusCode::BAD_REQUEST);
    let nothing = page(&site, &asked("/prior-art", "zzyzx")).await;
    assert!(nothing.text().contains("Nothing close enough"), "{}", nothing.text());
}

/// The blogs, and a second company with the problem of the first read.
async fn with_company() -> Site {
    let mut blogs = blogs();
    let mut same = blogs[0].posts[0].clone();
    same.url = "https://lumenpay.example/hogs".parse().unwrap();
    same.article.canonical_url = Some(same.url.clone());
    same.article.title = Some("Hogs on a shared machine".to_owned());
    same.article.fingerprint = Some(backissue_model::Fingerprint(99));
    same.precis.problem.as_mut().unwrap().text =
        "One tenant took most of the disk of a shared machine and its neighbours waited.".to_owned();
    blogs[1].posts.push(same);
    site(&blogs).await
}

/// The page of the best read for a question.
async fn best(site: &Site, question: &str) -> String {
    let found = json(&site.get(&asked("/api/search", question)).await);
    found["items"][0]["path"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn read_lists_others_with_its_problem() {
    let site = with_company().await;
    let read = page(&site, &best(&site, "Good fences").await).await;
    let problem = "One tenant took most of the disk of a shared machine and its neighbours waited.";
    assert_eq!(read.all(".alike li > a"), [problem]);
    assert_eq!(read.all(".alike li > p"), ["Lumenpay·2026·problem: sure"]);
    assert_eq!(read.all(".alike .marks").len(), 1, "it can be kept from here");
    let alone = page(&site, &best(&site, "prices from next month").await).await;
    assert!(alone.all(".alike").is_empty());
}

#[tokio::test]
async fn page_with_others_is_rendered_again_after_indexing() {
    let site = with_company().await;
    let path = best(&site, "Good fences").await;
    let tag = site.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
    let same = site.ask(Method::GET, &path, &[("if-none-match", &tag)]).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    let mut more = blogs();
    more[0].posts = vec![late_post()];
    more.truncate(1);
    archive::fill(&site.store, &more, now() + jiff::SignedDuration::from_hours(2)).await.unwrap();
    let before = site.get(&path).await.headers["etag"].clone();
    site.search.catch_up(|_| ()).await.unwrap();
    assert_ne!(site.get(&path).await.headers["etag"], before);
}

#[tokio::test]
async fn rebuilt_index_lacks_nothing() {
    let site = site(&[]).await;
    // None of these reads has changed since the archive was made, but other things have.
    backissue_store::generate(&site.store, 30, 1).await.unwrap();
    assert_eq!(site.search.rebuild(|_| ()).await.unwrap(), Some(30));
    assert_eq!(site.search.catch_up(|_| ()).await.unwrap(), Caught::Up { changes: 0 });
}

#[tokio::test]
async fn incomplete_index_is_reported() {
    let site = site(&[]).await;
    archive::fill(&site.store, &blogs(), now()).await.unwrap();
    let behind = page(&site, &asked("/search", "tenant")).await;
    assert!(behind.one(".notes").contains("being built: 0 of 6"), "{}", behind.text());
    assert_eq!(behind.one("h1"), "Nothing found yet");
    let data = json(&site.get(&asked("/api/search", "tenant")).await);
    assert_eq!(data["indexing"], serde_json::json!({ "indexed": 0, "reads": 6 }));
    for path in ["/api/v1/search", "/api/v1/prior-art"] {
        let answer = site.get(&asked(path, "tenant")).await;
        assert_eq!(json(&answer)["indexing"], data["indexing"], "{path}");
        assert!(answer.headers.get("etag").is_none(), "{path}: it changes with the index");
    }
    let table = page(&site, &asked("/prior-art", "tenant")).await;
    assert!(table.one(".notes").contains("being built"), "{}", table.text());
    let read = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    assert!(page(&site, &read).await.all(".alike").is_empty());
    site.search.catch_up(|_| ()).await.unwrap();
    let now = page(&site, &asked("/search", "tenant")).await;
    assert!(now.all(".notes").is_empty() && now.all(".found .problem")[0] == PROBLEM, "{}", now.text());
}

#[tokio::test]
async fn opensearch_description_is_valid() {
    let site = site(&blogs()).await;
    let front = page(&site, "/").await;
    assert_eq!(front.attributes("link[rel=search]", "href"), ["/opensearch.xml"]);
    assert_eq!(front.attributes(".masthead form", "action"), ["/search"]);
    let told = site.get("/opensearch.xml").await;
    assert_eq!(told.headers["content-type"], "application/opensearchdescription+xml");
    let template = r#"<Url type="text/html" template="http://localhost:7878/search?q={searchTerms}">"#;
    assert!(told.body.contains(template), "{}", told.body);
}

#[tokio::test]
async fn answers_match_their_snapshots() {
    let site = site(&blogs()).await;
    let narrowed = page(&site, &asked("/search", "cache peak kind:case-study")).await;
    insta::assert_snapshot!("search", narrowed.outline());
    insta::assert_snapshot!("search_help", page(&site, "/search").await.outline());
    insta::assert_snapshot!("prior_art", page(&site, &asked("/prior-art", "cache peak")).await.outline());
    let mut found = json(&site.get(&asked("/api/search", "\"evening peak\" lock")).await);
    // Scores depend on weights that are tuned elsewhere.
    for item in found["items"].as_array_mut().unwrap() {
        item["score"] = "…".into();
        item["similarity"] = "…".into();
        item["why"] = "…".into();
    }
    insta::assert_json_snapshot!("api_search", found);
}

#[tokio::test]
async fn questions_are_narrowed_by_marks_and_labels() {
    let site = site(&blogs()).await;
    let (one, at) = (ReaderId::ONE, now());
    for (read, mark) in [(1, Mark::Done), (2, Mark::Keep), (2, Mark::Done), (4, Mark::Hide)] {
        site.store.mark(one, ReadId(read), mark, true, at).await.unwrap();
    }
    site.store.add_label(one, ReadId(1), &"to read".parse().unwrap(), at).await.unwrap();
    site.store.save_note(one, ReadId(2), &"Ours too".parse().unwrap(), 0, at).await.unwrap();
    let found = async |question: &str| {
        let mut found = page(&site, &asked("/search", question)).await.attributes(".marks", "id");
        found.sort();
        found
    };
    let all = found("kind:case-study kind:incident kind:announcement kind:event kind:opinion").await;
    let but = |not: &[&str]| all.iter().filter(|id| !not.contains(&id.as_str())).cloned().collect::<Vec<_>>();
    assert_eq!(found("is:done").await, ["m1", "m2"]);
    assert_eq!(found("is:kept is:done").await, ["m1", "m2"], "a label keeps its read");
    assert_eq!(found("is:noted").await, ["m2"]);
    assert_eq!(found("is:kept is:noted label:\"To read\"").await, Vec::<String>::new());
    assert_eq!(found("label:\"to read\"").await, ["m1"]);
    assert_eq!(found("is:unread").await, but(&["m1", "m2", "m4"]));
    assert_eq!(found("-is:unread").await, ["m1", "m2", "m4"]);
    assert_eq!(found("-is:done").await, but(&["m1", "m2"]));
    assert_eq!(found("cache is:kept").await, ["m2"]);
    assert_eq!(found("label:nobody").await, Vec::<String>::new());
    let narrowed = page(&site, &asked("/search", "is:kept cache")).await;
    assert_eq!(narrowed.all(".chips .chip"), ["No longer only kept"]);
    let table = page(&site, &asked("/prior-art", "cache is:kept")).await;
    assert_eq!(table.all(".prior tbody tr").len(), 1, "{}", table.text());

    // The API and a site that is read-only tell nobody's marks.
    let api = json(&site.get(&asked("/api/search", "is:kept before:2100")).await);
    assert_eq!(api["total"], all.len());
    assert!(api["notes"][0].as_str().unwrap().contains("left out"), "{api}");
    let read_only = site_of(&blogs(), Images::default(), Readers::ReadOnly("No.".into())).await;
    read_only.store.mark(one, ReadId(2), Mark::Keep, true, at).await.unwrap();
    let body = read_only.get(&asked("/search", "is:kept label:x before:2100")).await.body;
    let open = html::Page::parse("/search", &body);
    assert_eq!(open.one("h1"), format!("{} reads", all.len()));
    assert!(open.one(".notes").contains("left out"), "{}", open.one(".notes"));
    assert!(!read_only.get("/search").await.body.contains("is:unread"));
}

#[tokio::test]
async fn notes_are_searched_by_their_words() {
    let site = site(&blogs()).await;
    for (read, text) in [(1, "A queue & a **limit**"), (2, "A cache"), (3, "A QUEUE alone")] {
        let text = text.parse().unwrap();
        site.store.save_note(ReaderId::ONE, ReadId(read), &text, 0, now()).await.unwrap();
    }
    let found = async |words: &str| page(&site, &asked("/notes", words)).await.all("article.noted").len();
    assert_eq!((found("queue").await, found("limit queue").await, found("").await), (2, 1, 3));
    assert_eq!(found("<script>").await, 0);
    let nothing = page(&site, &asked("/notes", "\"><script>\0")).await;
    assert_eq!(nothing.attributes("#words", "value"), ["\"><script> "]);
    assert!(nothing.text().contains("No note or highlight has all of these words."));
}
