//! Why a login by a provider failed.

/// Why a login by a provider failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenIdError {
    /// The settings cannot be used, for this reason.
    #[error("{0}")]
    Setup(String),
    /// The provider did not answer, or its documents cannot be used.
    #[error("the OpenID provider {host}: {reason}")]
    Down {
        /// The provider's host.
        host: String,
        /// What is wrong, and the remedy if there is one.
        reason: String,
    },
    /// The provider refused to exchange the code for an ID token.
    #[error("the OpenID provider {host} refused the login: {reason}")]
    Refused {
        /// The provider's host.
        host: String,
        /// The provider's message.
        reason: String,
    },
    /// The ID token failed a check.
    #[error("the OpenID provider {host} sent an ID token that does not count: {reason}")]
    Untrusted {
        /// The provider's host.
        host: String,
        /// The check that failed.
        reason: String,
    },
}
