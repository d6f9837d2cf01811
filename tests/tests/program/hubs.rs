//! WebSub: the program subscribes to a hub, and a notification leads to an immediate poll.

use backissue_tests::program::{Archive, client};
use backissue_tests::stand_in_hub::{FEED, Signed, StandInHub};
use reqwest::StatusCode;

/// An archive that follows the blog with the hub.
fn following(hub: &StandInHub, more: &[&str]) -> Archive {
    let mut flags = hub.arguments();
    flags.extend(more.iter().map(|flag| (*flag).to_owned()));
    let archive = Archive::new(flags).unwrap();
    archive.done(&["follow", FEED]).unwrap();
    archive
}

fn health(archive: &Archive) -> serde_json::Value {
    archive.json(&["sources", "--health"]).unwrap()[0].clone()
}

fn polls(hub: &StandInHub) -> usize {
    hub.asked().iter().filter(|asked| *asked == "GET blog.test/feed").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn hub_verification_is_confirmed_only_if_requested() {
    let hub = StandInHub::start().unwrap();
    let archive = following(&hub, &["--base-url", "http://reader.test/"]);
    let served = archive.serve(&[]).unwrap();
    hub.subscriber_is_at(served.address);
    let subscribed = hub.subscribed().await.unwrap();
    assert!(subscribed.callback.as_str().starts_with("http://reader.test/hub/"), "{subscribed:?}");
    assert_eq!((subscribed.secret.len(), subscribed.lease_seconds.as_deref()), (64, Some("864000")));
    let client = client();
    served.until_searchable(&client, 1).await.unwrap();

    let path = subscribed.callback.path().to_owned();
    let ask = async |path: &str, query: &[(&str, &str)]| {
        let url = url::Url::parse_with_params(&served.url(path), query).unwrap();
        client.get(url).send().await.unwrap().status()
    };
    let challenge = ("hub.challenge", "abc");
    for (mode, topic, status) in [
        ("subscribe", FEED, StatusCode::OK),
        ("subscribe", "http://other.test/feed", StatusCode::NOT_FOUND),
        ("unsubscribe", FEED, StatusCode::NOT_FOUND),
    ] {
        let query = [("hub.mode", mode), ("hub.topic", topic), challenge];
        assert_eq!(ask(&path, &query).await, status, "{mode} {topic}");
    }
    assert_eq!(ask("/hub/nobody", &[("hub.mode", "subscribe"), ("hub.topic", FEED), challenge]).await, 404);
    assert_eq!(ask(&path, &[]).await, StatusCode::BAD_REQUEST);
    let stranger = client.post(served.url("/hub/nobody")).body("<feed/>").send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::GONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signed_notifications_cause_polls() {
    let hub = StandInHub::start().unwrap();
    let archive = following(&hub, &["--base-url", "http://reader.test/"]);
    let served = archive.serve(&[]).unwrap();
    hub.subscriber_is_at(served.address);
    hub.subscribed().await.unwrap();
    let client = client();
    served.until_searchable(&client, 1).await.unwrap();
    served.until_idle(&client).await.unwrap();
    let before = polls(&hub);

    hub.publish("second", "Why the second queue grew");
    for signed in [Signed::Wrongly, Signed::Not] {
        assert_eq!(hub.tell(signed).await.unwrap(), 202, "as the Recommendation wants it");
        let health = health(&archive);
        let told = health["told"]["hub"].as_str().unwrap();
        assert!(told.contains("sends notifications until") && !told.contains("the last one was"), "{told}");
        let next: jiff::Timestamp = health["health"]["next_poll"].as_str().unwrap().parse().unwrap();
        let pause = next.duration_since(jiff::Timestamp::now());
        assert!(pause.as_hours() >= 20, "it is polled seldom, and no sooner for this: {pause}");
    }
    assert_eq!(hub.tell(Signed::Rightly).await.unwrap(), 202);
    served.until_searchable(&client, 2).await.unwrap();
    assert_eq!(polls(&hub), before + 1, "{:?}", hub.asked());
    let health = health(&archive);
    assert!(health["told"]["hub"].as_str().unwrap().contains("the last one was"), "{health}");
    let next = health["told"]["next"].as_str().unwrap();
    assert!(next.contains("polled about once a day, because its hub reports new entries"), "{next}");
    let page =
        client.get(served.url("/source/a-blog-with-a-hub")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("sends notifications until"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_public_address_there_is_no_subscription() {
    let hub = StandInHub::start().unwrap();
    let archive = following(&hub, &[]);
    let served = archive.serve(&[]).unwrap();
    let client = client();
    served.until_searchable(&client, 1).await.unwrap();
    served.until_idle(&client).await.unwrap();
    assert!(!hub.asked().iter().any(|asked| asked.starts_with("POST")), "{:?}", hub.asked());
    let call = client.post(served.url("/hub/anybody")).body("<feed/>").send().await.unwrap();
    assert_eq!(call.status(), StatusCode::NOT_FOUND);
    let told = health(&archive)["told"]["hub"].as_str().unwrap().to_owned();
    assert!(told.contains("if `base_url` is public"), "{told}");
}
