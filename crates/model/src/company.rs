//! Derives the company behind a blog from the blog's title.

/// Words that belong to the blog and not to the company.
const OF_THE_BLOG: &[&str] = &[
    "blog",
    "blogs",
    "techblog",
    "weblog",
    "engineering",
    "engineers",
    "eng",
    "tech",
    "technology",
    "developer",
    "developers",
    "dev",
    "official",
    "team",
    "news",
    "posts",
    "articles",
    "stories",
    "feed",
    "rss",
    "atom",
    "medium",
    "the",
    "on",
    "at",
    "from",
    "by",
    "of",
    "and",
    "&",
    "our",
];

/// Separators between the parts of a title.
const SEPARATORS: &[&str] = &[" | ", " - ", " – ", " — ", " · ", ": ", " on ", " at ", " from ", " by "];

/// The company in a blog's title: the title without "Blog", "Engineering" and the like. Returns the
/// whole title if nothing remains.
///
/// ```
/// # use backissue_model::company_of_title;
/// assert_eq!(company_of_title("Flink Blog on Apache Flink"), "Apache Flink");
/// assert_eq!(company_of_title("The Airbnb Tech Blog"), "Airbnb");
/// ```
pub fn company_of_title(title: &str) -> String {
    let title = title.trim();
    let mut parts = vec![title];
    for separator in SEPARATORS {
        parts = parts.into_iter().flat_map(|part| part.split(separator)).collect();
    }
    let names: Vec<String> = parts.iter().map(|part| bare(part)).collect();
    // Prefers a part that is a name as a whole, else the first part that contains one.
    let whole = parts.iter().zip(&names).find(|(part, name)| part.trim() == name.as_str());
    let name = whole.map(|(_, name)| name).or_else(|| names.iter().find(|name| !name.is_empty()));
    name.filter(|name| !name.is_empty()).map_or_else(|| title.to_owned(), Clone::clone)
}

/// Removes the words about the blog from both ends of `part`.
fn bare(part: &str) -> String {
    let mut words: Vec<&str> = part.split_whitespace().collect();
    let of_the_blog = |word: &&str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '&').to_lowercase();
        OF_THE_BLOG.contains(&word.as_str())
    };
    while words.last().is_some_and(of_the_blog) {
        words.pop();
    }
    let leading = words.iter().take_while(|word| of_the_blog(word)).count();
    let name = words[leading..].join(" ");
    name.strip_suffix("'s").or_else(|| name.strip_suffix("’s")).map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn company_is_derived_from_title() {
        for (title, company) in [
            ("Netflix TechBlog - Medium", "Netflix"),
            ("Engineering at Meta", "Meta"),
            ("Shopify Engineering", "Shopify"),
            ("Grab Tech", "Grab"),
            ("Artsy Engineering", "Artsy"),
            ("The Julia Blog", "Julia"),
            ("Posts on Linkerd", "Linkerd"),
            ("Apache DataFusion Blog", "Apache DataFusion"),
            ("Acme's Engineering Blog", "Acme"),
            ("blog.example.com", "blog.example.com"),
            ("Engineering Blog", "Engineering Blog"),
            ("All Things Distributed", "All Things Distributed"),
            ("", ""),
        ] {
            assert_eq!(company_of_title(title), company, "{title}");
        }
    }
}
