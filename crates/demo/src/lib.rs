//! Blogs of six invented companies, served on loopback, to try the program without a network.
//!
//! The posts are in `posts/<company>/<post>.md` with TOML front matter. They have days before now
//! instead of dates, so that the demo always fills the last twelve weeks. [`Demo::start`] serves
//! them like real blogs: a front page, a page per post with navigation and a cookie notice, a feed
//! in one of four formats, entity tags. The program reads them like any other blog.
//!
//! Only the binary and the tests may use this crate. It does not know the store or the pages.

mod blog;
mod dialect;
mod feeds;
mod pages;
mod server;

pub use blog::{Blog, DemoError, Post, blogs};
pub use server::Demo;
