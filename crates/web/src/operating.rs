//! What handlers have the program around the pages do.

use std::sync::Arc;
use std::time::Duration;

use backissue_model::without_credentials;
use url::Url;

use crate::App;
use crate::fault::Fault;
use crate::operator::{FoundToFollow, Operator};

/// How long looking for a feed may take. A request has a minute.
const FIND_WITHIN: Duration = Duration::from_secs(45);

/// The program around the pages.
///
/// # Errors
/// If there is none.
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
