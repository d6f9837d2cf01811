//! The concept vocabulary, `/concepts`: all concepts with their definitions.

use std::collections::HashMap;

use axum::extract::State;
use backissue_model::{Concept, ConceptSlug};
use backissue_store::Store;
use maud::{Markup, html};

use crate::fault::Fault;
use crate::frame::{Document, Frame, Page, Section};
use crate::{vocabulary, words};

/// `/concepts`
pub(crate) async fn concepts(frame: Frame, State(store): State<Store>) -> Result<Page, Fault> {
    let counts = store.concepts().await?;
    Ok(frame.page(document(vocabulary::all(), &counts)))
}

/// The page for a vocabulary and the number of reads of each concept.
fn document(vocabulary: &[Concept], counts: &[(ConceptSlug, u64)]) -> Document {
    let counts: HashMap<&ConceptSlug, u64> = counts.iter().map(|(slug, count)| (slug, *count)).collect();
    let roots = vocabulary.iter().filter(|concept| concept.parent.is_none()).collect::<Vec<_>>();
    Document {
        title: "Concepts".to_owned(),
        description: Some(
            "What engineers write about: concepts, each with a line on what it is and its reads.".to_owned(),
        ),
        section: Some(Section::Concepts),
        main: html! {
            div.head {
                h1 { "Concepts" }
                p.standfirst {
                    "What engineers write about, in " (words::count(vocabulary.len() as u64, "concept"))
                    ". The number is how many reads the archive has on it."
                }
            }
            nav.families aria-label="Families of concepts" {
                @for root in &roots { a href={ "#c-" (root.slug) } { (root.name) } }
            }
            div.glossary {
                @for root in &roots { (family(root, vocabulary, &counts)) }
            }
        },
        ..Document::default()
    }
}

fn family(root: &Concept, vocabulary: &[Concept], counts: &HashMap<&ConceptSlug, u64>) -> Markup {
    let below = descendants(root, vocabulary);
    let id = format!("c-{}", root.slug);
    html! {
        section.family .long[below.len() > 6] aria-labelledby=(id) {
            h2 id=(id) { (name(root)) (count(root, counts)) }
            p { (root.definition) }
            @if !below.is_empty() {
                dl {
                    @for concept in below {
                        dt { (name(concept)) (count(concept, counts)) }
                        dd { (concept.definition) }
                    }
                }
            }
        }
    }
}

fn name(concept: &Concept) -> Markup {
    html! { a href={ "/concept/" (concept.slug) } { (concept.name) } }
}

fn count(concept: &Concept, counts: &HashMap<&ConceptSlug, u64>) -> Markup {
    let reads = counts.get(&concept.slug).copied().unwrap_or(0);
    html! { span.count { @if reads > 0 { (words::number(reads)) span.unseen { " reads" } } @else { span.unseen { "no reads" } } } }
}

/// All concepts below `root`, each followed by those below it.
fn descendants<'v>(root: &Concept, vocabulary: &'v [Concept]) -> Vec<&'v Concept> {
    let children = vocabulary.iter().filter(|concept| concept.parent.as_ref() == Some(&root.slug));
    children.flat_map(|child| std::iter::once(child).chain(descendants(child, vocabulary))).collect()
}
