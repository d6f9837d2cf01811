//! Finds an article's title without the site's name.

use backissue_model::{letters, site_of};
use url::Url;

/// Separators between a title and the site's name.
const SEPARATORS: &[&str] =
    &[" | ", " – ", " — ", " - ", " · ", " • ", " » ", " :: ", " -- ", " « ", " ‹ ", " / ", " ~ "];

/// Chooses the title from the declared titles, most exact first, and the visible headings.
///
/// 1. A heading that equals a declared title, with or without the site's name, is the title as its
///    author wrote it, unless the address has the words of another heading.
/// 2. Else the first declared title, without the site's name.
/// 3. Else the first `h1`.
pub(crate) fn choose(
    declared: &[String],
    headings: &[String],
    first_h1: Option<&str>,
    site_name: Option<&str>,
    url: Option<&Url>,
) -> Option<String> {
    let is_sites = |title: &String| is_beside_a_heading(title, declared, headings);
    let declared: Vec<&String> = declared.iter().filter(|title| !is_sites(title)).collect();
    if let Some(named) = named_in_address(&declared, headings, url) {
        return Some(named.clone());
    }
    for title in &declared {
        let parts = parts(title);
        let whole = letters(title);
        let fits = |heading: &&String| {
            let heading = letters(heading);
            heading.chars().count() > 1 && (heading == whole || parts.contains(&heading))
        };
        let shown = headings.iter().filter(fits).max_by_key(|h| h.len());
        if let Some(shown) = shown.filter(|h| !is_site(&letters(h), site_name, url)) {
            return Some(shown.clone());
        }
    }
    let first = declared.first().map(|title| without_site(title, site_name, url));
    first
        .filter(|t| !is_site(&letters(t), site_name, url))
        .or_else(|| first_h1.map(str::to_owned))
        .filter(|t| !t.is_empty())
        .or_else(|| declared.first().map(|title| (*title).clone()))
}

/// The heading with the words of the address's last part, if no declared title has any of them.
/// Sites with one title for all pages declare their own name.
fn named_in_address<'h>(
    declared: &[&String],
    headings: &'h [String],
    url: Option<&Url>,
) -> Option<&'h String> {
    let last = url?.path_segments()?.rev().find(|part| !part.is_empty())?;
    let slug: Vec<&str> = last.split(['-', '_', '.']).filter(|word| word.len() > 3).collect();
    let shared = |title: &str| {
        let title = title.to_lowercase();
        let words: Vec<&str> = title.split(|c: char| !c.is_alphanumeric()).collect();
        slug.iter().filter(|word| words.contains(&word.to_lowercase().as_str())).count()
    };
    let is_named = |heading: &&String| shared(heading) >= 2 && shared(heading) * 3 >= slug.len() * 2;
    let own = declared.iter().all(|title| shared(title) == 0) && !declared.is_empty();
    headings.iter().filter(|_| own).find(is_named)
}

/// Whether another declared title consists of this one and a heading. Then this one is the site's
/// name, which some sites declare as `og:title` on all pages.
fn is_beside_a_heading(title: &str, declared: &[String], headings: &[String]) -> bool {
    let own = letters(title);
    let rests = declared.iter().flat_map(|other| {
        SEPARATORS.iter().flat_map(move |separator| {
            let halves = [other.split_once(separator), other.rsplit_once(separator)];
            halves.into_iter().flatten().flat_map(|(a, b)| [(a, b), (b, a)])
        })
    });
    !own.is_empty()
        && rests.filter(|(site, _)| letters(site) == own).any(|(_, rest)| {
            let rest = letters(rest);
            rest.len() > own.len().min(8) && headings.iter().any(|heading| letters(heading) == rest)
        })
}

/// The letters of each possible name of the site in the title: one or more parts between
/// separators, at the start or the end.
fn parts(title: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for separator in SEPARATORS {
        for (at, _) in title.match_indices(separator) {
            parts.push(letters(&title[..at]));
            parts.push(letters(&title[at + separator.len()..]));
        }
    }
    for (at, _) in title.match_indices(": ") {
        parts.push(letters(&title[at + 2..]));
    }
    parts
}

/// Removes the site's name from the end or start of `title`.
fn without_site(title: &str, site_name: Option<&str>, url: Option<&Url>) -> String {
    // As older WordPress themes and Medium write it.
    if let Some((_, after)) = title.split_once(" » Blog Archive » ") {
        return after.trim().to_owned();
    }
    if let Some((before, _)) = title.split_once(" | by ").filter(|(before, _)| !before.trim().is_empty()) {
        return before.trim().to_owned();
    }
    if let Some((before, after)) = title.split_once(": ")
        && site_name.is_some_and(|site| letters(site) == letters(before))
        && !after.trim().is_empty()
    {
        return after.trim().to_owned();
    }
    for separator in SEPARATORS {
        if let Some((before, after)) = title.rsplit_once(separator)
            && is_site(&letters(after), site_name, url)
            && !before.trim().is_empty()
        {
            return without_site(before.trim(), site_name, url);
        }
        if let Some((before, after)) = title.split_once(separator)
            && is_site(&letters(before), site_name, url)
            && !after.trim().is_empty()
        {
            return after.trim().to_owned();
        }
    }
    // The site's name is unknown. The part after the last bar rarely belongs to the title.
    if site_name.is_none() {
        for separator in [" | ", " » ", " :: ", " -- ", " · ", " - ", " – ", " — "] {
            if let Some((before, after)) = title.rsplit_once(separator) {
                let words = |t: &str| t.split_whitespace().count();
                let sure = matches!(separator, " | " | " » " | " :: " | " -- ");
                if is_continuation(after) || !sure && !is_name(after) {
                    continue;
                }
                if words(before) >= if sure { 2 } else { 4 } && words(after) <= if sure { 6 } else { 3 } {
                    return before.trim().to_owned();
                }
            }
        }
    }
    title.trim().to_owned()
}

/// Whether the text after a separator continues the title: "Part 2", "a story", "and why they
/// wait".
fn is_continuation(text: &str) -> bool {
    const WORDS: &[&str] =
        &["act", "chapter", "day", "episode", "lesson", "part", "section", "teil", "vol", "volume", "week"];
    const ALONE: &[&str] =
        &["announcement", "conclusion", "introduction", "overview", "postmortem", "retrospective", "summary"];
    let text = text.trim();
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let (first, last) = (words.first().copied().unwrap_or(""), words.last().copied().unwrap_or(""));
    // "Part 2", "Deel 2", "Partie II".
    let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.bytes().all(|b| b"ivx".contains(&b));
    text.starts_with(|c: char| c.is_lowercase() || c.is_numeric() || c == '#')
        || WORDS.contains(&first) && words.len() <= 4
        || ALONE.contains(&lower.as_str())
        || is_number && words.len() <= 2
        || text.ends_with(['?', '!', '.', '…'])
}

/// Whether a text is written like a name: each longer word starts with a capital.
fn is_name(text: &str) -> bool {
    text.split_whitespace().all(|word| word.chars().count() <= 3 || !word.starts_with(char::is_lowercase))
}

/// Whether these letters are the name of the site or its host.
fn is_site(letters_of: &str, site_name: Option<&str>, url: Option<&Url>) -> bool {
    if letters_of.is_empty() {
        return true;
    }
    if site_name.map(letters).is_some_and(|site| {
        site == letters_of
            || letters_of.len() > 3 && site.contains(letters_of) && site.len() < letters_of.len() * 3
    }) {
        return true;
    }
    let host = url.and_then(Url::host_str).unwrap_or("");
    let host = host.strip_prefix("www.").unwrap_or(host);
    let domain = site_of(host);
    let label = domain.split('.').next().unwrap_or("");
    letters_of == letters(host)
        || letters_of == letters(domain)
        || !label.is_empty() && (letters_of == label || letters_of == format!("{label}blog"))
}

/// A heading's text without the sign that links to the heading.
pub(crate) fn without_anchor(heading: &str) -> String {
    heading.trim_matches(is_sign_or_space).to_owned()
}

fn is_sign_or_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '¶' | '#' | '§' | '🔗' | '\u{200b}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heading_with_words_of_the_address_beats_one_title_for_all() {
        let url: Url = "https://blog.example.com/2024/03/queues-that-wait/".parse().unwrap();
        let chosen = |declared: &str, headings: &[&str]| {
            let headings: Vec<String> = headings.iter().map(|t| (*t).to_owned()).collect();
            choose(&[declared.to_owned()], &headings, headings.first().map(String::as_str), None, Some(&url))
        };
        let title = Some("Queues that wait".to_owned());
        assert_eq!(chosen("Acme", &["Queues that wait"]), title);
        assert_eq!(chosen("Acme Tech Blog", &["Acme Tech Blog", "Queues that wait"]), title);
        assert_eq!(chosen("Blog | Acme", &["Blog", "Queues that wait"]), title);
        let other = Some("The queues of Acme".to_owned());
        assert_eq!(chosen("The queues of Acme", &["Queues that wait"]), other, "a title was declared");
        assert_eq!(chosen("Acme's evening", &["Why we hired"]), Some("Acme's evening".to_owned()));
    }

    #[test]
    fn sites_name_is_removed_from_titles() {
        let url: Url = "https://blog.example.com/queues".parse().unwrap();
        type Case = (&'static [&'static str], &'static [&'static str], Option<&'static str>, &'static str);
        let cases: &[Case] = &[
            (&["Queues that wait | The Blog"], &["Queues that wait"], None, "Queues that wait"),
            (&["Queues that wait | The Blog"], &["The Blog"], Some("The Blog"), "Queues that wait"),
            (
                &["Queues - and why they wait"],
                &["Queues – and why they wait"],
                Some("The Blog"),
                "Queues – and why they wait",
            ),
            (&["The Blog: Queues that wait"], &["Queues that wait"], None, "Queues that wait"),
            (&["Queues that wait - Example"], &[], None, "Queues that wait"),
            (&["Queues - and why they wait"], &[], Some("The Blog"), "Queues - and why they wait"),
            (&["The Blog"], &["The Blog", "Queues that wait"], Some("The Blog"), "The Blog"),
            (&["Why we left | Part 2 | The Blog"], &[], Some("The Blog"), "Why we left | Part 2"),
            (&["How we scaled our database – Part 2"], &[], None, "How we scaled our database – Part 2"),
            (&["How we scaled our database | Part 2"], &[], None, "How we scaled our database | Part 2"),
            (&["How we scaled our database - a story"], &[], None, "How we scaled our database - a story"),
            (&["How we scaled our database - The Blog"], &[], None, "How we scaled our database"),
            (&["How we scaled our database - Deel 2"], &[], None, "How we scaled our database - Deel 2"),
            (&["How we scaled our database - II"], &[], None, "How we scaled our database - II"),
            (&["How we lost our database — Postmortem"], &[], None, "How we lost our database — Postmortem"),
            (&["The Blog: Queues that wait"], &[], Some("The Blog"), "Queues that wait"),
            (&["The Blog » Blog Archive » Queues that wait"], &[], None, "Queues that wait"),
            (&["Queues that wait | by Ann Lee | Mar, 2024 | The Blog"], &[], None, "Queues that wait"),
            (
                &["Nightly Builds", "Queues that wait | Nightly Builds"],
                &["Nightly Builds", "Queues that wait"],
                None,
                "Queues that wait",
            ),
        ];
        for &(declared, headings, site, title) in cases {
            let declared: Vec<String> = declared.iter().map(|t| (*t).to_owned()).collect();
            let headings: Vec<String> = headings.iter().map(|t| (*t).to_owned()).collect();
            let first = headings.first().map(String::as_str);
            assert_eq!(
                choose(&declared, &headings, first, site, Some(&url)).as_deref(),
                Some(title),
                "{declared:?}"
            );
        }
    }
}
