//! Calls of handlers to the program around the pages.

use std::sync::Arc;
use std::time::Duration;

use backissue_model::without_credentials;
use url::Url;

use crate::App;
use crate::fault::Fault;
use crate::operator::{FoundToFollow, Operator};

/// Time limit for finding a feed. A request may take a minute.
const FIND_WITHIN: Duration = Duration::from_secs(45);

/// The program around the pages.
///
/// # Errors
/// If the pages run without it.
pub(crate) fn operator(app: &App) -> Result<&Arc<dyn Operator>, Fault> {
    app.operator.as_ref().ok_or(Fault::NoSuchPage)
}

/// What can be followed at an address, or why nothing can.
pub(crate) async fn find_to_follow(app: &App, url: &Url) -> Result<Result<FoundToFollow, String>, Fault> {
    let found = tokio::time::timeout(FIND_WITHIN, operator(app)?.find(url.clone())).await;
    Ok(found.unwrap_or_else(|_| {
        let (url, seconds) = (without_credentials(url), FIND_WITHIN.as_secs());
        Err(format!("{url} was not answered within {seconds} seconds; try again later"))
    }))
}
