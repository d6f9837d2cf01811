//! Suggests the name that a mistyped one probably means.

use crate::letters;

/// Minimum similarity of a suggestion, 0 to 1.
const SIMILAR: f64 = 0.84;
/// The similarity that counts if a longer name contains the typed one.
const CONTAINED: f64 = 0.9;
/// Minimum characters of a typed name that is searched for inside longer names.
const TELLING: usize = 3;

/// The most similar of the `known` names, ignoring case, spaces and hyphens. Returns `None` if none
/// is similar.
pub fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let typed = plain(typed);
    if typed.is_empty() {
        return None;
    }
    let scored = known.into_iter().map(|name| (similarity(&typed, &plain(name)), name));
    let best = scored.filter(|(score, _)| *score >= SIMILAR).max_by(|(a, one), (b, other)| {
        a.total_cmp(b).then(other.len().cmp(&one.len())).then_with(|| other.cmp(one))
    });
    best.map(|(_, name)| name)
}

/// The end of an error message: `; did you mean “caching”?`. Empty if no name in `known` is
/// similar.
pub fn did_you_mean<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    meant(nearest(typed, known))
}

/// The end of an error message for a suggestion that was found already.
pub fn meant(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean “{name}”?"))
}

fn similarity(typed: &str, name: &str) -> f64 {
    let contains = typed.chars().count() >= TELLING && name.contains(typed);
    let alike = strsim::jaro_winkler(typed, name);
    // Swapped or missing letters are common slips, and the measure above underrates them in short
    // names.
    let edits = strsim::osa_distance(typed, name);
    let slip = if edits <= 1 && typed.chars().count() >= TELLING { CONTAINED } else { 0.0 };
    alike.max(slip).max(if contains { CONTAINED } else { 0.0 })
}

fn plain(name: &str) -> String {
    letters(name).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_the_intended_name() {
        let known = ["caching", "cache-stampede", "rate-limiting", "vitess-blog", "Cloudflare", "C++"];
        for (typed, meant) in [
            ("cachng", Some("caching")),
            ("Rate Limiting", Some("rate-limiting")),
            ("ratelimit", Some("rate-limiting")),
            ("vitess", Some("vitess-blog")),
            ("cloudfare", Some("Cloudflare")),
            ("stampede", Some("cache-stampede")),
            ("zzzz", None),
            ("", None),
            ("++", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
        assert_eq!(did_you_mean("cachng", known), "; did you mean “caching”?");
        assert_eq!(did_you_mean("zzzz", known), "");
    }
}
