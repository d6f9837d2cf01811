//! Why a provider does not tell who a person is.

/// Why a provider does not tell who a person is.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenIdError {
    /// The settings cannot be used.
    #[error("{0}")]
    Setup(String),
    /// The provider does not answer, or its documents cannot be used.
    #[error("the OpenID provider {host}: {reason}")]
    Down {
        /// The provider's host.
        host: String,
        /// What is wrong, with the remedy if there is one.
        reason: String,
    },
    /// The provider refuses to exchange the code.
    #[error("the OpenID provider {host} refused the login: {reason}")]
    Refused {
        /// The provider's host.
        host: String,
        /// What the provider says.
        reason: String,
    },
    /// The ID token is not what it must be.
    #[error("the OpenID provider {host} sent an ID token that does not count: {reason}")]
    Untrusted {
        /// The provider's host.
        host: String,
        /// The check that failed.
        reason: String,
    },
}
