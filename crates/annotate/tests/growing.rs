//! Time is linear in an article's size, whatever is repeated in it.

use backissue_annotate::{Text, annotate};

#[path = "../../../tests/src/growth.rs"]
mod growth;

use growth::{MARKUP, TEXTS, assert_linear};

/// The annotator's signs, repeated.
const SIGNS: &[&str] = &[
    " because the", "from 9 to 2 the ", "so that ", "due to ", "we ", "We ", "our ", "which ", "however, ",
    "However, ", "But ", "and ", "this ", "This ", "it ", "It failed. ", "We failed. ", "We use it. ",
    "There ", "for example, ", "failed ", "slow ", "problem: ", "Problem:\n\n", "- item\n", "1. step\n",
    "10:01 ", "- 10:01 x\n", "@somebody ", "Step 1\n\n", "version 2.0 ", "the same the other ", "5 % ",
    "40 ms ", "$ ls;\n", "{};\n", "a | b | c\n", "a\tb\n", "\"quoted. ", "“quoted. ", "Kafka ",
    "rate limiting ", "caching", "e.g. ", "v1.2.3 ", "https://a.example/b ", "A heading\n\n", "A. B. C. ",
    "Why? ", "That is it: ", "as follows: ", "in this post, we ", "12 May 2026 ", "[1] ",
];

fn article<'a>(title: &'a str, text: &'a str) -> Text<'a> {
    Text::plain(title, text, "Acme")
}

#[test]
fn articles_of_one_repeated_pattern_take_linear_time() {
    for table in [SIGNS, TEXTS, MARKUP] {
        assert_linear(table, str::to_owned, |text| {
            let precis = annotate(&article("Odd", text));
            assert!(precis.is_backed_by(text));
        });
    }
}

#[test]
fn titles_of_one_repeated_pattern_take_linear_time() {
    let text = "The queue failed every night, because nobody had set a limit. We set one.";
    for table in [SIGNS, MARKUP] {
        assert_linear(table, str::to_owned, |repeated| {
            drop(annotate(&article(repeated, text)));
        });
    }
}
