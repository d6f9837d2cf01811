//! Identifies a person by an OpenID Connect provider that the operator chose.
//!
//! A login has two steps (authorization code flow, OpenID Connect Core 1.0, section 3.1, with
//! PKCE). First the browser goes to [`Provider::login_address`]. It comes back with a code, which
//! [`Provider::person`] exchanges for a signed ID token.
//!
//! This crate does not know readers or sessions, and keeps only the provider's documents. It sends
//! requests only to the provider, which may be on this machine or in its network. So requests have
//! limits of time and size, but may go to private addresses.

mod error;
mod provider;
mod requests;

pub use error::OpenIdError;
pub use provider::{Attempt, Person, Provider, ProviderSettings, SUBJECT_MAX};
