//! Who a person is, according to an OpenID Connect provider that the operator chose.
//!
//! A login has two steps (authorization code flow, OpenID Connect Core 1.0, section 3.1, with
//! PKCE). [`Provider::login_address`] is where the browser goes. It comes back with a code, which
//! [`Provider::person`] exchanges for a signed ID token.
//!
//! This crate knows no readers and no sessions, and keeps nothing but the provider's documents. It
//! only asks the provider. The provider may be on this machine or in its network, so requests have
//! limits of time and size, but none of address.

mod error;
mod provider;
mod requests;

pub use error::OpenIdError;
pub use provider::{Attempt, Person, Provider, ProviderSettings, SUBJECT_MAX};
