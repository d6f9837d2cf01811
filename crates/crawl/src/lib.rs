//! Finds a blog's feeds and its older articles: what a crawler knows besides feeds.
//!
//! - [`discover`]: the feeds of a page, and the usual addresses of feeds.
//! - [`sitemap`], [`listing`], [`wordpress`]: documents that list a site's articles.
//! - [`Shapes`]: which addresses are articles, learned from examples.
//! - [`robots`]: what a site forbids to programs.
//!
//! This crate does no input or output and reads no clock. It never panics, and its time is linear
//! in the number of bytes.

mod discovery;
pub mod listing;
pub mod robots;
pub mod sitemap;
mod url_shape;
pub mod wordpress;

pub use discovery::{FoundFeed, discover, guesses, of_posts};
pub use url_shape::{Shapes, UrlShape, Verdict, Why};
