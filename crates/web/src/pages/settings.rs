//! Settings for the operator: `/settings`, and the followed sources one by one.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_model::bounds::{MAX_NAME, MAX_TITLE};
use backissue_model::{Limit, Reader, Size, Source, SourceId, typed_address, without_credentials};
use backissue_store::{
    AlertState, Follow, OwnDigest, SetAside, SourceChange, SourceFilter, Spent, Store, StoreError, Unfollow,
    Unfollowed, Webhook, Withdrawn,
};
use jiff::Timestamp;
use maud::{Markup, html};
use url::Url;

use crate::App;
use crate::fault::Fault;
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame};
use crate::operating::{find_to_follow, operator};
use crate::operator::{ConfiguredModel, ConfiguredRecipient, FoundToFollow, Operator};
use crate::pages::opml;
use crate::pages::sources::state_words;
use crate::words;

/// Reads that are listed as set aside or hidden, and people who did not get a week.
const LISTED: u32 = 50;

/// The result of the last form, with the typed values.
#[derive(Default)]
struct Said {
    done: Option<Markup>,
    address: String,
    address_wrong: Option<String>,
}

/// What the page shows.
struct Shown {
    sources: usize,
    recipients: Vec<(ConfiguredRecipient, Vec<String>)>,
    /// What single subscribers and readers did not get.
    people: Vec<String>,
    webhooks: Vec<Webhook>,
    models: Vec<(ConfiguredModel, Option<Spent>)>,
    others: Vec<(String, Spent)>,
    set_aside: Vec<SetAside>,
    aside: u64,
    hidden: Vec<Withdrawn>,
    /// The readers, if each has an account.
    readers: Vec<Reader>,
}

/// `/settings`
pub(crate) async fn settings(
    frame: Frame,
    State(app): State<App>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Fault> {
    frame.required()?;
    let said = Said { done: done(&app.store, &query).await?, ..Said::default() };
    page(&frame, &app, said).await
}

async fn page(frame: &Frame, app: &App, said: Said) -> Result<Response, Fault> {
    let store = &app.store;
    let all = SourceFilter::default();
    let (sources, spent, set_aside, tally, hidden, webhooks, people, readers) = tokio::try_join!(
        store.sources(&all),
        store.spent_by_model(),
        store.set_aside(LISTED),
        store.tally(frame.now),
        store.withdrawn(LISTED),
        store.webhooks(),
        store.weeks_of_people(true, LISTED),
        store.failed_own_digests(),
    )?;
    let people = people.iter().filter_map(|(name, state)| state.trouble(name));
    let people = people.chain(readers.iter().filter_map(OwnDigest::failure)).collect();
    let mut spent: HashMap<String, Spent> = spent.into_iter().collect();
    let models = operator(app)?.models().into_iter();
    let models = models.map(|model| {
        let spent = spent.remove(&model.name);
        (model, spent)
    });
    let models = models.collect();
    let mut others: Vec<(String, Spent)> = spent.into_iter().collect();
    others.sort_by(|(one, _), (other, _)| one.cmp(other));
    let recipients = recipients_of(store, operator(app)?).await?;
    let readers = if frame.has_accounts() { store.readers(frame.now).await? } else { Vec::new() };
    let shown = Shown {
        sources: sources.len(),
        recipients,
        people,
        webhooks,
        models,
        others,
        set_aside,
        aside: tally.set_aside,
        hidden,
        readers,
    };
    let is_wrong = said.address_wrong.is_some();
    let mut answer = frame.page(document(frame, operator(app)?, &shown, &said)).into_response();
    if is_wrong {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

/// The configured recipients, each with its failed sendings and the reasons.
async fn recipients_of(
    store: &Store,
    operator: &Arc<dyn Operator>,
) -> Result<Vec<(ConfiguredRecipient, Vec<String>)>, StoreError> {
    let mut all = Vec::new();
    for recipient in operator.recipients() {
        let mut troubles: Vec<String> = recipient.trouble.iter().cloned().collect();
        troubles.extend(operator.lacking(&recipient.name).await?);
        let last = store.sending(&recipient.name, None).await?;
        let failure = last.and_then(|last| last.failure(&recipient.name));
        troubles.extend(failure.map(|failure| format!("Week {failure}")));
        if let Some(AlertState { error: Some(error), .. }) = store.last_alert(&recipient.name).await? {
            troubles.push(format!("New answers: {error}"));
        }
        all.push((recipient, troubles));
    }
    Ok(all)
}

/// The result of the last form, which is encoded in the address of the page.
async fn done(store: &Store, query: &HashMap<String, String>) -> Result<Option<Markup>, StoreError> {
    let number = |name: &str| query.get(name).and_then(|count| count.parse::<u64>().ok());
    if let Some(slug) = query.get("followed") {
        let Some(source) = store.source_by_slug(slug).await? else { return Ok(None) };
        let is_new = query.contains_key("new");
        return Ok(Some(html! {
            @if is_new { "Following " } @else { "Already following " }
            a href={ "/source/" (source.slug) } { (source.title) } "."
            @if is_new { " Its reads appear as they are fetched." }
        }));
    }
    if query.contains_key("asked") {
        return Ok(Some(html! { "All sources are asked now." }));
    }
    if let Some(count) = number("retried") {
        return Ok(Some(
            html! { (words::count(count, "read")) " that had been set aside " @if count == 1 { "is" } @else { "are" } " tried again." },
        ));
    }
    if let (Some(new), Some(known)) = (number("new"), number("known")) {
        return Ok(Some(html! {
            "Following " (words::count(new, "new source")) "; " (words::number(known)) " were followed already."
        }));
    }
    if let (Some(kept), Some(dropped)) = (number("kept"), number("dropped")) {
        return Ok(Some(html! {
            "Not followed any more. " (words::count(kept, "read")) " stayed, " (words::number(dropped)) " left the archive."
        }));
    }
    Ok(None)
}

/// `POST /settings/follow`: follows the blog at an address.
pub(crate) async fn follow(frame: Frame, State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    let typed = form.field("url")?;
    let wrong = |why: String| Said { address: typed.to_owned(), address_wrong: Some(why), ..Said::default() };
    let url = match typed_address(typed) {
        Ok(url) => url,
        Err(why) => return page(&frame, &app, wrong(why.to_string())).await,
    };
    match find_to_follow(&app, &url).await? {
        Ok(FoundToFollow::One(new)) => {
            let Follow { source, is_new } = app.store.follow(&new, Timestamp::now()).await?;
            let new = if is_new { "&new" } else { "" };
            Ok(sent_to(format!("/settings?followed={}{new}", source.slug)))
        }
        Ok(FoundToFollow::Several(feeds)) => Ok(frame.page(choice(&frame, &url, &feeds)).into_response()),
        Err(why) => page(&frame, &app, wrong(why)).await,
    }
}

/// The feeds of a page that has several.
fn choice(frame: &Frame, site: &Url, feeds: &[(Option<String>, Url)]) -> Document {
    Document {
        title: "Which feed?".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href="/settings" { "Settings" } }
                h1 { "Which feed?" }
                p.standfirst { (without_credentials(site)) " has several feeds. Nothing is followed yet." }
            }
            form.settle method="post" action="/settings/follow" {
                (frame.form_fields_to("/settings"))
                ul.choices {
                    @for (title, url) in feeds {
                        li {
                            button name="url" value=(url) { "Follow" span.unseen { " " (url) } }
                            " " @if let Some(title) = title { b { (title) } " " } span.quiet { (without_credentials(url)) }
                        }
                    }
                }
            }
        },
        ..Document::default()
    }
}

/// `POST /settings/ask`: polls all sources now.
pub(crate) async fn ask(State(store): State<Store>, _form: Signed) -> Result<Response, Fault> {
    store.poll_all_at(Timestamp::now()).await?;
    Ok(sent_to("/settings?asked=1".to_owned()))
}

/// `POST /settings/retry`: tries again what was set aside.
pub(crate) async fn retry(State(store): State<Store>, _form: Signed) -> Result<Response, Fault> {
    let retried = store.retry_set_aside().await?;
    Ok(sent_to(format!("/settings?retried={retried}")))
}

/// `POST /settings/group`: follows the blogs of a group of the starter list.
pub(crate) async fn follow_group(State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    let wanted = form.field("group")?;
    let groups = operator(&app)?.groups().map_err(Fault::BadForm)?;
    let group = groups.into_iter().find(|group| group.slug == wanted);
    let group = group.ok_or_else(|| Fault::BadForm(format!("The starter list has no group “{wanted}”")))?;
    let (mut new, mut known) = (0, 0);
    for source in &group.sources {
        let follow = app.store.follow(source, Timestamp::now()).await?;
        *(if follow.is_new { &mut new } else { &mut known }) += 1;
    }
    Ok(sent_to(format!("/settings?new={new}&known={known}")))
}

/// `/settings/source/{id}`: what a person says about a source.
pub(crate) async fn source(
    frame: Frame,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    frame.required()?;
    let source = followed(&app.store, &id).await?;
    Ok(frame.page(of_source(&frame, &source, None)).into_response())
}

/// `POST /settings/source/{id}/change`: renames it, groups it, pauses or resumes it, asks it now or
/// for what it published before.
pub(crate) async fn change(
    frame: Frame,
    State(app): State<App>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let source = followed(&app.store, &id).await?;
    let now = Timestamp::now();
    let refused = |status: StatusCode, why: &str| {
        let mut answer = frame.page(of_source(&frame, &source, Some(why))).into_response();
        *answer.status_mut() = status;
        answer
    };
    let change = match form.field("do")? {
        "ask" => {
            app.store.poll_at(source.id, now).await?;
            return Ok(sent_to(format!("/settings/source/{}", source.id.0)));
        }
        "backfill" if source.feed_url.is_some() => {
            operator(&app)?.backfill(&source).await?;
            return Ok(sent_to(format!("/source/{}", source.slug)));
        }
        "pause" => SourceChange { paused: Some(true), ..SourceChange::default() },
        "resume" => SourceChange { paused: Some(false), ..SourceChange::default() },
        "save" => {
            if let Some(why) = changed_meanwhile(&source, &form) {
                return Ok(refused(StatusCode::CONFLICT, &why));
            }
            // A field that was not changed in the form stays, such as a title that the feed gives.
            let typed = |name: &str| -> Result<Option<String>, Fault> {
                let (typed, was) = (form.field(name)?, form.field(&format!("was-{name}"))?);
                Ok((typed.trim() != was.trim()).then(|| typed.trim().to_owned()))
            };
            let change = SourceChange {
                title: typed("title")?,
                company: typed("company")?,
                group: typed("group")?,
                paused: None,
                keep_articles: None,
                keep_articles_size: None,
            };
            let (keep, size) = (typed("keep").ok().flatten(), typed("keep-size").ok().flatten());
            let limits = limits(keep.as_deref(), size.as_deref(), change);
            let change = match limits {
                Ok(change) => change,
                Err(why) => return Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, &why)),
            };
            if let Some(why) = too_long(&change) {
                return Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, &why));
            }
            change
        }
        other => return Err(Fault::BadForm(format!("“{other}” is nothing that can be done here"))),
    };
    if !change.is_empty() {
        app.store.change_source(source.id, &change, now).await?;
    }
    Ok(sent_to(format!("/settings/source/{}", source.id.0)))
}

/// Why a form may not be saved: another person changed one of its changed fields after the form was
/// opened.
fn changed_meanwhile(source: &Source, form: &Signed) -> Option<String> {
    let sent = |name: &str| form.field(name).ok().map(str::trim);
    fields(source).into_iter().find_map(|(name, label, now, _)| {
        let (typed, was, now) = (sent(name)?, sent(&format!("was-{name}"))?, now.trim());
        let is_stale = typed != was && typed != now && was != now;
        is_stale.then(|| {
            format!("“{label}” was changed meanwhile to “{now}”. Nothing was saved; you typed “{typed}”.")
        })
    })
}

/// The change with limits of its articles, as they were typed.
fn limits(keep: Option<&str>, size: Option<&str>, change: SourceChange) -> Result<SourceChange, String> {
    let wrong = |why: String| format!("Nothing was saved: {why}.");
    let keep_articles = keep.map(str::parse).transpose().map_err(wrong)?;
    let size: Option<Limit<Size>> = size.map(str::parse).transpose().map_err(wrong)?;
    let keep_articles_size = size.map(|limit| limit.map(|size| size.0));
    Ok(SourceChange { keep_articles, keep_articles_size, ..change })
}

fn too_long(change: &SourceChange) -> Option<String> {
    let fields = [
        ("title", &change.title, MAX_TITLE),
        ("company", &change.company, MAX_NAME),
        ("group", &change.group, MAX_NAME),
    ];
    let is_too_long =
        |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.chars().count() > most);
    let found = fields.into_iter().find(|(_, text, most)| is_too_long(text, *most));
    found.map(|(name, _, most)| {
        format!("The {name} has at most {most} characters; nothing was saved. Shorten it.")
    })
}

/// `POST /settings/source/{id}/unfollow`: stops following it.
pub(crate) async fn unfollow(
    State(store): State<Store>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let source = followed(&store, &id).await?;
    let what = match form.field("reads")? {
        "keep" => Unfollow::KeepReads,
        "delete" => Unfollow::DropReads,
        other => return Err(Fault::BadForm(format!("“{other}” is not what can happen to its reads"))),
    };
    let Unfollowed { reads_kept, reads_dropped } = store.unfollow(source.id, what, Timestamp::now()).await?;
    Ok(sent_to(format!("/settings?kept={reads_kept}&dropped={reads_dropped}")))
}

async fn followed(store: &Store, id: &str) -> Result<Source, Fault> {
    let no_such = || Fault::NoSuchSource(id.to_owned(), None);
    let number = id.parse().map(SourceId).map_err(|_| no_such())?;
    let source = store.source(number).await?.filter(|source| source.unfollowed_at.is_none());
    source.ok_or_else(no_such)
}

fn document(frame: &Frame, operator: &Arc<dyn Operator>, shown: &Shown, said: &Said) -> Document {
    Document {
        title: "Settings".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                h1 { "Settings" }
                p.standfirst { "What this archive follows, what helps it, and what it could not do." }
                p { a href="/account#tokens" { "Tokens for your programs and reader apps" } }
                @if frame.is_open() { p { a href="/account#first" { "Set a password" } } }
                @if let Some(done) = &said.done { p #done role="status" { (done) } }
            }
            (sources(frame, operator, shown.sources, said))
            (readers(&shown.readers))
            (recipients(operator, &shown.recipients, &shown.people))
            (webhooks(frame, &shown.webhooks))
            (models(operator, shown))
            (set_aside(frame, shown))
            (hidden(frame, &shown.hidden))
            (in_force(operator))
        },
        ..Document::default()
    }
}

fn sources(frame: &Frame, operator: &Arc<dyn Operator>, followed: usize, said: &Said) -> Markup {
    let described = said.address_wrong.as_ref().map(|_| "follow-wrong");
    html! {
        section aria-labelledby="sources" {
            h2 #sources .section { "Sources" }
            p.say {
                @match followed {
                    0 => "No blog is followed yet.",
                    n => {
                        a href="/sources" { (words::count(n as u64, "source")) }
                        @if n == 1 { " is" } @else { " are" }
                        " followed. “Change” there renames, groups, pauses and stops following one."
                    }
                }
            }
            form.settle method="post" action="/settings/follow" {
                (frame.form_fields_to("/settings"))
                div.field {
                    label for="follow" { "Follow a blog, by its address or its feed’s" }
                    input #follow type="text" name="url" inputmode="url" autocomplete="off" required value=(said.address)
                        placeholder="https://blog.example.com/" aria-describedby=[described] aria-invalid=[described.map(|_| "true")];
                    @if let Some(wrong) = &said.address_wrong { p.wrong #follow-wrong role="alert" { (words::sentence(wrong)) } }
                    div.row { button { "Follow" } }
                }
            }
            form.settle method="post" action="/settings/ask" {
                (frame.form_fields_to("/settings"))
                div.field.row {
                    button disabled[followed == 0] { "Ask all sources now" }
                    @if !operator.fetches() { span.quiet { "This program fetches nothing (" code { "--no-fetch" } "); another one has to." } }
                }
            }
            (groups(frame, operator))
            (lists(frame, followed))
        }
    }
}

/// The starter list.
fn groups(frame: &Frame, operator: &Arc<dyn Operator>) -> Markup {
    html! {
        details.grounds {
            summary { h3 { "Groups of blogs" } }
            div.inner {
                @match operator.groups() {
                    Err(why) => { p.wrong { (words::sentence(&why)) } }
                    Ok(groups) => { form.settle method="post" action="/settings/group" {
                        (frame.form_fields_to("/settings"))
                        div.field {
                            label for="group" { "Follow all blogs of a group of the starter list" }
                            select #group name="group" {
                                @for group in &groups {
                                    option value=(group.slug) { (group.title) " (" (words::count(group.sources.len() as u64, "blog")) ")" }
                                }
                            }
                            div.row { button { "Follow the group" } }
                        }
                    } }
                }
            }
        }
    }
}

fn lists(frame: &Frame, followed: usize) -> Markup {
    html! {
        details.grounds {
            summary { h3 { "Lists of feeds (OPML)" } }
            div.inner {
                @if followed > 0 { p { a href="/settings/feeds.opml" download { "Download the followed feeds" } ", with passwords that are in their addresses." } }
                (opml::form(frame, "", None))
            }
        }
    }
}

/// The readers, if each has an account.
fn readers(all: &[Reader]) -> Markup {
    html! {
        @if !all.is_empty() {
            section aria-labelledby="readers" {
                h2 #readers .section { "Readers" }
                dl.facts.wide { @for reader in all { dt { (reader.name) } dd { (words::standing(reader)) "." } } }
                p { a href="/readers" { "Invite and change readers" } }
            }
        }
    }
}

fn recipients(
    operator: &Arc<dyn Operator>,
    all: &[(ConfiguredRecipient, Vec<String>)],
    people: &[String],
) -> Markup {
    html! {
        section aria-labelledby="recipients" {
            h2 #recipients .section { "Recipients" }
            @if all.is_empty() {
                p.say {
                    "Nobody gets weeks or new answers. A " code { "[[recipient]]" } " table in "
                    code { (operator.configuration_file()) } " makes it a mail or a chat."
                }
            } @else {
                dl.facts.wide {
                    @for (recipient, troubles) in all {
                        dt { (recipient.name) }
                        dd {
                            (recipient.about) "."
                            @for trouble in troubles { p.wrong role="alert" { (words::sentence(trouble)) } }
                        }
                    }
                }
                p.quiet { code { "backissue send --to NAME --again" } " sends the last week once more." }
            }
            @if !people.is_empty() {
                h3 { "Subscribers and readers" }
                @for trouble in people { p.wrong role="alert" { (trouble) "." } }
            }
        }
    }
}

fn webhooks(frame: &Frame, all: &[Webhook]) -> Markup {
    html! {
        section aria-labelledby="webhooks" {
            h2 #webhooks .section { "Webhooks" }
            @if all.is_empty() {
                p.say { "No program elsewhere is told what happens. " code { "backissue webhook add URL" } " adds one." }
            } @else {
                dl.facts.wide {
                    @for webhook in all {
                        dt { (webhook.id) ": " (webhook.server()) }
                        dd {
                            @if webhook.events.is_empty() { "It gets no more messages." } @else { "It gets messages about " (webhook.events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ")) "." }
                            @if webhook.waiting > 0 { " " (words::count(webhook.waiting, "message")) " not delivered yet." }
                            @match &webhook.last {
                                Some(last) if last.accepted => { " Last answer " (words::ago(last.at, frame.now, frame.zone())) ": " (last.text) "." }
                                Some(last) => { p.wrong role="alert" { "Last answer " (words::ago(last.at, frame.now, frame.zone())) ": " (words::sentence(&last.text)) } }
                                None => { " No answer yet." }
                            }
                        }
                    }
                }
                p.quiet { code { "backissue webhook test NUMBER" } " sends a message to try one, and " code { "remove" } " removes it." }
            }
        }
    }
}

fn models(operator: &Arc<dyn Operator>, shown: &Shown) -> Markup {
    html! {
        section aria-labelledby="models" {
            h2 #models .section { "Language models" }
            @if shown.models.is_empty() {
                p.say {
                    "None is configured, and none is needed. " a href="/settings/models" { "Choose one" } " that was found, or add a "
                    code { "[[model]]" } " table to " code { (operator.configuration_file()) } ", and start again."
                }
            } @else {
                dl.facts.wide {
                    @for (model, spent) in &shown.models {
                        dt { (model.name) @if !model.roles.is_empty() { " (" (model.roles.join(", ")) ")" } }
                        dd { (model.about) ". " (usage(spent.as_ref())) }
                    }
                }
                p { a href="/settings/models" { "Test them, see what they cost, or choose another" } }
                p.quiet { code { "backissue models --usage" } " tells the cost of each day." }
            }
            @if !shown.others.is_empty() {
                p.quiet { "Not configured any more:" }
                dl.facts.wide { @for (name, spent) in &shown.others { dt { (name) } dd { (usage(Some(spent))) } } }
            }
        }
    }
}

fn usage(spent: Option<&Spent>) -> String {
    let Some(spent) = spent else { return "Not used yet.".to_owned() };
    let Spent { reads, questions, input_tokens, output_tokens, failures, .. } = spent;
    let (batched_in, batched_out) = (spent.batch_input_tokens, spent.batch_output_tokens);
    let mut text = format!(
        "So far {} for {}, {} tokens in and {} out",
        words::count(*questions, "question"),
        words::count(*reads, "read"),
        words::number(*input_tokens),
        words::number(*output_tokens)
    );
    if batched_in + batched_out > 0 {
        let (tokens_in, tokens_out) = (words::number(batched_in), words::number(batched_out));
        text.push_str(&format!(
            "; of these {tokens_in} in and {tokens_out} out in batches, at half the price"
        ));
    }
    if *failures > 0 {
        text.push_str(&format!(", {} without a reply", words::number(*failures)));
    }
    text + "."
}

fn set_aside(frame: &Frame, shown: &Shown) -> Markup {
    html! {
        section aria-labelledby="aside" {
            h2 #aside .section { "Set aside" }
            @if shown.aside == 0 {
                p.say { "Nothing. A page that cannot be had or read is listed here after several attempts." }
            } @else {
                p.say { (words::count(shown.aside, "read")) " could not be fetched or read, and " @if shown.aside == 1 { "is" } @else { "are" } " not tried any more." }
                form.settle method="post" action="/settings/retry" {
                    (frame.form_fields_to("/settings"))
                    div.field.row { button { "Try all of them again" } }
                }
                ul.aside {
                    @for read in &shown.set_aside {
                        li {
                            a href=(read.url) rel="noopener noreferrer" { (read.title) }
                            p.quiet { (read.source) ", " (words::date(read.since, frame.zone())) ": " (read.error) }
                        }
                    }
                }
                @if shown.aside > shown.set_aside.len() as u64 { p.quiet { "The newest " (shown.set_aside.len()) " are listed." } }
            }
        }
    }
}

fn hidden(frame: &Frame, hidden: &[Withdrawn]) -> Markup {
    html! {
        section aria-labelledby="hidden" {
            h2 #hidden .section { "Hidden from everybody" }
            @if hidden.is_empty() {
                p.say { "No read. “Correct this” on a read’s page also hides it." }
            } @else {
                ul.aside {
                    @for read in hidden {
                        li {
                            a href={ "/correct/" (read.id) } { (read.title) }
                            p.quiet { (read.source) ", since " (words::date(read.since, frame.zone())) }
                        }
                    }
                }
                @if hidden.len() == LISTED as usize { p.quiet { "The last " (LISTED) " are listed; " code { "backissue withdraw" } " lists more." } }
            }
        }
    }
}

fn in_force(operator: &Arc<dyn Operator>) -> Markup {
    html! {
        section aria-labelledby="in-force" {
            h2 #in-force .section { "Settings in force" }
            p.say {
                "They are read at the start, from flags, environment variables and " code { (operator.configuration_file()) }
                ". " code { "backissue help settings" } " explains each. Passwords and keys are never shown."
            }
            table.ledger.in-force {
                thead { tr { th scope="col" { "Setting" } th scope="col" { "Value" } th scope="col" { "From" } } }
                tbody {
                    @for setting in operator.settings() {
                        tr {
                            th.name scope="row" { code { (setting.name) } }
                            td.value { (setting.value) }
                            td.quiet { (setting.origin) }
                        }
                    }
                }
            }
        }
    }
}

fn of_source(frame: &Frame, source: &Source, wrong: Option<&str>) -> Document {
    let paused = source.health.standing == backissue_model::Standing::Paused;
    let action = format!("/settings/source/{}/change", source.id.0);
    Document {
        title: format!("Change “{}”", source.title),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href={ "/source/" (source.slug) } { (source.title) } }
                h1 { "Change this source" }
                p.standfirst { (state_words(source, frame.now, frame.zone())) }
                @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
            }
            form.settle method="post" action=(action) {
                (frame.form_fields_to("/settings"))
                @for (name, label, value, hint) in fields(source) {
                    div.field {
                        label for=(name) { (label) }
                        input type="hidden" name={ "was-" (name) } value=(value);
                        input id=(name) type="text" name=(name) value=(value) autocomplete="off" aria-describedby={ (name) "-hint" };
                        p.quiet id={ (name) "-hint" } { (hint) }
                    }
                }
                div.row {
                    button name="do" value="save" { "Save" }
                    a href={ "/source/" (source.slug) } { "Change nothing" }
                }
            }
            (asking(frame, &action, paused, source.feed_url.is_some()))
            (stopping(frame, source))
        },
        ..Document::default()
    }
}

fn fields(source: &Source) -> [(&'static str, &'static str, String, &'static str); 5] {
    [
        ("title", "Title", source.title.clone(), "Empty for the feed’s own title."),
        (
            "company",
            "Company",
            source.company.clone(),
            "As its reads name it. Empty for the one in the title.",
        ),
        ("group", "Group", source.group.clone().unwrap_or_default(), "In lists and in OPML. Empty for none."),
        (
            "keep",
            "Keep articles",
            source.keep_articles.to_string(),
            "How long after publication, such as 90d, 26w or 2y; “unlimited”; “default” for the archive’s own limit.",
        ),
        (
            "keep-size",
            "Keep articles up to",
            source.keep_articles_size.map(Size).to_string(),
            "How much of them, such as 500 MB; then the oldest go. “unlimited”, or “default” for the archive’s own limit.",
        ),
    ]
}

fn asking(frame: &Frame, action: &str, paused: bool, has_feed: bool) -> Markup {
    html! {
        section.own {
            h2 { "Asking it" }
            p { @if paused { "It is paused: its reads stay, and it is not asked." } @else { "It is asked by its own rhythm. Paused, its reads stay, and it is not asked." } }
            form.settle method="post" action=(action) {
                (frame.form_fields_to("/settings"))
                div.row {
                    @if paused { button name="do" value="resume" { "Resume" } }
                    @else {
                        button name="do" value="ask" { "Ask now" }
                        @if has_feed { button name="do" value="backfill" { "Get what it published before" } }
                        button name="do" value="pause" { "Pause" }
                    }
                }
            }
        }
    }
}

fn stopping(frame: &Frame, source: &Source) -> Markup {
    html! {
        section.own {
            h2 { "Stop following it" }
            form.settle method="post" action={ "/settings/source/" (source.id.0) "/unfollow" } {
                (frame.form_fields_to("/settings"))
                fieldset {
                    legend { "Its " (words::count(source.reads, "read")) }
                    p { label.choice { input type="radio" name="reads" value="keep" checked; " Keep them in the archive" } }
                    p {
                        label.choice {
                            input type="radio" name="reads" value="delete";
                            " Delete them, but for those that have another source, or that somebody keeps, noted, labelled, highlighted, answered, rated or corrected. This cannot be undone."
                        }
                    }
                }
                div.row { button { "Stop following" } }
            }
        }
    }
}
