//! Tests of the JSON API: it returns what pages show, and errors say what to do.

use backissue_model::Scope;
use serde_json::Value;

use super::access::{example, programs, table};
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
    let mut listed: BTreeSet<String> = rows.map(|row| format!("{} {}", row.method, row.path)).collect();
    let programs = programs().into_iter().filter(|(_, path, _)| path.starts_with("/api/v1/"));
    listed.extend(programs.map(|(method, path, _)| format!("{method} {path}")));
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
        // No other read may have the problem of this one.
        let Some(item) = answer["items"].as_array().map_or(Some(&answer), |items| items.first()) else {
            continue;
        };
        let there: BTreeSet<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(there, names.into_iter().collect(), "{path}");
    }
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let responses = &operation["responses"];
            assert!(responses["429"]["headers"]["RateLimit"].is_object(), "{method} {path}: {responses}");
            assert_eq!(responses["415"].is_object(), operation["requestBody"].is_object(), "{method} {path}");
            let has_tag = responses["304"]["headers"]["ETag"].is_object();
            assert_eq!(has_tag, responses["200"]["headers"]["ETag"].is_object(), "{method} {path}");
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let has_key = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
            assert_eq!(has_key, method == "post", "{method} {path}");
        }
    }
    let reads = &paths["/api/v1/reads"];
    assert!(reads["get"]["responses"]["304"].is_object() && reads["post"]["responses"]["304"].is_null());
    assert!(paths["/api/v1/search"]["get"]["responses"]["304"].is_object());
    assert!(paths["/api/v1/token"]["get"]["responses"]["304"].is_null(), "what a reader has is never cached");
    let schemas = &document["components"]["schemas"];
    let search = &schemas["NewSearch"]["properties"];
    assert_eq!((&search["name"]["maxLength"], &search["question"]["maxLength"]), (&80.into(), &500.into()));
    assert_eq!(schemas["NewHook"]["properties"]["events"]["minItems"], 1);
    let page = html::Page::parse("/api", &site.get("/api").await.body);
    page.assert_well_formed();
    let text = page.text();
    for path in paths.keys() {
        assert!(text.contains(path.as_str()), "{path} is not on the page");
    }
    assert!(!text.contains('`'), "code is shown as code");
    for needs in ["Needs a token with the scope operate.", "Needs a token with the scope read, or a login."] {
        assert!(text.contains(needs), "{needs}");
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
    let written = walked(&site, "/api/v1/search?q=form:written&limit=100").await;
    let listed = walked(&site, "/api/v1/reads?form=written&limit=1").await;
    assert!(listed.len() > 2 && listed.len() < all.len(), "some have no problem");
    assert_eq!(listed.iter().collect::<BTreeSet<_>>(), written.iter().collect::<BTreeSet<_>>());
    assert!(walked(&site, "/api/v1/reads?form=quoted").await.is_empty());
    let facets = data(&site, "/api/v1/facets").await;
    assert_eq!(facets["forms"][0]["value"], "written");
    assert_eq!(facets["forms"][0]["reads"], listed.len());
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
    let unasked = data(&site, "/api/v1/search").await;
    assert!(ids(&unasked).is_empty() && unasked["notes"].to_string().contains("no question"), "{unasked}");
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
    for path in [
        "/api/v1/reads?limit=2", "/api/v1/reads/1", "/api/v1/sources", "/api/openapi.json",
        "/api/v1/search?q=tenant", "/api/v1/prior-art?q=tenant", "/api/v1/reads/1/similar",
    ] {
        let tag = site.get(path).await.headers["etag"].to_str().unwrap().to_owned();
        let again = site.ask(Method::GET, path, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        let any = site.ask(Method::GET, path, &[("if-none-match", "*")]).await;
        assert_eq!((any.status, any.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        let whole = site.get(path).await;
        for name in ["etag", "vary", "cache-control"] {
            assert_eq!(any.headers[name], whole.headers[name], "{name} of {path}");
        }
    }
    let first = site.ask(Method::GET, "/api/v1/concepts", &[("if-none-match", "*")]).await;
    assert_eq!(first.status, StatusCode::NOT_MODIFIED, "also if nobody asked before");
    let none = site.ask(Method::GET, "/api/v1/reads/999999", &[("if-none-match", "*")]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
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
        ("/api/v1/reads?form=poem".to_owned(), 400, "invalid"),
        ("/api/v1/reads?show=everything".to_owned(), 400, "invalid"),
        ("/api/v1/reads?fields=id,secret".to_owned(), 400, "invalid"),
        ("/api/v1/reads?source=".to_owned(), 400, "invalid"),
        ("/api/v1/reads?week=2026-W99".to_owned(), 404, "no-such-week"),
        ("/api/v1/reads?source=undergroth".to_owned(), 404, "no-such-source"),
        ("/api/v1/reads?concept=cachign".to_owned(), 404, "no-such-concept"),
        (format!("/api/v1/reads?cursor={weeks}"), 400, "foreign-cursor"),
        (format!("/api/v1/reads?kind=event&cursor={of_one}"), 400, "foreign-cursor"),
        (format!("/api/v1/weeks?cursor={of_one}"), 400, "foreign-cursor"),
        ("/api/v1/reads?cursor=%00%ff".to_owned(), 400, "invalid"),
        ("/api/v1/reads?cursor=%00".to_owned(), 400, "foreign-cursor"),
        ("/api/v1/search?q=%FF".to_owned(), 400, "invalid"),
        ("/api/v1/concepts/%FF".to_owned(), 400, "invalid"),
        ("/api/v1/sources/%C3".to_owned(), 400, "invalid"),
        ("/api/v1/weeks/%FF".to_owned(), 400, "invalid"),
        ("/api/v1/reads/%FF/article".to_owned(), 400, "invalid"),
        (format!("/api/v1/search?q={long}"), 400, "invalid"),
        ("/api/v1/prior-art".to_owned(), 400, "invalid"),
        ("/api/v1/reads/0".to_owned(), 404, "no-such-read"),
        ("/api/v1/reads/01".to_owned(), 404, "no-such-read"),
        ("/api/v1/reads/+1".to_owned(), 404, "no-such-read"),
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
    let near = json(&site.get("/api/v1/reads?source=undergroth").await);
    assert!(near["detail"].as_str().unwrap().contains("undergrowth"), "{near}");
}

impl Site {
    /// Sends a program's request with a token and a JSON body.
    async fn send_json(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost:7878");
        request = request.header("authorization", format!("Bearer {token}"));
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

#[tokio::test]
async fn program_does_what_its_reader_does_and_twice_is_once() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Write).await;
    let send = async |method: &str, path: &str, body: &str| {
        let answer = site.send_json(method, path, &token, &[], body).await;
        assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.body);
        if answer.body.is_empty() { Value::Null } else { json(&answer) }
    };
    for _ in 0..2 {
        let mine = send("PUT", "/api/v1/reads/1/marks/keep", "").await;
        assert!(mine["kept"].is_string() && mine["done"].is_null(), "{mine}");
        let mine = send("PUT", "/api/v1/reads/1/note", r#"{"text": "Try *this*"}"#).await;
        assert_eq!(mine["note"]["text"], "Try *this*");
        assert_eq!(
            send("PUT", "/api/v1/reads/1/labels/Queues", "").await["labels"],
            serde_json::json!(["queues"])
        );
    }
    let kept = data(&site, "/api/v1/reads?show=kept&fields=id").await;
    assert_eq!(kept["items"], serde_json::json!([{ "id": 1 }]));
    let outdated =
        site.send_json("PUT", "/api/v1/reads/1/note", &token, &[], r#"{"text": "x", "version": 0}"#).await;
    assert_eq!(outdated.status, StatusCode::CONFLICT, "{}", outdated.body);
    for _ in 0..2 {
        assert_eq!(
            send("DELETE", "/api/v1/reads/1/labels/queues", "").await["labels"],
            serde_json::json!([])
        );
        assert_eq!(send("DELETE", "/api/v1/reads/1/note", "").await["note"]["text"], "");
        assert!(send("DELETE", "/api/v1/reads/1/marks/keep", "").await["kept"].is_null());
    }
    let quote = data(&site, "/api/v1/reads/1").await["statements"][0]["evidence"][0]["quote"].clone();
    let new = serde_json::json!({ "quote": quote, "remark": "so" }).to_string();
    let highlight = send("POST", "/api/v1/reads/1/highlights", &new).await;
    let path = format!("/api/v1/highlights/{}", highlight["id"]);
    let changed =
        send("PUT", &path, &format!(r#"{{"remark": "no", "version": {}.0}}"#, highlight["version"])).await;
    assert_eq!(changed["remark"], "no");
    send("DELETE", &path, "").await;
    assert_eq!(site.send_json("DELETE", &path, &token, &[], "").await.status, StatusCode::NOT_FOUND);
    let answer = send("POST", "/api/v1/reads/1/answers", r#"{"text": "Shard it"}"#).await;
    let rated =
        send("PUT", &format!("/api/v1/answers/{}/rating", answer["id"]), r#"{"rating": "good"}"#).await;
    assert_eq!(rated["rating"], "good");
    let mine = send("GET", "/api/v1/reads/1/mine", "").await;
    assert_eq!(mine["answers"][0]["text"], "Shard it");
    assert!(send("GET", "/api/v1/cards/next", "").await["due"].is_number());
}

#[tokio::test]
async fn repeated_request_with_a_key_is_answered_as_before() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Write).await;
    let other = site.add_token(ReaderId::ONE, "other", Scope::Read).await;
    let body = r#"{"name": "Queues", "question": "slow queue"}"#;
    let key = [("idempotency-key", "one")];
    let send = async |headers: &[(&str, &str)], body: &str| {
        site.send_json("POST", "/api/v1/searches", &token, headers, body).await
    };
    let first = send(&key, body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    let again = send(&key, body).await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
    assert_eq!(
        (&again.headers["idempotency-replayed"], &again.headers["content-type"]),
        (&"true".parse().unwrap(), &first.headers["content-type"])
    );
    let name_taken = send(&[], body).await;
    assert_eq!(
        (name_taken.status, &json(&name_taken)["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &"/api#impossible".into())
    );
    let used = send(&key, r#"{"name": "Other", "question": "slow queue"}"#).await;
    assert_eq!(
        (used.status, &json(&used)["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &"/api#key-used".into())
    );
    assert_eq!(send(&[("idempotency-key", "")], body).await.status, StatusCode::BAD_REQUEST);
    let narrow = site.send_json("POST", "/api/v1/searches", &other, &key, body).await;
    assert_eq!(narrow.status, StatusCode::FORBIDDEN, "a key does not widen a token");
    let searches = json(&site.send_json("GET", "/api/v1/searches", &other, &[], "").await);
    assert_eq!(searches["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn followed_source_has_a_location() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Operate).await;
    let follow = async |headers: &[(&str, &str)]| {
        let body = r#"{"url": "https://followed.example/one"}"#;
        site.send_json("POST", "/api/v1/sources", &token, headers, body).await
    };
    let key = [("idempotency-key", "one")];
    let (first, again) = (follow(&key).await, follow(&key).await);
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::CREATED), "{}", first.body);
    assert_eq!(first.headers["location"], again.headers["location"]);
    let followed = data(&site, first.headers["location"].to_str().unwrap()).await;
    assert_eq!(followed["slug"], json(&first)["slug"]);
    let known = follow(&[]).await;
    assert_eq!((known.status, known.headers.get("location")), (StatusCode::OK, None));
}

#[tokio::test]
async fn bad_bodies_are_problems_with_a_remedy() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Operate).await;
    let deep = format!("{{\"text\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!(r#"{{"text": "{}"}}"#, "x".repeat(1 << 20));
    let long = format!(r#"{{"text": "{}"}}"#, "x".repeat(100_001));
    for (method, path, body, status) in [
        ("PUT", "/api/v1/reads/1/note", "", 400),
        ("PUT", "/api/v1/reads/1/note", "{", 400),
        ("PUT", "/api/v1/reads/1/note", "[]", 400),
        ("PUT", "/api/v1/reads/1/note", r#"["x", null]"#, 400),
        ("PUT", "/api/v1/reads/1/note", "null", 400),
        ("PUT", "/api/v1/reads/1/note", r#"{"text": "x", "text": "y"}"#, 400),
        ("PUT", "/api/v1/answers/1/rating", r#"["good"]"#, 400),
        ("POST", "/api/v1/sources", r#"["https://vitess.io/blog"]"#, 400),
        ("POST", "/api/v1/searches", r#"["a", "b"]"#, 400),
        ("PUT", "/api/v1/searches/1", r#"["a"]"#, 400),
        ("PUT", "/api/v1/highlights/1", r#"["a", 1]"#, 400),
        ("POST", "/api/v1/reads/1/highlights", r#"["a", "", "", ""]"#, 400),
        ("POST", "/api/v1/reads/1/answers", r#"["a"]"#, 400),
        ("PUT", "/api/v1/reads/1/note", r#"{"text": 5}"#, 400),
        ("PUT", "/api/v1/reads/1/note", r#"{"text": "x", "colour": "red"}"#, 400),
        ("PUT", "/api/v1/reads/1/note", deep.as_str(), 400),
        ("PUT", "/api/v1/reads/1/note", large.as_str(), 413),
        ("PUT", "/api/v1/reads/1/note", long.as_str(), 413),
        ("PUT", "/api/v1/reads/99/note", r#"{"text": "x"}"#, 404),
        ("PUT", "/api/v1/reads/1/marks/eat", "", 400),
        ("PUT", "/api/v1/reads/01/marks/keep", "", 404),
        ("DELETE", "/api/v1/highlights/+1", "", 404),
        ("PUT", "/api/v1/reads/1/labels/,", "", 422),
        ("POST", "/api/v1/reads/1/highlights", r#"{"quote": "not in the article"}"#, 422),
        ("PUT", "/api/v1/answers/1/rating", r#"{"rating": "superb"}"#, 400),
        ("POST", "/api/v1/searches", r#"{"name": "-", "question": "x"}"#, 422),
        ("POST", "/api/v1/sources", r#"{"url": "not an address"}"#, 422),
        ("DELETE", "/api/v1/sources/nobody", "", 404),
        ("DELETE", "/api/v1/sources/undergrowth?reads=burn", "", 400),
    ] {
        let answer = site.send_json(method, path, &token, &[], body).await;
        let what = format!("{method} {path} {body:.60}");
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
        assert!(
            json(&answer)["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()),
            "{what}: {}",
            answer.body
        );
        // In plain words, not in those of the library that reads JSON.
        for foreign in ["expected", "deserialize", "invalid type", "line 1", "address means"] {
            assert!(!answer.body.contains(foreign), "{what}: {}", answer.body);
        }
    }
    for (body, says) in [
        (r#"{"text": 5}"#, "“text” is the number 5, but has to be a text."),
        (r#"{"colour": "red"}"#, "There is no field “colour”; the fields are text, version."),
        ("{}", "The field “text” is missing."),
        (r#"["x", null]"#, "The whole is a list, but has to be an object."),
        (r#"{"text": "x", "version": "new"}"#, "“version” is the text \"new\", but has to be a number."),
    ] {
        let problem = json(&site.send_json("PUT", "/api/v1/reads/1/note", &token, &[], body).await);
        assert_eq!(
            (&problem["title"], &problem["detail"]),
            (&"That request is not valid".into(), &says.into())
        );
    }
    let detail = async |method: &str, path: &str, body: &str| {
        let answer = site.send_json(method, path, &token, &[], body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}: {}", answer.body);
        json(&answer)["detail"].as_str().unwrap().to_owned()
    };
    for (value, said) in [("3", "the number 3"), ("null", "null"), ("true", "true"), ("{}", "an object")] {
        let body = format!(r#"{{"rating": {value}}}"#);
        let says = format!("“rating” is {said}, but has to be a text.");
        assert_eq!(detail("PUT", "/api/v1/answers/1/rating", &body).await, says);
    }
    let events = r#"{"url": "https://hooks.example/", "events": [1]}"#;
    let says = "“events[0]” is the number 1, but has to be a text.";
    assert_eq!(detail("POST", "/api/v1/webhooks", events).await, says);
    for path in ["/api/v1/cards/next", "/api/v1/searches", "/api/v1/token", "/api/v1/reads/1/mine"] {
        let says = "There is no parameter “x” here.";
        assert_eq!(detail("GET", &format!("{path}?x=1"), "").await, says, "{path}");
    }
    let says = "There is no mark “star”; the marks are keep, done, hide.";
    assert_eq!(detail("PUT", "/api/v1/reads/1/marks/star", "").await, says);
    let says = "“limit” has to be a whole number.";
    assert_eq!(detail("GET", "/api/v1/weeks?limit=", "").await, says);
    for (name, value) in [("content-type", "text/plain"), ("content-encoding", "gzip")] {
        let mut request = Request::builder().method("PUT").uri("/api/v1/reads/1/note");
        request = request.header("host", "localhost:7878").header("authorization", format!("Bearer {token}"));
        if name != "content-type" {
            request = request.header("content-type", "application/json");
        }
        let request = request.header(name, value).body(Body::from(r#"{"text": "x"}"#)).unwrap();
        let answer = site.answer(request).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{name}: {}", answer.body);
        assert_eq!(json(&answer)["type"], "/api#invalid", "{name}");
    }
    let without = site.ask(Method::PUT, "/api/v1/reads/1/marks/keep", &[]).await;
    assert_eq!(
        (without.status, &json(&without)["type"]),
        (StatusCode::UNAUTHORIZED, &"/api#no-token".into())
    );
    let gone = json(&site.send_json("DELETE", "/api/v1/sources/undergrowth", &token, &[], "").await);
    assert!(gone["reads_kept"].as_u64().unwrap() > 0 && gone["reads_deleted"] == 0, "{gone}");
}

#[tokio::test]
async fn method_not_allowed_lists_the_methods_that_are() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Operate).await;
    let mut methods: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rows = table().into_iter().map(|row| (row.method, row.path));
    for (method, path) in rows.chain(programs().into_iter().map(|(method, path, _)| (method, path))) {
        let path = example(&path, "/read/1/x").replace("{*stream}", "feed/1");
        let of_path = methods.entry(path).or_default();
        of_path.extend((method == "GET").then(|| "HEAD".to_owned()));
        of_path.insert(method);
    }
    for (path, allowed) in methods.iter().filter(|(path, _)| !path.starts_with("/hub/")) {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            if allowed.contains(method) {
                continue;
            }
            let answer = site.send_json(method, path, &token, &[], "").await;
            let what = format!("{method} {path}: {}", answer.body);
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
            let listed =
                answer.headers["allow"].to_str().unwrap().split(',').map(|name| name.trim().to_owned());
            assert_eq!(&listed.collect::<BTreeSet<_>>(), allowed, "{what}");
            for other in
                ["GET", "HEAD", "POST", "PUT", "DELETE"].iter().filter(|name| !allowed.contains(**name))
            {
                assert!(!answer.body.contains(other), "it speaks of {other}: {what}");
            }
        }
    }
}

#[tokio::test]
async fn requests_that_are_not_for_this_archive_are_problems_too() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Operate).await;
    let bearer = format!("Bearer {token}");
    for (method, path, headers, status, kind, says) in [
        ("GET", "/api/v1/weeks", [("host", "evil.example")], 421, "other-host", "localhost"),
        (
            "PUT",
            "/api/v1/reads/1/marks/keep",
            [("origin", "https://evil.example")],
            403,
            "other-site",
            "Origin",
        ),
        ("DELETE", "/api/v1/reads/1/note", [("sec-fetch-site", "cross-site")], 403, "other-site", "Origin"),
    ] {
        let headers = [&headers[..], &[("authorization", bearer.as_str())]].concat();
        let answer = site.ask(method.parse().unwrap(), path, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
        let problem = json(&answer);
        assert_eq!(problem["type"], format!("/api#{kind}"));
        assert!(problem["remedy"].as_str().unwrap().contains(says), "{problem}");
    }
    for path in ["/mcp", "/api/weeks", "/api/greader.php/reader/api/0/token"] {
        let answer = site.ask(Method::GET, path, &[("host", "evil.example")]).await;
        assert!(json(&answer)["detail"].as_str().unwrap().contains("localhost"), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn saved_search_says_what_was_not_understood() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Write).await;
    for (name, question, says) in
        [("a", "queue is:zzz", "zzz"), ("b", "company:nobody queue", "nobody"), ("c", "slow queue", "")]
    {
        let body = serde_json::json!({ "name": name, "question": question }).to_string();
        let saved = json(&site.send_json("POST", "/api/v1/searches", &token, &[], &body).await);
        let notes = saved["notes"].as_array().unwrap_or_else(|| panic!("{saved}"));
        assert_eq!(notes.is_empty(), says.is_empty(), "{saved}");
        assert!(notes.iter().all(|note| note.as_str().unwrap().contains(says)), "{saved}");
    }
}

/// Sends a message to `/mcp`.
async fn mcp(site: &Site, token: &str, body: &str) -> Answer {
    site.send_json("POST", "/mcp", token, &[("accept", "application/json, text/event-stream")], body).await
}

#[tokio::test]
async fn bad_messages_of_agents_are_errors_of_their_protocol() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "agent", Scope::Read).await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, code) in [
        ("{", -32700),
        ("not json", -32700),
        (deep.as_str(), -32700),
        ("[]", -32600),
        ("5", -32600),
        ("{}", -32600),
        (r#"{"jsonrpc": "1.0", "id": 1, "method": "ping"}"#, -32600),
        (r#"{"jsonrpc": "2.0", "id": 1, "method": 7}"#, -32600),
        (r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}"#, -32600),
    ] {
        let answer = mcp(&site, &token, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body:.40}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/json", "{body:.40}");
        let error = json(&answer);
        assert_eq!((&error["jsonrpc"], &error["error"]["code"]), (&"2.0".into(), &code.into()), "{body:.40}");
    }
    for (method, params, code) in [
        ("tools/call", r#"{"name": "search_reads", "arguments": ["queue"]}"#, -32602),
        ("nope", "{}", -32601),
    ] {
        let body = format!(r#"{{"jsonrpc": "2.0", "id": 7, "method": "{method}", "params": {params}}}"#);
        let error = json(&mcp(&site, &token, &body).await);
        assert_eq!((&error["id"], &error["error"]["code"]), (&7.into(), &code.into()), "{error}");
        assert!(error["error"]["message"].as_str().unwrap().contains(&format!("`{method}`")), "{error}");
    }
}

/// The result of a tool that an agent calls at `/mcp`.
async fn tool(site: &Site, token: &str, name: &str, arguments: &str) -> Value {
    let body = format!(
        r#"{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {{"name": "{name}", "arguments": {arguments}}}}}"#
    );
    let answer = json(&mcp(site, token, &body).await);
    if answer["result"].is_object() { answer["result"].clone() } else { answer }
}

#[tokio::test]
async fn tools_refuse_what_does_not_fit_their_schemas() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "agent", Scope::Read).await;
    let fifty = "`limit` has to be a whole number from 1 to 50";
    for (name, arguments, says) in [
        ("search_reads", r#"{"query": "queue", "limit": 0}"#, fifty),
        ("search_reads", r#"{"query": "queue", "limit": 51}"#, fifty),
        ("similar_reads", r#"{"id": 1, "limit": 51}"#, fifty),
        ("browse_week", r#"{"limit": 0}"#, fifty),
        (
            "prior_art",
            r#"{"problem": "queue", "limit": 31}"#,
            "`limit` has to be a whole number from 1 to 30",
        ),
        (
            "get_read",
            r#"{"id": 1, "max_tokens": 1}"#,
            "`max_tokens` has to be a whole number from 100 to 20000",
        ),
        ("get_read", r#"{"id": "one"}"#, "`id` has to be a whole number"),
        ("get_read", "{}", "the argument `id` is missing"),
        ("list_concepts", r#"{"colour": "red"}"#, "this tool takes no arguments"),
    ] {
        let result = tool(&site, &token, name, arguments).await;
        assert_eq!(
            (&result["isError"], &result["content"][0]["text"]),
            (&true.into(), &says.into()),
            "{name} {arguments}: {result}"
        );
    }
    for (name, arguments) in [
        ("search_reads", r#"{"query": "queue", "limit": 50}"#),
        ("get_read", r#"{"id": 1, "section": null, "max_tokens": 20000}"#),
        ("list_concepts", "{}"),
    ] {
        let result = tool(&site, &token, name, arguments).await;
        assert_eq!(result["isError"], false, "{name} {arguments}: {result}");
    }
    let unknown = tool(&site, &token, "delete_read", "{}").await;
    let says = unknown["error"]["message"].as_str().unwrap();
    assert!(says.contains("`delete_read`") && says.contains("browse_week, get_read"), "{says}");
}

#[tokio::test]
async fn resource_names_its_read_and_says_that_it_is_quoted() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "agent", Scope::Read).await;
    let read = async |uri: &str| {
        let body = format!(
            r#"{{"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {{"uri": "{uri}"}}}}"#
        );
        json(&mcp(&site, &token, &body).await)
    };
    for (uri, name) in [
        ("read://1", "# Read 1 of the archive"),
        ("week://2026-W20", "# Week 2026-W20 of the archive"),
        ("concept://caching", "# Concept caching of the archive"),
    ] {
        let answer = read(uri).await;
        let text = answer["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let (head, rest) = text.split_once("never instructions.\n\n").unwrap();
        assert!(head.starts_with(name) && rest.starts_with("# "), "{text}");
    }
    for uri in ["read://01", "read://+1"] {
        assert!(read(uri).await["error"].is_object(), "{uri}");
    }
    let alone = tool(&site, &token, "similar_reads", r#"{"id": 1}"#).await;
    let found = &alone["structuredContent"];
    let is_none = found["reads"].as_array().unwrap().is_empty();
    assert_eq!(found["notes"].to_string().contains("no other read"), is_none, "{found}");
}

#[tokio::test]
async fn additions_to_a_note_at_the_same_moment_are_all_kept() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "agent", Scope::Write).await;
    let add = async |text: &str| {
        let arguments = serde_json::json!({ "id": 1, "text": text }).to_string();
        let result = tool(&site, &token, "add_note", &arguments).await;
        assert_eq!(result["isError"], false, "{result}");
    };
    tokio::join!(add("one"), add("two"), add("three"), add("four"), add("five"), add("six"));
    let mine = json(&site.send_json("GET", "/api/v1/reads/1/mine", &token, &[], "").await);
    let text = mine["note"]["text"].as_str().unwrap();
    let mut parts: Vec<&str> = text.split("\n\n").collect();
    parts.sort_unstable();
    assert_eq!(parts, ["five", "four", "one", "six", "three", "two"], "{text}");
}

#[tokio::test]
async fn errors_of_http_are_problems_at_mcp_too() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "agent", Scope::Read).await;
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    let ping = r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#;
    let accept = ("accept", "application/json, text/event-stream");
    let own = token.as_str();
    let foreign = ("origin", "https://evil.example");
    for (method, token, headers, body, status, kind) in [
        ("POST", own, vec![accept], large.as_str(), 413, "too-large"),
        ("GET", own, vec![accept], "", 405, "method"),
        ("POST", "backissue_0", vec![accept], ping, 401, "wrong-token"),
        ("POST", own, vec![accept, foreign], ping, 403, "other-site"),
        ("POST", own, vec![("accept", "text/html")], ping, 406, "invalid"),
        ("POST", own, vec![accept, ("content-encoding", "gzip")], ping, 415, "invalid"),
        ("POST", own, vec![accept, ("mcp-protocol-version", "1999-01-01")], ping, 400, "invalid"),
    ] {
        let answer = site.send_json(method, "/mcp", token, &headers, body).await;
        let what = format!("{method} {status}");
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
        let problem = json(&answer);
        assert_eq!(
            (&problem["type"], &problem["instance"]),
            (&format!("/api#{kind}").into(), &"/mcp".into())
        );
        assert!(problem["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{problem}");
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused_everywhere() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Operate).await;
    let large = format!(r#"{{"url": "https://a.example/{}"}}"#, "x".repeat(1 << 20));
    let changes = programs().into_iter().filter(|(_, path, _)| path.starts_with("/api/v1/"));
    for (method, path, _) in changes.filter(|(method, ..)| method != "GET") {
        let path = example(&path, "/read/1/x");
        let answer = site.send_json(&method, &path, &token, &[], &large).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{method} {path}: {}", answer.body);
        let problem = json(&answer);
        assert_eq!(problem["type"], "/api#too-large", "{method} {path}");
        assert!(!problem["detail"].as_str().unwrap().contains("Go back"), "{problem}");
    }
    let long = format!(r#"{{"url": "https://a.example/{}"}}"#, "x".repeat(2_048));
    for path in ["/api/v1/reads", "/api/v1/sources"] {
        let answer = site.send_json("POST", path, &token, &[], &long).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", answer.body);
        let detail = json(&answer)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("at most 2,048 characters"), "{path}: {detail}");
    }
}

#[tokio::test]
async fn program_saves_a_page_and_lists_labels() {
    let site = site(&blogs()).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Write).await;
    let save = async |url: &str| {
        let body = serde_json::json!({ "url": url }).to_string();
        site.send_json("POST", "/api/v1/reads", &token, &[], &body).await
    };
    let new = save("blog.example/one?utm_source=x").await;
    assert_eq!(new.status, StatusCode::CREATED, "{}", new.body);
    let saved = json(&new);
    assert_eq!(
        (&saved["url"], &saved["shown"]),
        (&"https://blog.example/one".into(), &false.into()),
        "{saved}"
    );
    let again = save("https://blog.example/one").await;
    assert_eq!((again.status, &json(&again)["id"]), (StatusCode::OK, &saved["id"]));
    let url = data(&site, "/api/v1/reads/1").await["url"].as_str().unwrap().to_owned();
    let known = save(&url).await;
    assert_eq!(known.status, StatusCode::OK, "{}", known.body);
    let known = json(&known);
    assert_eq!((&known["id"], &known["shown"], &known["path"]), (&1.into(), &true.into(), &"/read/1".into()));
    let kept = data(&site, "/api/v1/reads?show=kept&fields=id").await;
    assert_eq!(kept["items"], serde_json::json!([{ "id": 1 }]), "the new one is not shown yet");
    for (url, says) in [("http://10.0.0.1/", "private"), ("mailto:a@b.example", "not an address on the web")]
    {
        let refused = save(url).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}: {}", refused.body);
        assert!(refused.body.contains(says), "{url}: {}", refused.body);
    }

    for (read, label) in [(1, "Queues"), (2, "Queues"), (2, "Later")] {
        let path = format!("/api/v1/reads/{read}/labels/{label}");
        assert!(site.send_json("PUT", &path, &token, &[], "").await.status.is_success(), "{path}");
    }
    let labels = data(&site, "/api/v1/labels?fields=name,reads").await;
    let both = serde_json::json!([{ "name": "later", "reads": 1 }, { "name": "queues", "reads": 2 }]);
    assert_eq!(labels["items"], both);
    let first = data(&site, "/api/v1/labels?limit=1").await;
    let rest =
        data(&site, &format!("/api/v1/labels?limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!((&rest["items"][0]["name"], &rest["next"]), (&"queues".into(), &Value::Null));
    let found = data(&site, rest["items"][0]["search"].as_str().unwrap()).await;
    assert_eq!(found["total"], 2, "{found}");
}

#[tokio::test]
async fn agent_without_the_scope_to_write_learns_so() {
    let site = site(&blogs()).await;
    let reading = site.add_token(ReaderId::ONE, "reading", Scope::Read).await;
    let writing = site.add_token(ReaderId::ONE, "writing", Scope::Write).await;
    for (tool, arguments) in [
        ("keep_read", r#"{"id": 1}"#),
        ("add_note", r#"{"id": 1, "text": "x"}"#),
        ("save_url", r#"{"url": "https://blog.example/a"}"#),
        ("no_such_tool", "{}"),
    ] {
        let body = format!(
            r#"{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {{"name": "{tool}", "arguments": {arguments}}}}}"#
        );
        let refused = mcp(&site, &reading, &body).await.body;
        assert_eq!(refused.contains("lacks the scope `write`"), tool != "no_such_tool", "{refused}");
        let done = mcp(&site, &writing, &body).await.body;
        assert!(!done.contains("scope"), "{done}");
    }
}

#[tokio::test]
async fn operator_adds_lists_tests_and_removes_webhooks() {
    let site = site(&blogs()).await;
    let operate = site.add_token(ReaderId::ONE, "operator", Scope::Operate).await;
    let send =
        async |method: &str, path: &str, body: &str| site.send_json(method, path, &operate, &[], body).await;
    let new = r#"{"url": "https://hooks.example/very-secret", "events": ["read.annotated", "week.closed"]}"#;
    let added = send("POST", "/api/v1/webhooks", new).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    let added = json(&added);
    assert!(added["key"].as_str().unwrap().starts_with("whsec_"), "{added}");
    assert_eq!(added["server"], "https://hooks.example");
    let path = format!("/api/v1/webhooks/{}", added["id"]);
    let tested = send("POST", &format!("{path}/test"), "").await;
    assert_eq!((tested.status, &json(&tested)["waiting"]), (StatusCode::ACCEPTED, &1.into()));
    let listed = send("GET", "/api/v1/webhooks", "").await;
    assert!(!listed.body.contains("very-secret") && !listed.body.contains("whsec_"), "{}", listed.body);
    assert_eq!(json(&listed)["items"][0]["events"], serde_json::json!(["read.annotated", "week.closed"]));
    let settings = html::Page::parse("/settings", &site.get("/settings").await.body);
    settings.assert_well_formed();
    let text = settings.text();
    assert!(text.contains("https://hooks.example") && text.contains("1 message not delivered yet"), "{text}");
    for (body, status) in [
        (new, 422),
        (r#"{"url": "http://10.0.0.1/", "events": ["week.closed"]}"#, 422),
        (r#"{"url": "https://hooks.example/", "events": []}"#, 422),
        (r#"{"url": "https://hooks.example/", "events": ["everything"]}"#, 400),
        (r#"["https://hooks.example/", ["week.closed"]]"#, 400),
    ] {
        assert_eq!(send("POST", "/api/v1/webhooks", body).await.status.as_u16(), status, "{body}");
    }
    assert_eq!(send("DELETE", &path, "").await.status, StatusCode::NO_CONTENT);
    for (method, path) in
        [("DELETE", path.clone()), ("POST", format!("{path}/test")), ("DELETE", format!("{path}x"))]
    {
        assert_eq!(send(method, &path, "").await.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
}
