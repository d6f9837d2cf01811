//! The Google Reader API, as reader apps send it.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use backissue_model::{NewSource, ReadId, ReaderId, Scope, hex};
use backissue_store::{Among, Mine};
use backissue_web::Public;
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::access::{example, programs, site_with_accounts, table};
use super::specimens::{PROBLEM, blogs};
use super::{Answer, Site, site};

const API: &str = "/api/greader.php/reader/api/0";
const ALL: &str = "user/-/state/com.google/reading-list";
const READ: &str = "user/-/state/com.google/read";
const STARRED: &str = "user/-/state/com.google/starred";

/// An app with a token of this scope.
struct App<'s> {
    site: &'s Site,
    token: String,
}

impl App<'_> {
    async fn send(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost:7878")
            .header("authorization", format!("GoogleLogin auth={}", self.token))
            .header("content-type", "application/x-www-form-urlencoded");
        self.site.answer(request.body(Body::from(body.as_ref().to_vec())).unwrap()).await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", &format!("{API}/{path}"), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    async fn post(&self, path: &str, body: &str) {
        let answer = self.send("POST", &format!("{API}/{path}"), body).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "OK"), "{path} {body}");
    }

    /// The numbers of the reads of a stream.
    async fn ids(&self, stream: &str) -> Vec<String> {
        let found = self.get(&format!("stream/items/ids?n=1000&s={stream}")).await;
        let refs = found["itemRefs"].as_array().unwrap();
        refs.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }
}

async fn app(site: &Site, scope: Scope) -> App<'_> {
    let token = site.add_token(ReaderId::ONE, scope.as_str(), scope).await;
    App { site, token }
}

#[tokio::test]
async fn app_logs_in_with_a_token_as_the_password() {
    let site = site(&blogs()).await;
    let app = app(&site, Scope::Write).await;
    let log_in = async |body: String| app.send("POST", "/api/greader.php/accounts/ClientLogin", &body).await;
    let answer = log_in(format!("Email=anybody&Passwd={}&service=reader", app.token)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.body.lines().any(|line| line == format!("Auth={}", app.token)), "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "private, no-store");
    let wrong = log_in("Email=one&Passwd=backissue_0".to_owned()).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let info = app.get("user-info").await;
    assert_eq!((&info["userName"], &info["userId"]), (&"one".into(), &"1".into()));
    let token = app.send("POST", &format!("{API}/token"), "").await;
    assert_eq!(token.body.len(), 57);
}

#[tokio::test]
async fn streams_are_read_page_by_page() {
    let site = site(&blogs()).await;
    let app = app(&site, Scope::Read).await;
    let sources = app.get("subscription/list?output=json").await;
    let sources = sources["subscriptions"].as_array().unwrap();
    assert!(sources.len() > 1 && sources.iter().all(|source| source["title"].is_string()), "{sources:?}");
    let all = app.ids(ALL).await;
    let mut by_source = Vec::new();
    for source in sources {
        by_source.extend(app.ids(source["id"].as_str().unwrap()).await);
    }
    let sorted = |mut ids: Vec<String>| {
        ids.sort_by_key(|id| std::cmp::Reverse(id.parse::<i64>().unwrap()));
        ids
    };
    assert!(all.len() > 5 && all == sorted(all.clone()), "the newest first: {all:?}");
    assert_eq!(sorted(by_source), all, "each read is of one feed");

    let (mut paged, mut next) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("stream/contents/{ALL}?n=3{next}")).await;
        for item in page["items"].as_array().unwrap() {
            let hex = item["id"].as_str().unwrap().strip_prefix("tag:google.com,2005:reader/item/").unwrap();
            paged.push(i64::from_str_radix(hex, 16).unwrap().to_string());
        }
        match page["continuation"].as_str() {
            Some(c) => next = format!("&c={c}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    // A continuation belongs to its list. Another number of items is the same list.
    let first = app.get(&format!("stream/items/ids?s={ALL}&n=2")).await;
    let c = first["continuation"].as_str().unwrap();
    let rest = app.get(&format!("stream/contents/{ALL}?n=1&ot=1&c={c}")).await;
    assert!(
        rest["items"][0]["id"].as_str().unwrap().ends_with(&format!("{:x}", all[2].parse::<i64>().unwrap()))
    );
    for other in
        [format!("s={STARRED}"), format!("s={ALL}&r=o"), format!("s={ALL}&xt={READ}"), "s=feed/1".to_owned()]
    {
        let refused = app.send("GET", &format!("{API}/stream/items/ids?{other}&c={c}"), "").await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{other}: {}", refused.body);
        assert!(refused.body.contains("another list"), "{other}: {}", refused.body);
    }
    let oldest = app.get(&format!("stream/items/ids?s={ALL}&r=o&n=1")).await;
    assert_eq!(oldest["itemRefs"][0]["id"], *all.last().unwrap());
    for (time, count) in [("ot=0", all.len()), ("nt=0", 0), ("ot=99999999999", 0)] {
        let found = app.get(&format!("stream/items/ids?s={ALL}&n=1000&{time}")).await;
        assert_eq!(found["itemRefs"].as_array().unwrap().len(), count, "{time}");
    }

    // The précis comes before the article.
    let item = &app.get("stream/items/contents?i=1").await["items"][0];
    let content = item["summary"]["content"].as_str().unwrap();
    let article = content.split_once("<hr>").expect("a précis and an article").1;
    assert!(content.starts_with("<p><strong>") && content.contains(PROBLEM), "{content}");
    assert!(article.contains("io.max") && !content.contains("<script"), "{article}");
    assert!(item["canonical"][0]["href"].as_str().unwrap().starts_with("https://"), "{item}");
    let tags = app.get("tag/list").await;
    let concept = tags["tags"].as_array().unwrap().iter().find(|tag| tag["type"] == "tag");
    let concept = concept.expect("a concept is a tag")["id"].as_str().unwrap().to_owned();
    let address = concept.replace(' ', "%20");
    let with_concept = app.ids(&address).await;
    assert!(!with_concept.is_empty() && with_concept.len() < all.len());
    let of_concept = app.get(&format!("stream/contents/{address}")).await;
    for item in of_concept["items"].as_array().unwrap() {
        assert!(item["categories"].as_array().unwrap().iter().any(|tag| *tag == concept), "{item}");
    }
    let atom = app.send("GET", &format!("/api/greader.php/reader/atom/{ALL}?n=2"), "").await;
    assert!(atom.headers["content-type"].to_str().unwrap().starts_with("application/atom+xml"));
    assert_eq!(atom.body.matches("<entry>").count(), 2);
}

#[tokio::test]
async fn states_and_labels_of_an_app_are_those_of_the_pages() {
    let site = site(&blogs()).await;
    let app = app(&site, Scope::Write).await;
    let all = app.ids(ALL).await;
    let (one, two) = (&all[0], &all[1]);
    let long = format!("tag:google.com,2005:reader/item/{:016x}", two.parse::<i64>().unwrap());
    app.post("edit-tag", &format!("i={one}&i={long}&a={READ}&r=user/-/state/com.google/kept-unread")).await;
    app.post("edit-tag", &format!("i={one}&a={STARRED}&a=user/-/label/For+%C3%BCs")).await;
    let read = async |id: &String| {
        let id = ReadId(id.parse().unwrap());
        (id, site.store.marks(ReaderId::ONE, &[id]).await.unwrap().remove(&id).unwrap_or_default())
    };
    let (id, marks) = read(one).await;
    assert!(marks.done.is_some() && marks.kept.is_some());
    assert_eq!(
        site.store.labels(ReaderId::ONE, id).await.unwrap()[0].as_str(),
        "for üs",
        "labels ignore case"
    );
    assert!(read(two).await.1.done.is_some());
    assert_eq!(app.ids(STARRED).await, std::slice::from_ref(one));
    assert_eq!(app.ids("user/1/label/For%20%C3%BCs").await, std::slice::from_ref(one));
    assert_eq!(app.ids(&format!("{ALL}&xt={READ}")).await.len(), all.len() - 2);
    assert_eq!(app.ids(&format!("{ALL}&it={READ}&xt={STARRED}")).await, std::slice::from_ref(two));
    let unread = app.get("unread-count").await;
    assert_eq!(unread["max"], all.len() - 2);
    let item = &app.get(&format!("stream/items/contents?i={one}")).await["items"][0];
    let tags = item["categories"].as_array().unwrap();
    for tag in [ALL, READ, STARRED, "user/-/label/for üs"] {
        assert!(tags.iter().any(|known| known == tag), "{tag}: {tags:?}");
    }

    // All or nothing.
    let before = (read(one).await.1, read(two).await.1);
    for tags in [
        format!("r={READ}&r={STARRED}"),
        format!("a={STARRED}&a=user/-/label/new"),
        format!("a=user/-/label/{}", "x".repeat(200)),
    ] {
        let refused =
            app.send("POST", &format!("{API}/edit-tag"), &format!("i={one}&i={two}&i=999999&{tags}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{tags}: {}", refused.body);
        assert_eq!((read(one).await.1, read(two).await.1), before, "{tags}");
    }
    assert_eq!(site.store.labels(ReaderId::ONE, id).await.unwrap().len(), 1);

    app.post("edit-tag", &format!("i={one}&r={STARRED}&r=user/-/label/For+%C3%BCs")).await;
    app.post("edit-tag", &format!("i={two}&r={READ}&a=user/-/state/com.google/kept-unread")).await;
    assert!(read(one).await.1.kept.is_none() && read(two).await.1.done.is_none());
    assert!(app.ids(STARRED).await.is_empty());
    app.post("mark-all-as-read", &format!("s={ALL}&ts=1")).await;
    assert_eq!(app.get("unread-count").await["max"], all.len() - 1, "all are newer than that");
    app.post("mark-all-as-read", &format!("s={ALL}")).await;
    assert_eq!(app.get("unread-count").await["max"], 0);
    let Among::These(done) = site.store.reads_of(ReaderId::ONE, Mine::Done).await.unwrap() else { panic!() };
    assert_eq!(done.len(), all.len());
}

#[tokio::test]
async fn bad_requests_of_apps_are_refused_with_the_reason() {
    let site = site(&blogs()).await;
    let app = app(&site, Scope::Operate).await;
    let many: String = (0..501).map(|n| format!("i={n}1&")).collect();
    let long = "x".repeat(3_000);
    for (method, path, body) in [
        ("GET", "stream/contents/feed/999", ""),
        ("GET", "stream/contents/feed/x", ""),
        ("GET", "stream/contents/user/-/label/no such label", ""),
        ("GET", "stream/contents/user/-/state/com.google/nothing", ""),
        ("GET", "stream/contents/%00", ""),
        ("GET", "stream/contents/%FF", ""),
        ("GET", "stream/items/ids?s=nothing", ""),
        ("GET", "stream/items/ids?n=-1", ""),
        ("GET", "stream/items/ids?n=many", ""),
        ("GET", "stream/items/ids?c=x", ""),
        ("GET", "stream/items/ids?c=-5", ""),
        ("GET", "stream/items/ids?c=7", ""),
        ("GET", "stream/items/ids?c=99999999999999999999", ""),
        ("GET", "stream/items/ids?ot=yesterday", ""),
        ("GET", "stream/items/ids?ot=99999999999999", ""),
        ("GET", "stream/items/ids?xt=user/-/label/x", ""),
        ("GET", "stream/items/ids?it=nothing", ""),
        ("GET", "stream/items/contents", ""),
        ("GET", "stream/items/contents?i=x", ""),
        ("POST", "stream/items/contents", &many),
        ("POST", "edit-tag", ""),
        ("POST", "edit-tag", "i=1"),
        ("POST", "edit-tag", "i=x&a=user/-/state/com.google/read"),
        ("POST", "edit-tag", "i=999999&a=user/-/state/com.google/read"),
        ("POST", "edit-tag", "i=999999&a=user/-/label/later"),
        ("POST", "edit-tag", "i=1&a=user/-/state/com.google/nothing"),
        ("POST", "edit-tag", "i=1&a=user/-/label/a,b"),
        ("POST", "edit-tag", &format!("i=1&a=user/-/label/{long}")),
        ("POST", "mark-all-as-read", ""),
        ("POST", "mark-all-as-read", "s=feed/999"),
        ("POST", "mark-all-as-read", &format!("s={ALL}&ts=soon")),
        ("POST", "subscription/edit", "ac=subscribe"),
        ("POST", "subscription/edit", "ac=dance&s=feed/1"),
        ("POST", "subscription/edit", "ac=edit&s=feed/999&t=x"),
        ("POST", "subscription/edit", "ac=subscribe&s=feed/not an address"),
        ("POST", "subscription/quickadd", ""),
        ("POST", "edit-tag", &"i=1&".repeat(400_000)),
        ("GET", "no/such/thing", ""),
    ] {
        let path = path.replace(' ', "%20");
        let answer = app.send(method, &format!("{API}/{path}"), body).await;
        assert!(answer.status.is_client_error(), "{method} {path} {body:.80}: {}", answer.status);
        let said: Value =
            serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{path}: {}", answer.body));
        assert!(said["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{path}: {said}");
    }
    assert!(app.get("unread-count").await["max"].as_u64().unwrap() > 0, "nothing was marked");
    let not_text = app.send("POST", &format!("{API}/edit-tag"), b"i=1&a=\xff\xfe").await;
    assert_eq!(not_text.status, StatusCode::BAD_REQUEST, "{}", not_text.body);
    for (n, has_items) in [("0", false), ("1000000", true), ("99999999999999999999999", true)] {
        let found = app.get(&format!("stream/items/ids?n={n}")).await;
        assert_eq!(!found["itemRefs"].as_array().unwrap().is_empty(), has_items, "{n}: {found}");
        assert!(found["continuation"].is_null(), "{n}: {found}");
    }
}

#[tokio::test]
async fn operators_app_renames_groups_and_unfollows() {
    let site = site(&blogs()).await;
    let app = app(&site, Scope::Operate).await;
    app.post("subscription/edit", "ac=edit&s=feed/1&t=New+title&a=user/-/label/Data").await;
    app.post("subscription/edit", "ac=edit&s=feed/1&t=+++").await;
    let sources = app.get("subscription/list").await;
    let first =
        sources["subscriptions"].as_array().unwrap().iter().find(|source| source["id"] == "feed/1").unwrap();
    assert_eq!((&first["title"], &first["categories"][0]["label"]), (&"New title".into(), &"Data".into()));
    assert_eq!(app.ids("user/-/label/Data").await, app.ids("feed/1").await);
    app.post("subscription/edit", "ac=unsubscribe&s=feed/1").await;
    let after = app.get("subscription/list").await;
    assert!(!after.to_string().contains("\"feed/1\""), "{after}");
}

#[tokio::test]
async fn feed_addresses_are_shown_without_passwords() {
    let (site, anna, _) = site_with_accounts(Public::Articles, true).await;
    let locked = NewSource {
        title: "Locked".to_owned(),
        company: None,
        site_url: "https://ann:s3cret@locked.example/".parse().ok(),
        feed_url: "https://ann:s3cret@locked.example/feed.xml".parse().ok(),
        sitemap_url: "https://ann:s3cret@locked.example/sitemap.xml".parse().ok(),
        listing_url: "https://ann:s3cret@locked.example/blog".parse().ok(),
    };
    let id = site.store.follow(&locked, Timestamp::now()).await.unwrap().source.id;
    let token = site.add_token(anna, "phone", Scope::Read).await;
    let (annas, operator) = (site.log_in_of("anna").await, site.log_in_of("one").await);
    let bearer = format!("Bearer {token}");
    let mut seen = String::new();
    let of_table = table().into_iter().map(|row| (row.method, row.path));
    let of_programs = programs().into_iter().map(|(method, path, _)| (method, path));
    // An operator's list of feeds for another program has what that program needs.
    let routes = of_table.chain(of_programs).filter(|(_, path)| path != "/settings/feeds.opml");
    for (_, path) in routes.filter(|(method, path)| method == "GET" && !path.starts_with("/hub/")) {
        let path = path.replace("{*stream}", ALL).replace("/source/{slug}", "/source/locked");
        let path = example(&path.replace("/sources/{slug}", "/sources/locked"), "/read/1/x");
        let headers = [("cookie", &annas), ("cookie", &operator), ("authorization", &bearer)];
        for (name, value) in headers {
            let header = (name, value.as_str());
            let answer = site.ask(Method::GET, &path, &[header]).await;
            assert!(!answer.body.contains("s3cret"), "{path}: {}", answer.body);
            seen.push_str(&answer.body);
        }
    }
    assert!(seen.contains("https://locked.example/feed.xml") && seen.contains("https://locked.example/\""));

    let app = App { site: &site, token };
    let feeds = app.get("subscription/list").await;
    let feed = feeds["subscriptions"].as_array().unwrap().iter().find(|feed| feed["title"] == "Locked");
    let feed = feed.expect("it is followed");
    assert_eq!(feed["id"], format!("feed/{}", id.0));
    assert_eq!(
        (&feed["url"], &feed["htmlUrl"]),
        (&"https://locked.example/feed.xml".into(), &"https://locked.example/".into())
    );
    for address in ["https://locked.example/feed.xml", "https://ann:s3cret@locked.example/feed.xml"] {
        assert!(app.ids(&format!("feed/{address}")).await.is_empty(), "{address} is known as a stream");
    }
}

/// Sends a request of the Fever API with the key of this name and token.
async fn fever(site: &Site, (name, token): (&str, &str), query: &str, form: &str) -> Answer {
    let key = Md5::digest(format!("{name}:{token}"));
    let request = Request::builder()
        .method("POST")
        .uri(format!("/api/fever.php?api&{query}"))
        .header("host", "localhost:7878")
        .header("content-type", "application/x-www-form-urlencoded");
    let form = format!("api_key={}&{form}", hex(&key));
    site.answer(request.body(Body::from(form)).unwrap()).await
}

#[tokio::test]
async fn fever_api_has_the_same_reads_and_states() {
    let site = site(&blogs()).await;
    let app = app(&site, Scope::Write).await;
    let operator = site.add_token(ReaderId::ONE, "operator", Scope::Operate).await;
    let operator = App { site: &site, token: operator };
    operator.post("subscription/edit", "ac=edit&s=feed/1&a=user/-/label/Data").await;
    let own = ("one", app.token.as_str());
    let ask = async |query: &str, form: &str| -> Value {
        let answer = fever(&site, own, query, form).await;
        assert_eq!(answer.status, StatusCode::OK, "{query} {form}: {}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((&answer["api_version"], &answer["auth"]), (&3.into(), &1.into()), "{answer}");
        answer
    };
    let all = app.ids(ALL).await;
    let ids = |answer: &Value| -> Vec<String> {
        answer["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()).collect()
    };
    let listed = ask("feeds&groups&favicons&links", "").await;
    let feeds = app.get("subscription/list").await;
    assert_eq!(listed["feeds"].as_array().unwrap().len(), feeds["subscriptions"].as_array().unwrap().len());
    let group = &listed["groups"][0];
    assert_eq!(group["title"], "Data");
    assert_eq!(listed["feeds_groups"], json!([{ "group_id": group["id"], "feed_ids": "1" }]));
    assert_eq!((&listed["favicons"], &listed["links"]), (&json!([]), &json!([])));

    // By number, in both directions, and by name.
    let oldest = ask("items&since_id=0", "").await;
    assert_eq!(oldest["total_items"], all.len());
    assert!(ids(&oldest).iter().rev().eq(&all), "the oldest first: {oldest}");
    assert_eq!(ids(&ask(&format!("items&since_id={}", all[2]), "").await), [all[1].as_str(), &all[0]]);
    assert_eq!(ids(&ask("items&max_id=0", "").await), all);
    assert_eq!(ids(&ask(&format!("items&max_id={}", all[1]), "").await), all[2..]);
    let these = ask(&format!("items&with_ids={},{}", all[1], all[0]), "").await;
    assert_eq!(ids(&these), [all[1].as_str(), &all[0]]);
    let first = &ask("items&with_ids=1", "").await["items"][0];
    let html = first["html"].as_str().unwrap();
    assert!(html.contains(PROBLEM) && html.contains("<hr>") && !html.contains("<script"), "{html}");
    assert_eq!((&first["is_read"], &first["is_saved"]), (&0.into(), &0.into()));

    let unread = async || ask("unread_item_ids", "").await["unread_item_ids"].as_str().unwrap().to_owned();
    assert_eq!(unread().await, all.join(","));
    let one = &all[0];
    let marked = ask("", &format!("mark=item&as=read&id={one}")).await;
    assert_eq!(marked["unread_item_ids"], all[1..].join(","));
    let marked = ask("", &format!("mark=item&as=saved&id={one}")).await;
    assert_eq!(marked["saved_item_ids"], **one);
    let both = ask(&format!("items&with_ids={one}"), "").await;
    assert_eq!((&both["items"][0]["is_read"], &both["items"][0]["is_saved"]), (&1.into(), &1.into()));
    assert_eq!(app.ids(STARRED).await, std::slice::from_ref(one), "both apps see it");
    ask("", &format!("mark=item&as=unsaved&id={one}")).await;
    ask("", &format!("mark=item&as=unread&id={one}")).await;
    assert!(app.ids(STARRED).await.is_empty());
    assert_eq!(unread().await, all.join(","));
    ask("", &format!("mark=group&as=read&id={}&before=1", group["id"])).await;
    assert_eq!(unread().await, all.join(","), "all are newer than that");
    ask("", &format!("mark=group&as=read&id={}", group["id"])).await;
    let of_group = app.ids("feed/1").await.len();
    assert_eq!(unread().await.split(',').count(), all.len() - of_group);
    ask("", "mark=feed&as=read&id=2&before=9999999999").await;
    assert_eq!(app.get("unread-count").await["max"], all.len() - of_group - app.ids("feed/2").await.len());
    ask("", "mark=group&as=read&id=0").await;
    assert_eq!(unread().await, "");
}

#[tokio::test]
async fn fever_key_is_one_of_the_readers_name_and_token() {
    let (site, anna, _) = site_with_accounts(Public::Articles, true).await;
    let writing = site.add_token(anna, "phone", Scope::Write).await;
    let reading = site.add_token(anna, "tablet", Scope::Read).await;
    let is_known = async |name: &str, token: &str| {
        let answer = fever(&site, (name, token), "", "").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        serde_json::from_str::<Value>(&answer.body).unwrap()["auth"] == 1
    };
    assert!(is_known("anna", &writing).await && is_known("anna", &reading).await);
    assert!(!is_known("ben", &writing).await && !is_known("anna", "backissue_0").await);
    let narrow = fever(&site, ("anna", &reading), "", "mark=item&as=read&id=1").await;
    assert_eq!(narrow.status, StatusCode::FORBIDDEN, "{}", narrow.body);
    for form in ["", "api_key=", "api_key=x", "api_key=%00"] {
        let request = Request::builder().method("POST").uri("/api/fever.php?api&items");
        let request = request.header("host", "localhost:7878").body(Body::from(form)).unwrap();
        let answer = site.answer(request).await;
        assert_eq!(answer.body, r#"{"api_version":3,"auth":0}"#, "{form}");
    }
    let many = vec!["1"; 51].join(",");
    for (query, form, status) in [
        ("items&since_id=x", "", 400),
        ("items&with_ids=1,x", "", 400),
        (format!("items&with_ids={many}").as_str(), "", 413),
        ("api_key=0", "", 400),
        ("", "mark=item", 400),
        ("", "mark=item&as=read", 400),
        ("", "mark=item&as=lost&id=1", 400),
        ("", "mark=item&as=read&id=999999", 400),
        ("", "mark=feed&as=read&id=999999", 400),
        ("", "mark=group&as=read&id=999999", 400),
        ("", "mark=feed&as=unread&id=1", 400),
        ("", "mark=feed&as=read&id=1&before=99999999999999", 400),
        ("", "mark=all&as=read&id=1", 400),
        ("", "x=1&".repeat(400_000).as_str(), 413),
    ] {
        let answer = fever(&site, ("anna", &writing), query, form).await;
        assert_eq!(answer.status.as_u16(), status, "{query} {form:.80}: {}", answer.body);
        let said: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(said["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{said}");
    }
    let known = site.store.tokens(anna).await.unwrap();
    let phone = known.iter().find(|token| token.name.as_str() == "phone").unwrap();
    assert!(site.store.remove_token(anna, phone.id).await.unwrap());
    assert!(!is_known("anna", &writing).await, "it was removed");
}
