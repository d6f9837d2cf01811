//! `cargo xtask web`: serves the small web of real blogs on loopback until interrupted.

use anyhow::Context;
use backissue_needs::shared_dir;
use backissue_tests::web::{Scheme, SmallWeb, SmallWebOptions};

/// The arguments of `cargo xtask web`.
#[derive(Debug, clap::Args)]
pub struct Web {
    /// The port to listen on; 0 selects a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve plain HTTP instead of HTTPS
    #[arg(long)]
    plain: bool,
}

impl Web {
    /// Serves until the process is interrupted.
    pub fn run(self) -> anyhow::Result<()> {
        let scheme = if self.plain { Scheme::Http } else { Scheme::Https };
        let web = SmallWeb::start(&shared_dir()?, SmallWebOptions { scheme, port: self.port })?;
        print!("{}", announcement(&web));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(tokio::signal::ctrl_c()).context("interrupts cannot be listened for")
    }
}

/// The address, the CA file, the feeds, and flags for the command line.
fn announcement(web: &SmallWeb) -> String {
    let feeds: String = web.feeds().iter().map(|feed| format!("  {feed}\n")).collect();
    let flags: Vec<String> = web.arguments().iter().map(|flag| quoted(flag)).collect();
    format!(
        "The small web of {} blogs is at {}.\nIts certificate authority is in {}.\nIts feeds:\n{feeds}\nTo read it:\n\n  \
         backissue sync {}\n\nCtrl-C stops it.\n",
        web.hosts.len(),
        web.addr,
        web.ca_file.display(),
        flags.join(" "),
    )
}

/// Quotes an argument for a shell: IPv6 addresses and paths with spaces need quotes.
fn quoted(argument: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:,".contains(character);
    if argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}
