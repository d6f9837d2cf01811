//! The one polite and safe HTTP client; the only crate that talks to the network.
