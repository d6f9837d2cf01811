//! One file per command or group of commands.

pub mod annotate;
pub mod backfill;
pub mod config;
pub mod doctor;
pub mod find;
pub mod follow;
pub mod help;
pub mod inspect;
pub mod login;
pub mod models;
pub mod opml;
pub mod prior_art;
pub mod reader;
pub mod reindex;
pub mod send;
pub mod serve;
pub mod show;
pub mod source;
pub mod sources;
pub mod starter;
pub mod sync;
pub mod unfollow;
pub mod use_model;
pub mod week;
pub mod weeks;
