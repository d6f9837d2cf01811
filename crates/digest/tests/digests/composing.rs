//! Tests for which reads of a week come first, and for the contents of documents.

use backissue_digest::{Choice, Digest, Totals, WeekRead, compose, markdown, score, words};
use backissue_model::{Form, Issue, IssueRead, Kind, Marks, ReadId};
use pulldown_cmark::{Event, Parser, Tag};

use super::made_up::*;

fn digest(reads: Vec<WeekRead>) -> Digest {
    compose(WEEK.parse().unwrap(), reads, &Choice::default(), None)
}

fn firsts(digest: &Digest) -> Vec<i64> {
    digest.picks.iter().map(|pick| pick.read.card.id.0).collect()
}

const CASE: Kind = Kind::CaseStudy;

#[test]
fn surest_problems_come_first_and_companies_take_turns() {
    let reads = vec![
        read(1, "Acme", CASE, 0.9, &[]),
        read(2, "Acme", CASE, 0.89, &[]),
        read(3, "Birch", CASE, 0.7, &[]),
        read(4, "Cedar", Kind::Research, 0.4, &[]),
        read(5, "Birch", Kind::Opinion, 0.0, &[]),
    ];
    assert_eq!(firsts(&digest(reads.clone())), [1, 3, 2, 4]);
    let two = compose(WEEK.parse().unwrap(), reads, &Choice { most: 2, ..Choice::default() }, None);
    assert_eq!(firsts(&two), [1, 3]);
    let Totals { reads, minutes, minutes_first, .. } = two.totals;
    assert_eq!((reads, minutes, minutes_first), (5, 50, 20));
    let short = two.shortened(3);
    assert_eq!((firsts(&short), short.cards().count(), short.left_out()), (vec![1, 3], 3, 2));
    assert_eq!((firsts(&two.shortened(1)), two.shortened(1).left_out()), (vec![1], 4));
}

#[test]
fn statements_evidence_and_the_readers_wishes_raise_the_score() {
    let bare = read(1, "Acme", Kind::Research, 0.6, &[]);
    let raised = |change: fn(&mut WeekRead)| {
        let mut read = bare.clone();
        change(&mut read);
        score(&read) - score(&bare)
    };
    let outcome = |read: &mut WeekRead| read.read.precis.outcome = Some(statement("Less", 0.8, Form::Quoted));
    assert!((raised(outcome) - 0.5).abs() < 1e-6, "0.5 × 0.8 and a quotation");
    assert!((raised(|read| read.read.card.kind = Kind::Incident) - 0.3).abs() < 1e-6);
    assert!((raised(|read| read.marks.kept = Some(monday())) - 0.5).abs() < 1e-6);
    assert!((raised(|read| read.is_labelled = true) - 0.5).abs() < 1e-6);
    assert!((raised(|read| read.is_of_interest = true) - 0.3).abs() < 1e-6);
    let unsure = |read: &mut WeekRead| read.read.precis.outcome = Some(statement("Less", 0.2, Form::Quoted));
    assert_eq!(raised(unsure), 0.0, "what is not shown counts for nothing");
}

#[test]
fn done_reads_do_not_come_first_and_hidden_ones_not_at_all() {
    let mut reads = vec![read(1, "Acme", CASE, 0.9, &[]), read(2, "Birch", CASE, 0.8, &[])];
    reads.push(read(3, "Cedar", CASE, 0.7, &[]));
    reads[0].marks = Marks { done: Some(monday()), ..Marks::default() };
    reads[1].marks = Marks { hidden: Some(monday()), ..Marks::default() };
    let digest = digest(reads);
    assert_eq!(firsts(&digest), [3]);
    assert_eq!(digest.cards().map(|card| card.id.0).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn rest_is_grouped_by_concept_and_announcements_stand_last() {
    let mut reads: Vec<WeekRead> =
        (1..=7).map(|id| read(id, &format!("Company{id}"), CASE, 0.9, &[])).collect();
    reads.extend([
        read(8, "Acme", CASE, 0.4, &["caching"]),
        read(9, "Birch", Kind::Tutorial, 0.0, &["caching"]),
        read(10, "Cedar", Kind::Research, 0.0, &["fuzzing"]),
        read(11, "Acme", Kind::Announcement, 0.0, &["caching"]),
        read(12, "Acme", Kind::Event, 0.0, &[]),
    ]);
    let digest = digest(reads);
    let groups: Vec<(Option<String>, Vec<i64>)> = digest
        .groups
        .iter()
        .map(|group| {
            let ids = group.reads.iter().map(|card| card.id.0).collect();
            (group.concept.as_ref().map(ToString::to_string), ids)
        })
        .collect();
    assert_eq!(groups, [(Some("caching".to_owned()), vec![8, 9]), (None, vec![10])]);
    assert_eq!(digest.announcements.iter().map(|card| card.id.0).collect::<Vec<_>>(), [12, 11]);
    assert_eq!(
        words::tally(digest.totals),
        "12 reads from 10 companies, 8 with a problem: 2 h to read, 1 h 10 min for the first 7."
    );
}

#[test]
fn concepts_of_choice_leave_the_others_out() {
    let reads = vec![read(1, "Acme", CASE, 0.9, &["caching"]), read(2, "Birch", CASE, 0.9, &["fuzzing"])];
    let choice = Choice { concepts: vec!["fuzzing".parse().unwrap()], ..Choice::default() };
    let chosen = compose(WEEK.parse().unwrap(), reads, &choice, None);
    assert_eq!(firsts(&chosen), [2]);
    assert_eq!(chosen.totals.reads, 1);
    let reads = vec![read(1, "Acme", CASE, 0.9, &["caching"]), read(2, "Birch", CASE, 0.9, &["fuzzing"])];
    let choice = Choice { reads: Some([ReadId(1)].into()), ..Choice::default() };
    assert_eq!(firsts(&compose(WEEK.parse().unwrap(), reads, &choice, None)), [1], "what answers a search");
}

#[test]
fn week_as_markdown_has_every_read_once_and_its_link() {
    let mut first = read(1, "Acme", CASE, 0.9, &["caching"]);
    first.read.precis.approach = Some(statement("They cached it", 0.8, Form::Written));
    let reads = vec![
        first,
        read(2, "Birch", Kind::Tutorial, 0.0, &["caching"]),
        read(3, "Cedar", Kind::Announcement, 0.0, &[]),
    ];
    let mut digest = digest(reads);
    digest.remark = "Mind the caches.\n\nSee *you*.".to_owned();
    digest.picks[0].remark = "We had this, too.".to_owned();
    let text = markdown::week(&digest, &site(Some("https://reads.example/")));
    let expected = "# Week 20 of 2026: 11–17 May 2026

3 reads from 3 companies, 1 with a problem: 30 min to read, 10 min for the first.

[The whole week](https://reads.example/week/2026-W20)

Mind the caches.

See \\*you\\*.

## First

### 1. “Problem 1”

[Read 1 of Acme](https://acme.example/1) · Acme · 10 min · problem: sure · Caching · [in the archive](https://reads.example/read/1/read-1-of-acme)

- What they did (sure): They cached it

We had this, too.

## Other reads

- [Read 2 of Birch](https://birch.example/2), Birch, 10 min

## Announcements

- [Read 3 of Cedar](https://cedar.example/3), Cedar, 10 min
";
    assert_eq!(text, expected);
    assert!(!markdown::week(&digest, &site(None)).contains("reads.example"));
}

#[test]
fn read_as_markdown_quotes_what_backs_a_written_statement() {
    let mut read = read(1, "Acme", CASE, 0.9, &["caching"]).read;
    read.precis.outcome = Some(statement("It got fast", 0.8, Form::Written));
    let text = markdown::read(&read, &site(None));
    let expected = "# Read 1 of Acme

Case study · Acme · 11 May 2026 · 10 min

## Problem (sure)

> Problem 1

## What changed (sure)

It got fast

> It got fast, they say

Concepts: Caching

[Read it on acme.example](https://acme.example/1)
";
    assert_eq!(text, expected);
}

/// The parts of a Markdown document that are neither text nor markup that this program writes.
fn foreign(document: &str) -> Vec<String> {
    Parser::new(document)
        .filter(|event| match event {
            Event::Text(_) | Event::SoftBreak | Event::HardBreak | Event::End(_) => false,
            Event::Start(Tag::Link { dest_url, .. }) => !dest_url.starts_with("https://"),
            Event::Start(
                Tag::Heading { .. } | Tag::Paragraph | Tag::List(None) | Tag::Item | Tag::BlockQuote(_),
            ) => false,
            _ => true,
        })
        .map(|event| format!("{event:?}"))
        .collect()
}

#[test]
fn nothing_from_the_web_or_of_a_remark_is_markup() {
    let vectors = include_str!("../../../../tests/data/xss.jsonl").lines().map(|row| {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        row["html"].as_str().unwrap().to_owned()
    });
    let own =
        ["![x](https://evil.example/p.png)", "[a](javascript:alert(1))", "# a", "1. a", "- [ ] a", "---"];
    for words in vectors.chain(own.map(str::to_owned)) {
        let mut hostile = read(1, "Acme", CASE, 0.9, &[]);
        for place in [&mut hostile.read.card.title, &mut hostile.read.card.company] {
            place.clone_from(&words);
        }
        hostile.read.card.author = Some(words.clone());
        hostile.read.card.problem = Some(words.clone());
        hostile.read.precis.problem = Some(statement(&words, 0.9, Form::Written));
        hostile.read.precis.outcome = Some(statement(&words, 0.9, Form::Quoted));
        let plain = hostile.clone();
        let mut second = plain.clone();
        second.read.card.kind = Kind::Announcement;
        second.read.card.problem = None;
        let mut digest = digest(vec![plain, second]);
        digest.remark.clone_from(&words);
        digest.picks[0].remark.clone_from(&words);
        let site = site(Some("https://reads.example/"));
        for document in [markdown::week(&digest, &site), markdown::read(&hostile.read, &site)] {
            assert_eq!(foreign(&document), Vec::<String>::new(), "{document}");
        }
    }
}

#[test]
fn issue_decides_what_comes_first_and_what_is_left_out() {
    let reads: Vec<WeekRead> = (1..=4).map(|id| read(id, "Acme", CASE, 0.9, &[])).collect();
    let chosen = |read, remark: &str| IssueRead { read: ReadId(read), remark: remark.to_owned() };
    let issue = Issue {
        remark: "Look.".to_owned(),
        first: vec![chosen(3, "Mine"), chosen(99, "gone"), chosen(1, "")],
        dropped: vec![ReadId(2)],
    };
    let digest =
        compose(WEEK.parse().unwrap(), reads, &Choice { most: 1, ..Choice::default() }, Some(&issue));
    assert_eq!(firsts(&digest), [3, 1], "in its order, as many as it has");
    assert_eq!((digest.remark.as_str(), digest.picks[0].remark.as_str()), ("Look.", "Mine"));
    assert_eq!(digest.cards().map(|card| card.id.0).collect::<Vec<_>>(), [3, 1, 4]);
    assert_eq!(digest.totals.reads, 3);
}
