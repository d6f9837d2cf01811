//! Which files a site has.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex};

use backissue_annotate::Vocabulary;
use backissue_digest::{file_of, words};
use backissue_model::{ReadId, Slug, Week};
use backissue_store::{Order, ReadCard, ReadFilter, SourceFilter, Store};
use backissue_web::{Company, asset_addresses};
use jiff::Timestamp;
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

use crate::folder::Turn;
use crate::index::Index;
use crate::picture::Picture;
use crate::{PublishError, PublishSettings};

/// Reads that are listed at a time.
const BATCH: u32 = 500;

/// Addresses in one sitemap; 50,000 are allowed.
const SITEMAP_MAX: usize = 40_000;

/// A page to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its path in the archive.
    pub path: String,
    /// When its file is put in its place.
    pub turn: Turn,
    /// What it is.
    pub kind: JobKind,
}

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// A page with links.
    Page,
    /// A list, which may have several pages.
    List,
    /// A feed, a stylesheet or another file that is written as it is.
    File,
}

/// A share picture: its file, and what it is drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPicture {
    /// Its file.
    pub file: String,
    /// The SVG.
    pub svg: String,
}

/// The files of a site.
#[derive(Debug)]
pub struct Plan {
    /// The pages to ask for.
    pub jobs: Vec<Job>,
    /// All files that links may lead to.
    pub files: HashSet<String>,
    /// The companies, by name.
    pub companies: Arc<[Company]>,
    /// The share pictures.
    pub pictures: Vec<PlannedPicture>,
    /// The search index; taken once.
    pub index: Mutex<Index>,
    /// Where the site is reached.
    pub base_url: Option<Url>,
    reads: HashSet<ReadId>,
    version: u64,
}

/// What is known of the reads after they were listed.
#[derive(Default)]
struct Listed {
    index: Index,
    reads: Vec<(ReadId, String)>,
    sources: BTreeSet<String>,
    companies: BTreeMap<String, Company>,
    weeks: BTreeMap<Week, WeekPictured>,
    pictures: Vec<PlannedPicture>,
}

/// What a week's picture says.
#[derive(Default)]
struct WeekPictured {
    reads: u64,
    problems: u64,
    /// The problem of its newest read whose problem is sure.
    headline: Option<String>,
}

/// The name of the site.
pub const SITE: &str = "Backissue";

impl Plan {
    /// Lists the archive.
    pub async fn of(store: &Store, settings: &PublishSettings) -> Result<Self, PublishError> {
        let version = store.archive_version().await?;
        let followed = store.sources(&SourceFilter::default()).await?;
        let listed = list(store, settings).await?;
        let mut plan = Self {
            jobs: Vec::new(),
            files: HashSet::new(),
            companies: listed.companies.into_values().collect(),
            pictures: Vec::new(),
            index: Mutex::new(listed.index),
            base_url: settings.base_url.clone(),
            reads: listed.reads.iter().map(|(id, _)| *id).collect(),
            version,
        };
        for address in asset_addresses() {
            plan.add(Turn::Assets, JobKind::File, address);
        }
        for (_, path) in &listed.reads {
            plan.add(Turn::Reads, JobKind::Page, path.clone());
        }
        for week in store.weeks().await?.iter().filter(|count| count.reads > 0) {
            plan.add(Turn::Lists, JobKind::List, format!("/week/{}", week.week));
        }
        let mut sources = listed.sources;
        let unread: Vec<String> = followed.iter().map(|source| source.slug.to_string()).collect();
        // A feed without entries is dated by the clock, and would change each time.
        let feeds: Vec<String> = sources.iter().map(|slug| format!("/source/{slug}")).collect();
        sources.extend(unread);
        for slug in &sources {
            plan.add(Turn::Lists, JobKind::List, format!("/source/{slug}"));
        }
        plan.feeds(feeds);
        let companies = Arc::clone(&plan.companies);
        for company in companies.iter() {
            plan.add(Turn::Lists, JobKind::List, format!("/company/{}", company.slug));
        }
        plan.feeds(companies.iter().map(|company| format!("/company/{}", company.slug)));
        let with_reads: BTreeSet<String> = store
            .concepts()
            .await?
            .into_iter()
            .filter(|(_, reads)| *reads > 0)
            .map(|(slug, _)| slug.to_string())
            .collect();
        let known = Vocabulary::builtin().concepts().iter().map(|concept| concept.slug.to_string());
        for slug in known.chain(with_reads.iter().cloned()).collect::<BTreeSet<_>>() {
            plan.add(Turn::Lists, JobKind::List, format!("/concept/{slug}"));
        }
        plan.feeds(with_reads.iter().map(|slug| format!("/concept/{slug}")));
        for path in ["/weeks", "/concepts", "/sources", "/companies", "/search"] {
            plan.add(Turn::Entrances, JobKind::Page, path.to_owned());
        }
        plan.add(Turn::Entrances, JobKind::List, "/".to_owned());
        if !plan.reads.is_empty() {
            plan.feeds(["/feed".to_owned()]);
        }
        let this_week = Week::of(Timestamp::now(), store.zone());
        if listed.weeks.keys().any(|week| *week < this_week) {
            plan.feeds(["/weeks".to_owned()]);
        }
        if settings.base_url.is_some() {
            plan.pictures = listed.pictures;
            plan.pictures
                .extend(listed.weeks.iter().map(|(week, pictured)| picture_of_week(*week, pictured)));
            plan.pictures
                .push(PlannedPicture { file: "picture/site.png".to_owned(), svg: picture_of_site() });
        }
        Ok(plan)
    }

    fn add(&mut self, turn: Turn, kind: JobKind, path: String) {
        if self.files.insert(file_of(&path)) {
            self.jobs.push(Job { path, turn, kind });
        }
    }

    /// Adds the feeds of pages, if the site's address is known.
    fn feeds(&mut self, pages: impl IntoIterator<Item = String>) {
        if self.base_url.is_none() {
            return;
        }
        for page in pages {
            for ending in ["atom", "json"] {
                self.add(Turn::Entrances, JobKind::File, format!("{page}.{ending}"));
            }
        }
    }

    /// Whether all reads of the plan are still in the archive.
    pub async fn is_current(&self, store: &Store) -> Result<bool, PublishError> {
        if store.archive_version().await? == self.version {
            return Ok(true);
        }
        let mut still = HashSet::new();
        let mut after = None;
        loop {
            let page = store.reads(&ReadFilter::default(), Order::Newest, after.as_ref(), 1_000).await?;
            still.extend(page.items.iter().map(|card| card.id));
            after = page.next;
            if after.is_none() {
                return Ok(self.reads.is_subset(&still));
            }
        }
    }

    /// The sitemap, in parts if it is long: file and contents. Empty without an address.
    pub fn sitemap(&self) -> Vec<(String, String)> {
        let Some(base) = &self.base_url else { return Vec::new() };
        let base = base.as_str().trim_end_matches('/');
        // Pages that say nothing yet are left out.
        let mut pages: Vec<&String> = self.files.iter().filter(|file| file.ends_with(".html")).collect();
        pages.sort();
        let address = |file: &&String| match file.as_str() {
            "index.html" => format!("{base}/"),
            file => format!("{base}/{file}"),
        };
        let parts: Vec<String> = pages
            .chunks(SITEMAP_MAX)
            .map(|part| sitemap_of("urlset", "url", part.iter().map(address)))
            .collect();
        if parts.len() == 1 {
            return parts.into_iter().map(|part| ("sitemap.xml".to_owned(), part)).collect();
        }
        let names: Vec<String> = (1..=parts.len()).map(|number| format!("sitemap-{number}.xml")).collect();
        let whole = sitemap_of("sitemapindex", "sitemap", names.iter().map(|name| format!("{base}/{name}")));
        names.into_iter().zip(parts).chain([("sitemap.xml".to_owned(), whole)]).collect()
    }
}

fn sitemap_of(whole: &str, part: &str, addresses: impl Iterator<Item = String>) -> String {
    let escaped = |address: String| address.replace('&', "&amp;").replace('<', "&lt;");
    let lines: Vec<String> =
        addresses.map(|address| format!("<{part}><loc>{}</loc></{part}>\n", escaped(address))).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{whole} xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{}</{whole}>\n",
        lines.concat()
    )
}

async fn list(store: &Store, settings: &PublishSettings) -> Result<Listed, PublishError> {
    let mut listed = Listed::default();
    let mut after = None;
    loop {
        let page = store.summary_page(&ReadFilter::default(), Order::Newest, after.as_ref(), BATCH).await?;
        for read in &page.items {
            listed.index.add(read);
            listed.take(&read.card, settings);
        }
        after = page.next;
        if after.is_none() {
            return Ok(listed);
        }
    }
}

impl Listed {
    fn take(&mut self, card: &ReadCard, settings: &PublishSettings) {
        self.reads.push((card.id, format!("/read/{}/{}", card.id, card.slug)));
        self.sources.insert(card.source_slug.to_string());
        let slug = slug_of_company(&card.company);
        let company = self.companies.entry(slug.to_string());
        let new = || Company { slug, name: card.company.clone(), reads: Vec::new() };
        company.or_insert_with(new).reads.push(card.id);
        let week = self.weeks.entry(card.week).or_default();
        week.reads += 1;
        let said = card.problem.as_ref().map(|problem| card.problem_form.said(problem).to_string());
        week.problems += u64::from(said.is_some());
        if let Some(said) = said.as_ref().filter(|_| card.problem_leads && week.headline.is_none()) {
            week.headline = Some(said.clone());
        }
        if settings.pictures_of_reads && settings.base_url.is_some() {
            let headline = said.filter(|_| card.problem_leads).unwrap_or_else(|| card.title.clone());
            let week = format!("Week {} of {}", card.week.number(), card.week.year());
            let picture = Picture { above: &card.company, headline: &headline, below: &week, site: SITE };
            self.pictures
                .push(PlannedPicture { file: format!("picture/read/{}.png", card.id), svg: picture.svg() });
        }
    }
}

/// The name of a company in addresses. Different spellings are one company; a name without Latin
/// letters is a number.
fn slug_of_company(name: &str) -> Slug {
    let slug = Slug::of(name);
    if slug != Slug::of("") { slug } else { Slug::of(&format!("company {:016x}", xxh3_64(name.as_bytes()))) }
}

fn picture_of_week(week: Week, pictured: &WeekPictured) -> PlannedPicture {
    let above = format!("Week {} of {} · {}", week.number(), week.year(), words::span(week));
    let below = format!(
        "{}, {} with a problem",
        words::count(pictured.reads, "read"),
        words::number(pictured.problems)
    );
    let headline = pictured.headline.clone().unwrap_or_else(|| "The engineering reads of a week".to_owned());
    let picture = Picture { above: &above, headline: &headline, below: &below, site: SITE };
    PlannedPicture { file: format!("picture/week/{week}.png"), svg: picture.svg() }
}

fn picture_of_site() -> String {
    Picture {
        above: "",
        headline: "Every engineering read, week by week, problem first",
        below: "",
        site: SITE,
    }
    .svg()
}
