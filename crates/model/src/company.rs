//! Derives the company behind a blog from the blog's title.

/// Words of a title that describe the blog and are not part of the company's name.
const OF_THE_BLOG: &[&str] = &[
    "blog", "blogs", "weblog", "developer", "developers", "dev", "official", "team", "product", "technical",
    "news", "newsroom", "posts", "articles", "stories", "entries", "updates", "content", "recent", "latest",
    "home", "archive", "archives", "feed", "rss", "atom", "medium", "substack", "life", "inside", "the",
    "in", "on", "at", "@", "from", "by", "of", "and", "for", "&", "our",
];

/// Words for engineering. A name before them is more likely a company's than any other part of the
/// title.
const OF_ENGINEERS: &[&str] = &["engineering", "engineers", "eng", "tech", "techblog", "technology"];

/// Words for texts that one person writes. The words after them are a subject, not a company.
const OF_A_PERSON: &[&str] = &[
    "notes", "thoughts", "musings", "ramblings", "essays", "reflections", "adventures", "lessons", "writing",
    "writings", "journal", "diary", "views", "experiments", "tales", "things",
];

/// Words for subjects. A name that has only these words is not a company's.
const SUBJECTS: &[&str] = &[
    "software", "systems", "databases", "database", "data", "programming", "code", "coding", "web",
    "computers", "computing", "science", "security", "design", "development", "distributed", "site",
    "reliability", "devops", "cloud", "ai", "machine", "learning", "performance",
];

/// Separators between the parts of a title.
const SEPARATORS: &[&str] =
    &[" | ", " - ", " – ", " — ", " · ", " • ", " » ", " « ", " :: ", " // ", " / ", " (", ": "];

/// Words that can precede the name of the author or company.
const PREPOSITIONS: &[&str] = &[" @ ", "@", " at ", " from ", " by ", " on ", " in "];

/// Maximum words of a part of a title that can be a name. A longer part is a motto.
const NAME_WORDS: usize = 4;

/// The company in a blog's title: the title without "Blog", "Engineering" and the like. Returns the
/// whole title if nothing remains, or if only the blog's subject does.
///
/// ```
/// # use backissue_model::company_of_title;
/// assert_eq!(company_of_title("Flink Blog on Apache Flink"), "Apache Flink");
/// assert_eq!(company_of_title("The Airbnb Tech Blog"), "Airbnb");
/// assert_eq!(company_of_title("Notes on databases"), "Notes on databases");
/// ```
pub fn company_of_title(title: &str) -> String {
    let title = title.trim();
    let mut parts = vec![title];
    for separator in SEPARATORS {
        parts = parts.into_iter().flat_map(|part| part.split(separator)).collect();
    }
    let names: Vec<Name> = parts.into_iter().filter_map(Name::of).collect();
    // The first of the best.
    let best = names.into_iter().reduce(|best, next| if next.standing > best.standing { next } else { best });
    best.map_or_else(|| title.to_owned(), |name| name.text)
}

/// How likely a part of a title is the company's name, least likely first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// The part is a motto, or the subject of one person's texts.
    Motto,
    /// The part has a name and words that describe the blog.
    BesideBlog,
    /// The whole part is a name.
    Whole,
    /// The part has a name before a word for engineering.
    BesideEngineering,
}

/// A possible company name, from one part of a title.
struct Name {
    text: String,
    standing: Standing,
}

impl Name {
    /// The possible name in `part`. Returns `None` if all words of `part` describe the blog.
    fn of(part: &str) -> Option<Self> {
        let part = part.trim().trim_end_matches(')');
        for preposition in PREPOSITIONS {
            let Some((what, who)) = part.split_once(preposition) else { continue };
            if is_among(first_word(what), OF_A_PERSON) && !preposition.contains('@') {
                return Some(Self { text: part.to_owned(), standing: Standing::Motto });
            }
            // "Ruby on Rails" is one name; "Posts on Linkerd" is not.
            let of_the_blog = what.split_whitespace().any(is_of_the_blog) || what.is_empty();
            if !(of_the_blog || preposition.contains('@')) || !begins_like_a_name(who) {
                continue;
            }
            if let Some(name) = Self::of(who) {
                return Some(Self { standing: name.standing.max(Standing::BesideEngineering), ..name });
            }
            return Self::of(what);
        }
        Self::beside_words_of_the_blog(part)
    }

    fn beside_words_of_the_blog(part: &str) -> Option<Self> {
        let words: Vec<&str> = part.split_whitespace().collect();
        let leading = words.iter().take_while(|word| is_of_the_blog(word)).count();
        let words = &words[leading..];
        // "Yelp Engineering and Product": what follows "Engineering" is no part of the name.
        let engineering = words.iter().position(|word| is_among(word, OF_ENGINEERS));
        let mut name = &words[..engineering.unwrap_or(words.len())];
        while name.last().is_some_and(|word| is_of_the_blog(word)) {
            name = &name[..name.len() - 1];
        }
        let text = name.join(" ");
        if text.is_empty() {
            return None;
        }
        let text = text.strip_suffix("'s").or_else(|| text.strip_suffix("’s")).unwrap_or(&text).to_owned();
        let is_subject = name.iter().all(|word| is_among(word, SUBJECTS));
        let standing = if is_subject || name.len() > NAME_WORDS {
            Standing::Motto
        } else if engineering.is_some() {
            Standing::BesideEngineering
        } else if text == part {
            Standing::Whole
        } else {
            Standing::BesideBlog
        };
        let text = if is_subject { part.to_owned() } else { text };
        Some(Self { text, standing })
    }
}

fn is_of_the_blog(word: &str) -> bool {
    is_among(word, OF_THE_BLOG) || is_among(word, OF_ENGINEERS)
}

fn is_among(word: &str, list: &[&str]) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '&' && c != '@').to_lowercase();
    list.contains(&word.as_str())
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Whether `text` starts like a name, not like a subject: "Wolt", "openstatus.dev".
fn begins_like_a_name(text: &str) -> bool {
    let first = first_word(text);
    first.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit()) || first.contains('.')
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
            ("Tech @ Wolt", "Wolt"),
            ("Engineering@Tecton", "Tecton"),
            ("@WalmartLabs", "WalmartLabs"),
            ("Life at Spotify", "Spotify"),
            ("Notes on databases", "Notes on databases"),
            ("Thoughts on Software", "Thoughts on Software"),
            ("Notes from Ada", "Notes from Ada"),
            ("Software Engineering", "Software Engineering"),
            ("Ruby on Rails", "Ruby on Rails"),
            ("Rails at Scale", "Rails at Scale"),
            ("Recent content on Vitess", "Vitess"),
            ("Stories by Ada Lovelace on Medium", "Ada Lovelace"),
            ("Netflix TechBlog on Medium", "Netflix"),
            ("Etsy Engineering | Code as Craft", "Etsy"),
            ("Code as Craft - Etsy Engineering", "Etsy"),
            ("Yelp Engineering and Product Blog", "Yelp"),
            ("BBC Product & Technology - Medium", "BBC"),
            ("Cerner Engineering Health", "Cerner"),
            ("OpenTable Tech UK", "OpenTable"),
            ("Bedrock Tech Blog", "Bedrock"),
            ("Engineering – The GitHub Blog", "GitHub"),
            ("Jenkins Is The Way (user stories)", "Jenkins Is The Way"),
            ("Acme (Engineering Blog)", "Acme"),
            ("The Acme Blog - Ideas for the people who build", "Acme"),
            ("brandur.org articles", "brandur.org"),
            ("The Travis CI Blog", "Travis CI"),
            ("Let's Encrypt Blog", "Let's Encrypt"),
            ("openstatus Blog", "openstatus"),
            ("All Things Distributed", "All Things Distributed"),
            ("", ""),
        ] {
            assert_eq!(company_of_title(title), company, "{title}");
        }
    }
}
