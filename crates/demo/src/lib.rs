//! Six invented companies' blogs, served on loopback.
