//! Turns the first person plural of a sentence into the company's name.
//!
//! Word by word, and only where the grammar around the word is certain: a verb that is not known, a subject that might
//! be another, or a "we" that is not the company gives no sentence at all. This module must not shorten or choose.

use crate::verbs::{Form, after_one, form_of, is_adverb, is_finite};

/// A sentence after the change of person.
pub(crate) struct Changed {
    pub text: String,
    /// A verb in the present followed the change.
    pub conjugated: bool,
}

/// `plain`, a sentence on one line, with the company in the place of "we"; none where that cannot be done safely.
pub(crate) fn without_first_person(plain: &str, company: &str) -> Option<Changed> {
    if !has_first_person(plain) {
        return Some(Changed { text: plain.to_owned(), conjugated: false });
    }
    let company = company.trim();
    if company.is_empty() || quotes_a_first_person(plain) {
        return None;
    }
    let changed = Rewriter::new(plain, company).run()?;
    let left = changed.text.replace(company, "");
    // "At Acme, we" has the name already.
    let doubled = [" ", ", "].iter().any(|gap| changed.text.contains(&format!("{company}{gap}{company}")));
    (!has_first_person(&left) && !doubled).then_some(changed)
}

/// Whether a lower-case word is a first person singular, for which nothing in the article is sure to stand.
pub(crate) fn is_singular(lower: &str) -> bool {
    matches!(lower, "i" | "i'm" | "i've" | "i'd" | "i'll" | "my" | "me" | "mine" | "myself" | "let's")
}

/// The punctuation before a word, the word, and the punctuation after it.
pub(crate) fn core(word: &str) -> (&str, &str, &str) {
    let start = word.find(char::is_alphanumeric).unwrap_or(word.len());
    let end = word
        .rfind(char::is_alphanumeric)
        .map_or(start, |at| at + word[at..].chars().next().map_or(0, char::len_utf8));
    (&word[..start], &word[start..end], &word[end..])
}

/// The bare word in lower case with straight apostrophes.
pub(crate) fn plain_word(word: &str) -> String {
    core(word).1.to_lowercase().replace('’', "'")
}

/// Whether a first person stands anywhere, also beside a dash or a stroke.
pub(crate) fn has_first_person(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '_' | '@' | '.' | '-');
    text.split(|c: char| !is_part(c) && c != '/').any(|token| {
        // "I/O" is none, "we/our" is two.
        let pieces = if token.starts_with("I/") { 1 } else { usize::MAX };
        token.split('/').take(if pieces == 1 { 0 } else { pieces }).any(is_first_person)
    })
}

fn is_first_person(word: &str) -> bool {
    let lower = plain_word(word);
    is_singular(&lower)
        || matches!(lower.as_str(), "we" | "we're" | "we've" | "we'll" | "we'd" | "our" | "ours" | "ourselves")
        // "US" is a country.
        || core(word).1 == "us"
}

/// Whether a first person stands inside quotation marks, where it is somebody else's.
fn quotes_a_first_person(plain: &str) -> bool {
    let mut inside = false;
    for word in plain.split(' ') {
        let opens = word.starts_with(['“', '"', '‘']) || word.contains("(\"") || word.contains("(“");
        inside |= opens;
        if inside && is_first_person(word) {
            return true;
        }
        if word.trim_end_matches(['.', ',', ';', ':', ')', '?', '!']).ends_with(['”', '"']) {
            inside = false;
        }
    }
    false
}

/// What the company last was in the sentence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    None,
    Subject,
    Other,
}

/// What the verb of the company's clause is, which those joined to it by "and" share.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    /// Still to come.
    Waits,
    Is(Form),
}

struct Rewriter<'t> {
    words: Vec<&'t str>,
    lower: Vec<String>,
    company: &'t str,
    apostrophe: char,
    role: Role,
    verb: Verb,
    /// Since the company was named, something may have begun that has another subject.
    foreign: bool,
    /// An infinitive has begun, whose verb a later one may be joined to.
    infinitive: bool,
    conjugated: bool,
    out: Vec<String>,
}

impl<'t> Rewriter<'t> {
    fn new(plain: &'t str, company: &'t str) -> Self {
        let words: Vec<&str> = plain.split(' ').collect();
        Self {
            lower: words.iter().map(|word| plain_word(word)).collect(),
            out: Vec::with_capacity(words.len()),
            words,
            company,
            apostrophe: if plain.contains('’') { '’' } else { '\'' },
            role: Role::None,
            verb: Verb::Is(Form::Past),
            foreign: false,
            infinitive: false,
            conjugated: false,
        }
    }

    fn run(mut self) -> Option<Changed> {
        for at in 0..self.words.len() {
            let (before, bare, after) = core(self.words[at]);
            let lower = self.lower[at].clone();
            if is_singular(&lower) && !self.words[at].starts_with("I/") {
                return None;
            }
            let changed = match lower.as_str() {
                "we" | "we're" | "we've" | "we'll" | "we'd" => self.subject(&lower, at)?,
                "our" | "ours" => self.owner(&lower, at),
                "us" if bare == "us" => self.object(at)?,
                "ourselves" if self.role == Role::Subject && !self.foreign => "itself".to_owned(),
                "ourselves" => return None,
                _ => self.other(bare, &lower, at)?,
            };
            self.out.push(format!("{before}{changed}{after}"));
        }
        (self.verb != Verb::Waits).then(|| Changed { text: self.out.join(" "), conjugated: self.conjugated })
    }

    /// What stands for "we" or one of its contractions.
    fn subject(&mut self, lower: &str, at: usize) -> Option<String> {
        let closed = !core(self.words[at]).2.is_empty();
        if lower == "we" && closed || self.verb == Verb::Waits {
            return None;
        }
        let before = at.checked_sub(1).map_or("", |before| self.lower[before].as_str());
        let same = self.role == Role::Subject && !self.foreign;
        let name = if same { "it" } else { self.company };
        // "the tables we own", "the tables that we own": what follows the clause has the tables for its subject.
        let content = before == "that" && same;
        let joins = at == 0
            || [CONNECTIVES, COORDINATORS, AUXILIARIES].iter().any(|list| list.contains(&before))
            || is_adverb(before)
            || self.ends_clause(at - 1)
            || self.opens_with_a_place_or_time(at);
        let relative = !content && (!joins || RELATIVES.contains(&before));
        (self.role, self.foreign, self.infinitive) = (Role::Subject, relative, false);
        let (text, verb) = match lower {
            "we" => (name.to_owned(), Verb::Waits),
            "we're" => (format!("{name} is"), Verb::Is(Form::Present)),
            "we've" => (format!("{name} has"), Verb::Is(Form::Present)),
            "we'll" => (format!("{name} will"), Verb::Is(Form::Modal)),
            _ => (format!("{name} {}", self.would_or_had(at)?), Verb::Is(Form::Modal)),
        };
        self.verb = verb;
        if lower == "we're" && self.plural_follows(at + 1) {
            return None;
        }
        let inverted = lower == "we" && AUXILIARIES.contains(&before) && !self.ends_clause(at - 1);
        if inverted {
            self.verb = Verb::Is(Form::Modal);
            let last = self.out.pop()?;
            let (open, bare, close) = core(&last);
            let one = match before {
                "do" | "are" | "have" | "were" => after_one(before),
                _ => before.to_owned(),
            };
            let capital = bare.starts_with(char::is_uppercase);
            let one = if capital { one[..1].to_uppercase() + &one[1..] } else { one };
            self.out.push(format!("{open}{one}{close}"));
        }
        Some(text)
    }

    /// "Each night we", "In May we": words before the first subject that are none themselves.
    fn opens_with_a_place_or_time(&self, at: usize) -> bool {
        let first = self.lower[0].as_str();
        let opener = PREPOSITIONS.contains(&first)
            || ["each", "every", "last", "after", "before", "since"].contains(&first);
        opener
            && at <= 5
            && !self.lower[1..at].iter().any(|word| is_finite(word) || CONNECTIVES.contains(&word.as_str()))
    }

    fn owner(&mut self, lower: &str, at: usize) -> String {
        let subject = self.role == Role::Subject && !self.foreign && self.verb != Verb::Waits;
        let new_clause =
            at > 0 && (self.ends_clause(at - 1) || CONNECTIVES.contains(&self.lower[at - 1].as_str()));
        if lower == "our" && subject && !new_clause {
            return "its".to_owned();
        }
        self.role = Role::Other;
        let s = if self.company.ends_with('s') { "" } else { "s" };
        format!("{}{}{s}", self.company, self.apostrophe)
    }

    fn object(&mut self, at: usize) -> Option<String> {
        let before = at.checked_sub(1).map_or("", |before| self.lower[before].as_str());
        let after = self.lower.get(at + 1).map_or("", String::as_str);
        let several = ["of", "among", "amongst", "between", "with"].contains(&before);
        let crowd =
            ["all", "both", "two", "each", "who", "engineers", "developers", "humans", "people", "users"];
        if several || crowd.contains(&after) || before == "let" && at < 2 {
            return None;
        }
        self.role = Role::Other;
        Some(self.company.to_owned())
    }

    /// A word that is no first person; changed where it is the company's verb.
    fn other(&mut self, bare: &str, lower: &str, at: usize) -> Option<String> {
        if self.role != Role::Subject {
            return Some(bare.to_owned());
        }
        let closed = !core(self.words[at]).2.is_empty();
        if self.verb == Verb::Waits {
            let no_longer = lower == "no" && self.lower.get(at + 1).is_some_and(|next| next == "longer")
                || lower == "longer" && self.lower[at - 1] == "no";
            if (is_adverb(lower) || no_longer) && !closed {
                return Some(bare.to_owned());
            }
            return self.verb_of_the_company(bare, lower, at);
        }
        let previous = self.lower[at - 1].as_str();
        let joined = COORDINATORS.contains(&previous)
            || is_adverb(previous) && at > 1 && COORDINATORS.contains(&self.lower[at - 2].as_str());
        if joined && !is_adverb(lower) {
            return self.joined_verb(bare, lower, at);
        }
        self.infinitive |= lower == "to";
        self.foreign |= self.begins_another(lower, at);
        Some(bare.to_owned())
    }

    fn verb_of_the_company(&mut self, bare: &str, lower: &str, at: usize) -> Option<String> {
        let form = form_of(lower).filter(|_| bare.starts_with(char::is_lowercase))?;
        self.verb = Verb::Is(form);
        if matches!(lower, "are" | "were" | "aren't" | "weren't") && self.plural_follows(at + 1) {
            return None;
        }
        if form != Form::Present {
            // "had to stop and read": what follows may be joined to the infinitive.
            return Some(bare.to_owned());
        }
        self.conjugated |= !matches!(lower, "were" | "weren't");
        Some(after_one(lower))
    }

    /// The word after "and": the company's second verb, or something else.
    fn joined_verb(&mut self, bare: &str, lower: &str, at: usize) -> Option<String> {
        let certain =
            matches!(lower, "are" | "aren't" | "were" | "weren't" | "have" | "haven't" | "do" | "don't");
        let next = self.lower.get(at + 1).map_or("", String::as_str);
        let has_object = DETERMINERS.contains(&next) || next.starts_with(|c: char| c.is_ascii_digit());
        match form_of(lower) {
            Some(Form::Present) if certain || has_object => {
                if self.verb == Verb::Is(Form::Modal)
                    && !matches!(lower, "are" | "were" | "aren't" | "weren't")
                {
                    return Some(bare.to_owned());
                }
                let past_before = self.verb == Verb::Is(Form::Past) && !certain;
                if self.infinitive && past_before {
                    return Some(bare.to_owned());
                }
                if self.foreign
                    || self.infinitive
                    || past_before
                    || self.plural_follows(at + 1) && matches!(lower, "are" | "were")
                {
                    return None;
                }
                self.verb = Verb::Is(Form::Present);
                self.conjugated |= !matches!(lower, "were" | "weren't");
                Some(after_one(lower))
            }
            // "We build and test jobs": a verb or not, there is no telling.
            Some(Form::Present) if self.verb == Verb::Is(Form::Present) => None,
            Some(Form::Past | Form::Modal) => Some(bare.to_owned()),
            _ => {
                // "and the database crashed" has another subject; "and its" has the company's.
                self.foreign |= lower != "then";
                Some(bare.to_owned())
            }
        }
    }

    /// Whether the word begins, or shows that there has begun, a clause with another subject.
    fn begins_another(&self, lower: &str, at: usize) -> bool {
        let next = |n: usize| self.lower.get(at + n).map_or("", String::as_str);
        if CONNECTIVES.contains(&lower) {
            // "which structure to use" has no subject of its own.
            let question = ["which", "what", "how", "when", "where", "whether"].contains(&lower);
            return !is_we(next(1)) && !(question && (next(1) == "to" || next(2) == "to"));
        }
        if self.ends_clause(at) {
            let after_joint = if is_adverb(next(2)) { next(3) } else { next(2) };
            let goes_on = is_we(next(1))
                || (COORDINATORS.contains(&next(1)) || CONNECTIVES.contains(&next(1))) && is_we(next(2))
                || COORDINATORS.contains(&next(1)) && form_of(after_joint).is_some();
            return !goes_on;
        }
        let before = at.checked_sub(1).map_or("", |before| self.lower[before].as_str());
        let in_verb_group = is_adverb(before) || is_we(before) || form_of(before).is_some();
        is_finite(lower) && !in_verb_group
    }

    fn ends_clause(&self, at: usize) -> bool {
        core(self.words[at]).2.contains([',', ';', ':', '–', '—', ')'])
            || self.words[at].chars().all(|c| !c.is_alphanumeric())
    }

    /// "we'd": would or had, by the verb; none where it can be both.
    fn would_or_had(&self, at: usize) -> Option<&'static str> {
        let next = self.lower[at + 1..].iter().find(|word| !is_adverb(word))?;
        match (next.as_str(), form_of(next)) {
            (
                "better" | "been" | "done" | "gone" | "seen" | "taken" | "written" | "shown" | "grown"
                | "given" | "had",
                _,
            ) => Some("had"),
            ("run" | "come" | "become" | "overcome", _) => None,
            ("be" | "have", _) | (_, Some(Form::Present)) => Some("would"),
            (word, Some(Form::Past)) if word.ends_with("ed") => Some("had"),
            (
                "found" | "made" | "built" | "kept" | "lost" | "left" | "sent" | "spent" | "thought"
                | "bought" | "held" | "heard" | "told",
                _,
            ) => Some("had"),
            _ => None,
        }
    }

    /// Whether what the company is said to be stands in the plural: "users of", "heavy users", "both".
    fn plural_follows(&self, from: usize) -> bool {
        let mut words = self.lower[from.min(self.lower.len())..].iter().filter(|word| !is_adverb(word));
        let Some(first) = words.next() else { return true };
        let plural = |word: &str| {
            word.ends_with('s')
                && !["ss", "us", "is", "as", "'s"].iter().any(|end| word.ends_with(end))
                && word.len() > 3
        };
        if ["all", "both", "each", "two", "three", "many", "few", "people", "engineers"]
            .contains(&first.as_str())
            || plural(first)
        {
            return true;
        }
        let verbal = first.ends_with("ing") || form_of(first).is_some() || first.ends_with("en");
        if verbal || DETERMINERS.contains(&first.as_str()) || PREPOSITIONS.contains(&first.as_str()) {
            return false;
        }
        words
            .take_while(|word| {
                !PREPOSITIONS.contains(&word.as_str()) && !CONNECTIVES.contains(&word.as_str())
            })
            .take(2)
            .any(|word| plural(word))
    }
}

fn is_we(lower: &str) -> bool {
    matches!(lower, "we" | "we're" | "we've" | "we'll" | "we'd")
}

const AUXILIARIES: &[&str] = &[
    "do", "did", "are", "were", "have", "had", "can", "could", "should", "would", "will", "may", "might",
    "must", "shall",
];

/// Words that join a verb or a clause to the one before.
const COORDINATORS: &[&str] = &["and", "or", "but", "nor", "then"];

/// Words that may begin a clause with a subject of its own.
const CONNECTIVES: &[&str] = &[
    "that", "which", "who", "whose", "whom", "when", "whenever", "while", "because", "since", "as", "if",
    "where", "until", "before", "after", "though", "although", "so", "than", "how", "what", "why", "whether",
    "once", "unless", "whereas", "yet",
];

/// Those of them that make "we" the subject of something said of another word.
const RELATIVES: &[&str] = &["that", "which", "whom", "who"];

/// Words that only stand before a noun; a word before them that may be a verb is one.
const DETERMINERS: &[&str] = &[
    "a", "an", "the", "our", "its", "their", "no", "this", "these", "those", "every", "each", "all", "some",
    "any", "one", "two", "three", "four", "five", "it", "them", "many", "several", "more",
];

const PREPOSITIONS: &[&str] = &[
    "in", "on", "at", "of", "to", "by", "for", "from", "with", "without", "under", "over", "about", "into",
    "out", "off", "up", "down", "behind", "against", "through", "between", "not", "able", "unable",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(sentence: &str) -> Option<String> {
        without_first_person(sentence, "Acme").map(|changed| changed.text)
    }

    fn becomes(pairs: &[(&str, &str)]) {
        for (sentence, statement) in pairs {
            assert_eq!(said(sentence).as_deref(), Some(*statement), "{sentence}");
        }
    }

    fn refused(sentences: &[&str]) {
        for sentence in sentences {
            assert_eq!(said(sentence), None, "{sentence}");
        }
    }

    #[test]
    fn it_stands_only_for_the_subject_of_the_clause_before() {
        becomes(&[
            (
                "Our primary database crashed last week when we upgraded the kernel.",
                "Acme's primary database crashed last week when Acme upgraded the kernel.",
            ),
            (
                "We noticed that the queue crashed when we restarted.",
                "Acme noticed that the queue crashed when Acme restarted.",
            ),
            (
                "We upgraded it, and the queue lost our data.",
                "Acme upgraded it, and the queue lost Acme's data.",
            ),
            ("The disk filled up, so we lost our data.", "The disk filled up, so Acme lost its data."),
            (
                "We rewrote our queue because we needed our nights.",
                "Acme rewrote its queue because it needed its nights.",
            ),
            ("We slept when our queue crashed.", "Acme slept when Acme's queue crashed."),
            (
                "Vendors told us what we don't know about ourselves.",
                "Vendors told Acme what Acme doesn't know about itself.",
            ),
            (
                "We wanted to know which tree to use for our index.",
                "Acme wanted to know which tree to use for its index.",
            ),
            ("We found that we had lost our data.", "Acme found that it had lost its data."),
        ]);
    }

    #[test]
    fn verbs_of_other_subjects_stay_as_they_are() {
        becomes(&[
            ("Our queues and caches were slow.", "Acme's queues and caches were slow."),
            ("We lost data, and the disks were full.", "Acme lost data, and the disks were full."),
            (
                "When we upgraded, our replicas crashed and were restarted.",
                "When Acme upgraded, Acme's replicas crashed and were restarted.",
            ),
            ("We lost our data and were sorry.", "Acme lost its data and was sorry."),
        ]);
        refused(&[
            "We found servers that crashed and were restarted.",
            "The tables we own crash and have no index.",
            "We were heavy users of it.",
        ]);
    }

    #[test]
    fn verbs_joined_by_and_follow_both_or_there_is_no_sentence() {
        becomes(&[
            ("We run three clusters and have a queue.", "Acme runs three clusters and has a queue."),
            ("We run three clusters but use no queue.", "Acme runs three clusters but uses no queue."),
            ("We can run clusters and have a queue.", "Acme can run clusters and have a queue."),
            ("We had to stop and read the log.", "Acme had to stop and read the log."),
        ]);
        refused(&["We run build and test jobs.", "We want to run clusters and have a queue."]);
    }

    #[test]
    fn only_known_verbs_are_verbs() {
        becomes(&[
            ("We no longer had a queue.", "Acme no longer had a queue."),
            ("We almost lost it.", "Acme almost lost it."),
            ("Soon we outgrew our queue.", "Soon Acme outgrew its queue."),
            ("We'd hoped for more.", "Acme had hoped for more."),
            ("We'd need a queue.", "Acme would need a queue."),
        ]);
        refused(&[
            "We nor they had it.",
            "We all had it.",
            "We engineers broke it.",
            "We, too, were slow.",
            "We'd put it there.",
        ]);
    }

    #[test]
    fn after_an_inversion_the_verb_stays() {
        becomes(&[
            ("Only then did we notice the queue.", "Only then did Acme notice the queue."),
            ("Not once could we run our tests.", "Not once could Acme run its tests."),
            (
                "Had we known the limit, nothing would have broken.",
                "Had Acme known the limit, nothing would have broken.",
            ),
            ("Never have we lost a row.", "Never has Acme lost a row."),
            ("Nor were we fast.", "Nor was Acme fast."),
        ]);
    }

    #[test]
    fn a_first_person_that_cannot_be_changed_is_refused() {
        refused(&[
            "We\u{2014}like many teams\u{2014}had a queue.",
            "Somebody found that we/our queue broke.",
            "There was a dispute among us about it.",
            "Each of us had a queue.",
            "At Acme, we had a queue.",
            "I broke our queue.",
            "She said \"we broke it\" to Bob.",
            "The queue lost more than we.",
        ]);
        becomes(&[("The I/O of the US team was slow for us.", "The I/O of the US team was slow for Acme.")]);
        assert!(without_first_person("We broke it.", " ").is_none());
        assert!(without_first_person("It broke.", "").is_some());
    }
}
