//! The readable last part of an address.

use serde::{Deserialize, Serialize};

use crate::names::text;

/// 1 to 80 lower-case ASCII letters, digits and single hyphens, with no hyphen at either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Slug(String);

text!(Slug);

impl Slug {
    /// Maximum bytes of a slug.
    pub const MAX: usize = 80;

    /// Makes a slug of any text, cut after a word if it is too long. Text without a usable letter
    /// gives `untitled`.
    pub fn of(text: &str) -> Self {
        let mut slug = String::with_capacity(text.len().min(Self::MAX));
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’') {
            let word: String = word.chars().flat_map(plain_letter).collect();
            let wanted = slug.len() + usize::from(!slug.is_empty()) + word.len();
            if word.is_empty() {
                continue;
            }
            if wanted > Self::MAX {
                if slug.is_empty() {
                    slug.push_str(&word[..Self::MAX]);
                }
                break;
            }
            if !slug.is_empty() {
                slug.push('-');
            }
            slug.push_str(&word);
        }
        if slug.is_empty() {
            slug.push_str("untitled");
        }
        Self(slug)
    }
}

/// The ASCII spelling of a Latin letter. Empty for other characters.
fn plain_letter(c: char) -> impl Iterator<Item = char> {
    let text: &'static str = match c.to_lowercase().next().unwrap_or(c) {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ō' => "o",
        'ö' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ß' => "ss",
        'ť' | 'ț' | 'ţ' => "t",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    };
    let ascii = c.is_ascii_alphanumeric().then(|| c.to_ascii_lowercase());
    ascii.into_iter().chain(text.chars())
}

impl From<String> for Slug {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn titles_become_slugs() {
        for (title, slug) in [
            ("Don't block the event loop!", "dont-block-the-event-loop"),
            ("Größe & Maß: übermäßig", "groesse-mass-uebermaessig"),
            ("数据库", "untitled"),
            ("  --  ", "untitled"),
            ("C++20 at 10× the speed", "c-20-at-10-the-speed"),
        ] {
            assert_eq!(Slug::of(title).as_str(), slug);
        }
    }

    proptest! {
        #[test]
        fn slugs_of_any_text_are_idempotent(text in "\\PC{0,200}") {
            let slug = Slug::of(&text);
            prop_assert!(!slug.as_str().is_empty() && slug.as_str().len() <= Slug::MAX);
            prop_assert!(slug.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert_eq!(Slug::of(slug.as_str()), slug);
        }
    }
}
