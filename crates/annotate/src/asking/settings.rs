//! Which prompt is sent, and how much of an article it holds.

use std::str::FromStr;

/// A version of the prompt. A reply to one version is not reused for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PromptVersion {
    /// The version without worked examples, kept for comparison.
    Two,
    /// Instructions, two worked examples and the whole vocabulary: about 3,000 tokens before the
    /// article.
    #[default]
    Three,
    /// For small models and small contexts: brief instructions, at most 20 sentences, and only the
    /// concepts that the article mentions; under 1,200 tokens with the article.
    ThreeShort,
}

impl PromptVersion {
    /// All versions, oldest first.
    pub const ALL: [Self; 3] = [Self::Two, Self::Three, Self::ThreeShort];

    /// Its name in settings and in the précis.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Two => "2",
            Self::Three => "3",
            Self::ThreeShort => "3-short",
        }
    }

    /// Maximum sentences of an article.
    pub(super) fn sentences_max(self) -> usize {
        if self == Self::ThreeShort { SHORT_SENTENCES } else { usize::MAX }
    }

    /// Maximum characters of an article, if the model's settings allow more.
    pub(super) fn characters_max(self) -> usize {
        if self == Self::ThreeShort { SHORT_CHARACTERS } else { usize::MAX }
    }

    /// Whether the prompt includes lines of code and of tables.
    pub(super) fn shows_code(self) -> bool {
        self == Self::Three
    }
}

impl FromStr for PromptVersion {
    type Err = String;

    /// Parses a version's name. `full` and `short` mean the newest version of each form.
    fn from_str(name: &str) -> Result<Self, String> {
        let name = match name {
            "full" => Self::Three.as_str(),
            "short" => Self::ThreeShort.as_str(),
            other => other,
        };
        let mut all = Self::ALL.into_iter();
        all.find(|version| version.as_str() == name)
            .ok_or_else(|| format!("no prompt is called `{name}`; write full, short, 2, 3 or 3-short"))
    }
}

/// Maximum sentences and characters of the article in the short form.
const SHORT_SENTENCES: usize = 20;

const SHORT_CHARACTERS: usize = 2_400;

/// Default for the characters of an article in a prompt: about 4,000 tokens. With instructions and
/// reply it stays below the 8,192 tokens of small models.
pub const ARTICLE_CHARACTERS: usize = 16_000;

/// Which prompt is sent, and how much of an article it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptSettings {
    /// The version of the prompt.
    pub version: PromptVersion,
    /// Maximum characters of an article.
    pub characters: usize,
}

impl PromptSettings {
    /// Maximum characters of an article: the smaller of the settings' limit and the version's.
    pub fn characters_max(self) -> usize {
        self.characters.min(self.version.characters_max())
    }
}

impl Default for PromptSettings {
    fn default() -> Self {
        Self { version: PromptVersion::default(), characters: ARTICLE_CHARACTERS }
    }
}
