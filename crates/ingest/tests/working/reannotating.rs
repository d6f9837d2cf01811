//! Tests for annotating reads again.

use axum::Router;
use axum::routing::get;
use backissue_ingest::{BUILT_IN, By, Pass, Reannotator, Step};
use backissue_model::{Correction, ReadField};
use backissue_store::Selection;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, feed, page};

/// Annotates all reads again with the built-in annotator. Returns for each read whether its précis
/// changed.
async fn again(bench: &Bench) -> Vec<bool> {
    bench.store.ask_for(&Selection::All, BUILT_IN, Timestamp::now()).await.unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let reannotator = Reannotator::new(bench.store.clone(), By::BuiltIn);
    let pass = reannotator.pass(&CancellationToken::new(), Some(tell)).await.unwrap();
    assert_eq!(pass, Pass::Over);
    let mut changed = Vec::new();
    while let Some(step) = told.recv().await {
        match step {
            Step::Done { changed: differs, .. } => changed.push(differs),
            Step::Failed { reason, .. } => panic!("{reason}"),
        }
    }
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_read_counts_as_changed_only_if_it_is() {
    let app = Router::new()
        .route("/feed", get(|| async { feed("blog.test", &[("a", "A queue that grew")]) }))
        .route("/a", get(|| async { page("A queue that grew", "billing") }));
    let bench = Bench::over(app).await;
    bench.follow("blog.test").await;
    bench.sync().await;
    let read = bench.reads().await[0].id;
    assert_eq!(again(&bench).await, [false]);

    let correct = async |field, text| {
        let correction = Correction::of(field, text).unwrap();
        bench.store.correct(read, &[correction], &[], Timestamp::now()).await.unwrap();
    };
    correct(ReadField::Kind, "incident").await;
    correct(ReadField::Problem, "The billing queue grew.").await;
    assert_eq!(again(&bench).await, [false]);
    let shown = bench.store.read(read).await.unwrap().unwrap().precis;
    assert_eq!(shown.problem.unwrap().text, "The billing queue grew.");
}
