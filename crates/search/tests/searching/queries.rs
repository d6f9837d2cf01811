//! Which reads a query finds, in which order, and with which notes.

use crate::made::{index_of, read};
use backissue_model::{Form, Kind, ReadId, Slug};
use backissue_search::{Count, Document, Hit, Query, Searcher, Typing, Weights};
use proptest::prelude::*;

/// The reads that a query finds, best first.
fn found(searcher: &Searcher, query: &str) -> Vec<i64> {
    let found = searcher.words(&Query::parse(query), &Weights::default(), Typing::Done, 100).unwrap();
    found.hits.iter().map(|hit| hit.id.0).collect()
}

/// The reads that a query finds, sorted by number.
fn found_sorted(searcher: &Searcher, query: &str) -> Vec<i64> {
    let mut ids = found(searcher, query);
    ids.sort_unstable();
    ids
}

fn archive() -> Vec<Document> {
    let mut noisy = read(
        1,
        "One tenant starves the others",
        "Our multi-tenant queue was shared.\n\nWhy it broke\n\nOne customer's burst filled the queue, and all others \
         waited. The rate limiter did not know tenants. We saw SSL_ERROR_SYSCALL in the logs.",
    );
    noisy.problem = Some("One customer's burst filled the shared queue, so that all others waited.".into());
    noisy.form = Some(Form::Written);
    noisy.approach = Some("Each tenant got its own queue with fair scheduling.".into());
    noisy.company = "Stripe".into();
    noisy.technologies = vec!["Redis".into(), "C++".into()];
    noisy.concepts = vec!["rate-limiting".parse().unwrap()];
    noisy.sources = vec![Slug::of("stripe-blog"), Slug::of("planet")];
    noisy.filed_at = "2023-12-31T23:59:59Z".parse().unwrap();
    noisy.week = "2023-W52".parse().unwrap();
    noisy.confidence = 0.75;

    let mut caches = read(
        2,
        "Caching for the impatient",
        "Caches are fast. We cached everything in Postgres and sorted in O(n log n).\n\nThe config.json has \
         --compilation_config, see std::collections::HashMap and CVE-2021-44228.",
    );
    caches.company = "The New York Times".into();
    caches.kind = Kind::Tutorial;
    caches.technologies = vec!["PostgreSQL".into()];
    caches.concepts = vec!["caching".parse().unwrap()];
    caches.filed_at = "2024-01-01T00:00:00Z".parse().unwrap();
    caches.week = "2024-W01".parse().unwrap();

    let mut kube = read(
        3,
        "Kubernetes upgrades without tears",
        "Kubernetes nodes were drained one by one. The cache on each node was cold, as the limiter of rate was.",
    );
    kube.company = "Stripe Engineering".into();
    kube.filed_at = "2025-06-01T00:00:00Z".parse().unwrap();
    kube.week = "2025-W22".parse().unwrap();
    vec![noisy, caches, kube]
}

#[test]
fn names_from_code_are_found_whole_and_by_parts() {
    let (_folder, index) = index_of(&archive());
    let searcher = index.searcher();
    for (query, best) in [
        ("SSL_ERROR_SYSCALL", 1),
        ("ssl_error_syscall", 1),
        ("syscall", 1),
        ("curl: (35) SSL_ERROR_SYSCALL:", 1),
        ("--compilation_config", 2),
        ("compilation", 2),
        ("std::collections::HashMap", 2),
        ("collections::HashMap", 2),
        ("hashmap", 2),
        ("config.json", 2),
        ("CVE-2021-44228", 2),
        ("44228", 2),
        ("O(n log n)", 2),
        ("O(n*log n)", 2),
        ("C++", 1),
        ("multitenant", 1),
        ("multi-tenant", 1),
    ] {
        assert_eq!(found(&searcher, query).first(), Some(&best), "{query}");
    }
}

#[test]
fn all_forms_are_found_and_the_exact_one_is_first() {
    let reads = [
        read(1, "A", "It is about caching things, and there is more to say."),
        read(2, "B", "It is about caches things, and there is more to say."),
        read(3, "C", "It is about cache things, and there is more to say."),
        read(4, "D", "It is about other things, and there is more to say."),
    ];
    let (_folder, index) = index_of(&reads);
    for (query, first) in [("caching", 1), ("caches", 2), ("cache", 3)] {
        let found = found(&index.searcher(), query);
        assert_eq!(found.len(), 3, "{query}");
        assert_eq!(found[0], first, "{query}");
    }
}

#[test]
fn word_that_is_its_own_stem_finds_all_forms() {
    let reads = [
        read(1, "A", "Writers were blocking here."),
        read(2, "B", "Writers met one block here."),
        read(3, "C", "Writers met nothing here."),
    ];
    let (_folder, index) = index_of(&reads);
    assert_eq!(found_sorted(&index.searcher(), "block"), [1, 2]);
    assert_eq!(found(&index.searcher(), "blocking"), [1, 2]);
    assert_eq!(found_sorted(&index.searcher(), "blocked"), [1, 2]);
}

#[test]
fn long_question_need_not_match_every_word() {
    let (_folder, index) = index_of(&archive());
    let query = "how do we stop one customer from slowing everybody else down with a burst of requests";
    assert_eq!(found(&index.searcher(), query).first(), Some(&1));
}

#[test]
fn words_in_better_fields_count_more() {
    let mut in_problem = read(1, "A title", "Other words that say nothing about it.");
    in_problem.problem = Some("Deadlocks stopped the queue.".into());
    let reads = [
        in_problem,
        read(2, "A title", "Deadlocks in the body only."),
        read(3, "On deadlocks", "Other words."),
    ];
    let (_folder, index) = index_of(&reads);
    let searcher = index.searcher();
    let better = Weights { title: 3.0, problem: 3.0, anywhere: 1.0, ..Weights::default() };
    let hits = searcher.words(&Query::parse("deadlocks"), &better, Typing::Done, 10).unwrap().hits;
    assert_eq!(hits.last().map(|hit| hit.id.0), Some(2));

    let nowhere = Weights { title: 0.0, problem: 0.0, ..Weights::default() };
    let hits = searcher.words(&Query::parse("deadlocks"), &nowhere, Typing::Done, 10).unwrap().hits;
    let worth = |hits: &[Hit], id: i64| hits.iter().find(|hit| hit.id.0 == id).map(|hit| hit.score);
    let with =
        searcher.words(&Query::parse("deadlocks"), &Weights::default(), Typing::Done, 10).unwrap().hits;
    assert_eq!(hits.len(), 3, "a field without weight is searched all the same");
    assert!(worth(&hits, 3) < worth(&with, 3));
    assert_eq!(worth(&hits, 2), worth(&with, 2));
}

#[test]
fn adjacent_words_count_more() {
    let reads = [
        read(1, "A", "The peer was slow and the connection fine, and nobody had to reset it by hand."),
        read(2, "B", "It said connection reset by peer, and nobody had seen that by hand before, ever."),
        read(3, "C", "Connection and reset are here, but the peer stands after them and by the door."),
    ];
    let (_folder, index) = index_of(&reads);
    let near = Weights { nearness: 0.5, ..Weights::default() };
    let apart = Weights { nearness: 0.0, ..Weights::default() };
    let hits = |weights: &Weights| {
        index
            .searcher()
            .words(&Query::parse("connection reset by peer"), weights, Typing::Done, 3)
            .unwrap()
            .hits
    };
    assert_eq!(hits(&apart).len(), 3);
    assert_eq!(hits(&near)[0].id.0, 2);
    assert!(hits(&near)[0].score > hits(&apart)[0].score);
}

#[test]
fn headings_and_aliases_of_concepts_are_searched() {
    let reads = [
        read(1, "A", "Text here.\n\nThundering herds\n\nMore text follows here."),
        read(2, "B", "Text here.\n\nIt was like thundering herds are, they said, and so on."),
    ];
    let (_folder, index) = index_of(&reads);
    assert_eq!(found(&index.searcher(), "thundering"), [1, 2]);

    let (_folder, index) = index_of(&archive());
    assert_eq!(found(&index.searcher(), "token bucket").first(), Some(&1), "another name of rate limiting");
}

#[test]
fn phrases_are_exact_and_required() {
    let (_folder, index) = index_of(&archive());
    let searcher = index.searcher();
    assert_eq!(found(&searcher, "\"rate limiter\""), [1]);
    assert_eq!(found(&searcher, "\"rate limiters\""), Vec::<i64>::new());
    assert_eq!(found(&searcher, "\"limiter of rate\" kubernetes queue"), [3]);
    assert_eq!(found(&searcher, "\"SSL_ERROR_SYSCALL in the logs\""), [1]);
    assert_eq!(found(&searcher, "\"C++\""), [1]);
}

#[test]
fn filters_and_exclusions_apply() {
    let (_folder, index) = index_of(&archive());
    let searcher = index.searcher();
    for (query, expected) in [
        ("company:stripe", vec![1]),
        ("company:\"Stripe Engineering\"", vec![3]),
        ("company:engineering", vec![3]),
        ("company:the-new-york-times", vec![2]),
        ("company:\"new york times\"", vec![2]),
        ("company:stripe company:\"The New York Times\"", vec![1, 2]),
        ("company:nobody", vec![]),
        ("concept:rate-limiting", vec![1]),
        ("concept:\"Rate limiting\" concept:caching", vec![1, 2]),
        ("tech:REDIS", vec![1]),
        ("tech:C++", vec![1]),
        ("kind:tutorial", vec![2]),
        ("-kind:tutorial", vec![1, 3]),
        ("form:written", vec![1]),
        ("form:quoted", vec![]),
        ("-form:written", vec![2, 3]),
        ("source:planet", vec![1]),
        ("week:2025-W22", vec![3]),
        ("before:2024", vec![1]),
        ("after:2024", vec![2, 3]),
        ("after:2024 before:2025-06-01", vec![2]),
        ("after:2025-06-01", vec![3]),
        ("-after:2024", vec![1]),
        ("cache -company:\"new york\"", vec![3]),
        ("cache -postgres", vec![3]),
        ("cache -\"cold, as\"", vec![2]),
        ("cache -company:stripe -drained", vec![2]),
        ("cache kind:tutorial", vec![2]),
        ("kubernetes kind:tutorial", vec![]),
        ("after:2020 -caches", vec![1]),
    ] {
        assert_eq!(found_sorted(&searcher, query), expected, "{query}");
    }
    assert_eq!(found(&searcher, "after:2000"), [3, 2, 1], "the newest first where nothing is ranked");
}

#[test]
fn allowed_reads_are_those_that_match_the_filters() {
    let (_folder, index) = index_of(&archive());
    let searcher = index.searcher();
    assert!(searcher.allowed(&Query::parse("any words at all")).unwrap().is_none());
    for (query, expected) in [
        ("words company:stripe", vec![1]),
        ("words -kind:tutorial", vec![1, 3]),
        ("words -postgres", vec![1, 3]),
        ("words \"rate limiter\"", vec![1]),
        ("company:nobody", vec![]),
    ] {
        let allowed = searcher.allowed(&Query::parse(query)).unwrap().unwrap();
        let ids = (1..=3).filter(|id| allowed.contains(searcher.place(ReadId(*id)).unwrap().unwrap()));
        assert_eq!(ids.collect::<Vec<_>>(), expected, "{query}");
        assert_eq!(allowed.len(), expected.len(), "{query}");
    }
}

#[test]
fn removed_reads_are_not_found() {
    let (_folder, index) = index_of(&archive());
    let mut writer = index.writer().unwrap().unwrap();
    writer.remove(ReadId(1));
    writer.commit(9).unwrap();
    let searcher = index.searcher();
    assert_eq!(searcher.place(ReadId(1)).unwrap(), None);
    assert!(found(&searcher, "tenant starves").is_empty());
    assert_eq!(searcher.allowed(&Query::parse("-kind:tutorial")).unwrap().unwrap().len(), 1);
    assert_eq!(searcher.facets(&Query::parse("after:2000"), Typing::Done).unwrap().total, 2);
}

#[test]
fn typo_is_corrected_and_reported() {
    let (_folder, index) = index_of(&archive());
    let searcher = index.searcher();
    for (typed, meant, best) in [
        ("kuberntes", "kubernetes", 3),
        ("kubrenets", "kubernetes", 3),
        ("postgers", "postgres", 2),
        ("tenent", "tenant", 1),
    ] {
        let answer = searcher.words(&Query::parse(typed), &Weights::default(), Typing::Done, 10).unwrap();
        assert_eq!(answer.hits.first().map(|hit| hit.id.0), Some(best), "{typed}");
        assert_eq!(answer.corrections.len(), 1, "{typed}");
        assert_eq!(answer.corrections[0].typed, typed);
        assert_eq!(answer.corrections[0].instead[0], meant, "{typed}");
    }
    for right in ["kubernetes", "cached", "xyz", "qqqqqqqqq", "CVE-2021-44229", "wubernetes"] {
        let answer = searcher.words(&Query::parse(right), &Weights::default(), Typing::Done, 10).unwrap();
        assert!(answer.corrections.is_empty(), "{right}: {:?}", answer.corrections);
    }
}

#[test]
fn last_word_may_be_unfinished_while_typing() {
    let (_folder, index) = index_of(&archive());
    let searcher = index.searcher();
    let ids = |text: &str, typing| -> Vec<i64> {
        let answer = searcher.words(&Query::parse(text), &Weights::default(), typing, 10).unwrap();
        answer.hits.iter().map(|hit| hit.id.0).collect()
    };
    assert_eq!(ids("kube", Typing::Going), [3]);
    assert!(ids("kube", Typing::Done).is_empty());
    assert!(ids("kube ", Typing::Going).is_empty());
    assert_eq!(ids("k", Typing::Going), Vec::<i64>::new());
    assert_eq!(ids("one tenant star", Typing::Going).first(), Some(&1));
    assert_eq!(ids("kuberne", Typing::Going), [3]);
}

#[test]
fn facets_count_all_matches() {
    let (_folder, index) = index_of(&archive());
    let searcher = index.searcher();
    let facets = searcher.facets(&Query::parse("cache tenant"), Typing::Done).unwrap();
    let count = |value: &str, reads| Count { value: value.to_owned(), reads };
    assert_eq!(facets.total, 3);
    assert_eq!(
        facets.companies,
        [count("Stripe", 1), count("Stripe Engineering", 1), count("The New York Times", 1)]
    );
    assert_eq!(
        facets.kinds,
        [Count { value: Kind::CaseStudy, reads: 2 }, Count { value: Kind::Tutorial, reads: 1 }]
    );
    assert_eq!(facets.forms, [Count { value: Form::Written, reads: 1 }]);
    assert_eq!(
        facets.years.iter().map(|year| (year.value, year.reads)).collect::<Vec<_>>(),
        [(2025, 1), (2024, 1), (2023, 1)]
    );
    assert_eq!(facets.concepts.len(), 2);
    let places = [ReadId(2), ReadId(3)].map(|id| searcher.place(id).unwrap().unwrap());
    let two = searcher.facets_of(&places).unwrap();
    assert_eq!((two.total, two.years.len()), (2, 2));
}

#[test]
fn facts_of_a_read_are_stored() {
    let reads = archive();
    let (_folder, index) = index_of(&reads);
    let searcher = index.searcher();
    let places: Vec<_> = reads.iter().map(|read| searcher.place(read.id).unwrap().unwrap()).collect();
    for (read, facts) in reads.iter().zip(searcher.facts(&places).unwrap()) {
        assert_eq!(facts.id, read.id);
        assert_eq!(facts.filed_at, read.filed_at);
        assert_eq!(facts.has_problem, read.problem.is_some());
        assert_eq!(facts.confidence, read.confidence);
        assert!(facts.fingerprint.is_some());
    }
}

#[test]
fn empty_index_gives_empty_answers() {
    let (_folder, index) = index_of(&[]);
    let searcher = index.searcher();
    for query in ["", "cache", "\"a b\"", "company:x", "-x", "kuberntes", "after:2024"] {
        assert!(found(&searcher, query).is_empty(), "{query}");
        assert_eq!(searcher.facets(&Query::parse(query), Typing::Going).unwrap().total, 0);
    }
}

fn check_any(searcher: &Searcher, text: &str) {
    let query = Query::parse(text);
    let _ = query.words();
    for typing in [Typing::Done, Typing::Going] {
        searcher.words(&query, &Weights::default(), typing, 10).unwrap();
    }
    searcher.facets(&query, Typing::Done).unwrap();
    searcher.allowed(&query).unwrap();
    searcher.words(&Query::of_words(text), &Weights::default(), Typing::Done, 10).unwrap();
}

#[test]
fn any_text_can_be_searched() {
    let (_folder, index) = index_of(&archive());
    let searcher = index.searcher();
    let piece = r#"(\PC{1,4}|cache|tenant|-|"|“|:|O\(|company:|week:2024-W01|before:2024|kind:|\(|\)|\*|~|AND|NOT|\[|\s){0,30}"#;
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(text in piece)| check_any(&searcher, &text));
    check_any(&searcher, &"x".repeat(1_000_000));
    check_any(&searcher, &"a-".repeat(100_000));
    check_any(&searcher, &"word ".repeat(100_000));
    check_any(&searcher, &format!("\"{}\"", "many words ".repeat(10_000)));
    check_any(&searcher, &format!("-\"{}\" z", "many words ".repeat(10_000)));
    check_any(&searcher, "\u{0}\u{ffff}\u{10ffff}");
}
