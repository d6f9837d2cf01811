//! How a statement must be written: one sentence of bounded length, in the third person, about the
//! subject and not about the post, without praise, address or markup.
//!
//! This module does not know what the article says.

use crate::sentences::sentences;

/// Maximum characters of a written statement.
pub(crate) const STATEMENT_MAX: usize = 260;

/// Words that refer to the post, or to a place in it, instead of its subject.
const OF_THE_POST: &[&str] = &[
    "this post", "this blog", "this article", "this piece", "this series", "this write-up",
    "this announcement", "this story", "this talk", "the article", "the blog post", "in the post",
    "the write-up", "described above", "described below", "described earlier", "mentioned above",
    "mentioned below", "mentioned earlier", "outlined above", "discussed above", "shown above",
    "shown below", "above-mentioned", "aforementioned", "as mentioned", "see above", "see below",
];

/// Words of praise and advertising.
const PRAISE: &[&str] = &[
    "amazing", "amazingly", "astonishing", "awesome", "best-in-class", "blazing", "blazingly",
    "breathtaking", "brilliant", "brilliantly", "cutting-edge", "delighted", "delightful", "excellent",
    "excited", "exciting", "extraordinary", "fantastic", "flawless", "flawlessly", "game-changer",
    "game-changing", "genius", "great", "ground-breaking", "groundbreaking", "impressive", "impressively",
    "incredible", "incredibly", "industry-leading", "innovative", "magical", "magnificent", "marvellous",
    "next-generation", "outstanding", "phenomenal", "pioneering", "proud", "proudly", "remarkable",
    "remarkably", "revolutionary", "seamless", "seamlessly", "spectacular", "stunning", "superb", "superior",
    "thrilled", "unmatched", "unparalleled", "unrivalled", "wonderful", "world-class", "must-have",
];

/// Returns `text` trimmed, if it is written as a statement must be, else all reasons why not.
pub(crate) fn statement(text: &str) -> Result<String, String> {
    let mut line = backissue_model::collapsed(text);
    if line.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '%' | '"' | '”' | '`')) {
        line.push('.');
    }
    if line.is_empty() {
        return Err("it is empty; use null where there is nothing to say".into());
    }
    let mut faults = Vec::new();
    let length = line.chars().count();
    if length > STATEMENT_MAX {
        faults.push(format!("it has {length} characters; write at most {STATEMENT_MAX}"));
    }
    if !line.ends_with('.') {
        faults.push("it does not end in a full stop".to_owned());
    }
    if line.contains(|c: char| c.is_control())
        || line.contains("```")
        || line.contains("**")
        || has_tag(&line)
    {
        faults.push("it has markup; write plain text".to_owned());
    }
    if has_address(&line) {
        faults.push("it has a web or e-mail address; leave it out".to_owned());
    }
    let count = sentences(&line).len();
    if count != 1 {
        faults.push(format!("it is {count} sentences; write exactly one sentence"));
    }
    if let Some(word) = line.split(' ').map(plain_word).find(|word| is_second_person(word)) {
        faults.push(format!("it says “{word}”; write in the third person"));
    }
    if has_first_person(&line) {
        faults.push("it is written in the first person; name the company or project instead".to_owned());
    }
    let lower = line.to_lowercase();
    if let Some(words) = OF_THE_POST.iter().find(|words| has_phrase(&lower, words)) {
        faults.push(format!("it says “{words}”; say the matter and not that it is told"));
    }
    if let Some(word) = PRAISE.iter().find(|word| has_phrase(&lower, word)) {
        faults.push(format!("“{word}” is praise; leave it out"));
    }
    if faults.is_empty() { Ok(line) } else { Err(faults.join("; ")) }
}

fn is_second_person(lower: &str) -> bool {
    matches!(lower, "you" | "your" | "yours" | "yourself" | "you're" | "you've" | "you'll" | "you'd")
}

/// Whether `text` contains `phrase` as whole words.
fn has_phrase(text: &str, phrase: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(phrase)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + phrase.len()..].starts_with(is_part))
}

/// Whether `text` has an HTML element. `Vec<u8>` is none.
fn has_tag(text: &str) -> bool {
    text.contains("</")
        || ["<a ", "<b>", "<i>", "<p>", "<br", "<img", "<script"].iter().any(|tag| text.contains(tag))
}

fn has_address(text: &str) -> bool {
    let mail =
        |word: &str| word.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'));
    text.contains("://") || text.split(' ').any(|word| word.starts_with("www.") || mail(word))
}

/// Whether a lower-case word is a first person singular, such as "I". A name cannot replace it.
pub(crate) fn is_singular(lower: &str) -> bool {
    matches!(lower, "i" | "i'm" | "i've" | "i'd" | "i'll" | "my" | "me" | "mine" | "myself" | "let's")
}

/// A word with the punctuation before and after it.
fn core(word: &str) -> (&str, &str, &str) {
    let start = word.find(char::is_alphanumeric).unwrap_or(word.len());
    let end = word
        .rfind(char::is_alphanumeric)
        .map_or(start, |at| at + word[at..].chars().next().map_or(0, char::len_utf8));
    (&word[..start], &word[start..end], &word[end..])
}

/// The word in lower case with straight apostrophes, without punctuation.
pub(crate) fn plain_word(word: &str) -> String {
    core(word).1.to_lowercase().replace('’', "'")
}

/// Whether `text` has a first person anywhere, also next to a dash or a slash.
fn has_first_person(text: &str) -> bool {
    // "Let's Encrypt" is a name, and "to mine logs" is work.
    let text =
        NAMES_OF_LETS.iter().chain(&MINING).fold(text.to_owned(), |text, words| text.replace(words, " "));
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '_' | '@' | '.' | '-');
    text.split(|c: char| !is_part(c) && c != '/').any(|token| {
        // "I/O" has none, "we/our" has two.
        let pieces = if token.starts_with("I/") { 1 } else { usize::MAX };
        token.split('/').take(if pieces == 1 { 0 } else { pieces }).any(is_first_person)
    })
}

/// Names that begin with "Let's", which otherwise is a first person.
const NAMES_OF_LETS: [&str; 2] = ["Let's Encrypt", "Let’s Encrypt"];
/// Phrases in which "mine" is a verb and not a first person.
const MINING: [&str; 6] =
    [" to mine ", " can mine ", " could mine ", " would mine ", " must mine ", " and mine "];

fn is_first_person(word: &str) -> bool {
    let lower = plain_word(word);
    is_singular(&lower)
        || matches!(lower.as_str(), "we" | "we're" | "we've" | "we'll" | "we'd" | "our" | "ours" | "ourselves")
        // "US" is a country.
        || core(word).1 == "us"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_sentence_in_the_third_person_passes() {
        for text in [
            "Netflix needed to start hundreds of containers in seconds, but mounting their layers contended on one kernel lock.",
            "Acme's I/O was slow, e.g. 40 ms vs. 4 ms in the US, because `read_all()` and Vec<u8> copied everything",
            "A stalled import held the lock of every other job.",
            "Let's Encrypt could not tell who needed a new certificate, and so its data engineers had to mine log files.",
        ] {
            assert!(statement(text).is_ok(), "{text}: {:?}", statement(text));
        }
        assert_eq!(statement(" It\n broke ").unwrap(), "It broke.");
    }

    #[test]
    fn malformed_statements_are_refused_with_reasons() {
        for (text, reason) in [
            ("", "empty"),
            (&*"It broke again ".repeat(20), "characters"),
            ("Did it break?", "full stop"),
            ("It broke. It was mended.", "2 sentences"),
            ("We broke it.", "first person"),
            ("It broke when I slept.", "first person"),
            ("The import broke our pages.", "first person"),
            ("Let's mend the import.", "first person"),
            ("The import was mine alone.", "first person"),
            ("You can mend it.", "you"),
            ("In this post Acme mends it.", "this post"),
            ("The article is about locks.", "the article"),
            ("After the move described above the lock was gone.", "described above"),
            ("Acme built an amazing lock.", "praise"),
            ("Acme mended it with **care**.", "markup"),
            ("Acme broke <script>x.", "markup"),
            ("Acme broke, see https://evil.example now.", "address"),
            ("Write to a@evil.example now.", "address"),
        ] {
            let refused = statement(text).unwrap_err();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
        let refused = statement(&"We broke an amazing lock. ".repeat(20)).unwrap_err();
        for reason in ["characters", "20 sentences", "first person", "praise"] {
            assert!(refused.contains(reason), "all faults are told: {refused}");
        }
    }
}
