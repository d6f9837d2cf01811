//! Finds properties of a sentence that make it unsuitable as a passage, or that lower its
//! confidence: an example, words of another author, a reference to a place on the page, a plan.
//!
//! This module does not choose sentences.

use crate::blocks::{Block, BlockKind};
use crate::cues::{Cues, UnfitSign};
use crate::sentences::Sentence;

/// Properties of a sentence, each of which makes it unsuitable for some or all parts of a précis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// It describes an invented case, or gives an example.
    pub supposed: bool,
    /// It quotes other people.
    pub others_words: bool,
    /// It refers to a place on the page: "the code above".
    pub points: bool,
    /// It is several items of a list that were joined without punctuation.
    pub run_together: bool,
    /// It occurs more than three times in the article.
    pub repeated: bool,
    /// It says what became better.
    pub result: bool,
    /// It names a figure before and after a change: "from 9 s to 2 s".
    pub change: bool,
    /// It says what will be or should be done.
    pub plan: bool,
    /// It describes an attempt that failed.
    pub attempt: bool,
    /// It describes an earlier state.
    pub before: bool,
    /// It says what readers can do or get.
    pub advice: bool,
    /// It reports what others say, or is about the post itself.
    pub remark: bool,
    /// It says that something is not a problem.
    pub no_trouble: bool,
    /// It begins with a goal: "To prevent this, we …".
    pub goal: bool,
}

impl Unfit {
    /// Whether a passage must not contain the sentence.
    pub(crate) fn is_never_quoted(&self) -> bool {
        self.supposed || self.others_words || self.points || self.run_together || self.repeated
    }
}

/// The properties that the words of the sentence show, without its neighbours. `plain` is the
/// sentence with straight apostrophes.
pub(crate) fn of_words(plain: &str, cues: &Cues) -> Unfit {
    let mut unfit = Unfit {
        supposed: supposes(plain, cues) || is_example(plain, cues),
        result: has_gain(plain),
        change: has_change(plain),
        goal: begins_with(plain, &cues.leaning.goals),
        ..Unfit::default()
    };
    for hit in cues.unfit.find_all(plain) {
        let said = match hit.meaning {
            UnfitSign::Supposed => &mut unfit.supposed,
            UnfitSign::Place => &mut unfit.points,
            UnfitSign::Result => &mut unfit.result,
            UnfitSign::Plan => &mut unfit.plan,
            UnfitSign::Attempt => &mut unfit.attempt,
            UnfitSign::Before => &mut unfit.before,
            UnfitSign::Advice => &mut unfit.advice,
            UnfitSign::Remark => &mut unfit.remark,
            UnfitSign::NoTrouble => &mut unfit.no_trouble,
        };
        *said = true;
    }
    unfit
}

/// Whether the sentence introduces an invented case, which the rest of its paragraph describes.
pub(crate) fn supposes(plain: &str, cues: &Cues) -> bool {
    begins_with(plain, &cues.leaning.supposing)
}

fn is_example(plain: &str, cues: &Cues) -> bool {
    begins_with(plain, &cues.leaning.examples)
}

/// Whether `plain` starts with one of `phrases`, possibly after "Now" or "But".
fn begins_with(plain: &str, phrases: &[String]) -> bool {
    let plain = plain.trim_start_matches(|c: char| !c.is_alphanumeric());
    let behind = ["now ", "now, ", "but ", "so ", "and ", "or ", "well, ", "just ", "also, "];
    let starts = |text: &str| {
        phrases.iter().any(|phrase| {
            text.get(..phrase.len()).is_some_and(|head| head.eq_ignore_ascii_case(phrase))
                && !text[phrase.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '\'')
        })
    };
    let rest = behind.iter().find_map(|word| {
        plain.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word)).map(|_| &plain[word.len()..])
    });
    starts(plain) || rest.is_some_and(starts)
}

/// Whether the sentence names a figure before and after a change: "from 9 s to 2 s".
fn has_change(plain: &str) -> bool {
    let figure = |word: &str| {
        word.trim_start_matches(['~', '$', '€', '+', '(']).starts_with(|c: char| c.is_ascii_digit())
    };
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.iter().enumerate().any(|(at, word)| {
        let rest = &words[at + 1..];
        let to = rest.iter().take(12).position(|word| word.eq_ignore_ascii_case("to"));
        let is_change = |to: usize| {
            rest[..to].iter().any(|word| figure(word))
                && rest[to + 1..].iter().take(5).any(|word| figure(word))
        };
        word.eq_ignore_ascii_case("from") && to.is_some_and(is_change)
    })
}

/// Whether the sentence says how much better something became: "30 % faster", "10x fewer".
fn has_gain(plain: &str) -> bool {
    const BETTER: [&str; 14] = [
        "faster", "less", "fewer", "lower", "reduction", "improvement", "savings", "better", "quicker",
        "cheaper", "smaller", "decrease", "drop", "speedup",
    ];
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.windows(2).any(|pair| {
        let share = pair[0].ends_with('%')
            || pair[0].ends_with('x') && pair[0].starts_with(|c: char| c.is_ascii_digit());
        share && BETTER.contains(&crate::style::plain_word(pair[1]).as_str())
    })
}

/// Whether a quotation has a first person plural, which shows that it is the team's own.
fn is_ours(plain: &str) -> bool {
    plain.split_whitespace().any(|word| {
        matches!(
            crate::style::plain_word(word).as_str(),
            "we" | "our" | "us" | "we've" | "we're" | "we'd" | "ours" | "i" | "my" | "i've"
        )
    })
}

/// Sets the properties that depend on neighbouring sentences: invented cases and quotations that
/// continue over several sentences. `plain` has the sentences with straight apostrophes.
pub(crate) fn mark_surrounded(
    unfit: &mut [Unfit],
    sentences: &[Sentence],
    blocks: &[Block],
    plain: &[String],
    cues: &Cues,
) {
    let mut supposed_in = None;
    let mut quotes = (None, 0i32);
    for at in 0..sentences.len() {
        let block = sentences[at].block;
        if supposes(&plain[at], cues) {
            supposed_in = Some(block);
        }
        unfit[at].supposed |= supposed_in == Some(block);
        if quotes.0 != Some(block) {
            quotes = (Some(block), 0);
        }
        let open_before = quotes.1 > 0;
        quotes.1 += plain[at].matches('“').count() as i32 - plain[at].matches('”').count() as i32;
        let is_quotation = blocks[block].kind == BlockKind::Quote || is_quotation(&plain[at], open_before);
        unfit[at].others_words = is_quotation && !is_ours(&plain[at]);
        unfit[at].run_together = blocks[block].kind != BlockKind::Quote && unfit[at].run_together;
    }
}

/// Whether at least two fifths of the sentence are between quotation marks. `open_before` says that
/// an earlier sentence of the block opened a quotation.
fn is_quotation(plain: &str, open_before: bool) -> bool {
    let inside = if open_before {
        plain.find('”').unwrap_or(plain.len())
    } else if let Some(rest) = plain.strip_prefix('“') {
        rest.rfind('”').unwrap_or(rest.len())
    } else if let Some(rest) = plain.strip_prefix('"') {
        rest.rfind('"').unwrap_or(rest.len())
    } else {
        0
    };
    inside * 5 >= plain.len() * 2
}

/// Whether the lines of a sentence are separate items: a line without punctuation at its end is
/// followed by one that starts like a sentence.
pub(crate) fn is_run_together(sentence: &str) -> bool {
    let mut lines = sentence.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(mut before) = lines.next() else { return false };
    for line in lines {
        let ends = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '"' | '”' | '%'));
        let starts =
            line.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || "•-*+–".contains(c));
        // A text of fixed width has its lines broken everywhere, after about as many characters.
        if ends && starts && before.chars().count() < 50 {
            return true;
        }
        before = line;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sentence: &str) -> Unfit {
        of_words(sentence, Cues::builtin())
    }

    #[test]
    fn invented_cases_and_examples_are_no_passages() {
        for sentence in [
            "Imagine a shop whose database fails every night.",
            "Suppose that two writers change the same row.",
            "Let's say you have a queue of a million jobs.",
            "Consider a service that is called by a hundred others.",
            "For example, a slow disk stalls the whole cluster.",
            "Now imagine that the broker crashes.",
            "In the above example, the lock was never released.",
            "To give an example, anyone who has a legacy system knows the pain.",
        ] {
            assert!(of(sentence).supposed, "{sentence}");
        }
        for sentence in [
            "We had to consider a rewrite, because the queue was slow.",
            "Nobody could imagine a night without pages.",
            "Considering the cost, we stopped the old cluster.",
        ] {
            assert!(!of(sentence).is_never_quoted(), "{sentence}");
        }
    }

    #[test]
    fn places_on_the_page_are_no_passages() {
        for sentence in [
            "The above code fails for empty lists.",
            "As shown below, the queue was full.",
            "Figure 3 shows that the queue was full.",
            "The diagram below shows the bottleneck.",
        ] {
            assert!(of(sentence).points, "{sentence}");
        }
        for sentence in
            ["Latency stayed above 90 ms.", "The rate fell below 5 %.", "The load was above average."]
        {
            assert!(!of(sentence).points, "{sentence}");
        }
    }

    #[test]
    fn results_plans_attempts_and_earlier_states_are_recognised() {
        assert!(of("Query time was reduced from tens of seconds to 30 ms.").result);
        assert!(of("Build time fell from 40 minutes to 12 minutes.").change);
        assert!(!of("We moved from Oslo to Bergen in 2019.").change);
        assert!(of("Next year we plan to move the rest.").plan);
        assert!(of("We tried a larger cache, but it did not help.").attempt);
        assert!(of("Previously, a deploy took 40 minutes.").before);
        assert!(of("If you are using an older version, upgrade.").advice);
        assert!(of("In this post I show how we found the leak.").remark);
        assert!(of("To prevent such losses, we wrote a journal.").goal);
    }

    #[test]
    fn quotations_of_others_are_recognised() {
        for (sentence, open, expected) in [
            ("“Nobody ever got fired for buying more memory.”", false, true),
            ("\"The site is down,\" wrote a customer.", false, true),
            ("It is always the name service.”", true, true),
            ("The “noisy neighbour” was a batch job.", false, false),
            ("We call it the “thundering herd”.", false, false),
        ] {
            assert_eq!(is_quotation(sentence, open), expected, "{sentence}");
        }
    }

    #[test]
    fn items_without_punctuation_are_run_together() {
        assert!(is_run_together("Slow builds\nFlaky tests\nNo owner"));
        assert!(!is_run_together("The builds were slow,\nand the tests were flaky."));
        assert!(!is_run_together("The builds were slow and the tests were\nflaky."));
    }
}
