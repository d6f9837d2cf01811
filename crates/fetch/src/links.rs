//! Links in the headers of a response (RFC 8288). The functions do no input or output.

use reqwest::header::{HeaderMap, LINK};
use url::Url;

/// Maximum links per response. Further ones are dropped.
const MOST_LINKS: usize = 50;

/// Maximum bytes of a link's address.
const LONGEST_ADDRESS: usize = 4 << 10;

/// A link in a response's headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The relation in lower case: `hub`, `self`, `next`. A link with several relations becomes
    /// several links.
    pub relation: String,
    /// The target: http or https, absolute.
    pub url: Url,
}

/// The links in the headers, resolved against `base`. Skips malformed ones.
pub(crate) fn links(headers: &HeaderMap, base: &Url) -> Vec<Link> {
    let values = headers.get_all(LINK).into_iter().filter_map(|value| value.to_str().ok());
    let mut links: Vec<Link> = values.flat_map(|value| of_value(value, base)).take(MOST_LINKS).collect();
    links.retain(|link| matches!(link.url.scheme(), "http" | "https"));
    links
}

fn of_value(value: &str, base: &Url) -> Vec<Link> {
    let mut links = Vec::new();
    let mut rest = value;
    while let Some((target, after)) = target(rest) {
        let (relations, after) = relations(after);
        rest = after;
        let Some(url) = base.join(target).ok().filter(|url| url.as_str().len() <= LONGEST_ADDRESS) else {
            continue;
        };
        for relation in relations.split_ascii_whitespace() {
            links.push(Link { relation: relation.to_ascii_lowercase(), url: url.clone() });
        }
        if links.len() >= MOST_LINKS {
            break;
        }
    }
    links
}

/// The next `<address>`, and the text after it.
fn target(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\t', ',']);
    let (target, after) = text.strip_prefix('<')?.split_once('>')?;
    Some((target.trim(), after))
}

/// The value of the first parameter `rel`, and the text after all parameters.
fn relations(mut text: &str) -> (String, &str) {
    let mut relations = None;
    while let Some(parameter) = text.trim_start().strip_prefix(';') {
        let parameter = parameter.trim_start();
        let end = parameter.find(['=', ';', ',']).unwrap_or(parameter.len());
        let name = parameter[..end].trim();
        let (value, after) = match parameter[end..].strip_prefix('=') {
            Some(value) => parameter_value(value.trim_start()),
            None => (String::new(), &parameter[end..]),
        };
        if name.eq_ignore_ascii_case("rel") && relations.is_none() {
            relations = Some(value);
        }
        text = after;
    }
    (relations.unwrap_or_default(), text)
}

/// A parameter's value, quoted or not, and the text after it.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_real_servers_are_parsed() {
        let base: Url = "https://blog.example/feed".parse().unwrap();
        for (value, want) in [
            (
                r#"<https://hub.example/>; rel="hub", </feed>; rel=self"#,
                &["hub https://hub.example/", "self https://blog.example/feed"][..],
            ),
            (
                r#"<https://hub.example/?a=1,2;3>; title="a, \"b\"; <c>"; rel="Hub"; rel=other"#,
                &["hub https://hub.example/?a=1,2;3"],
            ),
            (
                r#"<https://a.example/>;rel="hub self" , <https://b.example/> ; rel = hub"#,
                &["hub https://a.example/", "self https://a.example/", "hub https://b.example/"],
            ),
            ("<mailto:me@example.com>; rel=hub", &[]),
            ("<https://a.example/>", &[]),
            ("https://a.example/; rel=hub", &[]),
            ("<https://a.example/", &[]),
            (r#"<https://a.example/>; rel="hub"#, &["hub https://a.example/"]),
            ("", &[]),
        ] {
            let headers = HeaderMap::from_iter([(LINK, value.parse().unwrap())]);
            let found: Vec<String> =
                links(&headers, &base).iter().map(|link| format!("{} {}", link.relation, link.url)).collect();
            assert_eq!(found, want, "{value}");
        }
        let many = "<https://a.example/>; rel=hub, ".repeat(1000);
        let headers = HeaderMap::from_iter([(LINK, many.trim_end_matches(", ").parse().unwrap())]);
        assert_eq!(links(&headers, &base).len(), MOST_LINKS);
    }
}
