//! `backissue publish`: the archive as files that any web server serves.

use anyhow::ensure;
use backissue_publish::{PublishSettings, Written};
use serde_json::json;
use url::Url;

use crate::args::PublishArgs;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, STRONG, say};
use crate::progress::Making;
use crate::settings::Settings;

/// Publishes.
pub async fn run(args: PublishArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let base_url = settings.base_url.value.clone().map(base).transpose()?;
    let store = open::store(&settings).await?;
    let search = open::search_caught_up(&settings, &store).await?;
    let publish = PublishSettings {
        folder: args.folder,
        base_url,
        articles: args.articles,
        saved: args.saved,
        pictures_of_reads: args.pictures,
    };
    let mut bar = Making::default();
    let written = backissue_publish::publish(&store, &search, &publish, |progress| bar.tell(progress)).await;
    drop(bar);
    store.close().await;
    let written = written?;
    if args.json {
        let Written { files, made, written, removed, left, left_out } = written;
        output::json(&json!({
            "folder": publish.folder, "base_url": publish.base_url, "files": files, "made": made, "written": written,
            "removed": removed, "left": left,
            "left_out": left_out,
        }))?;
    } else {
        tell(&publish, written, &settings)?;
    }
    Ok(Outcome::Fine)
}

/// The address of a site, which ends with a folder.
fn base(mut url: Url) -> anyhow::Result<Url> {
    ensure!(
        url.query().is_none() && url.fragment().is_none(),
        "the address of a site has no `?` and no `#`: {url}; write for example https://example.github.io/archive/"
    );
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn tell(publish: &PublishSettings, done: Written, settings: &Settings) -> anyhow::Result<()> {
    let Written { files, written, removed, left, left_out, .. } = done;
    let folder = publish.folder.display();
    say!("{STRONG}{folder}{PLAIN}  {files} files: {written} written, {removed} removed")?;
    if left > 0 {
        say!("{left} files left the site but stay in the folder, because they were changed there.")?;
    }
    if left_out > 0 {
        let reads = output::count(left_out, "read");
        say!("Left out: {reads} of saved pages and private blogs. --saved publishes them too.")?;
    }
    match &publish.base_url {
        Some(base) => say!("For {base} ({}).", settings.base_url.origin)?,
        None => anstream::eprintln!(
            "There are no feeds, no sitemap and no share pictures, because the site's address is not known: add --base-url URL."
        ),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_of_a_site_ends_with_a_folder() {
        let of = |text: &str| base(text.parse().unwrap()).map(String::from).ok();
        assert_eq!(of("https://a.example/archive").as_deref(), Some("https://a.example/archive/"));
        assert_eq!(of("https://a.example").as_deref(), Some("https://a.example/"));
        assert_eq!(of("https://a.example/?x"), None);
    }
}
