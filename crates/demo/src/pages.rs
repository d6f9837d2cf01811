//! Writes the blogs' pages: the article inside a typical page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::blog::{Blog, Post};

/// The blog's front page: its posts, newest first.
pub fn front(blog: &Blog, base: &str) -> Markup {
    frame(
        blog,
        base,
        &blog.title,
        html! {},
        html! {
            h1 { (blog.title) }
            p { (blog.tagline) }
            ul.posts {
                @for post in &blog.posts {
                    li {
                        a href=(address(base, post)) { (post.title) }
                        " " time datetime=(post.published) { (day(post)) }
                        p { (post.summary) }
                    }
                }
            }
        },
    )
}

/// One post in the blog's frame.
pub fn post(blog: &Blog, post: &Post, base: &str) -> Markup {
    let related = blog.posts.iter().filter(|p| p.slug != post.slug).take(3);
    frame(
        blog,
        base,
        &format!("{} | {}", post.title, blog.title),
        html! {
            link rel="canonical" href=(address(base, post));
            meta name="description" content=(post.summary);
            meta name="author" content=(post.author);
            meta property="og:title" content=(post.title);
            meta property="og:site_name" content=(blog.title);
            meta property="article:published_time" content=(post.published);
        },
        html! {
            article {
                h1 { (post.title) }
                p.byline { "By " (post.author) " · " time datetime=(post.published) { (day(post)) } }
                (PreEscaped(&post.html))
                ul.tags { @for tag in &post.tags { li { (tag) } } }
            }
            aside.related {
                h2 { "More from " (blog.company) }
                ul { @for other in related { li { a href=(address(base, other)) { (other.title) } } } }
            }
        },
    )
}

fn frame(blog: &Blog, base: &str, title: &str, head: Markup, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(blog.language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="alternate" type=(crate::dialect::dialect(blog).media_type()) title=(blog.title) href={ (base) "feed" };
                (head)
                style { (PreEscaped(style(&blog.accent))) }
            }
            body {
                header {
                    nav { a href=(base) { (blog.title) } " · " a href={ (base) "feed" } { "Subscribe" } }
                }
                div.cookie-notice role="dialog" {
                    "This invented blog sets no cookies, but a blog without such a notice would be hard to believe. "
                    button { "Fine" }
                }
                main { (main) }
                footer { p { (blog.company) " is an invented company; its blog is part of Backissue's demo." } }
            }
        }
    }
}

fn style(accent: &str) -> String {
    format!(
        "body{{font:17px/1.6 system-ui,sans-serif;max-width:42rem;margin:0 auto;padding:0 1rem 3rem}}\
         header,footer{{border-top:4px solid {accent};padding:1rem 0}}a{{color:{accent}}}\
         pre{{overflow:auto;background:#f4f4f2;padding:1rem}}.cookie-notice{{background:#f4f4f2;padding:.5rem 1rem}}\
         table{{border-collapse:collapse}}td,th{{padding:.25rem .75rem;border:1px solid #ccc}}"
    )
}

/// The post's address under the blog's, which ends in a slash.
pub fn address(base: &str, post: &Post) -> String {
    format!("{base}posts/{}/", post.slug)
}

fn day(post: &Post) -> String {
    post.published.to_zoned_datetime(jiff::tz::TimeZone::UTC).date().to_string()
}
