//! The editor of a week's digest, `/week/2026-W20/digest`.
//!
//! Every button sends the whole form, so that no typed text is lost. It is stored as an issue
//! ([`backissue_model::Issue`]). Rules decide what the issue does not.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_digest::chat::Service;
use backissue_digest::{Choice, Digest, Pick, WeekRead, compose, html as pieces, mail, markdown, words};
use backissue_model::{Issue, IssueRead, READ_REMARK_MAX, REMARK_MAX, ReadId, ReaderId, Week};
use backissue_store::{IssueChange, IssueChanged, Order, ReadCard, ReadFilter, Store, StoredIssue};
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;

use crate::App;
use crate::documents::WEEK;
use crate::fault::Fault;
use crate::forms::Signed;
use crate::frame::{Document, Frame, Page};
use crate::parts::reads;

/// What the page shows of the digest.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Shown {
    #[serde(default)]
    show: String,
}

/// `/week/{week}/digest`
pub(crate) async fn digest(
    frame: Frame,
    Path(week): Path<String>,
    Query(shown): Query<Shown>,
    State(app): State<App>,
) -> Result<Page, Fault> {
    let reader = frame.required()?;
    let week: Week = week.parse()?;
    let stored = app.store.issue(week).await?;
    let issue = stored.as_ref().map(|stored| &stored.issue);
    let (digest, dropped) = composed(&app.store, reader, week, issue).await?;
    let dropped = app.store.cards(&dropped).await?;
    let preview = preview(&app, &digest, &shown.show)?;
    let shown = DigestShown {
        digest: &digest,
        stored: stored.as_ref(),
        dropped: &dropped,
        show: &shown.show,
        preview,
        theirs: None,
    };
    Ok(frame.page(document(&frame, &shown)))
}

/// A week's digest in the editor, and the reads that it leaves out.
///
/// An issue looks the same to every reader. Without one the digest is a proposal by what the reader
/// keeps, labels and hides.
async fn composed(
    store: &Store,
    reader: ReaderId,
    week: Week,
    issue: Option<&Issue>,
) -> Result<(Digest, Vec<ReadId>), Fault> {
    let filter = ReadFilter { week: Some(week), ..ReadFilter::default() };
    let mut reads: Vec<WeekRead> =
        store.summaries(&filter, Order::ProblemsFirst, WEEK).await?.into_iter().map(WeekRead::from).collect();
    let dropped = match issue {
        Some(issue) => issue.dropped.clone(),
        None => {
            let ids: Vec<ReadId> = reads.iter().map(|read| read.read.card.id).collect();
            let (marks, labelled, concepts) = tokio::try_join!(
                store.marks(reader, &ids),
                store.labelled(reader, &ids),
                store.concepts_of_interest(reader)
            )?;
            for read in &mut reads {
                read.marks = marks.get(&read.read.card.id).copied().unwrap_or_default();
                read.is_labelled = labelled.contains(&read.read.card.id);
                read.is_of_interest = read.read.card.concepts.iter().any(|slug| concepts.contains(slug));
            }
            let hidden = reads.iter().filter(|read| read.marks.hidden.is_some());
            hidden.map(|read| read.read.card.id).collect()
        }
    };
    Ok((compose(week, reads, &Choice::default(), issue), dropped))
}

/// `POST /week/{week}/issue`: stores the form's issue, and does what its button says.
pub(crate) async fn change(
    frame: Frame,
    State(app): State<App>,
    Path(week): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let week: Week = week.parse()?;
    let seen: u64 =
        form.field("version")?.parse().map_err(|_| Fault::BadForm("It has no version".to_owned()))?;
    let act: Act = form.field("do")?.parse()?;
    let issue = act.on(written(&form)?);
    let changes = match act {
        Act::Reset => vec![IssueChange::Remove],
        Act::Publish => vec![IssueChange::Save(&issue), IssueChange::Publish],
        Act::Withdraw => vec![IssueChange::Save(&issue), IssueChange::Withdraw],
        _ => vec![IssueChange::Save(&issue)],
    };
    let mut version = seen;
    for change in changes {
        match app.store.change_issue(week, change, version, Timestamp::now()).await? {
            IssueChanged::Stored(stored) => version = stored,
            IssueChanged::Outdated => return conflict(&frame, &app.store, form.reader, week, &issue).await,
        }
    }
    Ok(form.back(None, act.place()))
}

/// The editor with the typed values, and with the version that was stored meanwhile.
async fn conflict(
    frame: &Frame,
    store: &Store,
    reader: ReaderId,
    week: Week,
    typed: &Issue,
) -> Result<Response, Fault> {
    let stored = store.issue(week).await?;
    let (theirs, _) = composed(store, reader, week, stored.as_ref().map(|stored| &stored.issue)).await?;
    let (digest, dropped) = composed(store, reader, week, Some(typed)).await?;
    let shown = DigestShown {
        digest: &digest,
        stored: stored.as_ref(),
        dropped: &store.cards(&dropped).await?,
        show: "",
        preview: None,
        theirs: Some(&theirs),
    };
    Ok((StatusCode::CONFLICT, frame.page(document(frame, &shown))).into_response())
}

/// The action of a button of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Save,
    Publish,
    Withdraw,
    /// Returns to the digest by rules.
    Reset,
    /// Moves a read up by one.
    Up(ReadId),
    Down(ReadId),
    /// Adds a read to those that come first, at the end.
    First(ReadId),
    /// Removes a read from those that come first.
    Rest(ReadId),
    /// Leaves a read out of the digest.
    Drop(ReadId),
    /// Puts a read back into the digest.
    Restore(ReadId),
}

impl std::str::FromStr for Act {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let unknown = || Fault::BadForm("It does not say what to do".to_owned());
        let (what, read) = text.split_once(' ').unwrap_or((text, ""));
        let read = || read.parse().map(ReadId).map_err(|_| unknown());
        Ok(match what {
            "save" => Self::Save,
            "publish" => Self::Publish,
            "withdraw" => Self::Withdraw,
            "reset" => Self::Reset,
            "up" => Self::Up(read()?),
            "down" => Self::Down(read()?),
            "first" => Self::First(read()?),
            "rest" => Self::Rest(read()?),
            "drop" => Self::Drop(read()?),
            "restore" => Self::Restore(read()?),
            _ => return Err(unknown()),
        })
    }
}

impl Act {
    fn on(self, mut issue: Issue) -> Issue {
        let place = |issue: &Issue, read: ReadId| issue.first.iter().position(|chosen| chosen.read == read);
        match self {
            Self::Up(read) => {
                if let Some(at) = place(&issue, read).filter(|at| *at > 0) {
                    issue.first.swap(at, at - 1);
                }
            }
            Self::Down(read) => {
                if let Some(at) = place(&issue, read).filter(|at| at + 1 < issue.first.len()) {
                    issue.first.swap(at, at + 1);
                }
            }
            Self::First(read) => issue.first.push(IssueRead { read, remark: String::new() }),
            Self::Rest(read) => issue.first.retain(|chosen| chosen.read != read),
            Self::Drop(read) => {
                issue.first.retain(|chosen| chosen.read != read);
                issue.dropped.push(read);
            }
            Self::Restore(read) => issue.dropped.retain(|dropped| *dropped != read),
            Self::Save | Self::Publish | Self::Withdraw | Self::Reset => {}
        }
        issue.tidy()
    }

    /// The id of the element to which the browser returns.
    fn place(self) -> &'static str {
        match self {
            Self::Save | Self::Publish | Self::Withdraw | Self::Reset => "",
            Self::Up(_) | Self::Down(_) | Self::First(_) => "first",
            Self::Rest(_) | Self::Drop(_) | Self::Restore(_) => "rest",
        }
    }
}

/// The issue in the form.
fn written(form: &Signed) -> Result<Issue, Fault> {
    let reads = |name: &str| -> Result<Vec<ReadId>, Fault> {
        let numbers = form.field(name)?.split_whitespace().map(|number| number.parse().map(ReadId));
        numbers.collect::<Result<_, _>>().map_err(|_| Fault::BadForm(format!("“{name}” lists no reads")))
    };
    let first = reads("first")?.into_iter().map(|read| {
        // A remark whose field is missing is none: the read has just come.
        let remark = form.field(&format!("remark-{read}")).unwrap_or_default().to_owned();
        IssueRead { read, remark }
    });
    Ok(Issue { remark: form.field("remark")?.to_owned(), first: first.collect(), dropped: reads("dropped")? })
}

/// The previews of the digest: the value of `show`, and the name.
const PREVIEWS: [(&str, &str); 9] = [
    ("mail", "E-mail"),
    ("text", "E-mail as text"),
    ("markdown", "Markdown"),
    ("slack", "Slack"),
    ("discord", "Discord"),
    ("mattermost", "Mattermost"),
    ("teams", "Teams"),
    ("matrix", "Matrix"),
    ("webhook", "Webhook"),
];

fn preview(app: &App, digest: &Digest, show: &str) -> Result<Option<Markup>, Fault> {
    let site = app.site.outside();
    let message = |service: Service| format!("{:#}", service.message(digest, &site));
    let text = match show {
        "" => return Ok(None),
        // Its styles are for mail programs; here it looks as the pages do.
        "mail" => {
            let body = pieces::week(digest, &site, pieces::Look::Plain);
            return Ok(Some(html! { div.prose { h2 { (words::heading(digest.week)) } (PreEscaped(body)) } }));
        }
        "text" => mail::plain(digest, &site),
        "markdown" => markdown::week(digest, &site),
        service => {
            let unknown = |_| Fault::BadAddress("“show” names nothing that goes out".to_owned());
            message(service.parse().map_err(unknown)?)
        }
    };
    Ok(Some(html! { pre tabindex="0" { code { (text) } } }))
}

/// All that the page shows.
struct DigestShown<'d> {
    digest: &'d Digest,
    stored: Option<&'d StoredIssue>,
    dropped: &'d [ReadCard],
    show: &'d str,
    preview: Option<Markup>,
    /// The stored version, if another page has stored it since this one was loaded.
    theirs: Option<&'d Digest>,
}

fn document(frame: &Frame, shown: &DigestShown<'_>) -> Document {
    let week = shown.digest.week;
    Document {
        title: format!("Digest of week {} of {}", week.number(), week.year()),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href={ "/week/" (week) } { (words::heading(week)) } }
                h1 { "Digest" }
                p.tally { (words::tally(shown.digest.totals)) }
                p.standfirst { (standing(frame, shown.stored)) }
            }
            @if let Some(theirs) = shown.theirs { (other_version(theirs)) }
            @match &shown.preview {
                Some(preview) => {
                    (previews(week, shown.show))
                    section aria-label="Preview" { (preview) }
                }
                None => {
                    (previews(week, ""))
                    (editor(frame, shown))
                }
            }
        },
        ..Document::default()
    }
}

/// A message about which digest is sent.
fn standing(frame: &Frame, stored: Option<&StoredIssue>) -> Markup {
    let at = |moment| crate::words::date(moment, frame.zone());
    html! {
        @match stored {
            None => "A proposal by rule, and by what you keep, label and hide. Until you publish it, feeds, Markdown, mails and chats \
                     have the digest by rule alone.",
            Some(StoredIssue { published_at: Some(published), .. }) => {
                "Your issue, published on " (at(*published)) ": feeds, Markdown, mails and chats have it. Each saved change is public at once."
            }
            Some(stored) => { "Your draft of " (at(stored.changed_at)) ". Until you publish it, feeds, Markdown, mails and chats have the digest by rule." }
        }
    }
}

fn other_version(theirs: &Digest) -> Markup {
    html! {
        section.own {
            h2 { "This digest was changed meanwhile" }
            p {
                "Somewhere else, such as in another tab, it was changed after you opened it. Nothing was saved. The archive has the "
                "version here; what you typed is below it, and “Save” puts it in the place of this version."
            }
            @if !theirs.remark.is_empty() { pre.plain tabindex="0" { (theirs.remark) } }
            ol {
                @for pick in &theirs.picks {
                    li { (pick.read.card.title) @if !pick.remark.is_empty() { pre.plain tabindex="0" { (pick.remark) } } }
                }
            }
            p { a href={ "/week/" (theirs.week) "/digest" } { "Keep what the archive has" } }
        }
    }
}

fn previews(week: Week, show: &str) -> Markup {
    let address = |show: &str| match show {
        "" => format!("/week/{week}/digest"),
        show => format!("/week/{week}/digest?show={show}"),
    };
    html! {
        nav.shows aria-label="Preview" {
            a href=(address("")) aria-current=[show.is_empty().then_some("true")] { "Edit" }
            @for (name, words) in PREVIEWS {
                a href=(address(name)) aria-current=[(show == name).then_some("true")] { (words) }
            }
        }
    }
}

fn editor(frame: &Frame, shown: &DigestShown<'_>) -> Markup {
    let digest = shown.digest;
    let ids = |reads: &mut dyn Iterator<Item = ReadId>| {
        reads.map(|read| read.to_string()).collect::<Vec<_>>().join(" ")
    };
    html! {
        form.digest method="post" action={ "/week/" (digest.week) "/issue" } {
            (frame.form_fields_to(&format!("/week/{}/digest", digest.week)))
            input type="hidden" name="version" value=(shown.stored.map_or(0, |stored| stored.version));
            input type="hidden" name="first" value=(ids(&mut digest.picks.iter().map(|pick| pick.read.card.id)));
            input type="hidden" name="dropped" value=(ids(&mut shown.dropped.iter().map(|card| card.id)));
            // The first button is the one that Enter presses.
            p.acts { button name="do" value="save" { "Save" } (publishing(shown.stored)) }
            p {
                label for="remark" { "At the top" }
                textarea #remark name="remark" rows="3" maxlength=(REMARK_MAX) { (digest.remark) }
            }
            section aria-labelledby="first" {
                h2 #first .section { "First" }
                ol.reads { @for (at, pick) in digest.picks.iter().enumerate() { li { (first(pick, at, digest.picks.len())) } } }
            }
            @if !(digest.groups.is_empty() && digest.announcements.is_empty()) {
                section aria-labelledby="rest" {
                    h2 #rest .section { "The rest" }
                    @for group in &digest.groups {
                        h3 { (group.heading(digest)) }
                        (rest(&group.reads))
                    }
                    @if !digest.announcements.is_empty() {
                        h3 { "Announcements" }
                        (rest(&digest.announcements))
                    }
                }
            }
            @if !shown.dropped.is_empty() {
                section aria-labelledby="dropped" {
                    h2 #dropped .section { "Left out" }
                    ul.others {
                        @for card in shown.dropped {
                            li { (line(card)) p.acts { (button("restore", card, "Take in again")) } }
                        }
                    }
                }
            }
            p.acts { button name="do" value="save" { "Save" } (publishing(shown.stored)) }
        }
    }
}

fn publishing(stored: Option<&StoredIssue>) -> Markup {
    html! {
        @if stored.is_some_and(|stored| stored.published_at.is_some()) {
            button name="do" value="withdraw" { "Withdraw" }
        } @else {
            button name="do" value="publish" { "Save and publish" }
        }
        @if stored.is_some() { button name="do" value="reset" { "Forget it, compose by rule" } }
    }
}

fn first(pick: &Pick, at: usize, of: usize) -> Markup {
    let card = &pick.read.card;
    let name = format!("remark-{}", card.id);
    html! {
        (line(card))
        @if let Some(problem) = &card.problem { p.passage { (card.problem_form.said(problem)) } }
        @if let Some(level) = card.level() { p.quiet { (level) } }
        p {
            label.unseen for=(name) { "Remark on “" (card.title) "”" }
            textarea id=(name) name=(name) rows="2" maxlength=(READ_REMARK_MAX) placeholder="A remark" { (pick.remark) }
        }
        p.acts {
            @if at > 0 { (button("up", card, "Up")) }
            @if at + 1 < of { (button("down", card, "Down")) }
            (button("rest", card, "To the rest"))
            (button("drop", card, "Leave out"))
        }
    }
}

fn rest(cards: &[ReadCard]) -> Markup {
    html! {
        ul.others {
            @for card in cards {
                li { (line(card)) p.acts { (button("first", card, "Put first")) (button("drop", card, "Leave out")) } }
            }
        }
    }
}

fn line(card: &ReadCard) -> Markup {
    html! {
        p.under { a href=(reads::href(card)) { (card.title) } }
        p.small { (card.company) (reads::dot()) (card.minutes) " min" }
    }
}

fn button(act: &str, card: &ReadCard, words: &str) -> Markup {
    html! { button name="do" value={ (act) " " (card.id) } { (words) span.unseen { ": " (card.title) } } }
}
