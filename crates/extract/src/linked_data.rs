//! Metadata of an article from JSON-LD with schema.org's vocabulary.

use serde_json::Value;

/// An article's metadata. Missing fields are empty.
#[derive(Debug, Default)]
pub(crate) struct LinkedData {
    pub(crate) headline: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) published: Option<String>,
    pub(crate) site_name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) language: Option<String>,
}

/// Maximum bytes of a page's JSON-LD. Further blocks are ignored. Parsed values take up to eighty
/// times the memory of their text.
const LONGEST: usize = 1 << 20;
const MOST_OBJECTS: usize = 200;

impl LinkedData {
    /// Parses the blocks of a page's JSON-LD. Uses the first article among all objects.
    pub(crate) fn of(blocks: &[String]) -> Self {
        let mut left = LONGEST;
        let mut fits = |block: &&String| {
            let fits = block.len() <= left;
            left -= if fits { block.len() } else { 0 };
            fits
        };
        let parsed: Vec<Value> = blocks.iter().filter(|block| fits(block)).filter_map(|b| parse(b)).collect();
        let mut objects = Vec::new();
        for value in &parsed {
            gather(value, &mut objects, 0);
        }
        let mut data = Self::default();
        if let Some(article) = objects.iter().find(|o| is_article(o)) {
            data.headline = text(article.get("headline")).or_else(|| text(article.get("name")));
            data.author =
                names(article.get("author"), &objects).or_else(|| names(article.get("creator"), &objects));
            data.published = text(article.get("datePublished")).or_else(|| text(article.get("dateCreated")));
            data.description = text(article.get("description"));
            data.language = text(article.get("inLanguage"));
            data.site_name = names(article.get("publisher"), &objects);
        }
        let site = objects.iter().find(|o| has_type(o, &["WebSite"]));
        data.site_name = data.site_name.or_else(|| text(site?.get("name")));
        data
    }
}

fn parse(block: &str) -> Option<Value> {
    let block = block.trim().trim_start_matches("<!--").trim_end_matches("-->").trim();
    let block = block
        .trim_start_matches("//<![CDATA[")
        .trim_start_matches("<![CDATA[")
        .trim_end_matches("//]]>")
        .trim_end_matches("]]>");
    serde_json::from_str(block.trim()).ok().or_else(|| {
        // Line breaks inside strings are the most frequent error.
        let mended: String = block.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        serde_json::from_str(mended.trim().trim_end_matches(';')).ok()
    })
}

fn gather<'v>(value: &'v Value, objects: &mut Vec<&'v Value>, depth: usize) {
    if depth > 6 || objects.len() >= MOST_OBJECTS {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, objects, depth + 1)),
        Value::Object(object) => {
            objects.push(value);
            for key in ["@graph", "mainEntity", "mainEntityOfPage", "itemListElement", "blogPost"] {
                if let Some(inner) = object.get(key) {
                    gather(inner, objects, depth + 1);
                }
            }
        }
        _ => {}
    }
}

fn is_article(object: &Value) -> bool {
    const KINDS: &[&str] = &[
        "Article", "NewsArticle", "BlogPosting", "TechArticle", "Report", "ScholarlyArticle",
        "SocialMediaPosting", "AnalysisNewsArticle", "OpinionNewsArticle", "ReportageNewsArticle",
        "ReviewNewsArticle", "BackgroundNewsArticle", "LiveBlogPosting", "AdvertiserContentArticle",
        "Review", "SatiricalArticle",
    ];
    has_type(object, KINDS)
}

fn has_type(object: &Value, kinds: &[&str]) -> bool {
    let is = |kind: &Value| {
        kind.as_str().is_some_and(|k| kinds.contains(&k.rsplit(['/', '#', ':']).next().unwrap_or(k)))
    };
    match object.get("@type") {
        Some(Value::Array(all)) => all.iter().any(is),
        Some(kind) => is(kind),
        None => false,
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.as_str(),
        Value::Array(items) => items.first()?.as_str()?,
        Value::Object(object) => object.get("@value").or_else(|| object.get("name"))?.as_str()?,
        _ => return None,
    };
    Some(text.trim().to_owned()).filter(|t| !t.is_empty())
}

/// The names of people or organisations: strings, objects, references to other objects, or lists of
/// these.
fn names(value: Option<&Value>, objects: &[&Value]) -> Option<String> {
    let one = |value: &Value| match value {
        Value::String(name) => Some(name.trim().to_owned()),
        Value::Object(object) => match object.get("name") {
            Some(name) => text(Some(name)),
            None => {
                let id = object.get("@id")?;
                text(
                    objects.iter().find(|o| o.get("@id") == Some(id) && o.get("name").is_some())?.get("name"),
                )
            }
        },
        _ => None,
    };
    let all: Vec<String> = match value? {
        Value::Array(items) => items.iter().filter_map(one).take(20).collect(),
        value => one(value).into_iter().collect(),
    };
    let mut names: Vec<String> = Vec::new();
    for name in all {
        if !name.is_empty() && !name.contains("://") && !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn article_in_a_graph_has_its_author_by_reference() {
        let block = r##"{"@context":"https://schema.org","@graph":[
            {"@type":"WebSite","name":"The Site"},
            {"@type":["Article","BlogPosting"],"headline":"Queues","datePublished":"2020-08-21","author":[{"@id":"#a"},{"name":"Bo"}]},
            {"@id":"#a","@type":"Person","name":"Ann"}]}"##;
        let data = LinkedData::of(&[block.to_owned()]);
        assert_eq!(data.headline.as_deref(), Some("Queues"));
        assert_eq!(data.author.as_deref(), Some("Ann, Bo"));
        assert_eq!(data.published.as_deref(), Some("2020-08-21"));
        assert_eq!(data.site_name.as_deref(), Some("The Site"));
    }

    #[test]
    fn json_ld_of_many_blocks_is_bounded() {
        let large = |headline: &str| {
            let filler = "0,".repeat(LONGEST / 3);
            format!("{{\"filler\":[{filler}0],\"@type\":\"Article\",\"headline\":\"{headline}\"}}")
        };
        let other = "{\"@type\":\"Person\",\"filler\":\"".to_owned() + &"x".repeat(LONGEST / 2) + "\"}";
        let blocks = [other, large("too much"), "{\"@type\":\"Article\",\"headline\":\"small\"}".to_owned()];
        assert_eq!(LinkedData::of(&blocks).headline.as_deref(), Some("small"));
        assert_eq!(LinkedData::of(&blocks[1..2]).headline.as_deref(), Some("too much"));
    }

    #[test]
    fn broken_json_ld_is_skipped() {
        let blocks =
            ["{", "[1, null, \"x\"]", "{\"@type\":\"Article\",\"headline\":\"a\nb\"}"].map(str::to_owned);
        assert_eq!(LinkedData::of(&blocks).headline.as_deref(), Some("a b"));
    }
}
