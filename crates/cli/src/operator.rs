//! Implements the operations of the page of settings.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backissue_feed::opml::{self, Outline};
use backissue_fetch::Fetcher;
use backissue_ingest::{Found, ask_backfill, find, listed_source};
use backissue_model::{NewSource, Source};
use backissue_send::chosen_by;
use backissue_store::{Extent, Spent, Store};
use backissue_web::{
    Backfilling, ConfiguredModel, ConfiguredRecipient, FeedList, Figures, Finding, FoundModel, FoundToFollow,
    Lacking, ModelsFound, OfferedGroup, Operator, SettingInForce, TriedModel,
};
use ring::digest;
use url::Url;

use crate::args::UseArgs;
use crate::commands::models;
use crate::commands::opml::{outlines, source_of};
use crate::commands::send;
use crate::commands::use_model::{self, Costs};
use crate::noticed::{self, Fit};
use crate::prices::{self, Price};
use crate::rows::ModelRow;
use crate::settings::Settings;
use crate::{figures, open, recipients};

/// The running `serve`.
#[derive(Debug)]
pub struct Serving {
    settings: Settings,
    store: Store,
    fetcher: Fetcher,
    fetches: bool,
    /// The model that was chosen or tested on the page last.
    tried: Arc<Mutex<Option<TriedModel>>>,
}

impl Serving {
    /// The operator for a program with these settings. `fetches` says whether the program works on
    /// the archive.
    pub fn new(settings: &Settings, store: Store, fetcher: Fetcher, fetches: bool) -> Self {
        Self { settings: settings.clone(), store, fetcher, fetches, tried: Arc::default() }
    }

    fn roles(&self, row: &ModelRow) -> Vec<&'static str> {
        let settings = &self.settings;
        let is = |name: &Option<String>| name.as_deref() == Some(row.name.as_str());
        let roles = [
            (is(&settings.annotate_with.value), "annotates new reads"),
            (is(&settings.check_with.value), "checks statements"),
            (is(&settings.embed_with.value), "says what texts mean"),
        ];
        roles.into_iter().filter_map(|(has, role)| has.then_some(role)).collect()
    }

    /// A model that could be used, with its price.
    fn found(&self, name: String, about: String, row: Option<&ModelRow>, costs: &Costs) -> FoundModel {
        let is_in_use = self.settings.annotate_with.value.as_deref() == Some(name.as_str());
        let is_configured = self.settings.models.value.iter().any(|row| row.name == name);
        let price = costs.told(row.and_then(Price::of).as_ref());
        FoundModel { price, name, about, is_in_use, is_configured }
    }

    async fn look_for_models(&self) -> Vec<FoundModel> {
        let noticed = noticed::look(&self.settings).await;
        // Without the archive's counts, costs are estimates, and say so.
        let costs = Costs::of(&self.settings).await.unwrap_or_default();
        let mut all = Vec::new();
        for row in &self.settings.models.value {
            all.push(self.found(row.name.clone(), format!("Configured: {row}."), Some(row), &costs));
        }
        for running in &noticed.servers {
            for model in &running.models {
                let (name, at) = (running.name_of(model), &running.server);
                let fit = match Fit::of(model, noticed.memory) {
                    Fit::TooLarge => continue,
                    Fit::Fits => "on this machine; it fits into its memory",
                    Fit::Unknown => "on this machine",
                    Fit::Elsewhere => "which passes articles on to another machine",
                };
                let row = use_model::named(&name, &self.settings).ok().filter(|_| !model.is_remote);
                let about = format!("{} at {}, {fit}.", at.kind.title(), at.url);
                all.push(self.found(name, about, row.as_ref(), &costs));
            }
        }
        for provider in &noticed.keys {
            let row = use_model::named(&provider.example(), &self.settings).ok();
            let host = row.as_ref().and_then(|row| row.url().host_str().map(str::to_owned));
            let host = host.unwrap_or_default();
            let about = format!("${} is set. The text of each read would go to {host}.", provider.key_env);
            all.push(self.found(provider.example(), about, row.as_ref(), &costs));
        }
        let mut names = HashSet::new();
        all.retain(|model| names.insert(model.name.clone()));
        all
    }

    fn tried(&self) -> MutexGuard<'_, Option<TriedModel>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to try a model. Returns false if another one is being tried.
    fn begin_trying(
        &self,
        name: &str,
        trying: impl Future<Output = anyhow::Result<Vec<String>>> + Send + 'static,
    ) -> bool {
        let mut tried = self.tried();
        if tried.as_ref().is_some_and(|before| before.result.is_none()) {
            return false;
        }
        let name = name.to_owned();
        *tried = Some(TriedModel { name: name.clone(), result: None });
        let tried = Arc::clone(&self.tried);
        tokio::spawn(async move {
            let result = Some(trying.await.map_err(|why| format!("{why:#}")));
            *tried.lock().unwrap_or_else(PoisonError::into_inner) = Some(TriedModel { name, result });
        });
        true
    }
}

impl Operator for Serving {
    fn settings(&self) -> Vec<SettingInForce> {
        let listed = self.settings.listed().into_iter();
        let shown = listed.map(|(name, value, origin)| SettingInForce {
            name: name.into_owned(),
            value,
            origin: origin.to_string(),
        });
        shown.collect()
    }

    fn models(&self) -> Vec<ConfiguredModel> {
        let models = self.settings.models.value.iter();
        let shown = models.map(|row| ConfiguredModel {
            name: row.name.clone(),
            about: row.to_string(),
            roles: self.roles(row),
        });
        shown.collect()
    }

    fn models_found(&self) -> ModelsFound<'_> {
        Box::pin(self.look_for_models())
    }

    fn choose_model(&self, name: &str) -> bool {
        let settings = self.settings.clone();
        let args = UseArgs {
            name: name.to_owned(),
            url: None,
            key_env: None,
            timeout: None,
            anyway: false,
            dry_run: false,
        };
        self.begin_trying(name, async move { use_model::used(&args, &settings).await })
    }

    fn test_model(&self, name: &str) -> bool {
        let (settings, wanted) = (self.settings.clone(), name.to_owned());
        self.begin_trying(name, async move {
            let row = open::row(&settings, &wanted)?;
            let tested = models::test(&settings, row).await?;
            Ok(vec![use_model::test_told(row, &tested)])
        })
    }

    fn tried_model(&self) -> Option<TriedModel> {
        self.tried().clone()
    }

    fn cost(&self, model: &str, spent: &Spent) -> Option<String> {
        let configured = self.settings.models.value.iter().find(|row| row.name == model).cloned();
        // The name of one that is not configured any more may tell its list price.
        let row = configured.or_else(|| use_model::named(model, &self.settings).ok())?;
        let price = Price::of(&row)?;
        let dollars = prices::dollars(&price, spent);
        Some(if dollars == 0.0 { format!("nothing ({})", price.origin) } else { prices::money(dollars) })
    }

    fn recipients(&self) -> Vec<ConfiguredRecipient> {
        let rows = self.settings.recipients.value.iter();
        let shown = rows.map(|row| ConfiguredRecipient {
            name: row.name.clone(),
            about: row.to_string(),
            trouble: recipients::named(&self.settings, &row.name).err().map(|why| format!("{why:#}")),
        });
        shown.collect()
    }

    fn lacking<'o>(&'o self, recipient: &'o str) -> Lacking<'o> {
        Box::pin(async move {
            // Another method says why one cannot be used.
            let Ok(ready) = recipients::named(&self.settings, recipient) else { return Ok(None) };
            let chosen = chosen_by(&self.store, &ready).await?;
            Ok(chosen.err().map(|lack| send::lacking(recipient, &lack)))
        })
    }

    fn why_no_webhook(&self, url: &str) -> Option<String> {
        backissue_send::check_webhook(url, &self.settings.ca.value).err().map(|why| why.to_string())
    }

    fn new_signing_key(&self) -> String {
        backissue_send::new_signing_key()
    }

    fn configuration_file(&self) -> String {
        self.settings.config.value.display().to_string()
    }

    fn why_not_fetched(&self, url: &Url) -> Option<String> {
        open::why_not_fetched(&self.settings, url).map(str::to_owned)
    }

    fn fetches(&self) -> bool {
        self.fetches
    }

    fn find(&self, url: Url) -> Finding<'_> {
        Box::pin(async move {
            match find(&self.fetcher, &url).await {
                Ok(Found::One(feed)) => Ok(FoundToFollow::One(Box::new(feed.into_source()))),
                Ok(Found::List { url, .. }) => Ok(FoundToFollow::One(Box::new(listed_source(url)))),
                Ok(Found::Several(feeds)) => {
                    let feeds = feeds.into_iter().map(|feed| (feed.title, feed.url));
                    Ok(FoundToFollow::Several(feeds.collect()))
                }
                Err(why) => Err(why.to_string()),
            }
        })
    }

    fn groups(&self) -> Result<Vec<OfferedGroup>, String> {
        let list = open::starter(&self.settings).map_err(|why| format!("{why:#}"))?;
        let offered = list.groups.iter().map(|group| OfferedGroup {
            slug: group.slug.to_string(),
            title: group.title.clone(),
            sources: group.sources.iter().map(NewSource::from).collect(),
        });
        Ok(offered.collect())
    }

    fn backfill<'o>(&'o self, source: &'o Source) -> Backfilling<'o> {
        Box::pin(ask_backfill(&self.store, source, Extent::default()))
    }

    fn feeds_in(&self, list: &[u8]) -> Result<FeedList, String> {
        let list = opml::read(list).map_err(|why| why.to_string())?;
        let feeds = list.outlines.iter().map(|outline: &Outline| (source_of(outline), outline.group.clone()));
        Ok(FeedList { feeds: feeds.collect(), skipped: list.skipped })
    }

    fn opml_of(&self, sources: Vec<Source>) -> String {
        opml::write(&outlines(sources))
    }

    fn figures(&self) -> Figures<'_> {
        Box::pin(figures::text(&self.store, &self.settings))
    }

    fn permits_figures(&self, token: &str) -> bool {
        // Hashes are compared, so that the time says nothing about the token.
        let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
        let wanted = self.settings.metrics_token.value.as_ref();
        wanted.is_some_and(|wanted| hash(wanted.reveal()).as_ref() == hash(token).as_ref())
    }
}
