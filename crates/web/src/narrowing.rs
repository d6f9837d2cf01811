//! The filters and the page of a list, all of which are in the address.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use backissue_annotate::Vocabulary;
use backissue_model::{ConceptSlug, Form, Kind, Slug, Source};
use backissue_store::{Cursor, Mine, ReadFilter, Store};
use url::form_urlencoded::Serializer;

use crate::fault::Fault;

/// `?source=&concept=&kind=&form=&show=&after=`, validated.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Narrowing {
    pub(crate) source: Option<Slug>,
    pub(crate) concept: Option<ConceptSlug>,
    pub(crate) kind: Option<Kind>,
    /// Only reads whose problem has this form.
    pub(crate) form: Option<Form>,
    pub(crate) after: Option<Cursor>,
    /// Only reads with these marks, on pages with this filter.
    pub(crate) show: Option<Mine>,
}

impl Narrowing {
    pub(crate) fn of(query: &HashMap<String, String>) -> Result<Self, Fault> {
        let given = |name: &str| query.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
        let refuse = |e: &dyn std::fmt::Display| Fault::BadAddress(e.to_string());
        Ok(Self {
            source: given("source").map(Slug::of),
            concept: given("concept").map(concept).transpose()?,
            kind: given("kind").map(str::parse).transpose().map_err(|e| refuse(&e))?,
            form: given("form").map(str::parse).transpose().map_err(|e| refuse(&e))?,
            show: given("show").map(mine).transpose()?,
            after: given("after").map(str::parse).transpose().map_err(|_| {
                Fault::BadAddress("This address is not a page of a list; start the list again".to_owned())
            })?,
        })
    }

    /// Whether any filter is set.
    pub(crate) fn is_narrow(&self) -> bool {
        self.source.is_some()
            || self.concept.is_some()
            || self.kind.is_some()
            || self.form.is_some()
            || self.show.is_some()
    }

    /// The address of `path` with these filters.
    pub(crate) fn href(&self, path: &str) -> String {
        let mut query = Serializer::new(String::new());
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        };
        add("source", self.source.as_ref().map(ToString::to_string));
        add("concept", self.concept.as_ref().map(ToString::to_string));
        add("kind", self.kind.map(|kind| kind.to_string()));
        add("form", self.form.map(|form| form.to_string()));
        add("show", self.show.map(|show| show.as_str().to_owned()));
        add("after", self.after.as_ref().map(ToString::to_string));
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The same filters from the first page on.
    fn restarted(&self) -> Self {
        Self { after: None, ..self.clone() }
    }

    pub(crate) fn with_source(&self, source: Option<&Slug>) -> Self {
        Self { source: source.cloned(), ..self.restarted() }
    }

    pub(crate) fn with_concept(&self, concept: Option<&ConceptSlug>) -> Self {
        Self { concept: concept.cloned(), ..self.restarted() }
    }

    pub(crate) fn with_kind(&self, kind: Option<Kind>) -> Self {
        Self { kind, ..self.restarted() }
    }

    pub(crate) fn with_form(&self, form: Option<Form>) -> Self {
        Self { form, ..self.restarted() }
    }

    pub(crate) fn with_show(&self, show: Option<Mine>) -> Self {
        Self { show, ..self.restarted() }
    }

    pub(crate) fn after(&self, cursor: &Cursor) -> Self {
        Self { after: Some(*cursor), ..self.clone() }
    }

    /// The store's filter, and the filtered source. The caller adds what its page is about.
    ///
    /// # Errors
    /// [`Fault::NoSuchSource`] if there is no such source.
    pub(crate) async fn looked_up(&self, store: &Store) -> Result<(ReadFilter, Option<Source>), Fault> {
        self.check_concept(store).await?;
        let source = match &self.source {
            Some(slug) => match store.source_by_slug(slug.as_str()).await? {
                Some(source) => Some(source),
                None => return Err(Fault::no_such_source(store, slug.as_str()).await),
            },
            None => None,
        };
        Ok((self.filter(source.as_ref()), source))
    }

    /// Refuses a concept that neither the vocabulary nor any read has.
    pub(crate) async fn check_concept(&self, store: &Store) -> Result<(), Fault> {
        let Some(slug) = self.concept.as_ref().filter(|slug| Vocabulary::builtin().get(slug).is_none())
        else {
            return Ok(());
        };
        match store.concepts().await?.iter().any(|(known, _)| known == slug) {
            true => Ok(()),
            false => Err(Fault::NoSuchConcept(slug.to_string())),
        }
    }

    /// The store's filter. `source` is the filtered source.
    pub(crate) fn filter(&self, source: Option<&Source>) -> ReadFilter {
        ReadFilter {
            source: source.map(|s| s.id),
            concept: self.concept.clone(),
            kind: self.kind,
            form: self.form,
            ..ReadFilter::default()
        }
    }
}

fn mine(name: &str) -> Result<Mine, Fault> {
    name.parse()
        .map_err(|_| Fault::BadAddress("“show” is one of unread, kept, done, noted, hidden".to_owned()))
}

/// The concept with this slug or display name. Reads may have concepts that the vocabulary no
/// longer has.
fn concept(name: &str) -> Result<ConceptSlug, Fault> {
    let called = Vocabulary::builtin().called(name).map(|concept| concept.slug.clone());
    called.or_else(|| name.parse().ok()).ok_or_else(|| Fault::NoSuchConcept(name.to_owned()))
}

impl<S: Send + Sync> FromRequestParts<S> for Narrowing {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let query = Query::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|e| Fault::BadAddress(e.body_text()))?;
        Self::of(&query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Narrowing, Fault> {
        Narrowing::of(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn filters_round_trip_through_the_address() {
        let pairs = [
            ("concept", "caching"),
            ("form", "written"),
            ("kind", "incident"),
            ("source", "undergrowth"),
            ("x", "y"),
        ];
        let narrowing = of(&pairs).unwrap();
        assert_eq!(
            narrowing.href("/week/2026-W20"),
            "/week/2026-W20?source=undergrowth&concept=caching&kind=incident&form=written"
        );
        let wider = narrowing.with_kind(None).with_source(None);
        assert_eq!(wider.href("/"), "/?concept=caching&form=written");
        assert_eq!(wider.with_form(None).href("/"), "/?concept=caching");
        assert_eq!(of(&[("show", "unread")]).unwrap().with_show(Some(Mine::Kept)).href("/"), "/?show=kept");
        assert_eq!(of(&[("kind", ""), ("after", " ")]).unwrap(), Narrowing::default());
        assert_eq!(Narrowing::default().href("/"), "/");
    }

    #[test]
    fn invalid_filters_are_refused_with_a_reason() {
        let Err(Fault::BadAddress(why)) = of(&[("kind", "poem")]) else { panic!("a poem is no kind") };
        assert!(why.contains("poem") && why.contains("case-study"), "{why}");
        let Err(Fault::BadAddress(why)) = of(&[("form", "writen")]) else { panic!("it has a typo") };
        assert!(why.contains("quoted, written, corrected; did you mean “written”?"), "{why}");
        assert!(of(&[("concept", "Ünknown!")]).is_err());
        assert!(of(&[("show", "everything")]).is_err());
    }
}
