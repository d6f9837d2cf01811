//! A drill for the second reading: an invented article and three claims about it, of which two say
//! the contrary of the article.
//!
//! A model that confirms these cannot check what it writes. docs/BENCHMARKS.md has what such a
//! model writes.

use backissue_model::{Form, Statement};

use crate::asking::check::{self, Claimed, Findings, Found};
use crate::asking::excerpt::Excerpt;
use crate::asking::question::Question;
use crate::asking::settings::PromptSettings;
use crate::{Text, annotate};

/// The claims, by their fields. The first is true.
const CLAIMS: [(&str, &str); 3] = [
    ("problem", "Acme's nightly import failed whenever two jobs waited for the same lock."),
    ("approach", "The team gave all jobs one common lock."),
    ("outcome", "The import takes 40 minutes instead of 12."),
];

/// A short invented article with a problem, an approach and an outcome.
pub fn article() -> Text<'static> {
    Text::plain(
        "A lock for every job",
        "Acme's nightly import failed whenever two jobs waited for the same lock. The team gave each job a separate \
         lock. Since then the import has not failed once, and it takes 12 minutes instead of 40.",
        "Acme",
    )
}

/// The prompt for a second reading of the three claims.
pub fn question() -> Question {
    let article = article();
    let excerpt = Excerpt::of(&article, &annotate(&article), PromptSettings::default());
    check::question(&article, &excerpt, &claimed(&statements()))
}

/// Whether the reply confirms the true claim, and neither of the others.
pub fn is_passed(reply: &str) -> bool {
    let findings = Findings::read(reply, &claimed(&statements()));
    let [told, turned, swapped] = CLAIMS.map(|(field, _)| findings.of(field));
    told == Some(&Found::Said)
        && [turned, swapped].iter().all(|found| matches!(found, Some(Found::Beyond(_))))
}

fn statements() -> [Statement; 3] {
    CLAIMS.map(|(_, text)| Statement {
        text: text.to_owned(),
        evidence: Vec::new(),
        confidence: 0.0,
        form: Form::Written,
    })
}

fn claimed(statements: &[Statement; 3]) -> Vec<Claimed<'_>> {
    let both = CLAIMS.iter().zip(statements);
    both.map(|((field, _), statement)| Claimed::Statement(field, statement)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reader_of_the_article_passes() {
        let user = question().user;
        assert!(user.contains("claim approach: The team gave all jobs one common lock."), "{user}");
        assert_eq!(
            user.matches("separate lock. Since").count() + user.matches("a separate lock.\n").count(),
            3
        );
        let reply = |said: [&str; 3]| {
            let findings = CLAIMS.iter().zip(said).map(|((field, text), said)| {
                format!(
                    r#""{field}": {{"beyond": "{}", "said": "{said}"}}"#,
                    if said == "yes" { "" } else { text }
                )
            });
            format!("{{{}}}", findings.collect::<Vec<_>>().join(", "))
        };
        assert!(is_passed(&reply(["yes", "no", "no"])) && is_passed(&reply(["yes", "no", "in part"])));
        for said in
            [["yes", "yes", "yes"], ["no", "no", "no"], ["yes", "no", "yes"], ["yes", "no", "perhaps"]]
        {
            assert!(!is_passed(&reply(said)), "{said:?}");
        }
        // "Yes" about a claim that the reply names as not said.
        let unclear = r#"{"problem": {"beyond": "", "said": "yes"},
            "approach": {"beyond": "The team gave all jobs one common lock", "said": "yes"},
            "outcome": {"beyond": "it is 12 instead of 40", "said": "no"}}"#;
        assert!(!is_passed(unclear) && !is_passed("") && !is_passed("yes"));
    }
}
