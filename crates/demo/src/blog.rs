//! Parses the posts from files that are part of the binary.

use include_dir::{Dir, include_dir};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

static POSTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/posts");

/// Why the demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file in the binary is malformed: a bug in the program.
    #[error("the demo's own file {file} is broken: {why}; please report this")]
    Broken {
        /// The file, relative to the folder of posts.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// No loopback port is available.
    #[error(
        "the demo's blogs cannot be served on 127.0.0.1: {0}; free a port or check the machine's loopback interface"
    )]
    Listen(#[from] std::io::Error),
}

/// An invented company's blog.
#[derive(Clone, Debug)]
pub struct Blog {
    /// The first part of its host name.
    pub slug: String,
    /// The blog's title.
    pub title: String,
    /// The company behind it.
    pub company: String,
    /// The line below the title on the blog's pages.
    pub tagline: String,
    /// The language of the posts, as a BCP 47 tag.
    pub language: String,
    /// The colour of its pages, `#rrggbb`.
    pub accent: String,
    /// Its posts, newest first.
    pub posts: Vec<Post>,
}

/// One post.
#[derive(Clone, Debug)]
pub struct Post {
    /// The last part of its address.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its author.
    pub author: String,
    /// Its publication date, never after the start of the demo.
    pub published: Timestamp,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its summary in the feed.
    pub summary: String,
    /// Its body as HTML.
    pub html: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlogFile {
    title: String,
    company: String,
    tagline: String,
    language: String,
    accent: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: String,
    author: String,
    days_ago: i64,
    time: Time,
    tags: Vec<String>,
    summary: String,
}

/// All blogs with their posts, dated relative to `now`.
///
/// # Errors
/// [`DemoError::Broken`] if a file in the binary is malformed.
pub fn blogs(now: Timestamp) -> Result<Vec<Blog>, DemoError> {
    POSTS.dirs().map(|folder| blog(folder, now)).collect()
}

fn blog(folder: &Dir<'_>, now: Timestamp) -> Result<Blog, DemoError> {
    let slug = folder.path().display().to_string();
    let path = format!("{slug}/blog.toml");
    let broken = |why: String| DemoError::Broken { file: path.clone(), why };
    let text = POSTS
        .get_file(&path)
        .and_then(|f| f.contents_utf8())
        .ok_or_else(|| broken("it is missing".into()))?;
    let BlogFile { title, company, tagline, language, accent } =
        toml::from_str(text).map_err(|e| broken(e.to_string()))?;
    let mut posts = folder
        .files()
        .filter(|f| f.path().extension().is_some_and(|e| e == "md"))
        .map(|file| {
            let path = file.path().display().to_string();
            let slug = file.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            post(slug, file.contents_utf8().unwrap_or_default(), now)
                .map_err(|why| DemoError::Broken { file: path, why })
        })
        .collect::<Result<Vec<_>, _>>()?;
    posts.sort_by_key(|p| std::cmp::Reverse(p.published));
    Ok(Blog { slug, title, company, tagline, language, accent, posts })
}

fn post(slug: String, file: &str, now: Timestamp) -> Result<Post, String> {
    let (front, body) = file
        .strip_prefix("+++\n")
        .and_then(|rest| rest.split_once("\n+++\n"))
        .ok_or("it does not begin with front matter between two lines of +++")?;
    let FrontMatter { title, author, days_ago, time, tags, summary } =
        toml::from_str(front).map_err(|e| e.to_string())?;
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let published = today
        .checked_sub(days_ago.days())
        .and_then(|day| day.to_datetime(time).to_zoned_datetime(TimeZone::UTC))
        .map_err(|e| e.to_string())?
        .timestamp()
        .min(now);
    let options = pulldown_cmark::Options::ENABLE_TABLES;
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new_ext(body, options));
    Ok(Post { slug, title, author, published, tags, summary, html })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T00:05:00Z".parse().unwrap()
    }

    #[test]
    fn six_blogs_fill_twelve_weeks() {
        let blogs = blogs(now()).unwrap();
        assert_eq!(blogs.len(), 6);
        let posts: Vec<&Post> = blogs.iter().flat_map(|b| &b.posts).collect();
        assert!(posts.len() >= 40, "{}", posts.len());
        let mut weeks: Vec<_> =
            posts.iter().map(|p| backissue_model::Week::of(p.published, &TimeZone::UTC)).collect();
        weeks.sort();
        weeks.dedup();
        assert!(weeks.len() >= 12, "{weeks:?}");
        assert!(posts.iter().all(|p| p.published <= now()), "nothing is dated in the future");
    }

    #[test]
    fn posts_have_300_to_900_words() {
        for blog in blogs(now()).unwrap() {
            for post in blog.posts {
                let text: String = post
                    .html
                    .split('<')
                    .map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text))
                    .collect::<Vec<_>>()
                    .join(" ");
                let words = text.split_whitespace().count();
                assert!((290..=920).contains(&words), "{}/{}: {words} words", blog.slug, post.slug);
            }
        }
    }
}
