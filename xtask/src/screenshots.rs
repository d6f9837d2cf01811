//! `cargo xtask screenshots`: pictures of the pages, narrow and wide, light and dark, into docs/screenshots/.

use anyhow::Context;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::program::{Archive, Served, client};

use crate::test::{cargo, run, workspace};

/// The arguments of `cargo xtask screenshots`.
#[derive(Debug, clap::Args)]
pub struct Screenshots {
    /// Take pictures of a running `backissue serve` at this address instead of the demo
    #[arg(long)]
    of: Option<String>,
    /// Where to put them
    #[arg(long, default_value = "docs/screenshots")]
    into: std::path::PathBuf,
}

const SCREENS: [(u32, u32); 2] = [(360, 780), (1440, 900)];

impl Screenshots {
    /// Takes the pictures of the demo's pages.
    pub fn run(self) -> anyhow::Result<()> {
        run(cargo().args(["build", "--package", "backissue"]))?;
        tokio::runtime::Runtime::new()?.block_on(self.take())
    }

    async fn take(self) -> anyhow::Result<()> {
        let folder = workspace().join(&self.into);
        std::fs::create_dir_all(&folder)?;
        let archive = Archive::new(Vec::new())?;
        let (base, _served) = match self.of {
            Some(address) => (address.trim_end_matches('/').to_owned(), None),
            None => demo(&archive).await?,
        };
        let browser = Browser::start().await?;
        for (name, path) in pages(&browser, &base).await? {
            for (width, height) in SCREENS {
                for colours in [Colours::Light, Colours::Dark] {
                    browser.look_like(width, height, colours).await?;
                    browser.window.goto(&format!("{base}{path}")).await?;
                    let file = folder.join(format!("{name}-{width}-{}.jpg", colours.as_str()));
                    std::fs::write(&file, browser.picture().await?)?;
                    println!("{}", file.display());
                }
            }
        }
        Ok(())
    }
}

async fn demo(archive: &Archive) -> anyhow::Result<(String, Option<Served>)> {
    let served = archive.serve(&["--demo"])?;
    served.until_idle(&client()).await?;
    Ok((served.url(""), Some(served)))
}

/// The pages to show, by name.
async fn pages(browser: &Browser, base: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut pages = vec![
        ("week", "/".to_owned()),
        ("weeks", "/weeks".into()),
        ("sources", "/sources".into()),
        ("concepts", "/concepts".into()),
    ];
    for (name, start, from) in
        [("read", "/read/", "/"), ("source", "/source/", "/sources"), ("concept", "/concept/", "/concepts")]
    {
        browser.window.goto(&format!("{base}{from}")).await?;
        let link = browser
            .evaluate(&format!("document.querySelector('main a[href^=\"{start}\"]').getAttribute('href')"))
            .await?;
        pages.push((name, link.as_str().context("a link has an address")?.to_owned()));
    }
    Ok(pages)
}
