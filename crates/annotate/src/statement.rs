//! Makes a statement of a sentence: lead-ins cut, the first person turned into the company's name, kept to the length.
//!
//! Only words of the sentence and the company's name may come out; the single exception is grammar (`are` becomes `is`
//! where the subject became one, `it` and `its` stand for the company once it has been named). Where the person cannot be
//! changed safely there is no statement. This module must not choose sentences.

use crate::cues::Cues;

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

/// The sentence in plain third person, ending in a full stop, without regard to length; none where it has a first person
/// that cannot be turned into `company`.
pub(crate) fn third_person(sentence: &str, company: &str, cues: &Cues) -> Option<Wording> {
    let plain = without_lead_ins(&one_line(sentence), cues);
    let (text, conjugated) = Rewriter::new(&plain, company).run()?;
    Some(Wording { text: finished(&text), cut: false, conjugated })
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
        .clause_breaks
        .iter()
        .flat_map(|clause| short[..limit].rmatch_indices(clause.as_str()).map(|(at, _)| at))
        .filter(|&at| at >= 70 && balanced(&short[..at]))
        .collect();
    ends.sort_unstable();
    let text = ends.into_iter().rev().map(|end| finished(&short[..end])).find(|text| keeps(text))?;
    Some(Wording { text, cut: true, ..wording })
}

/// The sentence up to its first clause, where that is long enough to say something by itself.
pub(crate) fn first_clause(wording: &Wording, cues: &Cues) -> Option<Wording> {
    let ends = cues.clause_breaks.iter().filter_map(|clause| {
        wording.text.match_indices(clause.as_str()).map(|(at, _)| at).find(|&at| at >= 40)
    });
    let end = ends.filter(|&at| balanced(&wording.text[..at])).min()?;
    Some(Wording { text: finished(&wording.text[..end]), cut: true, conjugated: wording.conjugated })
}

/// `first` and `second` as one sentence.
pub(crate) fn joined(first: &Wording, second: &Wording) -> Wording {
    let stem = first.text.trim_end_matches('.');
    let text = format!("{stem}; {}", lower_first(&second.text));
    Wording { text, cut: first.cut || second.cut, conjugated: first.conjugated || second.conjugated }
}

/// Whether the sentence leans on the one before it: begins with "This", "It", or "Although they".
pub(crate) fn leans(plain: &str, cues: &Cues) -> bool {
    let begins = |word: &String| {
        plain.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
            && !plain[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '\'')
    };
    let mut words = plain.split_whitespace().map(|word| core(word).1);
    let among = |list: &[String], word: &str| list.iter().any(|w| w.eq_ignore_ascii_case(word));
    let opens = words.next().is_some_and(|first| among(&cues.leaning_openers, first));
    cues.leaning.iter().any(begins) || opens && words.take(2).any(|word| among(&cues.leaning_pronouns, word))
}

fn one_line(sentence: &str) -> String {
    let mut plain = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    // Marks of footnotes: "[1]".
    while let Some(at) = plain.find('[') {
        let digits = plain[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=3).contains(&digits) || !plain[at + 1 + digits..].starts_with(']') {
            break;
        }
        let from = plain[..at].trim_end().len();
        plain.replace_range(from..at + digits + 2, "");
    }
    plain.trim().to_owned()
}

/// The sentence without "However," and its like at the beginning.
pub(crate) fn without_lead_ins(sentence: &str, cues: &Cues) -> String {
    let mut rest = sentence.trim();
    for _ in 0..3 {
        let lead = cues.lead_ins.iter().find(|lead| {
            rest.get(..lead.len()).is_some_and(|head| head.eq_ignore_ascii_case(lead))
                && rest[lead.len()..].starts_with(' ')
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
        "His", "Her", "Only", "Doing",
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
    if !whole.ends_with(['!', '?', '…', '。', '！', '？']) {
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

/// Changes "we" and "our" into the company, word by word.
struct Rewriter<'t> {
    words: Vec<&'t str>,
    company: &'t str,
    apostrophe: char,
    named: bool,
    conjugated: bool,
}

impl<'t> Rewriter<'t> {
    fn new(plain: &'t str, company: &'t str) -> Self {
        let apostrophe = if plain.contains('’') { '’' } else { '\'' };
        Self {
            words: plain.split(' ').collect(),
            company: company.trim(),
            apostrophe,
            named: false,
            conjugated: false,
        }
    }

    fn run(mut self) -> Option<(String, bool)> {
        let first_person = self.words.iter().any(|word| is_first_person(core(word).1));
        if !first_person {
            return Some((self.words.join(" "), false));
        }
        if self.company.is_empty() || self.quotes_a_first_person() {
            return None;
        }
        let mut out: Vec<String> = Vec::with_capacity(self.words.len());
        let mut verb_waits = false;
        let mut were_again = false;
        for at in 0..self.words.len() {
            let word = self.words[at];
            let (before, bare, after) = core(word);
            let lower = bare.to_lowercase().replace('’', "'");
            if is_singular(&lower) {
                return None;
            }
            if let Some(subject) = self.subject(&lower, at) {
                verb_waits = !subject.has_verb && after.is_empty();
                were_again = true;
                if subject.inverted {
                    let verb = out.pop()?;
                    out.push(self.follow_inverted(&verb));
                    verb_waits = false;
                }
                out.push(format!("{before}{}{after}", subject.text));
                continue;
            }
            if verb_waits && is_adverb(&lower) && after.is_empty() {
                out.push(word.to_owned());
                continue;
            }
            if verb_waits {
                verb_waits = false;
                out.push(format!("{before}{}{after}", self.follow(bare, &lower)?));
                continue;
            }
            let second = were_again && out.last().is_some_and(|w| matches!(w.as_str(), "and" | "but" | "or"));
            let changed = match lower.as_str() {
                "were" => "was",
                "don't" => "doesn't",
                "haven't" => "hasn't",
                "weren't" => "wasn't",
                _ => "",
            };
            let follows = second && !changed.is_empty();
            out.push(if follows { format!("{before}{changed}{after}") } else { word.to_owned() });
        }
        Some((out.join(" "), self.conjugated))
    }

    /// What stands for a first-person pronoun.
    fn subject(&mut self, lower: &str, at: usize) -> Option<Subject> {
        let (role, has_verb) = match lower {
            "we" => (Role::Subject, false),
            "we're" | "we've" | "we'll" | "we'd" => (Role::Subject, true),
            "our" => (Role::Owner, true),
            "ours" => (Role::Owner, true),
            "us" => (Role::Object, true),
            "ourselves" => {
                return Some(Subject { text: "itself".to_owned(), has_verb: true, inverted: false });
            }
            _ => return None,
        };
        let inverted = lower == "we"
            && at > 0
            && matches!(core(self.words[at - 1]).1.to_lowercase().as_str(), "do" | "are" | "have" | "were");
        let mut text = match (role, self.named) {
            (Role::Subject, false) | (Role::Object, false) => self.company.to_owned(),
            (Role::Subject, true) | (Role::Object, true) => "it".to_owned(),
            (Role::Owner, false) => self.owner(),
            (Role::Owner, true) => "its".to_owned(),
        };
        self.named = true;
        text.push_str(match lower {
            "we're" => " is",
            "we've" => " has",
            "we'll" => " will",
            "we'd" => self.would_or_had(at),
            _ => "",
        });
        Some(Subject { text, has_verb, inverted })
    }

    fn owner(&self) -> String {
        let s = if self.company.ends_with('s') { "" } else { "s" };
        format!("{}{}{s}", self.company, self.apostrophe)
    }

    fn would_or_had(&self, at: usize) -> &'static str {
        let next = self.words[at + 1..].iter().map(|w| core(w).1).find(|w| !is_adverb(w)).unwrap_or("");
        let past = next.ends_with("ed")
            || next.ends_with("en")
            || PAST.contains(&next)
            || next == "better"
            || next == "been";
        if past { " had" } else { " would" }
    }

    fn follow_inverted(&mut self, verb: &str) -> String {
        let (before, bare, after) = core(verb);
        let changed = match bare {
            "do" => "does",
            "Do" => "Does",
            "are" => "is",
            "Are" => "Is",
            "have" => "has",
            "Have" => "Has",
            "were" => "was",
            "Were" => "Was",
            same => same,
        };
        format!("{before}{changed}{after}")
    }

    /// The verb as it follows one subject; none where the word cannot be a verb.
    fn follow(&mut self, bare: &str, lower: &str) -> Option<String> {
        let irregular = match lower {
            "are" => "is",
            "aren't" => "isn't",
            "were" => "was",
            "weren't" => "wasn't",
            "have" => "has",
            "haven't" => "hasn't",
            "do" => "does",
            "don't" => "doesn't",
            "go" => "goes",
            _ => "",
        };
        if !irregular.is_empty() {
            return Some(irregular.to_owned());
        }
        let verb = !lower.is_empty()
            && bare == lower
            && lower.chars().all(|c| c.is_ascii_lowercase() || c == '\'' || c == '-');
        if !verb || NO_VERBS.contains(&lower) {
            return None;
        }
        if MODALS.contains(&lower)
            || PAST.contains(&lower)
            || lower.ends_with("ed") && !PRESENT_IN_ED.contains(&lower)
        {
            return Some(bare.to_owned());
        }
        self.conjugated = true;
        Some(third_person_present(lower))
    }

    /// Whether a first person stands inside quotation marks, where it is somebody else's.
    fn quotes_a_first_person(&self) -> bool {
        let mut inside = false;
        for word in &self.words {
            let opens = word.starts_with(['“', '"', '‘']) || word.contains("(\"") || word.contains("(“");
            inside |= opens;
            if inside && is_first_person(core(word).1) {
                return true;
            }
            if word.trim_end_matches(['.', ',', ';', ':', ')', '?', '!']).ends_with(['”', '"']) {
                inside = false;
            }
        }
        false
    }
}

struct Subject {
    text: String,
    has_verb: bool,
    inverted: bool,
}

#[derive(Clone, Copy)]
enum Role {
    Subject,
    Owner,
    Object,
}

/// The punctuation before a word, the word, and the punctuation after it.
fn core(word: &str) -> (&str, &str, &str) {
    let start = word.find(char::is_alphanumeric).unwrap_or(word.len());
    let end = word
        .rfind(char::is_alphanumeric)
        .map_or(start, |at| at + word[at..].chars().next().map_or(0, char::len_utf8));
    (&word[..start], &word[start..end], &word[end..])
}

fn is_first_person(word: &str) -> bool {
    let lower = word.to_lowercase().replace('’', "'");
    is_singular(&lower)
        || matches!(lower.as_str(), "we" | "we're" | "we've" | "we'll" | "we'd" | "our" | "ours" | "ourselves")
        // "US" is a country.
        || word == "us"
}

/// Whether a lower-case word is a first person singular, for which nothing in the article is sure to stand.
pub(crate) fn is_singular(lower: &str) -> bool {
    matches!(lower, "i" | "i'm" | "i've" | "i'd" | "i'll" | "my" | "me" | "mine" | "myself" | "let's")
}

fn is_adverb(lower: &str) -> bool {
    const SHORT: &[&str] = &[
        "also",
        "still",
        "often",
        "never",
        "always",
        "just",
        "then",
        "now",
        "already",
        "once",
        "soon",
        "first",
        "even",
        "ever",
        "both",
        "therefore",
        "thus",
        "hence",
        "sometimes",
        "not",
        "long",
        "only",
        "instead",
        "too",
        "again",
        "later",
        "further",
    ];
    lower.len() > 3
        && lower.ends_with("ly")
        && lower != "rely"
        && lower != "apply"
        && lower != "supply"
        && lower != "reply"
        || SHORT.contains(&lower)
}

fn third_person_present(verb: &str) -> String {
    let vowel_before_y = verb.len() > 1 && verb[..verb.len() - 1].ends_with(['a', 'e', 'i', 'o', 'u']);
    if verb.ends_with('y') && !vowel_before_y {
        return format!("{}ies", &verb[..verb.len() - 1]);
    }
    let hisses = ["s", "x", "z", "ch", "sh", "o"].iter().any(|end| verb.ends_with(end));
    format!("{verb}{}", if hisses { "es" } else { "s" })
}

const MODALS: &[&str] = &[
    "can",
    "could",
    "may",
    "might",
    "must",
    "shall",
    "should",
    "will",
    "would",
    "cannot",
    "can't",
    "couldn't",
    "wouldn't",
    "didn't",
    "did",
    "had",
    "hadn't",
    "won't",
    "shouldn't",
    "mustn't",
    "was",
    "wasn't",
    "has",
    "is",
];

/// Past forms that do not end in "ed", and those that look like the present.
const PAST: &[&str] = &[
    "ate",
    "became",
    "been",
    "began",
    "bet",
    "bought",
    "broke",
    "brought",
    "built",
    "came",
    "cast",
    "caught",
    "chose",
    "cost",
    "cut",
    "dealt",
    "done",
    "drew",
    "drove",
    "dug",
    "fell",
    "felt",
    "fled",
    "flew",
    "forgot",
    "fought",
    "found",
    "froze",
    "gave",
    "gone",
    "got",
    "grew",
    "heard",
    "held",
    "hid",
    "hit",
    "hurt",
    "kept",
    "knew",
    "laid",
    "lay",
    "learnt",
    "led",
    "left",
    "lent",
    "let",
    "lit",
    "lost",
    "made",
    "meant",
    "met",
    "overcame",
    "paid",
    "put",
    "quit",
    "ran",
    "read",
    "rebuilt",
    "reset",
    "rewrote",
    "rode",
    "rose",
    "said",
    "sang",
    "sat",
    "saw",
    "seen",
    "sent",
    "set",
    "shed",
    "shook",
    "shot",
    "shown",
    "shut",
    "slept",
    "sold",
    "sought",
    "sped",
    "spent",
    "split",
    "spoke",
    "spread",
    "spun",
    "stole",
    "stood",
    "struck",
    "stuck",
    "swept",
    "swore",
    "swung",
    "taken",
    "taught",
    "thought",
    "threw",
    "told",
    "took",
    "tore",
    "undertook",
    "understood",
    "upset",
    "went",
    "withdrew",
    "woke",
    "won",
    "wore",
    "wound",
    "wrote",
    "written",
];

const PRESENT_IN_ED: &[&str] = &[
    "need", "feed", "embed", "seed", "exceed", "proceed", "succeed", "speed", "shed", "heed", "bleed",
    "breed",
];

/// Words after "we" that show it is not a plain subject: "we all", "we who", "we the people".
const NO_VERBS: &[&str] = &[
    "all",
    "who",
    "the",
    "as",
    "at",
    "in",
    "on",
    "of",
    "and",
    "or",
    "that",
    "a",
    "an",
    "humans",
    "people",
    "engineers",
    "developers",
    "users",
];

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
            ("However, we were far too slow.", "Acme was far too slow."),
            (
                "But our queue filled up, and we could not drain it.",
                "Acme's queue filled up, and it could not drain it.",
            ),
            ("Each night we also run three jobs.", "Each night Acme also runs three jobs."),
            ("We've lost data and were sorry.", "Acme has lost data and was sorry."),
            ("We use wikis, but don't use issues.", "Acme uses wikis, but doesn't use issues."),
            ("We'd hoped for more than that.", "Acme had hoped for more than that."),
            (
                "It told us what we don't know about ourselves.",
                "It told Acme what it doesn't know about itself.",
            ),
            (
                "Not only do we try, we rarely carry it through.",
                "Not only does Acme try, it rarely carries it through.",
            ),
            ("The US team waits [2] for io_uring.", "The US team waits for io_uring."),
        ] {
            assert_eq!(said(sentence, "Acme").as_deref(), Some(statement));
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
    fn two_sentences_become_one() {
        let of = |text: &str| Wording { text: text.to_owned(), cut: false, conjugated: false };
        assert_eq!(
            joined(&of("B reads 300 GB."), &of("This starves the rest.")).text,
            "B reads 300 GB; this starves the rest."
        );
        assert_eq!(joined(&of("A."), &of("Redis fell over.")).text, "A; Redis fell over.");
    }
}
