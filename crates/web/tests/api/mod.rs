//! The JSON API for programs: what pages show, in one form, with errors that say what to do.

use serde_json::Value;

use super::access::table;
use super::*;

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.body))
}

async fn data(site: &Site, path: &str) -> Value {
    let answer = site.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    json(&answer)
}

/// All references in a document.
fn references<'v>(value: &'v Value, all: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(object) => {
            all.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| references(value, all));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, all)),
        _ => {}
    }
}

#[tokio::test]
async fn document_and_access_table_have_the_same_routes() {
    let site = site(&blogs()).await;
    let document = data(&site, "/api/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let paths = document["paths"].as_object().unwrap();
    let documented: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |m| format!("{} {path}", m.to_uppercase()))
        })
        .collect();
    let rows = table().into_iter().filter(|row| row.path.starts_with("/api/v1/"));
    let listed: BTreeSet<String> = rows.map(|row| format!("{} {}", row.method, row.path)).collect();
    assert_eq!(documented, listed);
    let mut all = BTreeSet::new();
    references(&document, &mut all);
    for reference in all {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
    }
    for (path, item) in paths {
        let parameters = item["get"]["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(fields) = parameters.iter().find(|parameter| parameter["name"] == "fields") else {
            continue;
        };
        let names: Vec<&str> =
            fields["schema"]["items"]["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let path = path.replace("{week}", "2026-W20").replace("{id}", "1").replace("{slug}", "caching");
        let path = path.replace("/sources/caching", "/sources/undergrowth");
        let answer = data(&site, &format!("{path}?fields={}", names.join(","))).await;
        let item = answer["items"].as_array().map_or(&answer, |items| &items[0]);
        let there: BTreeSet<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(there, names.into_iter().collect(), "{path}");
    }
    let page = html::Page::parse("/api", &site.get("/api").await.body);
    page.assert_well_formed();
    for path in paths.keys() {
        assert!(page.text().contains(path.as_str()), "{path} is not on the page");
    }
}

#[tokio::test]
async fn read_has_every_statement_of_its_page_with_its_evidence() {
    let site = site(&blogs()).await;
    let read = data(&site, "/api/v1/reads/1").await;
    let page = html::Page::parse("/read/1", &site.get(read["path"].as_str().unwrap()).await.body).text();
    let statements = read["statements"].as_array().unwrap();
    assert!(!statements.is_empty());
    for statement in statements {
        for part in ["text", "heading", "standing", "odds"] {
            assert!(page.contains(statement[part].as_str().unwrap()), "{part}: {statement}");
        }
        for evidence in statement["evidence"].as_array().unwrap() {
            let text = site.get("/api/v1/reads/1/article?format=text").await.body;
            let span = |key: &str| usize::try_from(evidence[key].as_u64().unwrap()).unwrap();
            assert_eq!(&text[span("start")..span("end")], evidence["quote"].as_str().unwrap());
        }
        assert!((0.0..=1.0).contains(&statement["confidence"].as_f64().unwrap()));
        assert!(["sure", "likely"].contains(&statement["sureness"].as_str().unwrap()));
    }
    let maker = &read["made_by"];
    assert!(page.contains(
        &format!("{} annotator, version {}", maker["annotator"], maker["version"]).replace('"', "")
    ));
    for concept in read["defined"].as_array().unwrap() {
        // The vocabulary may have lost it.
        assert!(page.contains(concept["definition"].as_str().unwrap_or_default()), "{concept}");
    }
    let html = site.get("/api/v1/reads/1/article").await;
    assert!(
        html.headers["content-type"].to_str().unwrap().starts_with("text/html") && html.body.contains("<p>")
    );
    let markdown = site.get("/api/v1/reads/1/article?format=markdown").await;
    assert!(markdown.headers["content-type"].to_str().unwrap().starts_with("text/markdown"));
    assert!(markdown.body.starts_with("# ["), "{}", markdown.body);
}

/// The numbers of all reads of a list, page by page.
async fn walked(site: &Site, path: &str) -> Vec<i64> {
    let (mut ids, mut next) = (Vec::new(), Some(String::new()));
    while let Some(cursor) = next {
        let page = data(site, &format!("{path}{cursor}")).await;
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()));
        next = page["next"].as_str().map(|next| format!("&cursor={next}"));
    }
    ids
}

#[tokio::test]
async fn lists_and_answers_go_on_where_they_stopped() {
    let site = site(&blogs()).await;
    let all = walked(&site, "/api/v1/reads?limit=100").await;
    assert!(all.len() > 5);
    assert_eq!(walked(&site, "/api/v1/reads?limit=2").await, all);
    let problems_first = walked(&site, "/api/v1/reads?order=problems-first&limit=3").await;
    assert_eq!(problems_first.iter().collect::<BTreeSet<_>>(), all.iter().collect::<BTreeSet<_>>());
    let found = walked(&site, "/api/v1/search?q=kind:incident&limit=100").await;
    assert_eq!(walked(&site, "/api/v1/search?q=kind:incident&limit=1").await, found);
    let listed = walked(&site, "/api/v1/reads?kind=incident&limit=1").await;
    assert_eq!(listed.iter().collect::<BTreeSet<_>>(), found.iter().collect::<BTreeSet<_>>());
    let weeks = data(&site, "/api/v1/weeks?limit=1").await;
    let next = weeks["next"].as_str().unwrap();
    let second = data(&site, &format!("/api/v1/weeks?limit=1&cursor={next}")).await;
    assert!(second["items"][0]["week"].as_str() < weeks["items"][0]["week"].as_str());
    for path in ["/api/v1/concepts", "/api/v1/sources", "/api/v1/companies", "/api/v1/digests"] {
        assert!(
            !data(&site, &format!("{path}?limit=1")).await["items"].as_array().unwrap().is_empty(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn answers_are_those_of_the_pages() {
    let site = site(&blogs()).await;
    let question = "q=one+tenant+slows+everyone";
    let ids = |answer: &Value| -> Vec<i64> {
        answer["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    };
    let (old, new) = (
        data(&site, &format!("/api/search?{question}")).await,
        data(&site, &format!("/api/v1/search?{question}")).await,
    );
    assert!(!ids(&new).is_empty());
    assert_eq!(ids(&old), ids(&new));
    assert_eq!(old["total"], new["total"]);
    assert!(new["items"].as_array().unwrap().iter().all(|item| item["statements"].is_array()));
    let art = data(&site, &format!("/api/v1/prior-art?{question}")).await;
    assert!(!art["approaches"].as_array().unwrap().is_empty());
    assert_eq!(data(&site, "/api/v1/prior-art?q=+").await["approaches"], serde_json::json!([]));
    let similar = data(&site, "/api/v1/reads/1/similar?fields=id,why").await;
    let items = similar["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["id"] != 1 && item.as_object().unwrap().len() == 2), "{similar}");
    let digest = data(&site, "/api/v1/digests/2026-W20").await;
    assert!(digest["totals"]["reads"].as_u64().unwrap() > 0);
    let source = data(&site, "/api/v1/sources/undergrowth").await;
    assert_eq!((&source["condition"], &source["company"]), (&"well".into(), &"Fernhost".into()));
    let concept = data(&site, "/api/v1/concepts/caching?fields=slug,reads,start_here").await;
    assert_eq!(concept.as_object().unwrap().len(), 3, "{concept}");
    let mine = data(&site, "/api/v1/weeks/2026-W20").await;
    assert_eq!(mine["mine"]["unread"], mine["reads"]);
}

#[tokio::test]
async fn unchanged_answer_costs_a_304() {
    let site = site(&blogs()).await;
    for path in ["/api/v1/reads?limit=2", "/api/v1/reads/1", "/api/v1/sources", "/api/openapi.json"] {
        let tag = site.get(path).await.headers["etag"].to_str().unwrap().to_owned();
        let again = site.ask(Method::GET, path, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
    }
}

#[tokio::test]
async fn bad_input_is_a_problem_with_a_remedy() {
    let site = site(&blogs()).await;
    let weeks = data(&site, "/api/v1/weeks?limit=1").await["next"].as_str().unwrap().to_owned();
    let of_one =
        data(&site, "/api/v1/reads?source=undergrowth&limit=1").await["next"].as_str().unwrap().to_owned();
    let long = "x".repeat(501);
    for (path, status, kind) in [
        ("/api/v1/reads?colour=red".to_owned(), 400, "invalid"),
        ("/api/v1/reads?limit=0".to_owned(), 400, "invalid"),
        ("/api/v1/reads?limit=101".to_owned(), 400, "invalid"),
        ("/api/v1/reads?limit=many".to_owned(), 400, "invalid"),
        ("/api/v1/reads?limit=1&limit=2".to_owned(), 400, "invalid"),
        ("/api/v1/reads?kind=poem".to_owned(), 400, "invalid"),
        ("/api/v1/reads?show=everything".to_owned(), 400, "invalid"),
        ("/api/v1/reads?fields=id,secret".to_owned(), 400, "invalid"),
        ("/api/v1/reads?source=".to_owned(), 400, "invalid"),
        ("/api/v1/reads?week=2026-W99".to_owned(), 404, "no-such-week"),
        ("/api/v1/reads?source=undergroth".to_owned(), 404, "no-such-source"),
        ("/api/v1/reads?concept=cachign".to_owned(), 404, "no-such-concept"),
        (format!("/api/v1/reads?cursor={weeks}"), 400, "foreign-cursor"),
        (format!("/api/v1/reads?kind=event&cursor={of_one}"), 400, "foreign-cursor"),
        (format!("/api/v1/weeks?cursor={of_one}"), 400, "foreign-cursor"),
        ("/api/v1/reads?cursor=%00%ff".to_owned(), 400, "foreign-cursor"),
        (format!("/api/v1/search?q={long}"), 400, "invalid"),
        ("/api/v1/prior-art".to_owned(), 400, "invalid"),
        ("/api/v1/reads/0".to_owned(), 404, "no-such-read"),
        ("/api/v1/reads/99999999999999999999".to_owned(), 404, "no-such-read"),
        ("/api/v1/reads/1/article?format=pdf".to_owned(), 400, "invalid"),
        ("/api/v1/concepts/%F0%9F%98%80".to_owned(), 404, "no-such-concept"),
        ("/api/v1/nothing".to_owned(), 404, "no-such-path"),
        ("/api/v1/".to_owned(), 404, "no-such-path"),
    ] {
        let answer = site.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
        let problem = json(&answer);
        assert_eq!(problem["type"], format!("/api#{kind}"), "{path}: {problem}");
        assert_eq!(problem["status"], status, "{path}");
        for part in ["title", "detail", "remedy"] {
            assert!(problem[part].as_str().is_some_and(|text| !text.is_empty()), "{path}: {problem}");
        }
    }
    let wrong = site.ask(Method::DELETE, "/api/v1/weeks", &[]).await;
    assert_eq!(
        (wrong.status, &wrong.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET,HEAD".parse().unwrap())
    );
    let near = json(&site.get("/api/v1/reads?source=undergroth").await);
    assert!(near["detail"].as_str().unwrap().contains("undergrowth"), "{near}");
}
