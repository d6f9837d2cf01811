//! `/account/digest`: a reader chooses a digest by mail, and stops it. `/digest/{token}` confirms
//! the address.
//!
//! The link that is mailed shows a page that asks, since some programs open every link of a mail;
//! its button confirms, once. It needs no login: the token says that the mailbox belongs to the
//! person who opens the link.

use std::time::Instant;

use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use backissue_model::{DigestChoice, DigestPart, OWN_DIGEST_MOST, SubscriberAddress};
use backissue_store::{OwnDigest, OwnDigestSaved, SavedSearch};
use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::App;
use crate::access::client;
use crate::fault::Fault;
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame};
use crate::pages::login::{later, not_stored, refused, too_early};
use crate::readers::random_text;
use crate::subscriptions::OwnDigests;
use crate::words;

/// The page.
const PAGE: &str = "/account/digest";
/// What begins the value of an option that names a saved search.
const SEARCH: &str = "search-";
/// How many reads come first if nobody said.
const MOST: u32 = 7;
/// The hour if nobody said.
const HOUR: i8 = 8;
/// Most bytes of what was typed that the page shows again.
const TYPED_MAX: usize = 300;

/// The values of the form.
struct Typed {
    mail: String,
    part: String,
    most: String,
    weekday: String,
    hour: String,
    zone: String,
}

impl Typed {
    /// What the reader chose, or usual values.
    fn of(own: Option<&OwnDigest>, zone: &TimeZone) -> Self {
        let Some(OwnDigest { choice, address, .. }) = own else {
            return Self {
                mail: String::new(),
                part: DigestPart::Everything.to_string(),
                most: MOST.to_string(),
                weekday: Weekday::Monday.to_monday_one_offset().to_string(),
                hour: HOUR.to_string(),
                zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            };
        };
        Self {
            mail: address.clone(),
            part: match (choice.part, choice.search) {
                (DigestPart::Search, Some(id)) => format!("{SEARCH}{id}"),
                (part, _) => part.to_string(),
            },
            most: choice.most.to_string(),
            weekday: choice.weekday.to_monday_one_offset().to_string(),
            hour: choice.hour.to_string(),
            zone: choice.time_zone.clone(),
        }
    }

    fn sent(form: &Signed) -> Result<Self, Fault> {
        let field = |name: &str| {
            form.field(name).map(|text| if text.len() > TYPED_MAX { String::new() } else { text.to_owned() })
        };
        Ok(Self {
            mail: field("mail")?,
            part: field("part")?,
            most: field("most")?,
            weekday: field("weekday")?,
            hour: field("hour")?,
            zone: field("zone")?,
        })
    }

    /// The address and the choice, or what is wrong, in a sentence.
    fn read(&self, searches: &[SavedSearch]) -> Result<(SubscriberAddress, DigestChoice), String> {
        let address = self.mail.parse::<SubscriberAddress>();
        let address = address.map_err(|error| words::sentence(&error.to_string()))?;
        let (part, search) = match self.part.strip_prefix(SEARCH) {
            Some(id) => {
                (DigestPart::Search, searches.iter().map(|own| own.id).find(|own| own.to_string() == id))
            }
            None => (self.part.parse().unwrap_or(DigestPart::Search), None),
        };
        if part == DigestPart::Search && search.is_none() {
            return Err("Choose which reads you want.".to_owned());
        }
        let most = self.most.trim().parse::<u32>().ok().filter(|most| (1..=OWN_DIGEST_MOST).contains(most));
        let most =
            most.ok_or_else(|| format!("Choose from 1 to {OWN_DIGEST_MOST} reads that come first."))?;
        let weekday =
            self.weekday.parse::<i8>().ok().and_then(|day| Weekday::from_monday_one_offset(day).ok());
        let weekday = weekday.ok_or("Choose a day.")?;
        let hour =
            self.hour.parse::<i8>().ok().filter(|hour| (0..24).contains(hour)).ok_or("Choose an hour.")?;
        let zone = TimeZone::get(self.zone.trim()).ok();
        let zone = zone.as_ref().and_then(TimeZone::iana_name).map(str::to_owned);
        let time_zone =
            zone.ok_or("No time zone has this name. Write for example Europe/Berlin or America/New_York.")?;
        Ok((address, DigestChoice { part, search, most, weekday, hour, time_zone }))
    }
}

fn own_digests(app: &App) -> Result<&OwnDigests, Fault> {
    app.own_digests.as_ref().ok_or(Fault::NoSuchPage)
}

/// `GET /account/digest`
pub(crate) async fn ask(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    let own = app.store.own_digest(frame.required()?).await?;
    let typed = Typed::of(own.as_ref(), frame.zone());
    page(&frame, &app, own.as_ref(), &typed, None).await
}

/// `POST /account/digest`
pub(crate) async fn save(frame: Frame, State(app): State<App>, request: Request) -> Result<Response, Fault> {
    let peer = client(&app, request.extensions(), request.headers());
    let form = Signed::from_request(request, &app).await?;
    let digests = own_digests(&app)?;
    let typed = Typed::sent(&form)?;
    let own = app.store.own_digest(form.reader).await?;
    let wrong = async |why: &str| page(&frame, &app, own.as_ref(), &typed, Some(why)).await;
    let (address, choice) = match typed.read(&app.store.saved_searches(form.reader).await?) {
        Ok(read) => read,
        Err(why) => return Ok(refused(wrong(&why).await?, StatusCode::UNPROCESSABLE_ENTITY)),
    };
    let is_known = own.as_ref().is_some_and(|own| own.is_confirmed && own.address == address.as_str());
    if !is_known && let Err(wait) = digests.throttle.attempt(peer, address.as_str(), Instant::now()) {
        return Ok(too_early(wrong(&later(wait)).await?, wait));
    }
    let token = random_text();
    match app.store.set_own_digest(form.reader, &address, &choice, &token, Timestamp::now()).await? {
        OwnDigestSaved::Confirmed => {}
        OwnDigestSaved::LinkDue => digests.asked.notify_one(),
        OwnDigestSaved::TooManyLinks => {
            let why =
                "Links were mailed for you several times today. Nothing was changed; try it again tomorrow.";
            return Ok(refused(wrong(why).await?, StatusCode::TOO_MANY_REQUESTS));
        }
    }
    Ok(sent_to(PAGE))
}

/// `POST /account/digest/stop`
pub(crate) async fn stop(State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    app.store.remove_own_digest(form.reader, Timestamp::now()).await?;
    Ok(sent_to(PAGE))
}

/// `GET /digest/{token}`
pub(crate) async fn ask_again(
    frame: Frame,
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    own_digests(&app)?;
    let found = app.store.own_digest_of(&token, Timestamp::now()).await?;
    let own = found.filter(|found| !found.is_confirmed).ok_or(Fault::NoSuchLink)?;
    let main = html! {
        div.head { h1 { "The week by mail" } }
        form.settle method="post" action={ "/digest/" (token) } {
            p { "A week of reads goes to " strong { (own.address) } " " (when(&own)) ", as the reader " strong { (own.reader_name) } " of this archive chose." }
            p.acts { button { "Confirm" } }
        }
    };
    Ok(shown(&frame, main))
}

/// `POST /digest/{token}`
pub(crate) async fn confirm(
    frame: Frame,
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    own_digests(&app)?;
    if !app.store.confirm_own_digest(&token, &random_text(), Timestamp::now()).await? {
        return Err(Fault::NoSuchLink);
    }
    let main = html! {
        div.head { h1 { "Confirmed" } }
        section.own { p { "The week comes to this address. Each mail has a link that stops them." } }
    };
    Ok(shown(&frame, main))
}

/// What the page of the account says of the digest.
pub(crate) fn section(own: Option<&OwnDigest>) -> Markup {
    html! {
        section.own aria-labelledby="by-mail" {
            h2 #by-mail { "The week by mail" }
            @match own {
                None => { p { "You get no week of reads by mail." } }
                Some(own) => { (state(own)) }
            }
            p { a href=(PAGE) { @if own.is_some() { "Change or stop it" } @else { "Choose what you get, and when" } } }
        }
    }
}

/// Whether the digest comes, and what keeps it from coming.
fn state(own: &OwnDigest) -> Markup {
    html! {
        @if let Some(said) = &own.trouble {
            p.lost role="alert" {
                "The mail server says that there is no mailbox " strong { (own.address) } " (" (said) "). Nothing more is sent there. "
                "Correct the address and save it."
            }
        } @else if !own.is_confirmed {
            p {
                "A mail with a link goes to " strong { (own.address) } ". Open the link within two days and confirm; nothing else is sent before. "
                "If no mail comes, save your choice again."
            }
        } @else if own.choice.part == DigestPart::Search && own.search.is_none() {
            p.lost role="alert" { "The saved search whose answers you chose is removed, so nothing is sent. Choose other reads." }
        } @else {
            p { "It goes to " strong { (own.address) } " " (when(own)) "." }
        }
    }
}

/// When the week comes, in words.
fn when(own: &OwnDigest) -> String {
    let DigestChoice { weekday, hour, time_zone, .. } = &own.choice;
    format!("each {weekday:?} at {hour:02}:00 ({time_zone})")
}

async fn page(
    frame: &Frame,
    app: &App,
    own: Option<&OwnDigest>,
    typed: &Typed,
    wrong: Option<&str>,
) -> Result<Response, Fault> {
    let searches = app.store.saved_searches(frame.required()?).await?;
    let main = html! {
        div.head {
            p.eyebrow { a href="/account" { "Account" } }
            h1 { "The week by mail" }
            p.standfirst { "Once a week the reads that you choose, the best first. Your marks, labels and concepts count." }
        }
        @if let Some(own) = own { section.own { (state(own)) } }
        @if app.own_digests.is_some() { (form(frame, &searches, typed, wrong)) }
        @else {
            section.own {
                p { "This archive sends no mails to readers. Its operator can change that with the table " code { "[mail]" } " and " code { "base_url" } " in the configuration file." }
            }
        }
        @if own.is_some() {
            section.own {
                form.settle method="post" action="/account/digest/stop" {
                    (frame.form_fields_to(PAGE))
                    div.row { button { "Stop the mails" } span.quiet { "Your address is deleted." } }
                }
            }
        }
    };
    Ok(shown(frame, main))
}

fn form(frame: &Frame, searches: &[SavedSearch], typed: &Typed, wrong: Option<&str>) -> Markup {
    let parts =
        [(DigestPart::Everything, "All reads"), (DigestPart::Concepts, "Reads with one of my concepts")];
    let is_removed = typed.part == DigestPart::Search.as_str();
    let day = |number: i8| Weekday::from_monday_one_offset(number).unwrap_or(Weekday::Monday);
    html! {
        section.own {
            form #digest .settle method="post" action=(PAGE) {
                (frame.form_fields_to(PAGE))
                @if let Some(why) = wrong { p #said .lost role="alert" { (why) } }
                div.field {
                    label for="mail" { "Your mail address" }
                    input #mail type="email" name="mail" value=(typed.mail) required maxlength="254" autocomplete="email"
                        aria-describedby=[wrong.map(|_| "said")];
                }
                div.field {
                    label for="part" { "Which reads" }
                    select #part name="part" {
                        @if is_removed { option value="" selected { "Choose" } }
                        @for (part, name) in parts {
                            option value=(part) selected[typed.part == part.as_str()] { (name) }
                        }
                        @for search in searches {
                            @let value = format!("{SEARCH}{}", search.id);
                            option value=(value) selected[typed.part == value] { "Answers to “" (search.name) "”" }
                        }
                    }
                    p.quiet { "Your concepts are those of at least three reads that you keep. " a href="/searches" { "Your saved searches" } }
                }
                div.field {
                    label for="most" { "How many come first, at most" }
                    input #most type="number" name="most" value=(typed.most) required min="1" max=(OWN_DIGEST_MOST);
                }
                div.field {
                    label for="weekday" { "On" }
                    select #weekday name="weekday" {
                        @for number in 1..=7_i8 { option value=(number) selected[typed.weekday == number.to_string()] { (format!("{:?}", day(number))) } }
                    }
                }
                div.field {
                    label for="hour" { "At" }
                    select #hour name="hour" {
                        @for hour in 0..24_i8 { option value=(hour) selected[typed.hour == hour.to_string()] { (format!("{hour:02}:00")) } }
                    }
                }
                div.field {
                    label for="zone" { "In the time zone" }
                    input #zone type="text" name="zone" value=(typed.zone) required maxlength="64" autocomplete="off" spellcheck="false";
                }
                div.row { button { "Save" } }
                p.quiet { "A new address gets a mail with a link first. The address is used for these mails alone." }
            }
        }
    }
}

fn shown(frame: &Frame, main: Markup) -> Response {
    let document =
        Document { title: "The week by mail".to_owned(), unlisted: true, main, ..Document::default() };
    not_stored(frame.page(document))
}
