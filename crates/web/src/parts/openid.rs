//! Logging in at the OpenID provider, on the pages that lead there.

use maud::{Markup, html};

use crate::readers::OpenId;

/// The link that leads to the provider.
pub(crate) fn link(openid: &OpenId, to: &str) -> Markup {
    html! { div.row { a.press href=(to) { "Log in with " (openid.provider.name()) } } }
}

/// The address where a login begins that returns to this page.
pub(crate) fn begins_at(back: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("back", back).finish();
    format!("/login/openid?{query}")
}

/// A note that logging out here does not log out at the provider.
pub(crate) fn about_logout(openid: &OpenId) -> Markup {
    html! {
        p.quiet { "Logging out here ends your session in this archive only. You stay logged in at " (openid.provider.name()) "." }
    }
}
