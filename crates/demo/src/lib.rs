//! Six invented companies' blogs, served on loopback, so that the program can be tried with no network at all.
//!
//! The posts lie in `posts/<company>/<post>.md` with TOML front matter and carry days before now instead of dates, so that
//! the demo always fills the last twelve weeks. [`Demo::start`] serves them as blogs really are served: a front page, a page
//! a post in a frame with navigation and a cookie notice, a feed in one of four dialects, entity tags. What reads them is the
//! very same way of a read as for any other blog.
//!
//! This room must not be known to any other room but the binary and the tests, and knows nothing of the store or the pages.

mod blog;
mod feeds;
mod pages;
mod server;

pub use blog::{Blog, DemoError, Post, blogs};
pub use server::Demo;
