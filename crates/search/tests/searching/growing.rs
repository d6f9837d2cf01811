//! Searching takes time linear in a text's size, whatever is repeated in it.

use backissue_search::{Marks, Query, highlights, passage};

use crate::growth::{MARKUP, TEXTS, assert_linear};

/// Queries whose words are repeated in the texts.
const QUERIES: &[&str] = &["queue a", "\"a a a b\" rate limiter C++ e.g. a_b"];

#[test]
fn highlights_and_passages_take_linear_time() {
    for query in QUERIES {
        let marks = Marks::of(&Query::parse(query), &[]);
        for table in [TEXTS, MARKUP] {
            assert_linear(
                table,
                |text| text.to_owned(),
                |text| {
                    let _ = highlights(text, &marks);
                    let _ = passage(text, &marks, 300);
                },
            );
        }
    }
}
