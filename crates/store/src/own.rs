//! A reader's marks, notes, labels, highlights, answers and corrections, for export to another
//! archive.
//!
//! A read is identified by its address, because its id differs between archives.

use std::collections::{HashMap, HashSet};
use std::fmt;

use backissue_model::{
    CanonicalUrl, CardAnswer, Correction, Highlight, Label, Mark, NOTE_MAX, NoteText, Quote, Rating, ReadId,
    ReaderId, Role, WritingError,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::database::{Row, Tried, Tx, sql};
use crate::highlights::{Imported, import};
use crate::marks::{column, existing, new_number, united};
use crate::practice::{answer_of_row, schedule};
use crate::times::millis;
use crate::{HIGHLIGHTS_MAX, LABELS_MAX, NextShowing, OwnSearch, Store, StoreError, corrections, polls};

/// The form of the file with a reader's data.
pub const OWN_FORM: &str = "backissue-reader-1";

/// The file with a reader's data.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnFile {
    /// Its form: [`OWN_FORM`].
    pub form: String,
    /// The reads.
    pub reads: Vec<OwnRead>,
    /// The saved searches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<OwnSearch>,
}

/// What a reader did with one read, wrote about it and corrected.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnRead {
    /// The read's address.
    pub url: String,
    /// Its title, for people.
    #[serde(default)]
    pub title: String,
    /// Whether it is a page that was saved by its address. An import saves it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub saved: bool,
    /// When it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Timestamp>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Timestamp>,
    /// When it was hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Timestamp>,
    /// The note.
    #[serde(default, skip_serializing_if = "NoteText::is_empty")]
    pub note: NoteText,
    /// When the note was first written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_made: Option<Timestamp>,
    /// When the note was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_changed: Option<Timestamp>,
    /// The labels. One that is none is refused alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The answers to its problem, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<OwnAnswer>,
    /// The highlights, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub highlights: Vec<OwnHighlight>,
    /// What was corrected about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<OwnCorrection>,
}

/// A highlighted passage.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnHighlight {
    /// The passage with its context.
    #[serde(flatten)]
    pub quote: Quote,
    /// The remark; may be empty.
    #[serde(default, skip_serializing_if = "NoteText::is_empty")]
    pub remark: NoteText,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    /// When its remark was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Timestamp>,
}

/// A corrected field.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnCorrection {
    /// What is said instead.
    #[serde(flatten)]
    pub correction: Correction,
    /// Since when.
    pub at: Timestamp,
}

/// An answer to a read's problem.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnAnswer {
    /// When it was given.
    pub at: Timestamp,
    /// What the reader would do; may be empty.
    #[serde(default, skip_serializing_if = "NoteText::is_empty")]
    pub text: NoteText,
    /// How well the reader knew what the team did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
}

impl OwnHighlight {
    fn of(highlight: Highlight) -> Self {
        let Highlight { quote, remark, made_at, changed_at, .. } = highlight;
        Self { quote, remark, made: Some(made_at), changed: Some(changed_at) }
    }
}

impl OwnRead {
    fn mark(&self, mark: Mark) -> Option<Timestamp> {
        match mark {
            Mark::Keep => self.kept,
            Mark::Done => self.done,
            Mark::Hide => self.hidden,
        }
    }
}

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenIn {
    /// Number of reads with imported data.
    pub reads: u64,
    /// Addresses of reads that are not in the archive.
    pub missing: Vec<String>,
    /// What was refused, with the read's address.
    pub refused: Vec<(String, Refusal)>,
}

/// What an import refused because of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The note, which would have this many characters.
    Note(usize),
    /// An answer, which has this many characters.
    Answer(usize),
    /// These labels, because the read has [`LABELS_MAX`] already.
    Labels(Vec<String>),
    /// This text, which is no label.
    Label(String, WritingError),
    /// A highlight, with the reason.
    Highlight(WritingError),
    /// This many highlights, because the read has [`HIGHLIGHTS_MAX`] already.
    Highlights(usize),
    /// The corrections, because the reader is no operator.
    Corrections,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(characters) => {
                write!(f, "its note would have {characters} characters, at most {NOTE_MAX} are allowed")
            }
            Self::Answer(characters) => {
                write!(f, "an answer has {characters} characters, at most {NOTE_MAX} are allowed")
            }
            Self::Labels(labels) => {
                write!(f, "a read has at most {LABELS_MAX} labels, so it did not get: {}", labels.join(", "))
            }
            Self::Label(text, error) => {
                let shown: String = text.chars().take(80).collect();
                write!(f, "“{shown}”: {error}")
            }
            Self::Highlight(error) => write!(f, "{error}"),
            Self::Corrections => write!(f, "only operators correct reads"),
            Self::Highlights(number) => {
                write!(f, "a read has at most {HIGHLIGHTS_MAX} highlights, so it did not get {number} more")
            }
        }
    }
}

impl Store {
    /// The file with all that a reader did, wrote and saved.
    pub async fn own_file(&self, reader: ReaderId) -> Result<OwnFile, StoreError> {
        let (reads, searches) = (self.own(reader).await?, self.own_searches(reader).await?);
        Ok(OwnFile { form: OWN_FORM.to_owned(), reads, searches })
    }

    /// All marks, notes, labels, highlights and answers of a reader, in the order of the reads'
    /// admission. An operator's data has the archive's corrections too.
    pub async fn own(&self, reader: ReaderId) -> Result<Vec<OwnRead>, StoreError> {
        self.run("collecting what a reader wrote", self.try_own(reader)).await
    }

    async fn try_own(&self, reader: ReaderId) -> Tried<Vec<OwnRead>> {
        let is_operator = is_operator(self.database.row(sql(ROLE).bind(reader.0)).await?)?;
        let query = sql(
            "SELECT r.id, r.url, CASE WHEN coalesce(s.feed_url, s.site_url, s.sitemap_url, s.listing_url) IS NULL THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS saved,
                coalesce(r.corrected_title, r.title) AS title, m.kept_at, m.done_at, m.hidden_at, n.text, n.made_at, n.changed_at
             FROM read r JOIN source s ON s.id = r.source_id
                LEFT JOIN mark m ON m.read_id = r.id AND m.reader_id = $1
                LEFT JOIN note n ON n.read_id = r.id AND n.reader_id = $1 AND n.text <> ''
             WHERE r.id IN (SELECT read_id FROM mark WHERE reader_id = $1
                    AND (kept_at IS NOT NULL OR done_at IS NOT NULL OR hidden_at IS NOT NULL)
                UNION SELECT read_id FROM note WHERE reader_id = $1 AND text <> ''
                UNION SELECT read_id FROM label WHERE reader_id = $1
                UNION SELECT read_id FROM highlight WHERE reader_id = $1 AND removed_at IS NULL
                UNION SELECT read_id FROM card_answer WHERE reader_id = $1 AND (text <> '' OR rating IS NOT NULL)
                UNION SELECT read_id FROM correction WHERE $2 = 1)
             ORDER BY r.id",
        );
        let rows = self.database.rows(query.bind(reader.0).bind(i64::from(is_operator))).await?;
        let query = sql("SELECT read_id, name FROM label WHERE reader_id = $1 ORDER BY read_id, name");
        let mut labels: HashMap<i64, Vec<String>> = HashMap::new();
        for row in self.database.rows(query.bind(reader.0)).await? {
            labels.entry(row.int("read_id")?).or_default().push(row.text("name")?);
        }
        let query = sql("SELECT id, read_id, text, rating, answered_at FROM card_answer
             WHERE reader_id = $1 AND (text <> '' OR rating IS NOT NULL) ORDER BY read_id, answered_at, id");
        let mut answers: HashMap<i64, Vec<OwnAnswer>> = HashMap::new();
        for row in self.database.rows(query.bind(reader.0)).await? {
            let CardAnswer { read, text, at, rating, .. } = answer_of_row(&row)?;
            answers.entry(read.0).or_default().push(OwnAnswer { at, text, rating });
        }
        let reads = rows.iter().map(|row| row.int("id").map(ReadId)).collect::<Tried<Vec<_>>>()?;
        let mut highlights: HashMap<ReadId, Vec<Highlight>> = HashMap::new();
        for some in reads.chunks(500) {
            highlights.extend(self.highlights_of(reader, some).await?);
        }
        let mut corrections = if is_operator { self.all_corrections().await? } else { HashMap::new() };
        let own = rows.iter().map(|row| {
            let corrections = corrections.remove(&row.int("id")?).unwrap_or_default().into_iter();
            let marked = highlights.remove(&ReadId(row.int("id")?)).unwrap_or_default();
            Ok(OwnRead {
                url: row.text("url")?,
                title: row.text("title")?,
                saved: row.yes("saved")?,
                kept: row.opt_moment("kept_at")?,
                done: row.opt_moment("done_at")?,
                hidden: row.opt_moment("hidden_at")?,
                note: NoteText::stored(row.opt_text("text")?.unwrap_or_default()),
                note_made: row.opt_moment("made_at")?,
                note_changed: row.opt_moment("changed_at")?,
                labels: labels.remove(&row.int("id")?).unwrap_or_default(),
                answers: answers.remove(&row.int("id")?).unwrap_or_default(),
                highlights: marked.into_iter().map(OwnHighlight::of).collect(),
                corrections: corrections.map(|(correction, at)| OwnCorrection { correction, at }).collect(),
            })
        });
        own.collect()
    }

    /// Adds a reader's data from another archive to the reader's data here, in one transaction.
    /// Missing marks are set, a note that differs is appended to the existing one, and labels,
    /// highlights and answers are united. A correction is added if the field is not corrected here
    /// and the reader is an operator. Data that exceed a limit are refused and reported. `next`
    /// decides when cards are shown next. Importing the same data twice has no further effect.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn take_in(
        &self,
        reader: ReaderId,
        own: &[OwnRead],
        next: NextShowing,
        now: Timestamp,
    ) -> Result<TakenIn, StoreError> {
        let taken = self.retry("taking in what a reader wrote", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let is_operator = is_operator(tx.row(sql(ROLE).bind(reader.0)).await?)?;
            let mut taken = TakenIn::default();
            for one in own {
                match admitted(&mut tx, &one.url).await? {
                    None => taken.missing.push(one.url.clone()),
                    Some(read) => {
                        add_marks(&mut tx, reader, read, one).await?;
                        let mut refused = add_note(&mut tx, reader, read, one, now).await?;
                        refused.extend(add_labels(&mut tx, reader, read, &one.labels).await?);
                        refused.extend(add_highlights(&mut tx, reader, read, &one.highlights, now).await?);
                        if !one.answers.is_empty() {
                            refused.extend(add_answers(&mut tx, reader, read, &one.answers).await?);
                            schedule(&mut tx, reader, read, next, &self.zone).await?;
                        }
                        if is_operator {
                            add_corrections(&mut tx, read, &one.corrections, &self.zone, now).await?;
                        } else if !one.corrections.is_empty() {
                            refused.push(Refusal::Corrections);
                        }
                        taken.refused.extend(refused.into_iter().map(|what| (one.url.clone(), what)));
                        taken.reads += 1;
                    }
                }
            }
            tx.commit().await?;
            Ok(Some(taken))
        });
        taken.await?.ok_or_else(|| self.no_reader(reader))
    }
}

/// The query for a reader's role.
const ROLE: &str = "SELECT role FROM reader WHERE id = $1";

fn is_operator(row: Option<Row>) -> Tried<bool> {
    let role: Option<Role> = row.map(|row| row.parsed("role")).transpose()?;
    Ok(role == Some(Role::Operator))
}

/// The read with this address. It stays in the archive until the transaction ends.
async fn admitted(tx: &mut Tx, url: &str) -> Tried<Option<ReadId>> {
    let Ok(url) = url.parse::<CanonicalUrl>() else { return Ok(None) };
    match polls::admitted(tx, &url).await? {
        Some(read) => existing(tx, read).await,
        None => Ok(None),
    }
}

async fn add_corrections(
    tx: &mut Tx,
    read: ReadId,
    corrections: &[OwnCorrection],
    zone: &TimeZone,
    now: Timestamp,
) -> Tried<()> {
    if corrections.is_empty() {
        return Ok(());
    }
    let corrections: Vec<_> =
        corrections.iter().map(|OwnCorrection { correction, at }| (correction.clone(), *at)).collect();
    corrections::add(tx, read, &corrections, zone, now).await
}

async fn add_marks(tx: &mut Tx, reader: ReaderId, read: ReadId, own: &OwnRead) -> Tried<()> {
    for mark in Mark::ALL {
        let Some(since) = own.mark(mark) else { continue };
        let column = column(mark);
        let upsert = crate::database::sql_of(format!(
            "INSERT INTO mark (reader_id, read_id, {column}) VALUES ($1, $2, $3)
             ON CONFLICT (reader_id, read_id) DO UPDATE SET {column} = coalesce(mark.{column}, excluded.{column})"
        ));
        tx.run(upsert.bind(reader.0).bind(read.0).bind(millis(since))).await?;
    }
    Ok(())
}

/// Adds the note, unless the result is too long. A note that contains the imported one stays.
async fn add_note(
    tx: &mut Tx,
    reader: ReaderId,
    read: ReadId,
    own: &OwnRead,
    now: Timestamp,
) -> Tried<Vec<Refusal>> {
    let query = sql("SELECT text FROM note WHERE reader_id = $1 AND read_id = $2");
    let there = tx.row(query.bind(reader.0).bind(read.0)).await?;
    let there = there.map_or_else(|| Ok(String::new()), |row| row.text("text"))?;
    let text = if own.note.is_empty() { there.clone() } else { united(&there, own.note.as_str()) };
    if text == there {
        return Ok(Vec::new());
    }
    let characters = text.chars().count();
    if characters > NOTE_MAX {
        return Ok(vec![Refusal::Note(characters)]);
    }
    let (made, changed) = (own.note_made.unwrap_or(now), own.note_changed.unwrap_or(now));
    let upsert = sql("INSERT INTO note (reader_id, read_id, text, version, made_at, changed_at)
         VALUES ($1, $2, $3, 1, $4, $5)
         ON CONFLICT (reader_id, read_id) DO UPDATE SET text = excluded.text, version = note.version + 1,
            changed_at = CASE WHEN excluded.changed_at > note.changed_at THEN excluded.changed_at
                ELSE note.changed_at END");
    let upsert = upsert.bind(reader.0).bind(read.0).bind(text);
    tx.run(upsert.bind(millis(made)).bind(millis(changed))).await?;
    Ok(Vec::new())
}

/// Adds labels as long as the read has fewer than [`LABELS_MAX`].
async fn add_labels(tx: &mut Tx, reader: ReaderId, read: ReadId, labels: &[String]) -> Tried<Vec<Refusal>> {
    let query = sql("SELECT name FROM label WHERE reader_id = $1 AND read_id = $2");
    let rows = tx.rows(query.bind(reader.0).bind(read.0)).await?;
    let mut there = rows.iter().map(|row| row.text("name")).collect::<Tried<HashSet<_>>>()?;
    let (mut refused, mut too_many) = (Vec::new(), Vec::new());
    for text in labels {
        let label: Label = match text.parse() {
            Ok(label) => label,
            Err(error) => {
                refused.push(Refusal::Label(text.clone(), error));
                continue;
            }
        };
        if there.contains(label.as_str()) {
            continue;
        }
        if there.len() >= LABELS_MAX {
            too_many.push(label.to_string());
            continue;
        }
        let insert = sql("INSERT INTO label (reader_id, read_id, name) VALUES ($1, $2, $3)");
        tx.run(insert.bind(reader.0).bind(read.0).bind(label.as_str())).await?;
        there.insert(label.to_string());
    }
    if !too_many.is_empty() {
        refused.push(Refusal::Labels(too_many));
    }
    Ok(refused)
}

/// Adds highlights, and remarks that are missing, as long as the limits allow.
async fn add_highlights(
    tx: &mut Tx,
    reader: ReaderId,
    read: ReadId,
    highlights: &[OwnHighlight],
    now: Timestamp,
) -> Tried<Vec<Refusal>> {
    let (mut refused, mut too_many) = (Vec::new(), 0);
    for OwnHighlight { quote, remark, made, changed } in highlights {
        let quote = match Quote::new(&quote.exact, &quote.prefix, &quote.suffix) {
            Ok(quote) => quote,
            Err(error) => {
                refused.push(Refusal::Highlight(error));
                continue;
            }
        };
        let made = made.unwrap_or(now);
        match import(tx, reader, read, &quote, remark, (made, changed.unwrap_or(made))).await? {
            Imported::Done => {}
            Imported::TooMany => too_many += 1,
            Imported::RemarkTooLong(characters) => {
                refused.push(Refusal::Highlight(WritingError::RemarkTooLong(characters)));
            }
        }
    }
    refused.extend((too_many > 0).then_some(Refusal::Highlights(too_many)));
    Ok(refused)
}

/// Adds answers that are not there yet, and ratings that are missing.
async fn add_answers(
    tx: &mut Tx,
    reader: ReaderId,
    read: ReadId,
    answers: &[OwnAnswer],
) -> Tried<Vec<Refusal>> {
    let mut refused = Vec::new();
    for OwnAnswer { at, text, rating } in answers {
        let characters = text.characters();
        if characters > NOTE_MAX {
            refused.push(Refusal::Answer(characters));
            continue;
        }
        let rating = rating.map(Rating::as_str);
        let update = sql("UPDATE card_answer SET rating = coalesce(rating, $5)
             WHERE reader_id = $1 AND read_id = $2 AND answered_at = $3 AND text = $4");
        let update = update.bind(reader.0).bind(read.0).bind(millis(*at)).bind(text.as_str()).bind(rating);
        if tx.run(update).await? == 0 {
            let number = new_number(tx, "card_answer", reader).await?;
            let insert = sql("INSERT INTO card_answer (id, reader_id, read_id, answered_at, text, rating)
                 VALUES ($1, $2, $3, $4, $5, $6)");
            let insert =
                insert.bind(number).bind(reader.0).bind(read.0).bind(millis(*at)).bind(text.as_str());
            tx.run(insert.bind(rating)).await?;
        }
    }
    Ok(refused)
}
