//! Lists, pages, weeks, facets.

use std::collections::{BTreeMap, BTreeSet};

use backissue_model::{ConceptSlug, Correction, Evidence, Form, Kind, ReadField, Stage, Statement, Week};
use jiff::tz::TimeZone;

use super::harness::*;
use crate::*;

async fn filled(db: &TestDatabase, reads: u32) {
    generate(&db.store, reads, 7).await.unwrap();
}

fn narrowed(cards: &[ReadCard], keep: impl Fn(&ReadCard) -> bool) -> Vec<ReadCard> {
    cards.iter().filter(|card| keep(card)).cloned().collect()
}

on_both!(filtered_lists_page_through_exactly_their_reads, |db| {
    filled(db, 600).await;
    let all = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 1000).await;
    assert_eq!(all.len(), 600);
    assert_eq!(all.iter().map(|card| card.id).collect::<BTreeSet<_>>().len(), 600);
    let (week, source) = (all[30].week, all[30].source);
    let concept = all.iter().find_map(|card| card.concepts.first()).unwrap().clone();
    for kind in [None, Some(Kind::CaseStudy), Some(Kind::Event)] {
        for week in [None, Some(week)] {
            for source in [None, Some(source)] {
                for (concept, form) in [
                    (None, None),
                    (Some(concept.clone()), None),
                    (None, Some(Form::Written)),
                    (Some(concept.clone()), Some(Form::Quoted)),
                ] {
                    let filter = ReadFilter { week, source, concept, kind, form, mine: None };
                    let wanted = narrowed(&all, |card| {
                        filter.week.is_none_or(|w| card.week == w)
                            && filter.source.is_none_or(|s| card.source == s)
                            && filter.kind.is_none_or(|k| card.kind == k)
                            && filter.form.is_none_or(|f| card.problem.is_some() && card.problem_form == f)
                            && filter.concept.as_ref().is_none_or(|c| card.concepts.contains(c))
                    });
                    assert_eq!(whole_list(&db.store, &filter, Order::Newest, 7).await, wanted, "{filter:?}");
                    let mut problems = narrowed(&wanted, |card| card.problem.is_some());
                    problems.extend(narrowed(&wanted, |card| card.problem.is_none()));
                    assert_eq!(
                        whole_list(&db.store, &filter, Order::ProblemsFirst, 7).await,
                        problems,
                        "{filter:?}"
                    );
                }
            }
        }
    }
});

on_both!(reads_with_a_rare_form_are_found_within_other_filters, |db| {
    filled(db, 300).await;
    let concept = db.store.concepts().await.unwrap().remove(0).0;
    let all = async || whole_list(&db.store, &ReadFilter::default(), Order::Newest, 1000).await;
    let problems = narrowed(&all().await, |card| card.problem.is_some());
    let (within, outside): (Vec<ReadCard>, Vec<ReadCard>) =
        problems.into_iter().partition(|card| card.concepts.contains(&concept));
    let correction = Correction::of(ReadField::Problem, "Queues grew.").unwrap();
    for card in within[..3].iter().chain(&outside[..3]) {
        db.store.correct(card.id, std::slice::from_ref(&correction), &[], at(3000)).await.unwrap();
    }
    let corrected = narrowed(&all().await, |card| card.problem_form == Form::Corrected);
    assert_eq!(corrected.len(), 6);
    for kind in [None, Some(within[0].kind)] {
        for source in [None, Some(within[0].source)] {
            for concept in [None, Some(concept.clone())] {
                let filter = ReadFilter {
                    source,
                    concept,
                    kind,
                    form: Some(Form::Corrected),
                    ..ReadFilter::default()
                };
                let wanted = narrowed(&corrected, |card| {
                    filter.source.is_none_or(|s| card.source == s)
                        && filter.kind.is_none_or(|k| card.kind == k)
                        && filter.concept.as_ref().is_none_or(|c| card.concepts.contains(c))
                });
                assert_eq!(whole_list(&db.store, &filter, Order::Newest, 2).await, wanted, "{filter:?}");
            }
        }
    }
});

on_both!(facts_of_pages_change_with_their_reads, |db| {
    filled(db, 30).await;
    let cards = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 1000).await;
    let before = db.store.page_facts().await.unwrap();
    assert_eq!(before.len(), cards.len());
    for card in &cards {
        let page = db.store.read(card.id).await.unwrap().unwrap();
        let facts = &before[&card.id];
        assert_eq!(facts.fetched_at, page.fetched_at);
        assert_eq!(facts.places.iter().map(|(place, _)| place.clone()).collect::<Vec<_>>(), page.places);
        assert_eq!(facts.refused, page.refused);
    }
    let renamed = SourceChange { title: Some("Another title".to_owned()), ..SourceChange::default() };
    db.store.change_source(cards[0].source, &renamed, at(0)).await.unwrap();
    let after = db.store.page_facts().await.unwrap();
    for card in &cards {
        let is_of_it = card.source == cards[0].source;
        assert_eq!(after[&card.id] != before[&card.id], is_of_it, "{}", card.id);
        assert_eq!(after[&card.id].changed > before[&card.id].changed, is_of_it, "{}", card.id);
    }
});

on_both!(weeks_have_counts_and_neighbours, |db| {
    filled(db, 300).await;
    let all = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 1000).await;
    let weeks = db.store.weeks().await.unwrap();
    assert!(weeks.windows(2).all(|pair| pair[0].week > pair[1].week));
    assert_eq!(weeks.iter().map(|week| week.reads).sum::<u64>(), 300);
    for (n, week) in weeks.iter().enumerate() {
        let of_week = narrowed(&all, |card| card.week == week.week);
        assert_eq!(week.reads, of_week.len() as u64);
        assert_eq!(week.problems, narrowed(&of_week, |card| card.problem.is_some()).len() as u64);
        let newer = n.checked_sub(1).map(|n| weeks[n].week);
        let older = weeks.get(n + 1).map(|week| week.week);
        assert_eq!(db.store.neighbours(week.week).await.unwrap(), (older, newer));
        assert_eq!(db.store.week_count(week.week).await.unwrap(), *week);
    }
    assert_eq!(db.store.weeks_around(weeks[9].week, 3, 2).await.unwrap(), weeks[7..12]);
    assert_eq!(db.store.weeks_around(weeks[1].week, 1, 6).await.unwrap(), weeks[..2]);
    assert_eq!(db.store.newest_week().await.unwrap(), Some(weeks[0].week));
    let empty: Week = "1987-W01".parse().unwrap();
    assert_eq!(db.store.week_count(empty).await.unwrap(), WeekCount { week: empty, reads: 0, problems: 0 });
    assert_eq!(db.store.neighbours(empty).await.unwrap(), (None, weeks.last().map(|week| week.week)));
});

on_both!(facets_equal_the_contents_of_lists, |db| {
    filled(db, 500).await;
    let all = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 1000).await;
    let concept = all.iter().find_map(|card| card.concepts.first()).unwrap().clone();
    let none = ReadFilter::default;
    for filter in [
        none(),
        ReadFilter { week: Some(all[9].week), ..none() },
        ReadFilter { source: Some(all[9].source), ..none() },
        ReadFilter { concept: Some(concept.clone()), ..none() },
        ReadFilter { concept: Some(concept.clone()), source: Some(all[9].source), ..none() },
        ReadFilter { concept: Some(concept.clone()), week: Some(all[9].week), ..none() },
    ] {
        let cards = whole_list(&db.store, &filter, Order::Newest, 1000).await;
        let facets = db.store.facets(&filter).await.unwrap();
        for (kind, count) in &facets.kinds {
            assert_eq!(*count, narrowed(&cards, |card| card.kind == *kind).len() as u64, "{filter:?} {kind}");
        }
        assert_eq!(facets.kinds.iter().map(|(_, n)| n).sum::<u64>(), cards.len() as u64, "{filter:?}");
        let problems = narrowed(&cards, |card| card.problem.is_some()).len() as u64;
        assert_eq!(facets.forms.iter().map(|(_, n)| n).sum::<u64>(), problems, "{filter:?}");
        for (form, count) in &facets.forms {
            let of_form = narrowed(&cards, |card| card.problem.is_some() && card.problem_form == *form);
            assert_eq!(*count, of_form.len() as u64, "{filter:?} {form}");
        }
        assert!(facets.concepts.is_sorted_by_key(|(slug, n)| (std::cmp::Reverse(*n), slug.clone())));
        for (slug, count) in &facets.concepts {
            let wanted = narrowed(&cards, |card| card.concepts.contains(slug)).len() as u64;
            assert_eq!(*count, wanted, "{filter:?} {slug}");
        }
        if filter.source.is_none() {
            for (slug, _, count) in &facets.sources {
                let wanted = narrowed(&cards, |card| card.source_slug == *slug).len() as u64;
                assert_eq!(*count, wanted, "{filter:?} {slug}");
            }
            let told = facets.sources.iter().map(|(_, _, n)| n).sum::<u64>();
            assert!(told == cards.len() as u64 || (told < cards.len() as u64 && facets.sources.len() == 60));
        }
    }
    assert_eq!(db.store.concepts().await.unwrap(), db.store.facets(&none()).await.unwrap().concepts);
});

on_both!(sources_have_counts_and_newest_dates, |db| {
    filled(db, 300).await;
    let all = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 1000).await;
    let sources = db.store.sources(&SourceFilter::default()).await.unwrap();
    assert!(sources.is_sorted_by_key(|source| source.title.to_lowercase()));
    for source in sources {
        let own = narrowed(&all, |card| card.source == source.id);
        assert_eq!(source.reads, own.len() as u64);
        assert_eq!(source.newest, own.first().and_then(|card| card.published));
    }
});

on_both!(another_time_zone_files_all_reads_again, |db| {
    let source = db.follow("Acme").await;
    let mut sunday = entry("https://acme.example/sunday-night", None);
    sunday.entry.published = Some("2026-05-10T23:30:00Z".parse().unwrap());
    db.poll(&source, vec![sunday]).await;
    db.finish_all().await;
    assert_eq!(db.store.newest_week().await.unwrap().unwrap().to_string(), "2026-W19");
    let version = db.store.archive_version().await.unwrap();
    let berlin = Store::open(&db.location, &TimeZone::get("Europe/Berlin").unwrap()).await.unwrap();
    assert_eq!(berlin.newest_week().await.unwrap().unwrap().to_string(), "2026-W20");
    assert_eq!(berlin.weeks().await.unwrap().len(), 1);
    assert!(berlin.archive_version().await.unwrap() > version);
    db.assert_sound().await;
    let version = berlin.archive_version().await.unwrap();
    berlin.close().await;
    let again = Store::open(&db.location, &TimeZone::get("Europe/Berlin").unwrap()).await.unwrap();
    assert_eq!(again.archive_version().await.unwrap(), version, "nothing to do the second time");
    again.close().await;
});

on_both!(version_changes_with_the_contents_of_pages, |db| {
    let mut last = db.store.archive_version().await.unwrap();
    let mut changed = async |what: &str| {
        let version = db.store.archive_version().await.unwrap();
        assert!(version > last, "{what}");
        last = version;
    };
    let source = db.follow("Acme").await;
    changed("a new source").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    changed("a poll").await;
    db.finish_all().await;
    changed("a new read").await;
    db.store.unfollow(source.id, Unfollow::DropReads, at(1000)).await.unwrap();
    changed("a source that is gone").await;
});

on_both!(wrong_counters_are_found, |db| {
    filled(db, 50).await;
    let broken = [
        (
            "UPDATE week_count SET reads = reads + 1 WHERE week = (SELECT min(week) FROM week_count)",
            "week counts",
        ),
        ("UPDATE tally SET reads = reads + 1 WHERE list = 'all' AND facet LIKE 'kind/%'", "list counts"),
        ("DELETE FROM listing WHERE list LIKE 'source/%'", "lists"),
        ("DELETE FROM precis", "reads"),
    ];
    for (statement, name) in broken {
        db.run(&[statement]).await;
        let finding = db.store.check().await.into_iter().find(|finding| finding.name == name).unwrap();
        assert!(!finding.ok && finding.detail.contains("wrong"), "{}", finding.detail);
    }
    // The final check needs a sound database, so everything is removed.
    for source in db.store.sources(&SourceFilter::default()).await.unwrap() {
        db.store.unfollow(source.id, Unfollow::DropReads, at(1000)).await.unwrap();
    }
    db.run(&["DELETE FROM tally", "DELETE FROM week_count"]).await;
});

on_both!(a_concept_starts_with_the_reads_that_tell_most, |db| {
    let source = db.follow("Acme").await;
    let statement = |text: &str, confidence| Statement {
        text: text.into(),
        evidence: vec![Evidence::at("Text", 0, 4).unwrap()],
        confidence,
        form: Form::Quoted,
    };
    let told = [
        (0.9, Some(0.4)),
        (0.6, Some(0.9)),
        (0.9, None),
        (0.9, Some(0.3)),
        (0.6, Some(0.9)),
        (0.35, Some(0.35)),
    ];
    let mut reads = Vec::new();
    for (n, (problem, outcome)) in told.into_iter().enumerate() {
        let day = format!("2026-05-{:02}", n + 1);
        db.poll(&source, vec![entry(&format!("https://acme.example/{n}"), Some(&day))]).await;
        let read = db.claim(Stage::Discovered).await.unwrap();
        let article = article(&format!("Text of {}", read.url));
        db.store.finish_extract(&read, &article, &read.url, at(1000)).await.unwrap();
        let read = db.claim(Stage::Extracted).await.unwrap();
        let mut made = precis(&read, Kind::CaseStudy, true, &["caching", "queues"]);
        made.problem = Some(statement("It was slow.", problem));
        made.outcome = outcome.map(|confidence| statement("It is fast.", confidence));
        db.store.finish_annotate(&read, &made, at(1000)).await.unwrap();
        reads.push(read.id);
    }
    let starts = async |store: &Store, limit| {
        let cards = store.start_with(&"caching".parse().unwrap(), limit).await.unwrap();
        cards.into_iter().map(|card| card.id).collect::<Vec<_>>()
    };
    let best = [reads[4], reads[1], reads[0], reads[5]];
    assert_eq!(starts(&db.store, 5).await, best);
    assert_eq!(starts(&db.store, 2).await, best[..2]);
    assert_eq!(db.store.start_with(&"sharding".parse().unwrap(), 5).await.unwrap(), []);

    let again = db
        .as_older(&[
            "DROP INDEX listing_start",
            "ALTER TABLE listing DROP COLUMN start",
            "DELETE FROM _sqlx_migrations WHERE description = 'start'",
        ])
        .await;
    assert_eq!(starts(&again, 5).await, best, "an archive from before knows them as well");
    again.close().await;
});

on_both!(sources_that_are_left_out_are_in_no_list_and_no_count, |db| {
    filled(db, 300).await;
    let all = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 1000).await;
    let hidden = all[40].source;
    let (rest, left_out) = db.store.without(|source| source.id == hidden).await.unwrap();
    let shown = narrowed(&all, |card| card.source != hidden);
    assert!(left_out > 0 && shown.len() as u64 + left_out == 300, "{left_out}");
    assert_eq!(whole_list(&rest, &ReadFilter::default(), Order::Newest, 7).await, shown);

    let mut weeks: BTreeMap<Week, (u64, u64)> = BTreeMap::new();
    let mut concepts: BTreeMap<ConceptSlug, u64> = BTreeMap::new();
    for card in &shown {
        let week = weeks.entry(card.week).or_default();
        *week = (week.0 + 1, week.1 + u64::from(card.problem.is_some()));
        for concept in &card.concepts {
            *concepts.entry(concept.clone()).or_default() += 1;
        }
    }
    let counted =
        rest.weeks().await.unwrap().into_iter().map(|week| (week.week, (week.reads, week.problems)));
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), weeks);
    assert_eq!(rest.concepts().await.unwrap().into_iter().collect::<BTreeMap<_, _>>(), concepts);
    for (concept, reads) in &concepts {
        let filter = ReadFilter { concept: Some(concept.clone()), ..ReadFilter::default() };
        assert_eq!(whole_list(&rest, &filter, Order::Newest, 100).await.len() as u64, *reads);
        assert!(rest.start_with(concept, 50).await.unwrap().iter().all(|card| card.source != hidden));
    }
    let all_sources = db.store.sources(&SourceFilter::default()).await.unwrap();
    let sources = rest.sources(&SourceFilter::default()).await.unwrap();
    assert_eq!(sources.len(), all_sources.len() - 1);
    assert!(rest.source(hidden).await.unwrap().is_none());
    let gone = all.iter().find(|card| card.source == hidden).unwrap().id;
    assert!(rest.read(gone).await.unwrap().is_none() && rest.cards(&[gone]).await.unwrap().is_empty());
    assert!(rest.read(shown[0].id).await.unwrap().is_some());

    let (whole, left_out) = db.store.without(|_| false).await.unwrap();
    assert_eq!((whole_list(&whole, &ReadFilter::default(), Order::Newest, 1000).await, left_out), (all, 0));
    rest.close().await;
    whole.close().await;
});
