//! The interface between the page of settings and the program around the pages.
//!
//! The pages fetch nothing, and do not know the settings. So `cli` passes them an [`Operator`].

use std::fmt;
use std::pin::Pin;

use backissue_model::{NewSource, Source};
use backissue_store::{Spent, StoreError};
use url::Url;

/// The program around the pages.
pub trait Operator: fmt::Debug + Send + Sync {
    /// The settings in force, without secrets.
    fn settings(&self) -> Vec<SettingInForce>;

    /// The language models that are configured, without keys.
    fn models(&self) -> Vec<ConfiguredModel>;

    /// The language models that could be used, with their prices. Servers on this machine are asked
    /// for their lists. No other request is sent.
    fn models_found(&self) -> ModelsFound<'_>;

    /// Starts testing a model that was found, so that it annotates new reads. `built-in` means no
    /// model. Returns false if another model is being tested.
    fn choose_model(&self, name: &str) -> bool;

    /// Begins to test a configured model with a short invented article. Returns false if another
    /// one is being tested.
    fn test_model(&self, name: &str) -> bool;

    /// The model that was chosen or tested last, since the program started.
    fn tried_model(&self) -> Option<TriedModel>;

    /// What a model's use costs at today's prices, for people. `None` if its price is not known.
    fn cost(&self, model: &str, spent: &Spent) -> Option<String>;

    /// The configured recipients of weeks and alerts, without secrets.
    fn recipients(&self) -> Vec<ConfiguredRecipient>;

    /// That the archive does not have what the choice of this recipient names, with the remedy, for
    /// people. `None` if nothing is missing.
    fn lacking<'o>(&'o self, recipient: &'o str) -> Lacking<'o>;

    /// Why a webhook cannot have this address, for people. `None` if it can.
    fn why_no_webhook(&self, url: &str) -> Option<String>;

    /// A new random key that signs messages to a webhook.
    fn new_signing_key(&self) -> String;

    /// The configuration file, for people.
    fn configuration_file(&self) -> String;

    /// Whether this program fetches. If not, another one may.
    fn fetches(&self) -> bool;

    /// Why an address is not fetched, for people. `None` if it is.
    fn why_not_fetched(&self, url: &Url) -> Option<String>;

    /// What can be followed at an address, or why nothing can, for people.
    fn find(&self, url: Url) -> Finding<'_>;

    /// The groups of blogs that can be followed at once, or the reason why there are none, for
    /// people.
    fn groups(&self) -> Result<Vec<OfferedGroup>, String>;

    /// Requests a backfill: the articles that a source published before it was followed.
    fn backfill<'o>(&'o self, source: &'o Source) -> Backfilling<'o>;

    /// The feeds in an OPML document, or why there are none, for people.
    fn feeds_in(&self, opml: &[u8]) -> Result<FeedList, String>;

    /// An OPML document with the feeds of these sources.
    fn opml_of(&self, sources: Vec<Source>) -> String;

    /// The metrics of this process and its archive, in the text format of Prometheus.
    fn figures(&self) -> Figures<'_>;

    /// Whether this token permits requesting the metrics.
    fn permits_figures(&self, token: &str) -> bool;
}

/// The future result of [`Operator::figures`].
pub type Figures<'o> = Pin<Box<dyn Future<Output = String> + Send + 'o>>;

/// The future result of [`Operator::lacking`].
pub type Lacking<'o> = Pin<Box<dyn Future<Output = Result<Option<String>, StoreError>> + Send + 'o>>;

/// The future result of [`Operator::backfill`].
pub type Backfilling<'o> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'o>>;

/// The future result of [`Operator::find`].
pub type Finding<'o> = Pin<Box<dyn Future<Output = Result<FoundToFollow, String>> + Send + 'o>>;

/// The future result of [`Operator::models_found`].
pub type ModelsFound<'o> = Pin<Box<dyn Future<Output = Vec<FoundModel>> + Send + 'o>>;

/// A language model that could be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundModel {
    /// Its name, as in `backissue models use`.
    pub name: String,
    /// Where it is and who gets the articles, for people.
    pub about: String,
    /// Its price per read and month, for people.
    pub price: String,
    /// Whether it annotates new reads.
    pub is_in_use: bool,
    /// Whether it is in the configuration file.
    pub is_configured: bool,
}

/// A language model that was chosen or tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedModel {
    /// Its name.
    pub name: String,
    /// What was done, or why nothing was done, for people. `None` while the model is tested.
    pub result: Option<Result<Vec<String>, String>>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingInForce {
    /// Its name in the configuration file.
    pub name: String,
    /// Its value, without secrets.
    pub value: String,
    /// Its origin: a file, a variable, a flag, or the default.
    pub origin: String,
}

/// A language model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredModel {
    /// Its name in the configuration file.
    pub name: String,
    /// Its protocol, server and limits, for people.
    pub about: String,
    /// What it is used for. Empty if it is used only on request.
    pub roles: Vec<&'static str>,
}

/// A recipient of weeks and alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredRecipient {
    /// Its name in the configuration file.
    pub name: String,
    /// What it gets, how and when, for people.
    pub about: String,
    /// Why it cannot be used, with the remedy.
    pub trouble: Option<String>,
}

/// What can be followed at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundToFollow {
    /// One blog.
    One(Box<NewSource>),
    /// A page with several feeds, best first, each with its title if it has one.
    Several(Vec<(Option<String>, Url)>),
}

/// A group of the starter list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedGroup {
    /// Its name in commands.
    pub slug: String,
    /// Its heading.
    pub title: String,
    /// Its blogs.
    pub sources: Vec<NewSource>,
}

/// The feeds of an OPML document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedList {
    /// Each feed with its group.
    pub feeds: Vec<(NewSource, Option<String>)>,
    /// The outlines that were left out and the reasons, one sentence each.
    pub skipped: Vec<String>,
}
