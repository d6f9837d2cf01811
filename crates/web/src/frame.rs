//! The frame of all pages: head, band, masthead, skip links, footer, and the dialog with the keys.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use backissue_model::{Progress, ReaderId, Week};
use backissue_store::ReaderCount;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};

use crate::fault::Fault;
use crate::feed_links::{Format, Offered};
use crate::forms::{DID, without};
use crate::parts::done::Done;
use crate::parts::{band, icons, newest, search_box};
use crate::published::SITE_PICTURE;
use crate::readers::{Public, Readers, Visitor};
use crate::{App, SiteSettings, assets, headers};

/// Everything that a page needs in addition to its data.
pub(crate) struct Frame {
    pub(crate) site: Arc<SiteSettings>,
    pub(crate) progress: Progress,
    pub(crate) now: Timestamp,
    /// The page's own path and query.
    here: String,
    /// The version of the archive, if the page depends on it.
    version: Option<u64>,
    /// The reader whose marks the page shows. `None` for visitors without a login.
    pub(crate) reader: Option<ReaderId>,
    /// Whether the visitor may see nothing of the archive.
    is_closed: bool,
    /// Whether the visitor may see articles.
    pub(crate) shows_articles: bool,
    visitor: Visitor,
    readers: Arc<Readers>,
    /// Whether this request's reader may see the page of settings.
    pub(crate) has_settings: bool,
    /// Whether the visitor is an operator.
    pub(crate) is_operator: bool,
    /// Whether the visitor may save pages.
    pub(crate) may_save: bool,
    /// Whether visitors can subscribe to the week by mail.
    has_subscriptions: bool,
    /// The last action of the reader, which can be undone.
    done: Option<Done>,
    /// The newest week with reads, and the reader's counts for it. `None` for strangers and on the
    /// pages of errors.
    pub(crate) newest: Option<(Week, ReaderCount)>,
}

/// The version of the archive at the time of the request, set by [`crate::freshness`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArchiveVersion(pub(crate) u64);

/// The contents of one page.
#[derive(Default)]
pub(crate) struct Document {
    /// The page's title, without the site's name. Empty on the front page.
    pub(crate) title: String,
    /// A one-sentence description, for links to the page.
    pub(crate) description: Option<String>,
    /// The entry of the navigation to which it belongs.
    pub(crate) section: Option<Section>,
    /// The previous (older) and next (newer) page.
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
    /// The original address, for pages with another publisher's text.
    pub(crate) canonical: Option<String>,
    /// The address of the same contents as Markdown.
    pub(crate) markdown: Option<String>,
    /// The feed of the page's list. Every page also offers the feed of all reads.
    pub(crate) feed: Option<Offered>,
    /// Whether search engines should not index it.
    pub(crate) unlisted: bool,
    pub(crate) main: Markup,
    /// The contents of the side column.
    pub(crate) beside: Option<Markup>,
    /// Whether the main column has space for the facets ([`crate::parts::facets::narrowing`]).
    pub(crate) narrows: bool,
    /// The name of the side column, for the second skip link. Empty on pages without one.
    pub(crate) beside_name: &'static str,
    /// Whether the page has its own search box, so that the masthead has none.
    pub(crate) has_own_box: bool,
    /// The path of its share picture in a published site. `None` for the site's picture.
    pub(crate) picture: Option<String>,
    /// Whether it is the search page of a published site.
    pub(crate) searches_files: bool,
    /// The contents above both columns, e.g. the strip of weeks and the page's head.
    pub(crate) above: Option<Markup>,
}

/// An entry of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Newest,
    Weeks,
    Concepts,
    Sources,
    Companies,
    Shelf,
    PriorArt,
}

const NAVIGATION: [(Section, &str, &str); 7] = [
    (Section::Newest, "/", "Newest"),
    (Section::Weeks, "/weeks", "Weeks"),
    (Section::Concepts, "/concepts", "Concepts"),
    (Section::Sources, "/sources", "Sources"),
    (Section::Companies, "/companies", "Companies"),
    (Section::Shelf, "/shelf", "Shelf"),
    (Section::PriorArt, "/prior-art", "Prior art"),
];

impl Frame {
    pub(crate) fn new(app: &App, uri: &Uri, version: Option<u64>, visitor: Visitor) -> Self {
        let reader = visitor.reader;
        // The progress names sources.
        let is_closed = reader.is_none() && app.public() == Public::Off;
        let progress = if is_closed { Progress::default() } else { app.progress.borrow().clone() };
        Self {
            site: Arc::clone(&app.site),
            progress,
            now: Timestamp::now(),
            here: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            version,
            reader,
            is_closed,
            shows_articles: visitor.sees_articles(app),
            visitor,
            readers: Arc::clone(&app.readers),
            has_settings: app.operator.is_some() && visitor.is_operator(),
            is_operator: visitor.is_operator(),
            may_save: visitor.may_save(app),
            has_subscriptions: app.subscriptions.is_some() && !is_closed,
            done: None,
            newest: None,
        }
    }

    /// The reader, for a page that only readers can see.
    ///
    /// # Errors
    /// If the visitor is not logged in.
    pub(crate) fn required(&self) -> Result<ReaderId, Fault> {
        self.reader.ok_or_else(|| self.readers.refusal())
    }

    /// Whether each reader has an account.
    pub(crate) fn has_accounts(&self) -> bool {
        self.readers.have_accounts()
    }

    /// Whether everybody who can reach the pages is the reader, without a login.
    pub(crate) fn is_open(&self) -> bool {
        self.readers.are_open()
    }

    /// Who sees the page.
    pub(crate) fn visitor(&self) -> Visitor {
        self.visitor
    }

    /// Whether the page is made for a published site.
    pub(crate) fn is_published(&self) -> bool {
        self.site.published.is_some()
    }

    /// The time zone of dates.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.site.time_zone
    }

    /// The whole page.
    pub(crate) fn page(&self, document: Document) -> Page {
        let site = &self.site.title;
        let title = match document.title.as_str() {
            "" => format!("{site}: every engineering read, week by week, problem first"),
            own => format!("{own} · {site}"),
        };
        Page(html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if self.is_published() {
                        meta http-equiv="Content-Security-Policy" content=(headers::POLICY_IN_PAGE);
                        meta name="referrer" content="same-origin";
                    }
                    title { (title) }
                    @if let Some(description) = &document.description { meta name="description" content=(description); }
                    @if document.unlisted { meta name="robots" content="noindex"; }
                    link rel="icon" href=(assets::address("icon.svg")) type="image/svg+xml";
                    @for font in assets::FONTS {
                        link rel="preload" href=(assets::address(font)) as="font" type="font/woff2" crossorigin;
                    }
                    @if !self.is_published() {
                        link rel="manifest" href="/manifest.webmanifest";
                        meta name="theme-color" content="#14594a";
                        link rel="apple-touch-icon" href=(assets::address("icon-192.png"));
                    }
                    link rel="stylesheet" href=(assets::address("backissue.css"));
                    @if self.is_published() { (self.open_graph(&document, &title)) }
                    @else { link rel="search" href="/opensearch.xml" type="application/opensearchdescription+xml" title=(site); }
                    (self.offered(&document))
                    @if let Some(previous) = &document.previous { link rel="prev" href=(previous); }
                    @if let Some(next) = &document.next { link rel="next" href=(next); }
                    @if let Some(canonical) = &document.canonical { link rel="canonical" href=(canonical); }
                    script src=(assets::address("backissue.js")) defer {}
                    @if document.searches_files { script src=(assets::address("search.js")) type="module" {} }
                }
                body data-reader=[self.reader] {
                    a.skip href="#main" { "Skip to the page" }
                    @if document.beside.is_some() || document.narrows { a.skip href="#beside" { "Skip to " (document.beside_name) } }
                    @if !self.is_closed && !self.is_published() { (band::band(&self.progress, self.version, &self.here)) }
                    (self.masthead(document.section, document.has_own_box))
                    div.page { (columns(&document)) }
                    (self.marking())
                    (self.foot(&document))
                    (keys(self.reader.is_some()))
                }
            }
        })
    }

    /// Only the part below the masthead, without the contents above both columns. The script
    /// replaces the current part with it.
    pub(crate) fn part(&self, document: Document) -> Page {
        Page(columns(&Document { above: None, ..document }))
    }

    fn masthead(&self, current: Option<Section>, has_own_box: bool) -> Markup {
        html! {
            header.masthead {
                div.page {
                    a.brand href="/" { (icons::BRAND) (self.site.title) }
                    @if !has_own_box && !self.is_closed { (search_box::small()) }
                    @if !self.is_closed {
                        nav aria-label="Archive" {
                            ul {
                                @for (section, href, name) in self.navigation() {
                                    li { a href=(href) aria-current=[(current == Some(section)).then_some("true")] { (name) } }
                                }
                            }
                        }
                    }
                    @if let Some((week, counted)) = &self.newest { (newest::line(*week, counted)) }
                }
            }
        }
    }

    /// The entries of the navigation. Only readers who can keep reads have a shelf. Only a
    /// published site has companies. It has no prior art, because that needs a running program.
    fn navigation(&self) -> impl Iterator<Item = (Section, &'static str, &'static str)> {
        let (has_shelf, is_published) = (self.reader.is_some(), self.is_published());
        NAVIGATION.into_iter().filter(move |(section, _, _)| match section {
            Section::Shelf => has_shelf,
            Section::Companies => is_published,
            Section::PriorArt => !is_published,
            _ => true,
        })
    }

    /// The metadata that other sites show when the page is shared (Open Graph). They need absolute
    /// addresses.
    fn open_graph(&self, document: &Document, title: &str) -> Markup {
        let outside = self.site.outside();
        let own = document.title.as_str();
        let path = without_query(&self.here);
        let picture = document.picture.as_deref().unwrap_or(SITE_PICTURE);
        html! {
            meta property="og:site_name" content=(self.site.title);
            meta property="og:type" content=(if path.starts_with("/read/") { "article" } else { "website" });
            meta property="og:title" content=(if own.is_empty() { title } else { own });
            @if let Some(description) = &document.description { meta property="og:description" content=(description); }
            @if let Some(address) = outside.page(path).filter(|_| !document.unlisted) { meta property="og:url" content=(address); }
            @if let Some(address) = outside.page(picture) {
                meta property="og:image" content=(address);
                meta property="og:image:width" content="1200";
                meta property="og:image:height" content="630";
                meta name="twitter:card" content="summary_large_image";
            }
        }
    }

    /// The fields of all forms: the token, and the page to return to.
    pub(crate) fn form_fields(&self) -> Markup {
        self.form_fields_to(&without(&self.here, DID))
    }

    /// The fields of a form that returns to the page `back`.
    pub(crate) fn form_fields_to(&self, back: &str) -> Markup {
        html! {
            input type="hidden" name="token" value=(self.readers.token(self.visitor).unwrap_or_default());
            input type="hidden" name="back" value=(back);
        }
    }

    /// The form of the buttons of marks, and the last action.
    fn marking(&self) -> Markup {
        if self.reader.is_none() {
            return html! {};
        }
        html! {
            form #marks method="post" action="/marks" hidden {
                (self.form_fields())
            }
            div #notice .notice role="status" { @if let Some(done) = &self.done { (done.notice()) } }
        }
    }

    fn foot(&self, document: &Document) -> Markup {
        let all = Offered::new(self.site.title.as_str(), "/feed");
        let feed = document.feed.as_ref().unwrap_or(&all);
        html! {
            footer.foot {
                div.page {
                    @if self.site.demo { span { "A demo: its companies, people and incidents are invented." } }
                    span { "Backissue " (self.site.version) }
                    @if self.has_settings { a href="/settings" rel="nofollow" { "Settings" } }
                    @if !self.is_published() { a href="/api" { "The same as data" } }
                    a href=(feed.address(Format::Atom)) rel="nofollow" { "Feed: " (feed.title) }
                    @if let Some(markdown) = document.markdown.as_ref().filter(|_| !self.is_published()) { a href=(markdown) rel="nofollow" { "As Markdown" } }
                    @if self.has_subscriptions { a href="/subscribe" rel="nofollow" { "The week by mail" } }
                    (self.account())
                    @if let Some(why) = self.readers.why_read_only().filter(|_| !self.is_published()) { p.why { (why) } }
                    span.keys.needs-script { button #show-keys type="button" { "Keys: press " kbd { "?" } } }
                }
            }
        }
    }
}

impl Frame {
    /// Links for logging in or out.
    fn account(&self) -> Markup {
        let is_login = self.here.starts_with("/login") || self.here.starts_with("/join/");
        html! {
            @if self.reader.is_none() && self.readers.have_login() && !self.visitor.is_unknown_user && !is_login {
                a href=(self.to_log_in()) rel="nofollow" { "Log in" }
            }
            @if self.is_operator && self.readers.have_accounts() { a href="/readers" { "Readers" } }
            @if self.visitor.session.is_some() || (self.reader.is_some() && self.readers.have_accounts()) {
                a href="/account" { "Account" }
            }
            @if self.visitor.session.is_some() {
                form.log-out method="post" action="/logout" { (self.form_fields_to("/")) button { "Log out" } }
            }
        }
    }

    /// Links for programs: the page as Markdown, the feed of its reads, the feed of all reads.
    fn offered(&self, document: &Document) -> Markup {
        let all = Offered::new(self.site.title.as_str(), "/feed");
        html! {
            @if let Some(markdown) = document.markdown.as_ref().filter(|_| !self.is_published()) {
                link rel="alternate" type="text/markdown" href=(markdown) title="The same as Markdown";
            }
            @for feed in document.feed.iter().chain([&all]) {
                @for format in Format::ALL {
                    link rel="alternate" type=(format.media_type()) href=(feed.address(format)) title=(feed.title);
                }
            }
        }
    }

    /// The address of the login that returns to this page.
    fn to_log_in(&self) -> String {
        log_in_at(&without(&self.here, DID))
    }
}

/// The address of the login that returns to a page.
pub(crate) fn log_in_at(back: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("back", back).finish();
    format!("/login?{query}")
}

fn without_query(address: &str) -> &str {
    address.split_once('?').map_or(address, |(path, _)| path)
}

/// The columns of a page. A page with a side column keeps its width while the column is empty.
fn columns(document: &Document) -> Markup {
    let main = html! { main #main tabindex="-1" { (document.main) } };
    html! {
        @if let Some(above) = &document.above { (above) }
        @if document.beside_name.is_empty() {
            (main)
        } @else {
            div.columns {
                (main)
                @if let Some(beside) = &document.beside {
                    aside #beside .beside tabindex="-1" aria-label=(document.beside_name) { (beside) }
                }
            }
        }
    }
}

/// The list of keys; the script opens it.
fn keys(has_marks: bool) -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            dl {
                dt { kbd { "/" } } dd { "to the search box" }
                dt { kbd { "j" } } dd { "to the next read; on a read’s page, of the list you came from, or of its week" }
                dt { kbd { "k" } } dd { "to the read before, likewise" }
                dt { kbd { "o" } } dd { "open it; on a read’s page, open its source" }
                @if has_marks {
                    dt { kbd { "s" } } dd { "keep it, or no longer" }
                    dt { kbd { "e" } } dd { "done with it, or unread again" }
                    dt { kbd { "x" } } dd { "hide it, or show it again" }
                    dt { kbd { "n" } } dd { "write a note" }
                    dt { kbd { "h" } } dd { "highlight the selected text; " kbd { "H" } " with a remark" }
                    dt { kbd { "u" } } dd { "undo what was just done" }
                    dt { kbd { "1" } "–" kbd { "4" } } dd { "practising: again, hard, good, easy" }
                }
                dt { kbd { "?" } } dd { "this list" }
            }
            form method="dialog" { button { "Close" } }
        }
    }
}

impl FromRequestParts<App> for Frame {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let version = parts.extensions.get::<ArchiveVersion>().map(|version| version.0);
        let mut frame = Self::new(app, &parts.uri, version, Visitor::of(&parts.extensions));
        if let Some(reader) = frame.reader {
            frame.newest = app.store.reader_newest_week(reader).await?;
        }
        if let (Some(reader), Some(did)) = (frame.reader, did(&parts.uri)) {
            frame.done = Done::named(&app.store, reader, &did).await?;
        }
        Ok(frame)
    }
}

/// The name of the last action in an address.
fn did(uri: &Uri) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(uri.query()?.as_bytes());
    Some(pairs.find(|(name, _)| name == DID)?.1.into_owned())
}

/// A rendered page.
pub(crate) struct Page(Markup);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        // Browsers cache it and revalidate it; the ETag answers in well under a millisecond.
        let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "private, no-cache")];
        (headers, self.0.into_string()).into_response()
    }
}
