//! Publishes the archive as files for any web server: `backissue publish`.
//!
//! [`publish`] requests every page from the router of `web`, in this process and without a login.
//! So a published page equals the page of `serve`, without the functions that need a running
//! program. The module `links` makes links relative, `index` writes a search index for the browser,
//! `picture` draws share pictures, `keys` finds pages that need not be made again, and `folder`
//! writes the changed files.
//!
//! This crate renders no page, has no SQL, and decides nothing about reads.

mod error;
mod folder;
mod index;
mod keys;
mod links;
mod picture;
mod plan;
mod render;
mod settings;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use backissue_fetch::why_url_not_public;
use backissue_model::Source;
use backissue_search::Search;
use backissue_store::Store;
pub use error::PublishError;
use folder::Folder;
pub use folder::{MANIFEST, Written};
use keys::{Key, key_of};
use plan::Plan;
use render::Renderer;
pub use settings::{Progress, PublishSettings};
use xxhash_rust::xxh3::xxh3_128;

/// Maximum attempts at a publication. An attempt fails if reads leave the archive meanwhile.
const ATTEMPTS: usize = 3;

/// Publishes the archive. `search` should be up to date, because pages of reads list others with
/// the same problem.
///
/// # Errors
/// [`PublishError`] says what failed, and whether the old site is unchanged.
pub async fn publish(
    store: &Store,
    search: &Search,
    settings: &PublishSettings,
    mut tell: impl FnMut(Progress),
) -> Result<Written, PublishError> {
    let folder = Folder::take(&settings.folder)?;
    let (shown, left_out) = store.without(|source| !settings.saved && is_private(source)).await?;
    let search = search.within(&shown);
    let written = publish_shown(&shown, &search, settings, folder, &mut tell).await;
    shown.close().await;
    Ok(Written { left_out, ..written? })
}

/// Whether a source may be private: saved pages, whose addresses may grant access, and blogs that
/// need a private network or a password.
fn is_private(source: &Source) -> bool {
    let addresses = [&source.feed_url, &source.listing_url, &source.sitemap_url, &source.site_url];
    let mut known = addresses.into_iter().flatten();
    !source.has_address()
        || known.any(|url| {
            why_url_not_public(url).is_some() || !url.username().is_empty() || url.password().is_some()
        })
}

async fn publish_shown(
    store: &Store,
    search: &Search,
    settings: &PublishSettings,
    mut folder: Folder,
    tell: &mut impl FnMut(Progress),
) -> Result<Written, PublishError> {
    let settings_but_folder = PublishSettings { folder: PathBuf::new(), ..settings.clone() };
    let program = key_of(&(program(), store.name().await?, store.zone(), settings_but_folder));
    for _ in 0..ATTEMPTS {
        let plan = Arc::new(Plan::of(store, settings, program).await?);
        let renderer = Renderer::new(store, search, settings, &plan);
        let shared = Arc::new(folder);
        let made = render::everything(&renderer, &plan, &shared, tell).await;
        // All tasks have ended, so nobody else has the folder.
        folder = Arc::into_inner(shared).ok_or_else(|| PublishError::Make {
            what: "the site".to_owned(),
            cause: "a page is still being made".to_owned(),
        })?;
        let is_current = match made {
            Ok(()) => is_current(store, settings, &plan, &folder).await?,
            Err(render::Stopped::Gone) => false,
            Err(render::Stopped::Failed(error)) => return Err(error),
        };
        if is_current {
            return folder.commit();
        }
        folder.start_again();
    }
    Err(PublishError::Restless)
}

/// Whether all reads of the plan are still in the archive. If the archive has changed, pages may
/// have been made before or after the change, so the keys of changed pages are removed.
async fn is_current(
    store: &Store,
    settings: &PublishSettings,
    plan: &Plan,
    folder: &Folder,
) -> Result<bool, PublishError> {
    if store.archive_version().await? == plan.version {
        return Ok(true);
    }
    let later = Plan::of(store, settings, plan.program).await?;
    let keys: HashMap<&str, Option<Key>> =
        later.jobs.iter().map(|job| (job.path.as_str(), job.key)).collect();
    for job in &plan.jobs {
        if keys.get(job.path.as_str()) != Some(&job.key) {
            folder.forget_keys(job.files());
        }
    }
    Ok(plan.is_part_of(&later))
}

/// A hash of this program, because another version may make other pages from the same data. If the
/// program's file cannot be read, a number that never occurs again.
fn program() -> Key {
    let bytes = std::env::current_exe().and_then(std::fs::read);
    bytes.map_or_else(|_| key_of(&std::time::SystemTime::now()), |bytes| xxh3_128(&bytes))
}
