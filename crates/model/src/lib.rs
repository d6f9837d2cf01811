//! The vocabulary of Backissue as types: source, feed, entry, read, article, précis, evidence,
//! kind, concept, correction, week, reader, mark, note, label, highlight.
//!
//! All other crates use these types. This crate does no input or output and reads no clock. It
//! knows neither the database nor HTML. Types with a rule ([`Week`], [`CanonicalUrl`],
//! [`ConceptSlug`], [`Slug`]) can only hold valid values.

mod address;
mod article;
mod block;
pub mod bounds;
pub mod cancel;
mod canonical_url;
mod company;
mod concept;
mod correction;
pub mod dates;
mod entry;
mod hex;
mod highlight;
mod issue;
mod mail_address;
pub mod markdown;
mod names;
mod nearest;
mod note;
mod own_digest;
mod password;
mod practice;
mod precis;
mod progress;
mod read;
mod reader;
mod retention;
mod rhythm;
mod saved_search;
mod signs;
mod slug;
mod source;
mod token;
mod typed;
mod webhook;
mod week;

pub use address::{owns, same_site, site_of, without_credentials};
pub use article::{Article, Fingerprint, WORDS_PER_MINUTE, minutes_to_read};
pub use block::{Block, BlockKind, Blocks, BlocksError};
pub use canonical_url::{CanonicalUrl, CanonicalUrlError};
pub use company::company_of_title;
pub use concept::{Concept, ConceptSlug, ConceptSlugError};
pub use correction::{CONCEPTS_MAX, Correction, CorrectionError, ReadField, STATEMENT_MAX, UnknownField};
pub use entry::{Entry, FIRST_PAGE, Feed, FeedFormat};
pub use hex::{hex, unhex};
pub use highlight::{HIGHLIGHT_REMARK_MAX, Highlight, QUOTE_MAX, Quote, QuotePlace, QuotedText, remark_of};
pub use issue::{Issue, IssueRead, READ_REMARK_MAX, REMARK_MAX};
pub use mail_address::{NoMailAddress, SubscriberAddress, ascii_mail_address};
pub use nearest::{did_you_mean, meant, nearest};
pub use note::{LABEL_MAX, Label, NOTE_MAX, Note, NoteText, WritingError};
pub use own_digest::{DigestChoice, DigestPart, OWN_DIGEST_MOST, UnknownPart};
pub use password::{PASSWORD_MAX, PASSWORD_MIN, Password, PasswordError, password_forms};
pub use practice::{CardAnswer, Deck, Rated, Rating, UnknownRating};
pub use precis::{Evidence, Form, Kind, MadeBy, Precis, Span, Statement, Sureness, UnknownForm, UnknownKind};
pub use progress::{Phase, Progress, SourceTrouble};
pub use read::{ReadId, Stage, UnknownStage, number_in_address};
pub use reader::{
    Mark, Marks, READER_NAME_MAX, Reader, ReaderId, ReaderName, ReaderNameError, Role, UnknownMark,
    UnknownRole,
};
pub use retention::{Days, DaysError, Limit, Size};
pub use rhythm::{Because, Hub, Moved, Moving, Pace, PollingHints};
pub use saved_search::{QUESTION_MAX, SEARCH_NAME_MAX, SavedQuestion, SavedSearchError, SearchName};
pub use signs::{collapsed, in_one_line, letters, misleads};
pub use slug::Slug;
pub use source::{Health, NewSource, Source, SourceId, Standing};
pub use token::{Scope, TOKEN_NAME_MAX, TokenName, TokenNameError, UnknownScope};
pub use typed::{ADDRESS_MAX, TypedAddressError, check_address_length, typed_address, typed_read};
pub use webhook::{Event, UnknownEvent};
pub use week::{Week, WeekError};
