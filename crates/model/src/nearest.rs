//! The known name that a mistyped one probably means.

/// The least similarity of two names, 0 to 1, at which one is offered for the other.
const SIMILAR: f64 = 0.84;
/// The similarity of a name to one that contains it whole.
const CONTAINED: f64 = 0.9;
/// Letters from which on a name counts as part of another.
const TELLING: usize = 3;

/// The most similar of the `known` names, regardless of case, spaces and hyphens. Returns `None` if none is similar.
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

/// `; did you mean “caching”?` for a message; empty if no known name is similar.
pub fn did_you_mean<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    meant(nearest(typed, known))
}

/// The same for a name that is known already; empty if there is none.
pub fn meant(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean “{name}”?"))
}

fn similarity(typed: &str, name: &str) -> f64 {
    let contains = typed.chars().count() >= TELLING && name.contains(typed);
    let alike = strsim::jaro_winkler(typed, name);
    // Letters that changed places or are missing: common slips that the measure above underrates in short names.
    let edits = strsim::osa_distance(typed, name);
    let slip = if edits <= 1 && typed.chars().count() >= TELLING { CONTAINED } else { 0.0 };
    alike.max(slip).max(if contains { CONTAINED } else { 0.0 })
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
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
