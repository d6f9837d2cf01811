//! Splits text into units: words, and names from code, which are found as a whole and by their
//! parts.
//!
//! A unit is a run without white space such as `cache`, `multi-tenant`, `SSL_ERROR_SYSCALL`,
//! `foo::bar`, `C++` or `O(n log n)`. Its parts are its runs of letters and digits. Its whole is
//! the unit in lower case without separators, so that `multi-tenant` matches `multitenant`, and
//! `--max-age` matches `max_age`. The index, queries and highlights share these rules, but this
//! module does not depend on them.

/// Maximum bytes of a part or a whole. Nobody searches for longer ones.
const LONGEST: usize = 60;
/// Maximum parts of a unit that has a whole. A unit with more, such as an address, is found by its
/// parts only.
const MOST_PARTS: usize = 8;
/// Maximum bytes of a cost in big-O notation, such as `O(n log n)`.
const LONGEST_COST: usize = 40;

/// A run of letters, digits and the signs that names have, without punctuation at its ends: `pool`,
/// `don't`, `max_pool_size`, `O(n log n)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit<'a> {
    /// Its text, as written.
    pub text: &'a str,
    /// Its start, in bytes.
    pub start: usize,
}

/// The units of `text`, in order.
pub(crate) fn units(text: &str) -> impl Iterator<Item = Unit<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let begin = at + text[at..].find(|c: char| is_inside(c))?;
            let rest = &text[begin..];
            let run = rest.find(|c: char| !is_inside(c)).unwrap_or(rest.len());
            let run = cost(rest, run).unwrap_or(run);
            at = begin + run;
            let raw = &rest[..run];
            let bare = raw.trim_start_matches(|c: char| !c.is_alphanumeric());
            let start = begin + raw.len() - bare.len();
            let bare = without_tail(bare);
            if !bare.is_empty() {
                return Some(Unit { text: bare, start });
            }
        }
    })
}

/// Whether a character can be inside a unit.
fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/' | '+' | '#' | '@' | '&' | '\'' | '’')
}

/// The length of a cost such as `O(n log n)` at the start of `rest`, whose first run has length
/// `run`.
fn cost(rest: &str, run: usize) -> Option<usize> {
    if !matches!(&rest[..run], "O" | "Θ" | "Ω" | "o" | "θ" | "ω") || !rest[run..].starts_with('(') {
        return None;
    }
    let mut depth = 0usize;
    for (at, c) in rest.char_indices().skip_while(|(at, _)| *at < run) {
        match c {
            _ if at > LONGEST_COST => return None,
            '\n' => return None,
            '(' => depth += 1,
            ')' if depth == 1 => return Some(at + 1),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The unit without trailing punctuation. The signs of `C++` and `C#` belong to it, and so does the
/// closing bracket of a cost.
fn without_tail(text: &str) -> &str {
    let letters = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    if text.ends_with(')') {
        return text;
    }
    let signs = text[letters.len()..].find(|c| c != '+' && c != '#').unwrap_or(text.len() - letters.len());
    if letters.is_empty() { letters } else { &text[..letters.len() + signs] }
}

impl<'a> Unit<'a> {
    /// Its parts, each with its start in the text: `max`, `pool` and `size` of `max_pool_size`.
    pub(crate) fn parts(self) -> impl Iterator<Item = (usize, &'a str)> {
        let mut at = 0;
        let text = self.text;
        std::iter::from_fn(move || {
            loop {
                let begin = at + text[at..].find(char::is_alphanumeric)?;
                let rest = &text[begin..];
                let run = part_length(rest);
                at = begin + run;
                let part = &rest[..run];
                if part.len() <= LONGEST && !is_elision(&text[..begin], part, &text[at..]) {
                    return Some((self.start + begin, part));
                }
            }
        })
    }

    /// The unit as one word, if it is more than a single part.
    pub(crate) fn whole(self) -> Option<String> {
        let is_plain = |c: char| c.is_alphanumeric() || c == '\'' || c == '’';
        let signs = self.text.contains(['+', '#', '(']);
        if self.text.chars().all(is_plain) && !self.text.chars().any(is_own_word) {
            return None;
        }
        let parts = self.parts().take(MOST_PARTS + 1).count();
        if parts > MOST_PARTS || (parts < 2 && !signs) {
            return None;
        }
        let kept = |c: &char| match c {
            '+' | '#' => true,
            '(' | ')' | '^' | '*' => self.text.ends_with(')'),
            c => c.is_alphanumeric(),
        };
        let whole: String = self.text.chars().filter(kept).flat_map(char::to_lowercase).collect();
        (whole.len() <= LONGEST).then_some(whole)
    }

    /// Whether the unit looks like a name from code, by its signs.
    pub(crate) fn is_code(self) -> bool {
        self.text.contains(['_', ':', '/', '.', '@', '(', '+', '#'])
            || self.text.bytes().any(|b| b.is_ascii_digit())
    }
}

/// The length of the part at the start of `rest`.
fn part_length(rest: &str) -> usize {
    let first = rest.chars().next().map_or(0, char::len_utf8);
    if rest.chars().next().is_some_and(is_own_word) {
        return first;
    }
    rest.find(|c: char| !c.is_alphanumeric() || is_own_word(c)).unwrap_or(rest.len())
}

/// Whether the letter belongs to a script without spaces between words. Each such letter is a part
/// by itself, and a word is found as a phrase of its letters.
fn is_own_word(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// Whether a part is the rest of an elided word, as in `don't` and `customer's`.
fn is_elision(before: &str, part: &str, after: &str) -> bool {
    before.ends_with(['\'', '’'])
        && !after.starts_with(['\'', '’'])
        && ["s", "t", "re", "ve", "ll", "d", "m"].iter().any(|end| part.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken_apart(text: &str) -> Vec<(Vec<&str>, Option<String>)> {
        units(text).map(|u| (u.parts().map(|(_, part)| part).collect(), u.whole())).collect()
    }

    #[test]
    fn names_from_code_have_parts_and_a_whole() {
        for (text, parts, whole) in [
            ("SSL_ERROR_SYSCALL", vec!["SSL", "ERROR", "SYSCALL"], Some("sslerrorsyscall")),
            ("--compilation_config", vec!["compilation", "config"], Some("compilationconfig")),
            ("(foo::bar).", vec!["foo", "bar"], Some("foobar")),
            ("config.json,", vec!["config", "json"], Some("configjson")),
            ("CVE-2021-44228", vec!["CVE", "2021", "44228"], Some("cve202144228")),
            ("C++", vec!["C"], Some("c++")),
            ("C#.", vec!["C"], Some("c#")),
            ("O(n log n)", vec!["O", "n", "log", "n"], Some("o(nlogn)")),
            ("multi-tenant", vec!["multi", "tenant"], Some("multitenant")),
            ("customer's", vec!["customer"], None),
            ("don’t", vec!["don"], None),
            ("cache", vec!["cache"], None),
            ("数据", vec!["数", "据"], Some("数据")),
        ] {
            assert_eq!(taken_apart(text), [(parts, whole.map(str::to_owned))], "{text}");
        }
    }

    #[test]
    fn punctuation_makes_no_units() {
        assert!(taken_apart("-- ... :: + \"!\" — ()").is_empty());
        assert_eq!(units("Why? (Because.)").map(|u| u.text).collect::<Vec<_>>(), ["Why", "Because"]);
    }

    #[test]
    fn address_is_found_only_by_its_parts() {
        let found = taken_apart("https://example.com/a/b/c/d/e/f/g");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, None);
    }

    proptest! {
        #[test]
        fn units_and_parts_have_correct_positions(text in "\\PC{0,80}") {
            for unit in units(&text) {
                prop_assert_eq!(&text[unit.start..unit.start + unit.text.len()], unit.text);
                prop_assert!(unit.parts().count() > 0 || unit.text.len() > LONGEST || unit.text.contains(['\'', '’']));
                for (start, part) in unit.parts() {
                    prop_assert_eq!(&text[start..start + part.len()], part);
                }
            }
        }
    }
}
