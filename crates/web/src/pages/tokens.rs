//! Tokens of the reader's programs, as a part of the page of the account.

use backissue_model::{Role, Scope, TOKEN_NAME_MAX, TokenName};
use backissue_store::Token;
use maud::{Markup, html};

use crate::frame::Frame;
use crate::parts::reads;
use crate::words;

/// The result of the last form.
pub(crate) enum Said {
    /// A new token, which is shown this once.
    New { name: TokenName, token: String },
    /// The typed name, and why it is wrong.
    Wrong { typed: String, why: String },
}

/// The lifetimes of a token in days. 0 means that it does not expire.
pub(crate) const DAYS: [(u16, &str); 4] =
    [(0, "Until you remove it"), (30, "30 days"), (90, "90 days"), (365, "A year")];

/// The part of the page about tokens.
pub(crate) fn section(frame: &Frame, tokens: &[Token], said: Option<&Said>) -> Markup {
    html! {
        section.own aria-labelledby="tokens" {
            h2 #tokens { "Tokens for programs" }
            p { "A program, an agent or a reader app sends a token instead of a password. Each can be removed without changing anything else; a new "
                "password leaves tokens as they are." }
            @if let Some(Said::New { name, token }) = said {
                div role="status" {
                    p { "The token for " strong { (name) } ", which is not shown again:" }
                    p.address { (token) }
                }
            }
            @for token in tokens { (one(frame, token)) }
            @if tokens.is_empty() { p.quiet { "You have no tokens." } }
            (form(frame, said))
        }
    }
}

fn form(frame: &Frame, said: Option<&Said>) -> Markup {
    let (typed, why) = match said {
        Some(Said::Wrong { typed, why }) => (typed.as_str(), Some(why)),
        _ => ("", None),
    };
    html! {
        form .settle method="post" action="/account/tokens" {
            (frame.form_fields_to("/account"))
            div.field {
                label for="token-name" { "Who gets a new token" }
                input #token-name name="name" value=(typed) autocomplete="off" required maxlength=(TOKEN_NAME_MAX) placeholder="Phone"
                    aria-invalid=[why.map(|_| "true")] aria-describedby=[why.map(|_| "token-wrong")];
                @if let Some(why) = why { p #token-wrong .lost role="alert" { (why) } }
            }
            div.field {
                label for="scope" { "What it may do" }
                select #scope name="scope" {
                    option value="read" { "Read: see what you see" }
                    option value="write" { "Write: also mark, note, label and save for you" }
                    @if frame.visitor().role == Role::Operator {
                        option value="operate" { "Operate: also follow, correct and change settings" }
                    }
                }
            }
            div.field {
                label for="days" { "How long it works" }
                select #days name="days" { @for (days, label) in DAYS { option value=(days) { (label) } } }
            }
            div.row { button { "Make a token" } }
        }
    }
}

fn one(frame: &Frame, token: &Token) -> Markup {
    let zone = frame.zone();
    html! {
        article.noted {
            h3 { (token.name) }
            p.under {
                @match token.scope { Scope::Read => "Read", Scope::Write => "Write", Scope::Operate => "Operate" }
                @if token.scope == Scope::Operate && token.role != Role::Operator { ", but you are no operator any more" }
                (reads::dot()) "made " time datetime=(token.made_at) { (words::date(token.made_at, zone)) }
                (reads::dot())
                @if let Some(used) = token.used_at { "last used " time datetime=(used) { (words::date(used, zone)) } }
                @else { "never used" }
                @if let Some(end) = token.ends_at {
                    (reads::dot())
                    @if token.has_ended(frame.now) { "ended " } @else { "ends " }
                    time datetime=(end) { (words::date(end, zone)) }
                }
            }
            form method="post" action=(format!("/account/tokens/{}/remove", token.id)) {
                (frame.form_fields_to("/account"))
                p.acts { button { "Remove it" span.unseen { ": " (token.name) } } }
            }
        }
    }
}
