//! The fields of the index, and how a document fills them.

use backissue_annotate::Vocabulary;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{TantivyDocument, Term};

use super::tokens::Words;
use crate::Document;

/// The name of [`Words`] in the index.
const TOKENIZER: &str = "words";

/// Names of the columns for filters, facets, and the order of equally good reads.
pub(crate) mod column {
    pub(crate) const ID: &str = "id";
    pub(crate) const FILED_AT: &str = "filed_at";
    pub(crate) const KIND: &str = "kind";
    pub(crate) const FORM: &str = "form";
    pub(crate) const WEEK: &str = "week";
    pub(crate) const YEAR: &str = "year";
    pub(crate) const COMPANY: &str = "company_name";
    pub(crate) const SOURCES: &str = "sources";
    pub(crate) const CONCEPTS: &str = "concept_slugs";
    pub(crate) const TECHNOLOGIES: &str = "technology_names";
    pub(crate) const HAS_PROBLEM: &str = "has_problem";
    pub(crate) const CONFIDENCE: &str = "confidence";
    pub(crate) const FINGERPRINT: &str = "fingerprint";
    pub(crate) const VECTORS: &str = "vectors";
}

/// The weights of a word by field and by kind of match, all at least 0. A word anywhere in a read
/// finds the read, and adds to its score if it is also in one of these fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// In the title.
    pub title: f32,
    /// In the problem.
    pub problem: f32,
    /// In the names and other names of its concepts.
    pub concepts: f32,
    /// In the names of its technologies.
    pub technologies: f32,
    /// In the company's name.
    pub company: f32,
    /// Anywhere in the read: in the article, the page's description, or any field above. More than
    /// 0.
    pub anywhere: f32,
    /// The bonus for the exact form of a word over its other forms.
    pub exact: f32,
    /// The bonus of two words that are next to each other as in the query, as a share of the weight
    /// of their phrase.
    pub nearness: f32,
    /// The weight of a word within an edit distance of one or two, as a share of the typed word's
    /// weight.
    pub typo: f32,
    /// The weight of a word that starts with the word being typed, as a share of the latter's
    /// weight.
    pub beginning: f32,
    /// The weight of a part of a name from code, as a share of the whole name's weight.
    pub part: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            title: 1.5,
            problem: 1.0,
            concepts: 1.0,
            technologies: 1.5,
            company: 1.5,
            anywhere: 3.0,
            exact: 0.15,
            nearness: 0.25,
            typo: 0.4,
            beginning: 0.4,
            part: 0.5,
        }
    }
}

/// The fields of the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub id: Field,
    pub filed_at: Field,
    pub kind: Field,
    pub form: Field,
    pub week: Field,
    pub company_keys: Field,
    pub sources: Field,
    pub concept_slugs: Field,
    pub technology_names: Field,
    pub company: Field,
    year: Field,
    company_name: Field,
    has_problem: Field,
    confidence: Field,
    fingerprint: Field,
    vectors: Field,
    title: Field,
    problem: Field,
    concepts: Field,
    technologies: Field,
    pub anywhere: Field,
}

impl Fields {
    /// The schema and its fields. An index with another schema is replaced automatically.
    pub(crate) fn make() -> (Schema, Self) {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(TOKENIZER)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let words = TextOptions::default().set_indexing_options(indexing);
        let mut schema = Schema::builder();
        let fields = Self {
            id: schema.add_i64_field(column::ID, INDEXED | FAST),
            filed_at: schema.add_i64_field(column::FILED_AT, FAST),
            kind: schema.add_u64_field(column::KIND, INDEXED | FAST),
            form: schema.add_u64_field(column::FORM, INDEXED | FAST),
            week: schema.add_u64_field(column::WEEK, INDEXED | FAST),
            company_keys: schema.add_text_field("company_keys", STRING),
            sources: schema.add_text_field(column::SOURCES, STRING | FAST),
            concept_slugs: schema.add_text_field(column::CONCEPTS, STRING | FAST),
            technology_names: schema.add_text_field(column::TECHNOLOGIES, STRING | FAST),
            company: schema.add_text_field("company", words.clone()),
            year: schema.add_i64_field(column::YEAR, FAST),
            company_name: schema.add_text_field(column::COMPANY, FAST),
            has_problem: schema.add_bool_field(column::HAS_PROBLEM, FAST),
            confidence: schema.add_f64_field(column::CONFIDENCE, FAST),
            fingerprint: schema.add_u64_field(column::FINGERPRINT, FAST),
            vectors: schema.add_bytes_field(column::VECTORS, FAST),
            title: schema.add_text_field("title", words.clone()),
            problem: schema.add_text_field("problem", words.clone()),
            concepts: schema.add_text_field("concepts", words.clone()),
            technologies: schema.add_text_field("technologies", words.clone()),
            anywhere: schema.add_text_field("anywhere", words),
        };
        (schema.build(), fields)
    }

    /// Registers [`Words`] with `index`.
    pub(crate) fn register(index: &tantivy::Index) {
        index.tokenizers().register(TOKENIZER, TextAnalyzer::from(Words));
    }

    /// The fields that score in addition to [`Fields::anywhere`], with their weights.
    pub(crate) fn weighed(&self, weights: &Weights) -> impl Iterator<Item = (Field, f32)> + use<> {
        [
            (self.title, weights.title),
            (self.problem, weights.problem),
            (self.concepts, weights.concepts),
            (self.technologies, weights.technologies),
            (self.company, weights.company),
        ]
        .into_iter()
        .filter(|(_, weight)| *weight > 0.0)
    }

    /// The fields in which adjacent words score, with their weights.
    pub(crate) fn near(&self, weights: &Weights) -> impl Iterator<Item = (Field, f32)> + use<> {
        [(self.title, weights.title), (self.problem, weights.problem), (self.anywhere, weights.anywhere)]
            .into_iter()
            .filter(|(_, weight)| *weight > 0.0)
    }

    /// The term that identifies a read.
    pub(crate) fn id_term(&self, id: backissue_model::ReadId) -> Term {
        Term::from_field_i64(self.id, id.0)
    }

    /// A read as a document of the index.
    pub(crate) fn document(&self, read: &Document) -> TantivyDocument {
        let mut doc = TantivyDocument::new();
        doc.add_i64(self.id, read.id.0);
        doc.add_i64(self.filed_at, read.filed_at.as_second());
        doc.add_u64(self.kind, kind_number(read.kind));
        if let Some(form) = read.form {
            doc.add_u64(self.form, form_number(form));
        }
        doc.add_u64(self.week, week_number(read.week));
        doc.add_i64(self.year, i64::from(year_of(read.filed_at)));
        doc.add_bool(self.has_problem, read.problem.is_some());
        doc.add_f64(self.confidence, f64::from(read.confidence));
        if let Some(fingerprint) = read.fingerprint {
            doc.add_u64(self.fingerprint, short(fingerprint));
        }
        for key in company_keys(&read.company) {
            doc.add_text(self.company_keys, key);
        }
        doc.add_text(self.company_name, &read.company);
        for source in &read.sources {
            doc.add_text(self.sources, source.as_str());
        }
        for name in &read.technologies {
            doc.add_text(self.technology_names, name.to_lowercase());
        }
        self.add_words(&mut doc, read);
        if let Some(bytes) = packed(&read.vectors) {
            doc.add_bytes(self.vectors, &bytes);
        }
        doc
    }

    fn add_words(&self, doc: &mut TantivyDocument, read: &Document) {
        let mut add = |field, text: &str| {
            doc.add_text(field, text);
            doc.add_text(self.anywhere, text);
        };
        add(self.title, &read.title);
        add(self.company, &read.company);
        read.problem.iter().for_each(|text| add(self.problem, text));
        for slug in &read.concepts {
            add(self.concepts, slug.as_str());
            if let Some(concept) = Vocabulary::builtin().get(slug) {
                add(self.concepts, &concept.name);
                concept.aliases.iter().for_each(|alias| add(self.concepts, alias));
            }
        }
        read.technologies.iter().for_each(|name| add(self.technologies, name));
        for slug in &read.concepts {
            doc.add_text(self.concept_slugs, slug.as_str());
        }
        let statements = read.approach.iter().chain(&read.outcome);
        for text in statements.chain(&read.description).chain([&read.text]) {
            doc.add_text(self.anywhere, text);
        }
    }
}

/// The number of a kind in the index.
pub(crate) fn kind_number(kind: backissue_model::Kind) -> u64 {
    backissue_model::Kind::ALL.iter().position(|k| *k == kind).unwrap_or_default() as u64
}

/// The number of a form in the index.
pub(crate) fn form_number(form: backissue_model::Form) -> u64 {
    backissue_model::Form::ALL.iter().position(|f| *f == form).unwrap_or_default() as u64
}

/// The number of a week in the index; later weeks have greater numbers.
pub(crate) fn week_number(week: backissue_model::Week) -> u64 {
    u64::from(week.year().unsigned_abs()) * 100 + u64::from(week.number().unsigned_abs())
}

/// The year of a moment in UTC.
fn year_of(at: jiff::Timestamp) -> i16 {
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC).year()
}

/// The first 64 bits of a fingerprint. With a million texts, a collision happens in one of forty
/// million archives.
fn short(fingerprint: backissue_model::Fingerprint) -> u64 {
    let whole = fingerprint.0;
    (whole >> 64) as u64 ^ whole as u64
}

/// The keys of a company: its name with normalised case and white space, and its slug.
pub(crate) fn company_keys(name: &str) -> Vec<String> {
    let folded = name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
    let mut keys = vec![folded];
    // A name without Latin letters has no distinctive slug.
    if name.chars().any(|c| c.is_ascii_alphanumeric()) {
        let slug = backissue_model::Slug::of(name).as_str().to_owned();
        if slug != keys[0] {
            keys.push(slug);
        }
    }
    keys
}

/// Packs vectors into one value: their number, then the bytes of each. Returns `None` if there are
/// none or more than 255, or if their lengths differ.
fn packed(vectors: &[Vec<i8>]) -> Option<Vec<u8>> {
    let count = u8::try_from(vectors.len()).ok().filter(|count| *count > 0)?;
    let length = vectors[0].len();
    if length == 0 || vectors.iter().any(|vector| vector.len() != length) {
        return None;
    }
    let bytes = vectors.iter().flatten().map(|value| value.cast_unsigned());
    Some(std::iter::once(count).chain(bytes).collect())
}

/// Unpacks the vectors of [`packed`].
pub(crate) fn unpacked(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, rest) = bytes.split_first().map_or((0, bytes), |(count, rest)| (usize::from(*count), rest));
    let length = rest.len().checked_div(count).filter(|length| *length > 0);
    rest.chunks_exact(length.unwrap_or(usize::MAX)).take(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_vectors_round_trip() {
        for vectors in [vec![], vec![vec![1i8, -2, 127]], vec![vec![-128, 0], vec![5, 6]]] {
            let bytes = packed(&vectors).unwrap_or_default();
            let back: Vec<Vec<i8>> =
                unpacked(&bytes).map(|v| v.iter().map(|b| b.cast_signed()).collect()).collect();
            assert_eq!(back, vectors);
        }
        assert_eq!(packed(&[vec![1], vec![1, 2]]), None);
        assert_eq!(packed(&[vec![]]), None);
    }

    #[test]
    fn company_matches_by_name_or_slug() {
        assert_eq!(company_keys(" The New  York Times"), ["the new york times", "the-new-york-times"]);
        assert_eq!(company_keys("Stripe"), ["stripe"]);
        assert_eq!(company_keys("数据"), ["数据"]);
    }
}
