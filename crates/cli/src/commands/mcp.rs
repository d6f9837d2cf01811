//! `backissue mcp`: the archive for agents, over standard input and output.

use std::sync::Arc;

use backissue_mcp::Server;
use backissue_model::Scope;
use url::Url;

use crate::args::McpArgs;
use crate::exit::Outcome;
use crate::open;
use crate::settings::Settings;

/// Serves an agent until it closes standard input.
pub async fn run(args: McpArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    // The protocol has a deadline for the first answer, so the index is brought up to date later.
    let search = open::search(&settings, &store).await?;
    let scope = if args.write { Scope::Write } else { Scope::Read };
    let reader = open::reader(&store, args.who.reader.as_ref()).await?;
    let site = open::site(&settings, &store);
    let why_not_saved = Arc::new(move |url: &Url| {
        open::why_not_fetched(&settings, url).map(|why| format!("it is not public: {why}"))
    });
    let server = Server::new(search, store.clone(), site, reader, scope, why_not_saved);
    server.serve_stdio().await?;
    store.close().await;
    Ok(Outcome::Fine)
}
