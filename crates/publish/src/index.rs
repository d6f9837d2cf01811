//! The search index of a site: small files that the script of the search page loads.
//!
//! For each stem of a word in a read's title, statements and names, the index has the reads with
//! that word. The stems are divided by their beginnings into files of about 16 KB, so that a
//! question loads one small file per word. Words that occur in too many reads are left out, because
//! they do not distinguish reads. What a result shows is in other files, of [`READS_PER_FILE`]
//! reads each. `web/assets/search.js` reads these files. It has the same functions [`words`] and
//! [`stem`].

use std::collections::{BTreeMap, HashMap};

use backissue_annotate::Vocabulary;
use backissue_store::ReadSummary;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Number of reads in a file of results.
const READS_PER_FILE: i64 = 32;

/// Maximum bytes of a file of stems. A larger one is divided by the next letter.
const FILE_MAX: usize = 16 << 10;

/// Maximum characters of a word.
const WORD_MAX: usize = 32;

/// Maximum number of reads with a word. A word of more reads is left out.
const COMMON: usize = 4_000;

/// If there are at least this many reads, words that two fifths of them have are left out.
const FEW: usize = 200;

/// The path of the file that names all others.
pub const ENTRANCE: &str = "search/index.json";

/// The weight of a word, which depends on its place in the read: 1 to 3.
type Weight = u8;

/// An index to which reads are added.
#[derive(Debug, Default)]
pub struct Index {
    stems: HashMap<String, Vec<(i64, Weight)>>,
    results: BTreeMap<i64, BTreeMap<String, Value>>,
    reads: usize,
}

impl Index {
    /// Adds a read.
    pub fn add(&mut self, read: &ReadSummary) {
        let (card, precis) = (&read.card, &read.precis);
        let mut found: HashMap<String, Weight> = HashMap::new();
        let mut take = |text: &str, weight: Weight| {
            for word in words(text) {
                let known = found.entry(stem(&word)).or_default();
                *known = (*known).max(weight);
            }
        };
        take(&card.title, 3);
        take(&card.company, 2);
        for (name, statement) in precis.statements() {
            take(&statement.text, if name == "problem" { 3 } else { 1 });
        }
        for concept in &precis.concepts {
            take(Vocabulary::builtin().name_of(concept), 2);
        }
        for technology in &precis.technologies {
            take(technology, 2);
        }
        for (stem, weight) in found {
            self.stems.entry(stem).or_default().push((card.id.0, weight));
        }
        let problem = card.problem.as_ref().map(|problem| card.problem_form.said(problem).to_string());
        let leads = u8::from(card.problem_leads && problem.is_some());
        let shown =
            json!([card.title, card.company, card.week.to_string(), problem.unwrap_or_default(), leads]);
        self.results.entry(card.id.0 / READS_PER_FILE).or_default().insert(card.id.to_string(), shown);
        self.reads += 1;
    }

    /// The files of the index, as path and contents. [`ENTRANCE`] is last.
    pub fn files(self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for (number, reads) in &self.results {
            files.push((format!("search/reads/{number}.json"), json!(reads).to_string().into_bytes()));
        }
        let most = if self.reads < FEW { usize::MAX } else { COMMON.min(self.reads * 2 / 5) };
        let (kept, common): (Vec<_>, Vec<_>) =
            self.stems.into_iter().partition(|(_, reads)| reads.len() <= most);
        let mut common: Vec<String> = common.into_iter().map(|(stem, _)| stem).collect();
        common.sort();
        let mut kept: Vec<(String, String)> =
            kept.into_iter().map(|(stem, reads)| (stem.clone(), line(&stem, reads))).collect();
        kept.sort();
        let mut divided = BTreeMap::new();
        divide("", &kept, &mut divided);
        let mut names = BTreeMap::new();
        for (start, lines) in divided {
            let name = file_name(&start);
            files.push((
                format!("search/words/{name}.json"),
                format!("{{{}}}", lines.join(",\n")).into_bytes(),
            ));
            names.insert(start, name);
        }
        let entrance =
            json!({ "reads": self.reads, "per_file": READS_PER_FILE, "common": common, "files": names });
        files.push((ENTRANCE.to_owned(), entrance.to_string().into_bytes()));
        files
    }
}

/// A line for a stem and its reads. Each number is the distance from the previous read's number,
/// times four, plus the weight.
fn line(stem: &str, mut reads: Vec<(i64, Weight)>) -> String {
    reads.sort_unstable();
    let mut before = 0;
    let places: Vec<String> = reads
        .into_iter()
        .map(|(id, weight)| {
            let place = (id - before) * 4 + i64::from(weight);
            before = id;
            place.to_string()
        })
        .collect();
    format!("{}:[{}]", json!(stem), places.join(","))
}

/// Divides sorted stems, which all begin with `start`, into files. The key of a file is the common
/// beginning of its stems. The stem that equals `start` has a file with `$`.
fn divide(start: &str, stems: &[(String, String)], files: &mut BTreeMap<String, Vec<String>>) {
    let size: usize = stems.iter().map(|(_, line)| line.len() + 2).sum();
    if size <= FILE_MAX || stems.len() == 1 {
        if !stems.is_empty() {
            files.insert(start.to_owned(), stems.iter().map(|(_, line)| line.clone()).collect());
        }
        return;
    }
    let next = |stem: &str| stem[start.len()..].chars().next();
    for group in stems.chunk_by(|(a, _), (b, _)| next(a) == next(b)) {
        match next(&group[0].0) {
            Some(letter) => divide(&format!("{start}{letter}"), group, files),
            None => {
                files.insert(format!("{start}$"), group.iter().map(|(_, line)| line.clone()).collect());
            }
        }
    }
}

/// A name for the file of a key that is valid on every system and server.
fn file_name(start: &str) -> String {
    let mut name = String::from("w");
    for letter in start.chars() {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            '$' => name.push('-'),
            _ => name.push_str(&format!("_{:x}", u32::from(letter))),
        }
    }
    name
}

/// The words of a text, without accents and in lower case, with 2 to 32 characters.
pub fn words(text: &str) -> Vec<String> {
    let is_mark = |c: &char| c.general_category_group() == GeneralCategoryGroup::Mark;
    let plain: String = text.nfkd().filter(|c| !is_mark(c)).collect::<String>().to_lowercase();
    plain
        .split(|c: char| !c.is_alphanumeric())
        .map(|word| word.chars().take(WORD_MAX).collect::<String>())
        .filter(|word| word.chars().nth(1).is_some())
        .collect()
}

/// A word without its ending. This is a rough rule: cache, caches, cached and caching give the same
/// stem.
pub fn stem(word: &str) -> String {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let mut stem = word;
    let cut = |stem: &mut &str, ending: &str, least: usize| {
        let rest = stem.strip_suffix(ending).filter(|rest| rest.len() >= least);
        *stem = rest.unwrap_or(stem);
        rest.is_some()
    };
    if !["ss", "us", "is"].iter().any(|ending| stem.ends_with(ending)) {
        cut(&mut stem, "s", 3);
    }
    if !cut(&mut stem, "ing", 3) {
        cut(&mut stem, "ed", 3);
    }
    if stem.ends_with("sion") || stem.ends_with("tion") {
        cut(&mut stem, "ion", 4);
    }
    cut(&mut stem, "e", 3);
    let mut stem = stem.to_owned();
    if stem.len() > 3 && stem.ends_with('y') {
        stem.pop();
        stem.push('i');
    }
    let bytes = stem.as_bytes();
    if stem.len() > 3 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2] {
        stem.pop();
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            &["cache", "caches", "cached", "caching"][..],
            &["migration", "migrations", "migrate", "migrating"],
            &["query", "queries"],
            &["retry", "retries", "retried"],
            &["drop", "dropped", "dropping"],
            &["latency", "latencies"],
        ] {
            let stems: Vec<String> = forms.iter().map(|word| stem(word)).collect();
            // The plural of “y” is cut at its “s” and “e”.
            assert!(stems.iter().all(|one| *one == stems[0]), "{stems:?}");
        }
        for (word, expected) in
            [("bus", "bus"), ("k8s", "k8s"), ("überlast", "überlast"), ("is", "is"), ("ing", "ing")]
        {
            assert_eq!(stem(word), expected);
        }
    }

    #[test]
    fn words_are_plain_and_bounded() {
        assert_eq!(words("The Café's p99 — ﬁne, a ΣΊΣΥΦΟΣ"), ["the", "cafe", "p99", "fine", "σισυφος"]);
        assert_eq!(words(&"x".repeat(100))[0].len(), WORD_MAX);
    }

    #[test]
    fn every_stem_is_in_the_file_that_its_beginning_names() {
        let long = "1".repeat(FILE_MAX / 3);
        let stems =
            ["ca", "cach", "cachet", "call", "d", "straße"].map(|stem| (stem.to_owned(), long.clone()));
        let mut files = BTreeMap::new();
        divide("", &stems, &mut files);
        let keys: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(keys, ["ca$", "cac", "cal", "d", "s"]);
        assert_eq!(files["cac"].len(), 2);
        assert_eq!(file_name("ca$"), "wca-");
        assert_eq!(file_name("ß"), "w_df");
    }

    #[test]
    fn places_are_distances_with_weights() {
        assert_eq!(line("cach", vec![(9, 1), (2, 3)]), r#""cach":[11,29]"#);
    }

    #[test]
    fn question_loads_little_of_ten_thousand_reads() {
        const READS: i64 = 10_000;
        let mut index = Index { reads: READS as usize, ..Index::default() };
        // Words are as frequent as in prose (Zipf): the nth has an nth of the reads of the first.
        for rank in 1..20_000_i64 {
            let many = (4 * READS / rank).clamp(1, READS);
            let reads = (0..many).map(|nth| (nth * READS / many, 1 + (nth % 3) as Weight)).collect();
            index.stems.insert(format!("{}word{rank}", ["s", "co", "re", "un"][rank as usize % 4]), reads);
        }
        for id in 0..READS {
            let shown = json!(["t".repeat(90), "Company", "2026-W20", "p".repeat(320), 1]);
            index.results.entry(id / READS_PER_FILE).or_default().insert(id.to_string(), shown);
        }
        let files = index.files();
        let largest = |folder: &str, most: usize| -> usize {
            let of = files.iter().filter(|(path, _)| path.starts_with(folder));
            let mut sizes: Vec<usize> = of.map(|(_, contents)| contents.len()).collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            sizes.into_iter().take(most).sum()
        };
        let loaded = largest(ENTRANCE, 1) + largest("search/words/", 12) + largest("search/reads/", 20);
        assert!(loaded < 800_000, "{loaded}");
        assert!(files.len() > 400, "{}", files.len());
    }
}
