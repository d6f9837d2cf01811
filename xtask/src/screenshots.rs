//! `cargo xtask screenshots`: pictures of the pages, narrow and wide, light and dark, in
//! docs/screenshots/.

use std::cmp::Reverse;

use anyhow::Context;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::program::{Archive, Served, client};

use crate::workspace::{cargo, run, workspace};

/// The arguments of `cargo xtask screenshots`.
#[derive(Debug, clap::Args)]
pub struct Screenshots {
    /// Take pictures of a running `backissue serve` at this address instead of the demo
    #[arg(long)]
    of: Option<String>,
    /// The output folder
    #[arg(long, default_value = "docs/screenshots")]
    into: std::path::PathBuf,
}

const SCREENS: [(u32, u32); 2] = [(360, 780), (1440, 900)];

impl Screenshots {
    /// Takes the pictures, of the demo's pages if no address is given.
    pub fn run(self) -> anyhow::Result<()> {
        if self.of.is_none() {
            run(cargo().args(["build", "--package", "backissue"]))?;
        }
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
        for Page { name, path, before } in pages(&browser, &base).await? {
            for (width, height) in SCREENS {
                for colours in [Colours::Light, Colours::Dark] {
                    browser.look_like(width, height, colours).await?;
                    browser.window.goto(&format!("{base}{path}")).await?;
                    if let Some(before) = before {
                        browser.evaluate(before).await?;
                    }
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
    let reads = asked(&served.url(""), "/api/weeks").await?;
    let reads = reads["weeks"]
        .as_array()
        .context("there are weeks")?
        .iter()
        .filter_map(|week| week["reads"].as_u64());
    served.until_searchable(&client(), reads.sum()).await?;
    Ok((served.url(""), Some(served)))
}

/// A page to photograph.
struct Page {
    name: &'static str,
    path: String,
    /// A script that runs before the picture.
    before: Option<&'static str>,
}

/// A script that focuses the problem, which highlights its evidence, and scrolls only as far as
/// necessary to show the evidence.
const SHOW_EVIDENCE: &str = "(document.querySelector('[data-statement=problem] a').focus({ preventScroll: true }), \
     document.querySelector('mark[data-for=problem]').scrollIntoView({ block: 'nearest', behavior: 'instant' }))";

/// A question for the search, encoded for an address.
const QUESTION: &str = "one+customer%27s+burst+slows+everyone+down";

/// A script that returns the address of the concept with the most reads.
const FULLEST_CONCEPT: &str = "Array.from(document.querySelectorAll('main dt')) \
     .map(dt => [parseInt(dt.querySelector('.count').textContent) || 0, dt.querySelector('a').getAttribute('href')]) \
     .reduce((best, next) => next[0] > best[0] ? next : best)[1]";

/// A script that returns the address of the first source.
const FIRST_SOURCE: &str = "document.querySelector('main a[href^=\"/source/\"]').getAttribute('href')";

async fn pages(browser: &Browser, base: &str) -> anyhow::Result<Vec<Page>> {
    let page = |name, path: &str| Page { name, path: path.to_owned(), before: None };
    let week = fullest_week(base).await?;
    let read = fullest_read(base, &week).await?;
    let mut pages = vec![
        page("week", &week),
        page("weeks", "/weeks"),
        page("sources", "/sources"),
        page("concepts", "/concepts"),
        Page { name: "read", path: read, before: Some(SHOW_EVIDENCE) },
        page("search", &format!("/search?q={QUESTION}")),
        page("prior-art", &format!("/prior-art?q={QUESTION}")),
        page("settings", "/settings"),
        page("digest", &format!("{week}/digest")),
        Page { name: "digest-mail", path: format!("{week}/digest?show=mail"), before: None },
    ];
    for (name, from, chosen) in
        [("source", "/sources", FIRST_SOURCE), ("concept", "/concepts", FULLEST_CONCEPT)]
    {
        browser.window.goto(&format!("{base}{from}")).await?;
        let link = browser.evaluate(chosen).await?;
        pages.push(page(name, link.as_str().context("a link has an address")?));
    }
    Ok(pages)
}

/// The page of the week with the most problems, the newest of several.
async fn fullest_week(base: &str) -> anyhow::Result<String> {
    let weeks = asked(base, "/api/weeks").await?;
    let weeks = weeks["weeks"].as_array().context("there are weeks")?;
    let fullest =
        weeks.iter().rev().max_by_key(|week| week["problems"].as_u64()).context("a week has reads")?;
    Ok(fullest["path"].as_str().context("a week has a page")?.to_owned())
}

/// The page of the week's read with the most statements. Among several, one whose problem's
/// evidence is near the top.
async fn fullest_read(base: &str, week: &str) -> anyhow::Result<String> {
    let mut best = None;
    for card in asked(base, &format!("/api{week}")).await?["items"].as_array().into_iter().flatten() {
        let read = asked(base, &format!("/api/read/{}", card["id"])).await?;
        let precis = &read["precis"];
        let Some(told_at) = precis["problem"]["evidence"][0]["start"].as_u64() else { continue };
        let said = ["approach", "outcome"].iter().filter(|field| precis[**field].is_object()).count();
        let path = read["path"].as_str().context("a read has a page")?.to_owned();
        best = best.max(Some((said, Reverse(told_at), path)));
    }
    best.map(|(_, _, path)| path).context("no read of the fullest week has a problem")
}

async fn asked(base: &str, path: &str) -> anyhow::Result<serde_json::Value> {
    let answer = client().get(format!("{base}{path}")).send().await?.error_for_status()?;
    Ok(serde_json::from_str(&answer.text().await?)?)
}
