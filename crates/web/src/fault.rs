//! Errors of requests.
//!
//! A handler returns a [`Fault`]. [`crate::fault_page`] converts it to a page in the usual frame,
//! with links to continue, or to JSON under `/api/`. The details of internal errors are only in the
//! log, with the reference number that the page shows.

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_annotate::Vocabulary;
use backissue_model::{Concept, Scope, Slug, Source, WeekError, meant, nearest};
use backissue_search::SearchFailure;
use backissue_store::{SourceFilter, Store, StoreError};
use jiff::Timestamp;

use crate::words;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    NoSuchPage,
    NoSuchRead,
    /// There is no such source. Holds the most similar slug, if there is one.
    NoSuchSource(String, Option<Slug>),
    /// There is no such concept.
    NoSuchConcept(String),
    /// There is no such week.
    NoSuchWeek(String),
    /// The cursor belongs to another list.
    ForeignCursor,
    /// The address is invalid, for this reason.
    BadAddress(String),
    /// The headers or the body of a program's request are invalid, for this reason.
    BadRequest(String),
    /// A program's request has no media type that the address takes; with the status and why.
    WrongMedia(StatusCode, &'static str),
    /// The address does not support the method.
    NotThatWay,
    /// The address only accepts forms.
    OnlyForms,
    /// The server is read-only. The text has the reason and the remedy.
    ReadOnly(String),
    /// Only a reader may do this, and the visitor is not logged in.
    NotLoggedIn,
    /// Only operators may do this, and the reader is not an operator.
    OnlyOperators,
    /// A trusted proxy names a user who has no account.
    NoAccount,
    /// A program may do this only for a reader, whom a token or a login identifies.
    NoReader,
    /// A program may do this only with a token.
    NoToken,
    /// The token is unknown, was removed, or has expired.
    WrongToken,
    /// The token lacks this scope.
    NarrowToken(Scope),
    /// The token was sent over an unencrypted connection.
    TokenInTheClear,
    /// There were too many requests, or too many unknown tokens. Holds the time to wait.
    TooManyRequests(Duration),
    /// The reader has no such token.
    NoSuchToken,
    /// The invitation does not exist, or no longer exists.
    NoSuchInvitation,
    /// The link for confirming a subscription does not exist, or no longer exists.
    NoSuchLink,
    /// The reader does not exist, or no longer exists.
    NoSuchReader,
    /// The archive would have no operator, or none who can log in.
    LastOperator,
    /// A login at an OpenID provider failed.
    OpenId(OpenIdFault),
    /// The request comes from another site.
    FromElsewhere,
    /// The form's token is invalid, for example because the archive's secret has changed.
    StaleForm,
    /// The request is too large. The text has the limit.
    TooLarge(String),
    /// The form is invalid, for this reason.
    BadForm(String),
    /// The action was undone already, or is too old.
    NothingToUndo,
    /// The reader has no such answer to a problem.
    NoSuchAnswer,
    /// The reader has no such highlight.
    NoSuchHighlight,
    /// The reader has no such saved search.
    NoSuchSearch,
    /// There is no such webhook.
    NoSuchWebhook,
    /// The object that a program wants to change was changed in the meantime.
    Changed,
    /// The idempotency key of a repeated request belongs to another request.
    KeyUsed,
    /// The first request with this idempotency key is still being processed.
    KeyInUse,
    /// The remark on a highlight was changed after the form was opened.
    RemarkChanged,
    /// The request used a host name that is not the site's.
    ForeignName(String),
    /// A proxy forwards a request from another machine, and there is no login.
    BehindProxy,
    /// The disk of the database is full, so nothing was saved.
    DiskFull,
    /// An internal error. The log has it under this number.
    Broken {
        reference: String,
    },
}

/// Why a login at an OpenID provider failed. Most variants hold the name of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OpenIdFault {
    /// The provider does not answer. The log has the error under this number.
    Down { name: String, reference: String },
    /// The provider's answer failed a check. The log has the error under this number.
    Refused { name: String, reference: String },
    /// The person or the provider denied the login.
    Denied(String),
    /// The browser does not have the login's cookie, or has had it for too long.
    Lost,
    /// No reader is linked with the person. Holds the provider's identifier of the person.
    Unknown { name: String, subject: String },
    /// The account is closed.
    Closed(String),
    /// The person is linked with another reader than the invited one.
    Taken(String),
}

impl OpenIdFault {
    fn status(&self) -> StatusCode {
        match self {
            Self::Down { .. } | Self::Refused { .. } => StatusCode::BAD_GATEWAY,
            Self::Denied(_) | Self::Unknown { .. } | Self::Closed(_) => StatusCode::FORBIDDEN,
            Self::Lost => StatusCode::BAD_REQUEST,
            Self::Taken(_) => StatusCode::CONFLICT,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Down { .. } => "The login provider does not answer",
            Self::Refused { .. } => "The login failed",
            Self::Denied(_) => "You were not logged in",
            Self::Lost => "This login cannot go on",
            Self::Unknown { .. } => "You have no account here",
            Self::Closed(_) => "Your account is closed",
            Self::Taken(_) => "This login belongs to another account",
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Down { name, reference } => format!(
                "{name} could not be asked who you are. Try again in a few minutes, or log in with a password if you have one. The \
                 operator finds the reason in the log under reference {reference}, and `backissue doctor` tests the provider."
            ),
            Self::Refused { name, reference } => format!(
                "What {name} answered is not accepted as your login. Log in again. If that fails too, the operator finds the reason in \
                 the log under reference {reference}."
            ),
            Self::Denied(name) => {
                format!("{name} did not say who you are, because you or its rules declined. You can log in again.")
            }
            Self::Lost => "It was finished already, took longer than ten minutes, or began in another browser or under another \
                           address of this archive. Log in again."
                .to_owned(),
            Self::Unknown { name, subject } => {
                let said = format!(
                    "{name} knows you, but you are no reader of this archive. Ask its operator for an invitation: open its link and \
                     choose “{name}”."
                );
                // It is pasted into a shell.
                if !subject.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:|@+=/".contains(c)) {
                    return said;
                }
                format!("{said} The operator can also run: backissue reader link NAME '{subject}'")
            }
            Self::Closed(name) => {
                format!("{name} knows you, but your account here was closed. Ask the operator of this archive to open it.")
            }
            Self::Taken(name) => format!(
                "At {name} you are logged in as somebody who has another account here. Log out there, and open the link again as the \
                 person who is invited."
            ),
        }
    }
}

impl From<WeekError> for Fault {
    fn from(error: WeekError) -> Self {
        Self::BadAddress(error.to_string())
    }
}

impl Fault {
    /// Converts an error of the store to a fault. `missing` is the fault if the store did not find
    /// an object.
    pub(crate) fn or(missing: Self) -> impl FnOnce(StoreError) -> Self {
        |error| if matches!(error, StoreError::NotFound { .. }) { missing } else { error.into() }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::DiskFull { .. }) {
            tracing::error!(error = &error as &dyn std::error::Error, "a page changed nothing: {error}");
            return Self::DiskFull;
        }
        let reference = reference();
        tracing::error!(%reference, error = &error as &dyn std::error::Error, "a page could not be made (reference {reference}): {error}");
        Self::Broken { reference }
    }
}

impl From<SearchFailure> for Fault {
    fn from(error: SearchFailure) -> Self {
        let reference = reference();
        tracing::error!(%reference, error = &error as &dyn std::error::Error, "a search failed (reference {reference}): {error}");
        Self::Broken { reference }
    }
}

impl Fault {
    /// The fault for an unknown source, with the most similar slug.
    pub(crate) async fn no_such_source(store: &Store, name: &str) -> Self {
        let sources = store.sources(&SourceFilter::default()).await.unwrap_or_default();
        let names = sources.iter().flat_map(|s| [s.slug.as_str(), s.title.as_str(), s.company.as_str()]);
        let meant = nearest(name, names);
        let is_meant =
            |s: &&Source| meant.is_some_and(|m| [s.slug.as_str(), &s.title, &s.company].contains(&m));
        Self::NoSuchSource(name.to_owned(), sources.iter().find(is_meant).map(|source| source.slug.clone()))
    }

    /// An error that should be impossible.
    pub(crate) fn from_bug(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let reference = reference();
        tracing::error!(%reference, error, "{what} (reference {reference}): {error}");
        Self::Broken { reference }
    }
}

/// The response to a request whose handler panicked.
pub(crate) fn from_panic(panic: Box<dyn Any + Send>) -> Response {
    let said =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let reference = reference();
    tracing::error!(%reference, "a page panicked (reference {reference}): {}", said.unwrap_or("without a word"));
    Fault::Broken { reference }.into_response()
}

/// A short reference number, unique in this process and unlikely to occur in another one.
pub(crate) fn reference() -> String {
    static FAULTS: AtomicU64 = AtomicU64::new(0);
    let nth = FAULTS.fetch_add(1, Ordering::Relaxed);
    let seed = format!("{}/{nth}", Timestamp::now());
    format!("{:08X}", xxhash_rust::xxh3::xxh3_64(seed.as_bytes()) >> 32)
}

impl Fault {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchPage
            | Self::NoSuchRead
            | Self::NoSuchSource(..)
            | Self::NoSuchConcept(_)
            | Self::NoSuchWeek(_)
            | Self::NothingToUndo
            | Self::NoSuchAnswer
            | Self::NoSuchHighlight
            | Self::NoSuchInvitation
            | Self::NoSuchLink
            | Self::NoSuchReader
            | Self::NoSuchToken
            | Self::NoSuchSearch
            | Self::NoSuchWebhook => StatusCode::NOT_FOUND,
            Self::NoReader | Self::NoToken | Self::WrongToken => StatusCode::UNAUTHORIZED,
            Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::RemarkChanged | Self::LastOperator | Self::Changed | Self::KeyInUse => StatusCode::CONFLICT,
            Self::KeyUsed => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadAddress(_) | Self::BadRequest(_) | Self::BadForm(_) | Self::ForeignCursor => {
                StatusCode::BAD_REQUEST
            }
            Self::WrongMedia(status, _) => *status,
            Self::NotThatWay | Self::OnlyForms => StatusCode::METHOD_NOT_ALLOWED,
            Self::ReadOnly(_)
            | Self::NotLoggedIn
            | Self::OnlyOperators
            | Self::NoAccount
            | Self::NarrowToken(_)
            | Self::TokenInTheClear
            | Self::FromElsewhere
            | Self::StaleForm => StatusCode::FORBIDDEN,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ForeignName(_) | Self::BehindProxy => StatusCode::MISDIRECTED_REQUEST,
            Self::OpenId(fault) => fault.status(),
            Self::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Broken { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::NoSuchPage => "There is no such page",
            Self::NoSuchRead => "There is no such read",
            Self::NoSuchSource(..) => "There is no such source",
            Self::NoSuchConcept(_) => "There is no such concept",
            Self::NoSuchWeek(_) => "There is no such week",
            Self::ForeignCursor => "That cursor belongs to another list",
            Self::BadAddress(_) => "That address means nothing here",
            Self::BadRequest(_) | Self::WrongMedia(..) => "That request is not valid",
            Self::NotThatWay => "This address does not take that method",
            Self::OnlyForms => "This address takes forms only",
            Self::ReadOnly(_) => "Nothing can be changed here",
            Self::NotLoggedIn => "This needs a login",
            Self::OnlyOperators => "Only operators may do that",
            Self::NoAccount => "You have no account here",
            Self::NoReader => "This needs a token or a login",
            Self::NoToken => "This needs a token",
            Self::WrongToken => "This token is not valid",
            Self::NarrowToken(_) => "This token may not do that",
            Self::TokenInTheClear => "A token needs HTTPS",
            Self::TooManyRequests(_) => "That was too often",
            Self::NoSuchToken => "There is no such token",
            Self::NoSuchInvitation => "This link is not valid any more",
            Self::NoSuchLink => "This link is not valid any more",
            Self::NoSuchReader => "There is no such reader",
            Self::LastOperator => "An archive needs an operator who can log in",
            Self::FromElsewhere => "That came from another site",
            Self::StaleForm => "This form is no longer valid",
            Self::TooLarge(_) => "That is too long",
            Self::NothingToUndo => "There is nothing to undo",
            Self::NoSuchAnswer => "There is no such answer",
            Self::NoSuchHighlight => "There is no such highlight",
            Self::NoSuchSearch => "There is no such saved search",
            Self::NoSuchWebhook => "There is no such webhook",
            Self::Changed => "It was changed meanwhile",
            Self::KeyUsed => "That key belongs to another request",
            Self::KeyInUse => "That request is still worked on",
            Self::RemarkChanged => "This remark was changed meanwhile",
            Self::BadForm(_) => "Nothing was changed",
            Self::ForeignName(_) => "This archive does not go by that name",
            Self::BehindProxy => "This archive is not set up for a proxy",
            Self::OpenId(fault) => fault.title(),
            Self::DiskFull => "The disk of this archive is full",
            Self::Broken { .. } => "Something broke on our side",
        }
    }

    /// The explanation for people. It has no misleading characters, because part of it may come
    /// from the address.
    pub(crate) fn explanation(&self) -> String {
        self.reason().chars().filter(|c| !c.is_control()).collect()
    }

    /// The explanation for programs, which have no page to go back to.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::TooLarge(limit) => format!("{limit}. Nothing was changed."),
            Self::NotLoggedIn => "Only readers of this archive may do that.".to_owned(),
            _ => self.explanation(),
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::NoSuchPage => "Perhaps the address was cut off.".to_owned(),
            Self::NoSuchRead => {
                "It may have left the archive with its source, or been merged with another read of the same article."
                    .to_owned()
            }
            Self::NoSuchSource(name, nearest) => {
                let hint = meant(nearest.as_ref().map(Slug::as_str));
                no_such(format!("The archive follows no source called “{name}”"), hint)
            }
            Self::NoSuchConcept(name) => {
                let hint = meant(nearest_concept(name).map(|concept| concept.slug.as_str()));
                no_such(format!("The vocabulary has no concept called “{name}”"), hint)
            }
            Self::NoSuchWeek(name) => {
                format!("The calendar has no week “{name}”. Weeks are written as 2026-W20; a year has 52 or 53.")
            }
            Self::ForeignCursor => {
                "A cursor goes on with the list that gave it, with the same filters, and with no other.".to_owned()
            }
            Self::BadAddress(why) | Self::BadRequest(why) | Self::BadForm(why) => format!("{why}."),
            Self::WrongMedia(_, why) => format!("{why}."),
            Self::NotThatWay => "It takes the methods in the header `Allow` of this response.".to_owned(),
            Self::OnlyForms => "This address answers POST, sent by a form on another page.".to_owned(),
            Self::ReadOnly(why) => why.clone(),
            Self::NotLoggedIn => {
                "Only readers of this archive may do that. What you typed is still there when you go back.".to_owned()
            }
            Self::OnlyOperators => {
                "Your account is a reader’s. An operator of this archive can do it, or make you an operator.".to_owned()
            }
            Self::NoAccount => {
                "The proxy in front of this archive knows you, but the archive does not. Its operator adds you with your name there: \
                 `backissue reader add NAME`."
                    .to_owned()
            }
            Self::NoReader => "Nobody knows which reader sends it.".to_owned(),
            Self::NoToken => {
                "Send `Authorization: Bearer TOKEN`. A reader makes a token on the page /account, or with `backissue token add`.".to_owned()
            }
            Self::WrongToken => {
                "It was removed, has ended, or was not copied whole. Make a new one on the page /account, or with `backissue token add`.".to_owned()
            }
            Self::NarrowToken(Scope::Operate) => {
                "It needs a token with the scope operate, and only an operator of this archive can make one.".to_owned()
            }
            Self::NarrowToken(scope) => {
                format!("It needs a token with the scope {scope}. Make one on the page /account, or with `backissue token add`.")
            }
            Self::TokenInTheClear => {
                "Over HTTP a token travels readable for everybody on the way. Put a proxy with TLS in front of Backissue, set \
                 `base_url` to its address, which begins with https://, and make a new token."
                    .to_owned()
            }
            Self::TooManyRequests(wait) => {
                format!("Try again in {}.", words::count(seconds_of(*wait), "second"))
            }
            Self::NoSuchToken => "It may have been removed.".to_owned(),
            Self::NoSuchInvitation => {
                "An invitation works once and for seven days, and a new one replaces it. Ask the operator for another \
                 link; if you have a password already, log in with it."
                    .to_owned()
            }
            Self::NoSuchLink => {
                "A link that confirms an address works once and for two days. If the mails come already, all is well; \
                 otherwise ask for another link on the page where you typed the address."
                    .to_owned()
            }
            Self::NoSuchReader => "The account may have been removed.".to_owned(),
            Self::LastOperator => {
                "This reader is the only operator, or the only one who can log in, so nothing was changed. First make another \
                 reader an operator; a link for a new password gives that reader a way to log in."
                    .to_owned()
            }
            Self::FromElsewhere => {
                "Its headers `Origin` and `Sec-Fetch-Site` name another site. Only the pages of this archive, and programs \
                 that are no pages, can change something in it. Nothing was changed."
                    .to_owned()
            }
            Self::StaleForm => {
                "Nothing was changed. Go back, load the page again, and repeat what you did. What \
                                you typed is still there when you go back."
                    .to_owned()
            }
            Self::NothingToUndo => {
                "It was undone already, or more than a hundred changes were made since.".to_owned()
            }
            Self::NoSuchAnswer | Self::NoSuchHighlight | Self::NoSuchSearch | Self::NoSuchWebhook => {
                "It may have been removed.".to_owned()
            }
            Self::Changed => "Its version is another one now, so nothing was saved.".to_owned(),
            Self::KeyUsed => {
                "A key in `Idempotency-Key` is for one request, and this one has another content. Nothing was changed.".to_owned()
            }
            Self::KeyInUse => "The first request with this key has no response yet.".to_owned(),
            Self::RemarkChanged => {
                "Somewhere else, such as in another tab, it was saved after you opened it. Nothing was changed. Go back \
                 and copy what you typed, then load the page again."
                    .to_owned()
            }
            Self::TooLarge(limit) => {
                format!("{limit}. Nothing was saved. Go back and shorten it; what you typed is still there.")
            }
            Self::BehindProxy => {
                "A proxy passes on requests of other machines, but the archive has no login, so everybody there could change it. Set \
                 `base_url` to the address that people use, run `backissue reader password`, and start `backissue serve` again."
                    .to_owned()
            }
            Self::ForeignName(host) => format!(
                "It was asked for as “{host}”. To keep other sites from reading what runs on this machine, it only \
                 answers to its own names: localhost, its bare address, and the name in its `base_url`."
            ),
            Self::OpenId(fault) => fault.reason(),
            Self::DiskFull => {
                "Nothing was saved; what you typed is still there when you go back. The operator of this archive has to \
                 free space on its disk. Then send it again."
                    .to_owned()
            }
            Self::Broken { reference } => format!(
                "The page could not be made. The log has the reason under reference {reference}; `backissue \
                 doctor` looks for faults. You can try again."
            ),
        }
    }
}

impl IntoResponse for Fault {
    /// A response without contents, which [`crate::fault_page`] completes.
    fn into_response(self) -> Response {
        let mut answer =
            (self.status(), format!("{}. {}\n", self.title(), self.explanation())).into_response();
        answer.extensions_mut().insert(self);
        answer
    }
}

/// The wait in whole seconds, at least one.
pub(crate) fn seconds_of(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn no_such(said: String, hint: String) -> String {
    if hint.is_empty() { said + "." } else { said + &hint }
}

/// The concept with the most similar name.
pub(crate) fn nearest_concept(name: &str) -> Option<&'static Concept> {
    Vocabulary::builtin().nearest(name)
}

#[cfg(test)]
mod tests {
    use backissue_store::Location;

    use super::*;

    #[test]
    fn full_disk_is_told_with_its_remedy() {
        let location = Location::Sqlite("archive.sqlite".into());
        let fault = Fault::from(StoreError::DiskFull { location, doing: "saving a note" });
        assert_eq!((fault.status().as_u16(), fault.title()), (507, "The disk of this archive is full"));
        let said = fault.explanation();
        for part in ["Nothing was saved", "still there when you go back", "free space"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("archive.sqlite"), "strangers need not know the path");
    }

    #[test]
    fn reference_numbers_differ() {
        let (one, two) = (reference(), reference());
        assert_ne!(one, two);
        assert_eq!(one.len(), 8);
    }
}
