//! Facets of an answer and its current filters: each a link to the question with one filter more or
//! less.

use backissue_search::query::Sense;
use backissue_search::{Facets, Filter, Query};
use jiff::civil::Date;
use maud::{Markup, html};

use crate::parts::facets::{Value, facet};
use crate::parts::icons;
use crate::question::search;
use crate::{vocabulary, words};

/// The facets of an answer. Returns `None` if no value would shorten it.
pub(crate) fn facets(facets: &Facets, query: &Query) -> Option<Markup> {
    let values = |name: &str, counts: Vec<(String, u64, Filter)>| {
        let values = counts.into_iter().map(|(name, count, filter)| value(query, name, count, filter));
        facet(name, &values.collect::<Vec<_>>())
    };
    let companies =
        facets.companies.iter().map(|c| (c.value.clone(), c.reads, Filter::Company(c.value.clone())));
    let concepts = facets
        .concepts
        .iter()
        .map(|c| (vocabulary::name(&c.value), c.reads, Filter::Concept(c.value.clone())));
    let kinds =
        facets.kinds.iter().map(|c| (words::kind(c.value).to_owned(), c.reads, Filter::Kind(c.value)));
    let forms =
        facets.forms.iter().map(|c| (words::form(c.value).to_owned(), c.reads, Filter::Form(c.value)));
    let years: Vec<Value> =
        facets.years.iter().filter_map(|count| year(query, count.value, count.reads)).collect();
    let markup = html! {
        (values("Company", companies.collect()))
        (values("Concept", concepts.collect()))
        (values("Kind", kinds.collect()))
        (facet("Year", &years))
        (values("Wording", forms.collect()))
    };
    (!markup.0.is_empty()).then_some(markup)
}

/// A value of a facet. If it is selected, it links to the question without it; otherwise to the
/// question with it, in place of others of its kind.
fn value(query: &Query, name: String, count: u64, filter: Filter) -> Value {
    let is_it = |other: &Filter, sense| sense == Sense::Only && is_same(other, &filter);
    let chosen = query.filters().any(|(other, sense)| is_it(other, sense));
    let next = if chosen {
        query.clone().without(is_it)
    } else {
        let others = |other: &Filter, sense| sense == Sense::Only && other.name() == filter.name();
        query.clone().without(others).with(filter.clone())
    };
    Value { name, count, href: search(&next), chosen }
}

/// Whether two filters accept the same reads.
fn is_same(one: &Filter, other: &Filter) -> bool {
    match (one, other) {
        // A company may be given by its slug.
        (Filter::Company(one), Filter::Company(other)) => {
            backissue_model::Slug::of(one) == backissue_model::Slug::of(other)
        }
        _ => one == other,
    }
}

fn year(query: &Query, year: i16, count: u64) -> Option<Value> {
    let (after, before) = bounds(year)?;
    let chosen = chosen_year(query) == Some(year);
    let wider = query.clone().without(is_date);
    let next = if chosen { wider } else { wider.with(Filter::After(after)).with(Filter::Before(before)) };
    Some(Value { name: year.to_string(), count, href: search(&next), chosen })
}

fn is_date(filter: &Filter, sense: Sense) -> bool {
    sense == Sense::Only && matches!(filter, Filter::After(_) | Filter::Before(_))
}

/// The first day of a year and of the next one. Returns `None` for years that a question cannot
/// name, which come from wrong dates in feeds.
fn bounds(year: i16) -> Option<(Date, Date)> {
    if year < 1000 {
        return None;
    }
    Some((Date::new(year, 1, 1).ok()?, Date::new(year.checked_add(1)?, 1, 1).ok()?))
}

/// The year to which the question's dates are limited.
fn chosen_year(query: &Query) -> Option<i16> {
    let mut dates =
        query.filters().filter(|(filter, sense)| is_date(filter, *sense)).map(|(filter, _)| filter);
    let (first, second, none) = (dates.next()?, dates.next()?, dates.next());
    let (Filter::After(after), Filter::Before(before)) = (first, second) else { return None };
    (none.is_none() && bounds(after.year())? == (*after, *before)).then(|| after.year())
}

/// The current filters of an answer; each chip removes one.
pub(crate) fn chips(query: &Query) -> Markup {
    let year = chosen_year(query);
    let others: Vec<(&Filter, Sense)> =
        query.filters().filter(|(filter, sense)| year.is_none() || !is_date(filter, *sense)).collect();
    let chip = |name: &str, wider: &Query| {
        html! {
            li { a.chip href=(search(wider)) rel="nofollow" { span.unseen { "No longer only " } (name) (icons::AWAY) } }
        }
    };
    html! {
        @if year.is_some() || !others.is_empty() {
            ul.chips aria-label="Narrowed to" {
                li.quiet { "Only" }
                @for (filter, sense) in others {
                    (chip(&named(filter, sense), &query.clone().without(|other, with| other == filter && with == sense)))
                }
                @if let Some(year) = year { (chip(&year.to_string(), &query.clone().without(is_date))) }
            }
        }
    }
}

/// A filter in words.
fn named(filter: &Filter, sense: Sense) -> String {
    let name = match filter {
        Filter::Company(name) | Filter::Technology(name) => name.clone(),
        Filter::Concept(slug) => vocabulary::name(slug),
        Filter::Kind(kind) => words::kind(*kind).to_owned(),
        Filter::Form(form) => words::form(*form).to_owned(),
        Filter::Source(slug) => slug.to_string(),
        Filter::Week(week) => format!("week {} of {}", week.number(), week.year()),
        Filter::Before(_) => format!("before {}", filter.value()),
        Filter::After(_) => format!("from {} on", filter.value()),
        Filter::Is(mine) => mine.as_str().to_owned(),
        Filter::Label(label) => format!("label {label}"),
    };
    match sense {
        Sense::Only => name,
        Sense::Without => format!("not {name}"),
    }
}

#[cfg(test)]
mod tests {
    use backissue_search::Count;

    use super::*;

    fn facets_of(companies: &[&str], years: &[i16]) -> Facets {
        Facets {
            total: 5,
            companies: companies.iter().map(|name| Count { value: (*name).to_owned(), reads: 2 }).collect(),
            years: years.iter().map(|year| Count { value: *year, reads: 1 }).collect(),
            ..Facets::default()
        }
    }

    #[test]
    fn facet_is_added_to_the_question_and_removed() {
        let found = facets_of(&["Apache Flink", "Vitess"], &[2021, 2020]);
        let html = facets(&found, &Query::parse("slow queue")).unwrap().into_string();
        for href in [
            "/search?q=slow+queue+company%3A%22Apache+Flink%22",
            "/search?q=slow+queue+after%3A2020+before%3A2021",
        ] {
            assert!(html.contains(&format!("href=\"{href}\"")), "{href}: {html}");
        }
        let query = Query::parse("slow company:apache-flink queue after:2020 before:2021");
        let html = facets(&facets_of(&["Apache Flink"], &[2020]), &query).unwrap().into_string();
        assert_eq!(html.matches(r#"aria-current="true""#).count(), 2, "{html}");
        assert!(html.contains(r#"href="/search?q=slow+queue+after%3A2020+before%3A2021""#), "{html}");
        assert!(html.contains(r#"href="/search?q=slow+company%3Aapache-flink+queue""#), "{html}");
    }

    #[test]
    fn impossible_year_is_not_offered() {
        let found = facets_of(&[], &[2021, 2020, 1]);
        let html = facets(&found, &Query::parse("queue")).unwrap().into_string();
        assert_eq!(html.matches("<li>").count(), 2, "{html}");
    }

    #[test]
    fn another_value_replaces_the_selected_one() {
        let query = Query::parse("queue company:Vitess after:2019-05");
        let html = facets(&facets_of(&["Vitess", "Linkerd"], &[2021, 2020]), &query).unwrap().into_string();
        assert!(html.contains(r#"href="/search?q=queue+after%3A2019-05+company%3ALinkerd""#), "{html}");
        assert!(
            html.contains(r#"href="/search?q=queue+company%3AVitess+after%3A2020+before%3A2021""#),
            "{html}"
        );
    }

    #[test]
    fn every_filter_has_a_chip_that_removes_it() {
        let html =
            chips(&Query::parse("x -kind:tutorial week:2026-W20 after:2020 before:2021")).into_string();
        for (name, href) in [
            ("not Tutorial", "/search?q=x+week%3A2026-W20+after%3A2020+before%3A2021"),
            ("week 20 of 2026", "/search?q=x+-kind%3Atutorial+after%3A2020+before%3A2021"),
            ("2020", "/search?q=x+-kind%3Atutorial+week%3A2026-W20"),
        ] {
            assert!(
                html.contains(&format!(
                    r#"href="{href}" rel="nofollow"><span class="unseen">No longer only </span>{name}<"#
                )),
                "{name}: {html}"
            );
        }
        assert!(chips(&Query::parse("only words")).into_string().is_empty());
    }
}
