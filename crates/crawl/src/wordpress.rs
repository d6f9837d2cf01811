//! Parses lists of posts from WordPress's REST API.

use backissue_feed::markup::{is_on_the_web, json, plain_text};
use backissue_model::dates;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

/// A post in WordPress's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Its address.
    pub url: Url,
    /// Its title as plain text.
    pub title: Option<String>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

/// Posts per page of such a list: the maximum that WordPress allows.
pub const POSTS_PER_PAGE: usize = 100;

/// The address of page `number` (from 1) of the list of posts, newest first. `interface` is the
/// API's address: the one that a page declares, or `/wp-json/` at the site's root.
pub fn posts_page(interface: &Url, number: u32) -> Option<Url> {
    let mut url = interface.clone();
    // A site without pretty URLs has the interface behind a parameter.
    let route = url.query_pairs().find(|(name, _)| name == "rest_route").map(|(_, route)| route.into_owned());
    url.set_fragment(None);
    url.set_query(None);
    match route {
        Some(route) => {
            url.query_pairs_mut()
                .append_pair("rest_route", &format!("{}/wp/v2/posts", route.trim_end_matches('/')));
        }
        None => {
            let path = format!("{}/wp/v2/posts", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
    }
    url.query_pairs_mut()
        .append_pair("per_page", &POSTS_PER_PAGE.to_string())
        .append_pair("page", &number.to_string())
        .append_pair("_fields", "link,date_gmt,modified_gmt,title");
    Some(url).filter(is_on_the_web)
}

/// Parses a page of the list of posts. Returns `None` if the bytes are not such a list.
pub fn posts(bytes: &[u8]) -> Option<Vec<Post>> {
    let list = json(std::str::from_utf8(bytes).ok()?).ok()?;
    let list = list.as_array()?;
    let post = |post: &Value| {
        let text = |name: &str| post.get(name).and_then(Value::as_str);
        let title = post.get("title").and_then(|title| title.get("rendered").or(Some(title)));
        Some(Post {
            url: Url::parse(text("link")?).ok().filter(is_on_the_web)?,
            title: title.and_then(Value::as_str).map(plain_text).filter(|title| !title.is_empty()),
            published: text("date_gmt").and_then(dates::parse),
            modified: text("modified_gmt").and_then(dates::parse),
        })
    };
    Some(list.iter().take(10 * POSTS_PER_PAGE).filter_map(post).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wordpress_lists_are_requested_and_parsed() {
        let page = |interface: &str| posts_page(&interface.parse().unwrap(), 3).unwrap().to_string();
        assert_eq!(
            page("https://a.example/blog/wp-json/"),
            "https://a.example/blog/wp-json/wp/v2/posts?per_page=100&page=3&_fields=link%2Cdate_gmt%2Cmodified_gmt%2Ctitle"
        );
        assert!(
            page("https://a.example/index.php?rest_route=/")
                .contains("rest_route=%2Fwp%2Fv2%2Fposts&per_page")
        );
        let list = br#"[{"link":"https://a.example/one/","date_gmt":"2019-05-04T03:02:01","modified_gmt":"2020-01-01T00:00:00",
            "title":{"rendered":"One &#8211; <em>two</em>"}},{"link":"javascript:x"},{"id":3}]"#;
        let found = posts(list).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].title.as_deref(), Some("One \u{2013} two"));
        assert_eq!(found[0].published, "2019-05-04T03:02:01Z".parse().ok());
        assert_eq!(posts(br#"{"code":"rest_post_invalid_page_number"}"#), None);
    }
}
