//! The blogs' feeds, in the formats that real blogs use.

use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use quick_xml::escape::escape;
use serde_json::json;

use crate::blog::{Blog, Post};
use crate::dialect::{Dialect, dialect};
use crate::pages::address;

/// The blog's feed. `base` is the blog's address with a final slash.
pub fn feed(blog: &Blog, base: &str) -> String {
    match dialect(blog) {
        Dialect::RssWhole => rss(
            blog,
            base,
            |post| {
                format!(
                    "<content:encoded><![CDATA[{}]]></content:encoded>",
                    post.html.replace("]]>", "]]&gt;")
                )
            },
            "",
        ),
        Dialect::RssBrief => rss(blog, base, |_| String::new(), "?utm_source=rss&utm_medium=feed"),
        Dialect::Atom => atom(blog, base),
        Dialect::Json => json_feed(blog, base),
    }
}

fn rss(blog: &Blog, base: &str, extra: impl Fn(&Post) -> String, parameters: &str) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\
         <channel><title>{}</title><link>{base}</link><description>{}</description><language>{}</language>\n",
        escape(&blog.title),
        escape(&blog.tagline),
        blog.language
    );
    for post in &blog.posts {
        let url = address(base, post);
        let date = rfc2822::to_string(&post.published.to_zoned_datetime(TimeZone::UTC)).unwrap_or_default();
        xml.push_str(&format!(
            "<item><title>{}</title><link>{}</link><guid>{url}</guid><dc:creator>{}</dc:creator><pubDate>{date}</pubDate>\
             <description>{}</description>{}{}</item>\n",
            escape(&post.title),
            escape(format!("{url}{parameters}")),
            escape(&post.author),
            escape(&post.summary),
            post.tags.iter().map(|t| format!("<category>{}</category>", escape(t))).collect::<String>(),
            extra(post)
        ));
    }
    xml + "</channel></rss>\n"
}

fn atom(blog: &Blog, base: &str) -> String {
    let updated = blog.posts.first().map(|p| p.published).unwrap_or_default();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:base=\"{base}\" \
         xml:lang=\"{}\"><title>{}</title><subtitle>{}</subtitle><id>{base}</id><link href=\"./\"/>\
         <link rel=\"self\" href=\"feed\"/><updated>{updated}</updated>\n",
        blog.language,
        escape(&blog.title),
        escape(&blog.tagline)
    );
    for post in &blog.posts {
        xml.push_str(&format!(
            "<entry><title>{}</title><link href=\"posts/{}/\"/><id>{}</id><published>{}</published>\
             <updated>{}</updated><author><name>{}</name></author><summary>{}</summary></entry>\n",
            escape(&post.title),
            post.slug,
            address(base, post),
            post.published,
            post.published,
            escape(&post.author),
            escape(&post.summary)
        ));
    }
    xml + "</feed>\n"
}

fn json_feed(blog: &Blog, base: &str) -> String {
    let items: Vec<_> = blog.posts.iter().map(|post| {
        let url = address(base, post);
        json!({ "id": url, "url": url, "title": post.title, "summary": post.summary, "content_text": post.summary,
                "date_published": post.published, "authors": [{ "name": post.author }], "tags": post.tags })
    }).collect();
    json!({ "version": "https://jsonfeed.org/version/1.1", "title": blog.title, "home_page_url": base,
            "feed_url": format!("{base}feed"), "description": blog.tagline, "language": blog.language, "items": items })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_feed::{Hints, parse};

    #[test]
    fn feeds_list_all_posts_with_address_and_date() {
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        for blog in crate::blogs(now).unwrap() {
            let base = format!("http://{}.localhost:1234/", blog.slug);
            let hints = Hints { url: base.parse().ok(), media_type: None };
            let read = parse(feed(&blog, &base).as_bytes(), &hints).unwrap();
            assert_eq!(read.title.as_deref(), Some(blog.title.as_str()));
            assert_eq!(read.entries.len(), blog.posts.len());
            for (entry, post) in read.entries.iter().zip(&blog.posts) {
                assert_eq!(entry.title.as_deref(), Some(post.title.as_str()));
                let url = backissue_model::CanonicalUrl::of(entry.url.as_ref().unwrap()).unwrap();
                assert_eq!(url.as_str(), address(&base, post));
                assert_eq!(entry.published.unwrap().as_second(), post.published.as_second());
            }
        }
    }
}
