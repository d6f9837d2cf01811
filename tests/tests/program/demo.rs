//! The demo works without a network.

use std::collections::BTreeSet;

use backissue_tests::program::{Archive, client};

#[tokio::test]
async fn demo_fills_twelve_weeks_and_is_removed() {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--demo"]).unwrap();
    let client = client();
    let progress = served.until_idle(&client).await.unwrap();
    assert_eq!(progress["troubles"].as_array().map(Vec::len), Some(0), "{progress}");

    let get = |path: String| {
        let client = client.clone();
        let url = served.url(&path);
        async move { client.get(url).send().await.unwrap().text().await.unwrap() }
    };
    let weeks: serde_json::Value = serde_json::from_str(&get("/api/weeks".into()).await).unwrap();
    let weeks = weeks["weeks"].as_array().unwrap().clone();
    assert!(weeks.len() >= 12, "{} weeks", weeks.len());
    assert_eq!(weeks.iter().map(|w| w["reads"].as_u64().unwrap()).sum::<u64>(), 42);
    // At least the case studies and incidents have a problem.
    assert!(weeks.iter().map(|w| w["problems"].as_u64().unwrap()).sum::<u64>() >= 28);

    let mut companies = BTreeSet::new();
    for week in &weeks {
        let week = get(format!("/api/week/{}", week["week"].as_str().unwrap())).await;
        let week: serde_json::Value = serde_json::from_str(&week).unwrap();
        for read in week["items"].as_array().unwrap() {
            companies.insert(read["company"].as_str().unwrap().to_owned());
        }
    }
    let expected = ["Fernhost", "Graphite Maps", "Lumenpay", "Orchard Health", "Quillcast", "Tidewater"];
    assert_eq!(companies, expected.map(str::to_owned).into());

    let home = get("/".into()).await;
    assert!(home.contains("invented"), "the demo says that it is one");
    let (status, said) = served.stop().unwrap();
    assert!(status.success(), "{status} {said}");
    assert_eq!(
        std::fs::read_dir(archive.folder()).unwrap().count(),
        0,
        "the demo keeps nothing in the data folder"
    );
}
