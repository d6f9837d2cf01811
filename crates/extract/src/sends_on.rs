//! Recognises pages that only redirect. Site generators write them where a post has moved.

use dom_query::Document;
use url::Url;

use crate::tree::{AttrName, Tag, Tree};
use crate::{Page, decode, prefilter, render, words};

/// Maximum bytes of such a page.
const LARGEST: usize = 32 << 10;

/// Maximum words of such a page: "If you are not redirected in five seconds, click here."
const MOST_WORDS: u32 = 60;

/// Maximum delay in seconds.
const LONGEST_WAIT: f64 = 30.0;

/// Maximum bytes of a script that only redirects.
const LONGEST_SCRIPT: usize = 2000;

/// The target of a page that only redirects, by `<meta http-equiv=refresh>` or by a script. Returns
/// `None` if the page has more than a few words, or does not redirect.
pub fn sends_on(page: &Page<'_>) -> Option<Url> {
    if page.bytes.len() > LARGEST {
        return None;
    }
    let source = decode::decode(page.bytes, page.media_type);
    let lean = prefilter::prefilter(&source);
    let (tree, _) = Tree::of(&Document::from(lean.html.as_str()));
    if !tree.nodes.is_empty() && words::count(&tree.text(0, LARGEST)) > MOST_WORDS {
        return None;
    }
    let base = tree.nodes.iter().find(|n| n.tag == Tag::Base).and_then(|n| n.attr(AttrName::Href));
    let base = base.and_then(|href| render::absolute(href, page.url, &["http", "https"]));
    let base = base.as_ref().or(page.url);
    let for_all = |at: &usize| !tree.around(*at).any(|n| tree.tag(n) == Tag::Noscript);
    let metas = (0..tree.nodes.len()).filter(|&at| tree.tag(at) == Tag::Meta).filter(for_all);
    let refresh = metas.map(|at| tree.node(at)).find_map(|n| {
        let is_refresh = n.attr(AttrName::HttpEquiv)?.trim().eq_ignore_ascii_case("refresh");
        is_refresh.then(|| target_of_refresh(n.attr(AttrName::Content)?).map(str::to_owned))?
    });
    let target = refresh.or_else(|| target_of_script(&source))?;
    let target = render::absolute(&target, base, &["http", "https"])?;
    let without_fragment = |url: &Url| {
        let mut url = url.clone();
        url.set_fragment(None);
        url
    };
    (page.url.map(without_fragment) != Some(without_fragment(&target))).then_some(target)
}

/// The address in the content of a refresh: `0; url=https://…`, quoted or not (HTML standard,
/// 4.2.5.3).
fn target_of_refresh(content: &str) -> Option<&str> {
    let content = content.trim();
    let number = content.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(content.len());
    let wait: f64 = content[..number].parse().unwrap_or(0.0);
    let rest = content[number..].trim_start().strip_prefix([';', ','])?.trim_start();
    let rest = match rest.get(..3).filter(|start| start.eq_ignore_ascii_case("url")) {
        Some(_) => rest[3..].trim_start().strip_prefix('=')?.trim_start(),
        None => rest,
    };
    let target = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].split(quote).next()?,
        _ => rest,
    };
    (wait <= LONGEST_WAIT && !target.trim().is_empty()).then(|| target.trim())
}

/// The redirect target of a page's only script.
fn target_of_script(source: &str) -> Option<String> {
    let lower = source.to_ascii_lowercase();
    let mut scripts = lower.match_indices("<script");
    let (at, _) = scripts.next()?;
    if scripts.next().is_some() {
        return None;
    }
    let start = at + lower[at..].find('>')? + 1;
    let script = &source[start..start + lower[start..].find("</script")?];
    if script.len() > LONGEST_SCRIPT {
        return None;
    }
    const CALLS: &[&str] = &["location.replace(", "location.assign(", "location.href", "location"];
    let (_, after) = CALLS.iter().find_map(|call| script.split_once(call))?;
    let after = after.trim_start().trim_start_matches(['=', '(']).trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let target = after[1..].split(quote).next()?;
    (!target.contains("${") && !target.is_empty()).then(|| target.replace("\\/", "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(page: &str) -> Option<String> {
        let url: Url = "https://a.example/old/".parse().unwrap();
        let page = Page { bytes: page.as_bytes(), media_type: None, url: Some(&url) };
        sends_on(&page).map(String::from)
    }

    #[test]
    fn pages_that_only_redirect_give_their_target() {
        for (page, expected) in [
            (
                "<meta http-equiv='refresh' content='0; url=https://a.example/new/'>",
                Some("https://a.example/new/"),
            ),
            ("<meta http-equiv=Refresh content=\"5;URL='../new'\">", Some("https://a.example/new")),
            (
                "<meta http-equiv=refresh content='0,/new'><p>Redirecting…</p><a href=/new>Click here</a>",
                Some("https://a.example/new"),
            ),
            (
                "<script>window.location.replace(\"/new\");</script><title>Moved</title>",
                Some("https://a.example/new"),
            ),
            ("<script>location = '/new'</script>", Some("https://a.example/new")),
            (
                "<script>window.location.href='https:\\/\\/b.example\\/x'</script>",
                Some("https://b.example/x"),
            ),
            ("<meta http-equiv=refresh content='300'>", None),
            ("<meta http-equiv=refresh content='300; url=/'>", None),
            ("<meta http-equiv=refresh content='0; url=/old/#top'>", None),
            ("<meta http-equiv=refresh content='0; url=javascript:alert(1)'>", None),
            ("<meta http-equiv=refresh content='0; url=data:text/html,x'>", None),
            ("<noscript><meta http-equiv=refresh content='0; url=/noscript'></noscript>", None),
            ("<script>let a = 1;</script><script>location = '/new'</script>", None),
            ("<script>track(location.pathname)</script>", None),
            ("<p>Nothing moves here.</p>", None),
            ("", None),
        ] {
            assert_eq!(target(page).as_deref(), expected, "{page}");
        }
        let words = "<p>One of many words.</p>".repeat(30);
        assert_eq!(target(&format!("<meta http-equiv=refresh content='0; url=/new'>{words}")), None);
    }
}
