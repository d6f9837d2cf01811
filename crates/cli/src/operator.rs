//! What the page of settings shows of this program, and has it do.

use backissue_feed::opml::{self, Outline};
use backissue_fetch::Fetcher;
use backissue_ingest::{Found, find, listed_source};
use backissue_model::Source;
use backissue_web::{
    ConfiguredModel, ConfiguredRecipient, FeedList, Finding, FoundToFollow, Operator, SettingInForce,
};
use url::Url;

use crate::commands::opml::{outlines, source_of};
use crate::rows::ModelRow;
use crate::settings::Settings;
use crate::{open, recipients};

/// The running `serve`.
#[derive(Debug)]
pub struct Serving {
    settings: Settings,
    fetcher: Fetcher,
    fetches: bool,
}

impl Serving {
    /// The program with these settings. `fetches` says whether it works on the archive.
    pub fn new(settings: &Settings, fetcher: Fetcher, fetches: bool) -> Self {
        Self { settings: settings.clone(), fetcher, fetches }
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

    fn recipients(&self) -> Vec<ConfiguredRecipient> {
        let rows = self.settings.recipients.value.iter();
        let shown = rows.map(|row| ConfiguredRecipient {
            name: row.name.clone(),
            about: row.to_string(),
            trouble: recipients::named(&self.settings, &row.name).err().map(|why| format!("{why:#}")),
        });
        shown.collect()
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

    fn feeds_in(&self, text: &str) -> Result<FeedList, String> {
        let list = opml::read(text.as_bytes()).map_err(|why| why.to_string())?;
        let feeds = list.outlines.iter().map(|outline: &Outline| (source_of(outline), outline.group.clone()));
        Ok(FeedList { feeds: feeds.collect(), skipped: list.skipped })
    }

    fn opml_of(&self, sources: Vec<Source>) -> String {
        opml::write(&outlines(sources))
    }
}
