//! Made-up reads and weeks for the tests.

use backissue_digest::{Layout, Site, WeekRead};
use backissue_model::{Evidence, Form, Kind, MadeBy, Precis, ReadId, Slug, SourceId, Span, Statement};
use backissue_store::{ReadCard, ReadSummary};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub(crate) const WEEK: &str = "2026-W20";

pub(crate) fn monday() -> Timestamp {
    "2026-05-11T08:00:00Z".parse().unwrap()
}

pub(crate) fn statement(text: &str, confidence: f32, form: Form) -> Statement {
    let quote = Evidence { span: Span { start: 0, end: 5 }, quote: format!("{text}, they say") };
    Statement { text: text.to_owned(), evidence: vec![quote], confidence, form }
}

/// A read of a company with a problem of this confidence. 0 means no problem.
pub(crate) fn read(id: i64, company: &str, kind: Kind, confidence: f32, concepts: &[&str]) -> WeekRead {
    let title = format!("Read {id} of {company}");
    let problem = (confidence > 0.0).then(|| statement(&format!("Problem {id}"), confidence, Form::Quoted));
    let concepts: Vec<_> = concepts.iter().map(|slug| slug.parse().unwrap()).collect();
    let at = monday() + SignedDuration::from_hours(id);
    let card = ReadCard {
        id: ReadId(id),
        slug: Slug::of(&title),
        title,
        url: format!("https://{}.example/{id}", Slug::of(company)).parse().unwrap(),
        source: SourceId(1),
        source_slug: Slug::of(company),
        source_title: format!("{company} Engineering"),
        company: company.to_owned(),
        author: None,
        published: Some(at),
        first_seen: at,
        filed_at: at,
        revised_at: None,
        week: WEEK.parse().unwrap(),
        kind,
        problem: problem.as_ref().map(|problem| problem.text.clone()),
        problem_leads: confidence >= 0.55,
        problem_form: Form::Quoted,
        description: None,
        minutes: 10,
        concepts: concepts.clone(),
    };
    let made_by = MadeBy {
        annotator: "built-in".to_owned(),
        version: "1".to_owned(),
        model: None,
        prompt_version: None,
    };
    let precis =
        Precis { kind, problem, approach: None, outcome: None, concepts, technologies: Vec::new(), made_by };
    ReadSummary { card, precis }.into()
}

pub(crate) fn site(base_url: Option<&str>) -> Site {
    Site {
        title: "Backissue".to_owned(),
        base_url: base_url.map(|url| url.parse().unwrap()),
        time_zone: TimeZone::UTC,
        layout: Layout::Served,
    }
}
