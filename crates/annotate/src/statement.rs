//! Makes a statement of a sentence: lead-ins cut, the first person turned into the company's name, kept to the length.
//!
//! Only words of the sentence and the company's name may come out; the single exception is grammar (`are` becomes `is`
//! where the subject became one, `it` and `its` stand for the company once it has been named). Where the person cannot be
//! changed safely there is no statement. This module must not choose sentences.

use crate::cues::Cues;
use crate::person::{has_first_person, plain_word, without_first_person};
use crate::verbs::is_finite;

/// Most characters of a statement.
pub(crate) const STATEMENT_MAX: usize = 240;

/// A sentence in the third person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wording {
    pub text: String,
    /// A clause or an aside was left out.
    pub cut: bool,
    /// A verb in the present followed the change of person.
    pub conjugated: bool,
}

/// The sentence in plain third person, ending in a full stop, without regard to length; none where it belongs to its place
/// in the article, or has a first person that cannot be turned into `company`.
pub(crate) fn third_person(sentence: &str, company: &str, cues: &Cues) -> Option<Wording> {
    let whole = one_line(sentence);
    if is_bound(&whole, company, cues) {
        return None;
    }
    let plain = without_lead_ins(&whole, cues);
    let changed = without_first_person(&plain, company)?;
    Some(Wording { text: finished(&changed.text), cut: false, conjugated: changed.conjugated })
}

/// Whether a sentence says little outside of its article: it points elsewhere in it, tells the reader what to do, leads over to
/// code or a list, or has a "we" that is not the company: writer and reader, or a guest who names the company beside.
fn is_bound(sentence: &str, company: &str, cues: &Cues) -> bool {
    let plain = sentence.replace('’', "'");
    let first = plain.split(' ').next().map(plain_word).unwrap_or_default();
    let named = !company.trim().is_empty() && plain.to_lowercase().contains(&company.trim().to_lowercase());
    plain.ends_with(':')
        || cues.statement.imperatives.contains(&first)
        || !cues.elsewhere.find(&plain).is_empty()
        || has_first_person(&plain) && (named || !cues.generic_we.find(&plain).is_empty())
}

/// `wording` kept to [`STATEMENT_MAX`], its asides and then its last clauses left out where it must be; none where that
/// would take away what `keeps` asks for.
pub(crate) fn fitted(wording: Wording, cues: &Cues, keeps: impl Fn(&str) -> bool) -> Option<Wording> {
    if wording.text.chars().count() <= STATEMENT_MAX {
        return Some(wording);
    }
    let short = without_asides(&wording.text);
    if short.chars().count() <= STATEMENT_MAX {
        return Some(Wording { text: short, cut: true, ..wording });
    }
    let limit = short.char_indices().nth(STATEMENT_MAX - 1).map_or(short.len(), |(at, _)| at);
    let mut ends: Vec<usize> = cues
        .statement
        .clause_breaks
        .iter()
        .flat_map(|clause| short[..limit].rmatch_indices(clause.as_str()).map(|(at, _)| at))
        .filter(|&at| at >= 70 && may_end(&short, at, cues))
        .collect();
    ends.sort_unstable();
    let text = ends.into_iter().rev().map(|end| finished(&short[..end])).find(|text| keeps(text))?;
    Some(Wording { text, cut: true, ..wording })
}

/// The sentence up to its first clause, where that is long enough to say something by itself.
pub(crate) fn first_clause(wording: &Wording, cues: &Cues) -> Option<Wording> {
    let breaks = cues.statement.clause_breaks.iter().map(String::as_str).chain([": "]);
    let ends =
        breaks.filter_map(|clause| wording.text.match_indices(clause).map(|(at, _)| at).find(|&at| at >= 40));
    let end = ends.filter(|&at| may_end(&wording.text, at, cues)).min()?;
    Some(Wording { text: finished(&wording.text[..end]), cut: true, conjugated: wording.conjugated })
}

/// Whether what stands before `end` is a sentence by itself: with a verb, no clause begun in it that would now be the
/// last, no list cut in two, and both of a pair of dashes or neither.
fn may_end(text: &str, end: usize, cues: &Cues) -> bool {
    let (head, tail) = text.split_at(end);
    let mut words = head.split(' ').map(plain_word);
    let opener = words.next().unwrap_or_default();
    if cues.statement.subordinate_openers.contains(&opener)
        || !balanced(head)
        || !words.any(|word| is_finite(&word))
    {
        return false;
    }
    let dashes = |text: &str| text.matches([EN_DASH, EM_DASH]).count();
    if dashes(head) > 0 || dashes(tail) > 1 && tail.starts_with([' ', EN_DASH, EM_DASH]) {
        return false;
    }
    let in_list = [", and ", ", or "].iter().any(|joint| tail.starts_with(joint)) && head.contains(',');
    let interrupted = cues.statement.interruptions.iter().any(|opener| head.contains(opener.as_str()));
    !in_list && !interrupted
}

const EN_DASH: char = '–';
const EM_DASH: char = '—';

/// `first` and `second` as one sentence.
pub(crate) fn joined(first: &Wording, second: &Wording) -> Wording {
    let stem = first.text.trim_end_matches('.');
    let text = format!("{stem}; {}", lower_first(&second.text));
    Wording { text, cut: first.cut || second.cut, conjugated: first.conjugated || second.conjugated }
}

/// Whether the sentence leans on the one before it: begins with "This", "It", or "Although they", or says "this" of
/// something that it has not named itself.
pub(crate) fn leans(plain: &str, cues: &Cues) -> bool {
    let begins = |word: &String| {
        plain.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
            && !plain[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '\'')
    };
    let words: Vec<String> = plain.split_whitespace().map(plain_word).collect();
    let opens = words.first().is_some_and(|first| cues.statement.leaning_openers.contains(first));
    let early = words.iter().skip(1).take(2).any(|word| cues.statement.leaning_pronouns.contains(word));
    cues.statement.leaning.iter().any(begins) || opens && early || points_back(plain, &words, cues)
}

/// Whether "this", "those" or "that time" stands where nothing in the sentence can be meant by it: before its first verb,
/// or, with a noun, without that noun or a clause before it.
fn points_back(plain: &str, words: &[String], cues: &Cues) -> bool {
    let ends: Vec<bool> = plain.split_whitespace().map(|word| word.ends_with([',', ';', ':'])).collect();
    (1..words.len()).any(|at| {
        let next = words.get(at + 1).map_or("", String::as_str);
        let points = match words[at].as_str() {
            "this" | "these" | "those" => !cues.statement.present_times.iter().any(|time| time == next),
            "such" => next != "as",
            "that" if cues.statement.before_that.contains(&words[at - 1]) => {
                !is_finite(next) && !is_pronoun(next)
            }
            "that" => {
                let verb = words.get(at + 2).is_some_and(|word| is_finite(word));
                cues.statement.pointed_at.iter().any(|noun| noun == next) && !verb
            }
            _ => false,
        };
        let named = words[..at].iter().any(|word| word == next);
        let clause_before = words[..at].iter().any(|word| is_finite(word)) && ends[..at].contains(&true);
        points && !named && !clause_before
    })
}

fn is_pronoun(lower: &str) -> bool {
    matches!(
        lower,
        "we" | "it" | "they" | "he" | "she" | "you" | "i" | "the" | "a" | "an" | "our" | "their" | "its"
    )
}

fn one_line(sentence: &str) -> String {
    without_footnotes(&sentence.split_whitespace().collect::<Vec<_>>().join(" ")).trim().to_owned()
}

/// Without the marks of footnotes, "[1]", and the space before them.
fn without_footnotes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        if (1..=3).contains(&digits) && rest[1 + digits..].starts_with(']') {
            plain.truncate(plain.trim_end().len());
            rest = &rest[digits + 2..];
        } else {
            plain.push('[');
            rest = &rest[1..];
        }
    }
    plain.push_str(rest);
    plain
}

/// The sentence without "However," and its like at the beginning.
pub(crate) fn without_lead_ins(sentence: &str, cues: &Cues) -> String {
    let mut rest = sentence.trim();
    for _ in 0..3 {
        let lead = cues.statement.lead_ins.iter().find(|lead| {
            rest.get(..lead.len()).is_some_and(|head| head.eq_ignore_ascii_case(lead))
                && rest[lead.len()..].starts_with(' ')
                && (lead.ends_with([',', ':']) || !belongs_on(&rest[lead.len()..]))
        });
        let Some(lead) = lead else { break };
        let after = rest[lead.len()..].trim_start();
        if after.split_whitespace().count() < 4 {
            break;
        }
        rest = after;
    }
    upper_first(rest)
}

/// Whether a lead-in without a comma is one with what follows: "but for", "and that".
fn belongs_on(rest: &str) -> bool {
    let next = rest.split_whitespace().next().map(plain_word).unwrap_or_default();
    ["far", "many", "much", "long", "that", "for", "enough", "hard", "then", "not", "only"]
        .contains(&next.as_str())
}

fn upper_first(text: &str) -> String {
    let word_end = text.find(|c: char| c.is_whitespace()).unwrap_or(text.len());
    // `io_uring` and `iOS` begin as they please.
    let plain = text[..word_end].chars().all(|c| c.is_lowercase() || matches!(c, '\'' | '’' | ',' | '-'));
    let mut chars = text.chars();
    match chars.next() {
        // A ligature, whose capital is two letters, stays.
        Some(first) if plain && first.to_uppercase().count() == 1 => {
            first.to_uppercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// Lower-cases a word that is capitalised only because it begins a sentence; names stay.
fn lower_first(text: &str) -> String {
    const COMMON: &[&str] = &[
        "This", "That", "These", "Those", "It", "They", "He", "She", "Such", "Its", "Their", "Both",
        "Neither", "Here", "There", "Then", "Another", "One", "None", "It's", "That's", "Which", "The",
        "His", "Her", "Only", "Doing", "Of", "In", "At", "On", "For", "From", "After", "When", "While",
        "With", "Without", "Although", "Because", "If", "By", "To", "During", "Each", "Every", "Most",
        "Some", "All", "A", "An", "Even", "As", "Once", "Until", "Nobody", "No",
    ];
    let word = &text[..text.find(char::is_whitespace).unwrap_or(text.len())];
    if COMMON.contains(&word) {
        let mut lower = word.to_lowercase();
        lower.push_str(&text[word.len()..]);
        return lower;
    }
    text.to_owned()
}

/// With a full stop at the end, and nothing dangling before it.
fn finished(text: &str) -> String {
    let bare =
        text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '–' | '—'));
    let mut whole = bare.to_owned();
    let stopped = [".\"", ".”", ".)"].iter().any(|end| whole.ends_with(end));
    if !stopped && !whole.ends_with(['!', '?', '…', '。', '！', '？']) {
        whole.push('.');
    }
    whole
}

/// Without what stands in round brackets, and without the space before them.
fn without_asides(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '(' => {
                if depth == 0 {
                    plain.truncate(plain.trim_end().len());
                }
                depth += 1;
            }
            ')' if depth > 0 => depth -= 1,
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    // An open bracket that never closes would swallow the rest.
    if depth > 0 { text.to_owned() } else { plain }
}

fn balanced(text: &str) -> bool {
    let count = |c: char| text.matches(c).count();
    count('(') == count(')') && count('“') == count('”') && count('"') % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(sentence: &str, company: &str) -> Option<String> {
        third_person(sentence, company, Cues::builtin()).map(|w| w.text)
    }

    #[test]
    fn the_first_person_becomes_the_company() {
        for (sentence, statement) in [
            ("However, we were slow.", "However, Acme was slow."),
            (
                "But for our retries, nothing would have failed.",
                "But for Acme's retries, nothing would have failed.",
            ),
            ("However hard we tried, the queue was full.", "However hard Acme tried, the queue was full."),
            ("So far our queue was always full.", "So far Acme's queue was always full."),
            ("Otherwise, our queue would have been full.", "Otherwise, Acme's queue would have been full."),
            ("However, we were far too slow.", "Acme was far too slow."),
            (
                "But our queue filled up, and we could not drain it.",
                "Acme's queue filled up, and Acme could not drain it.",
            ),
            ("Each night we also run three jobs.", "Each night Acme also runs three jobs."),
            ("We've lost data and were sorry.", "Acme has lost data and was sorry."),
            ("We use wikis, but don't use issues.", "Acme uses wikis, but doesn't use issues."),
            ("We'd hoped for more than that.", "Acme had hoped for more than that."),
            (
                "Not only do we try, we rarely carry it through.",
                "Not only does Acme try, it rarely carries it through.",
            ),
            (
                "The [US] team waits [2] for[13] io_uring[x] and [1].",
                "The [US] team waits for io_uring[x] and.",
            ),
        ] {
            assert_eq!(said(sentence, "Acme").as_deref(), Some(statement), "{sentence}");
        }
        assert_eq!(
            said("Our time ran out here.", "Paradigms").as_deref(),
            Some("Paradigms' time ran out here.")
        );
    }

    #[test]
    fn where_the_person_cannot_be_changed_safely_nothing_is_said() {
        for sentence in [
            "I broke our build.",
            "We the people broke it.",
            "She said \"we broke it\" to Bob.",
            "My team and our code broke.",
        ] {
            assert_eq!(said(sentence, "Acme"), None, "{sentence}");
        }
        assert_eq!(said("We broke it.", ""), None, "nobody to name");
        assert_eq!(said("It broke.", "").as_deref(), Some("It broke."));
    }

    #[test]
    fn a_sentence_of_footnotes_costs_its_length_only() {
        let started = std::time::Instant::now();
        assert_eq!(without_footnotes(&"x[1] ".repeat(100_000)).len(), 200_000);
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    }

    #[test]
    fn a_long_sentence_loses_asides_and_then_clauses_but_not_its_point() {
        let cues = Cues::builtin();
        let wording = |text: String| Wording { text, cut: false, conjugated: false };
        let aside = format!("The queue (which {}) was slow.", "x".repeat(240));
        assert_eq!(fitted(wording(aside), cues, |_| true).unwrap().text, "The queue was slow.");
        let long =
            format!("The queue of the {} service was slow, because {}.", "very ".repeat(12), "y".repeat(240));
        let cut = fitted(wording(long.clone()), cues, |text| text.contains("slow")).unwrap();
        assert!(cut.cut && cut.text.ends_with("was slow."));
        assert_eq!(fitted(wording(long), cues, |text| text.contains("because")), None);
    }

    #[test]
    fn a_cut_leaves_a_whole_sentence() {
        let cues = Cues::builtin();
        let long = "y".repeat(240);
        for (sentence, cut) in [
            (
                "The queue of the importing service was full at nine in the morning on every single day, because REST.",
                true,
            ),
            (
                "When the queue of the importing service was full at nine in the morning, the disk was slow, because REST.",
                false,
            ),
            (
                "The queue of the importing service, which was always full at nine in the morning, because REST, was slow.",
                false,
            ),
            (
                "The queue of the importing service was full of reads at nine in the morning, of writes, and REST.",
                false,
            ),
            (
                "The queue of the importing service at nine in the morning – the busiest hour of the week – REST broke.",
                false,
            ),
            (
                "The queue of the very large importing service of the company at nine in the morning, which REST, was slow.",
                false,
            ),
        ] {
            let wording = Wording { text: sentence.replace("REST", &long), cut: false, conjugated: false };
            let fitted = fitted(wording, cues, |_| true);
            assert_eq!(fitted.is_some(), cut, "{fitted:?}");
        }
    }

    #[test]
    fn what_points_back_leans() {
        let cues = Cues::builtin();
        for sentence in [
            "After that month the disk was full.",
            "In the worst month this touched 7,400 databases.",
            "Nobody had noticed that this table was full.",
            "They were slow.",
            "Such queues were slow.",
            "The disk filled up during those nights.",
            "The queue was full at that time.",
            "Whoever came after that file waited for all of it.",
            "Of 19 million requests in that hour 12 million failed.",
        ] {
            assert!(leans(sentence, cues), "{sentence}");
        }
        for sentence in [
            "The cache was cold, and this slowed the tracking page.",
            "The disk was full this morning.",
            "Systems such as queues were slow.",
            "Acme found that time was lost.",
            "The tables of the database had no index.",
        ] {
            assert!(!leans(sentence, cues), "{sentence}");
        }
    }

    #[test]
    fn two_sentences_become_one() {
        let of = |text: &str| Wording { text: text.to_owned(), cut: false, conjugated: false };
        assert_eq!(
            joined(&of("B reads 300 GB."), &of("This starves the rest.")).text,
            "B reads 300 GB; this starves the rest."
        );
        assert_eq!(joined(&of("A."), &of("Redis fell over.")).text, "A; Redis fell over.");
        assert_eq!(
            joined(&of("B fell."), &of("Of its reads all failed.")).text,
            "B fell; of its reads all failed."
        );
    }
}
