//! Decides which files a site has.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use backissue_annotate::Vocabulary;
use backissue_digest::{file_of, words};
use backissue_model::{Fingerprint, ReadId, Slug, Week};
use backissue_search::ProblemOf;
use backissue_store::{Order, PageFacts, ReadCard, ReadFilter, ReadSummary, SourceFilter, Store, WeekCount};
use backissue_web::{Company, asset_addresses};
use jiff::Timestamp;
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

use crate::folder::Turn;
use crate::index::Index;
use crate::keys::{Key, Lists, key_of};
use crate::links::{List, file_of_page};
use crate::picture::Picture;
use crate::{PublishError, PublishSettings};

/// Number of reads that are read from the archive at once.
const BATCH: u32 = 500;

/// Maximum addresses in one sitemap. The protocol allows 50,000.
const SITEMAP_MAX: usize = 40_000;

/// A page to request from the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its path in the archive.
    pub path: String,
    /// When the page's file is moved to its place.
    pub turn: Turn,
    /// The kind of page.
    pub kind: JobKind,
    /// The key of the page's data, without the other reads that a read's page lists. `None` if it
    /// is not known.
    pub key: Option<Key>,
}

impl Job {
    /// The files of the page, in order. For a list this iterator is endless, and the list uses as
    /// many as it needs.
    pub fn files(&self) -> impl Iterator<Item = String> {
        let most = if self.kind == JobKind::List { usize::MAX } else { 1 };
        (1..).take(most).map(|number| file_of_page(List { path: &self.path, number }))
    }
}

/// The kind of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// A page with links.
    Page,
    /// The page of a read, which lists other reads with its problem.
    Read(ReadId),
    /// A list, which may have several pages.
    List,
    /// A feed, a stylesheet or another file that is written unchanged.
    File,
}

/// A share picture that is not drawn yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPicture {
    /// The path of its file.
    pub file: String,
    /// The SVG.
    pub svg: String,
}

/// All files that a site has.
#[derive(Debug)]
pub struct Plan {
    /// The pages to request.
    pub jobs: Vec<Job>,
    /// All files to which links may lead.
    pub files: HashSet<String>,
    /// The companies, by name.
    pub companies: Arc<[Company]>,
    /// The share pictures.
    pub pictures: Vec<PlannedPicture>,
    /// The search index. It is taken out once.
    pub index: Mutex<Index>,
    /// The site's address, if known.
    pub base_url: Option<Url>,
    /// The reads, to look up those with the same problem.
    reads: HashMap<ReadId, KnownRead>,
    /// The number of the archive's last change when it was listed.
    pub version: u64,
    /// A hash of the data that are equal for all pages.
    pub program: Key,
}

/// Facts that are collected while reads are listed.
#[derive(Default)]
struct Listed {
    index: Index,
    reads: Vec<ListedRead>,
    known: HashMap<ReadId, KnownRead>,
    lists: Lists,
    sources: BTreeSet<String>,
    companies: BTreeMap<String, Company>,
    weeks: BTreeMap<Week, WeekPictured>,
    pictures: Vec<PlannedPicture>,
}

/// A read of the list.
struct ListedRead {
    id: ReadId,
    path: String,
    week: Week,
    key: Key,
}

/// The facts that decide whether reads have the same problem, and what lists show of a read.
#[derive(Debug)]
pub struct KnownRead {
    /// What lists show of the read.
    pub card: ReadCard,
    problem: Option<String>,
    fingerprint: Option<Fingerprint>,
}

impl KnownRead {
    /// The read with its problem.
    pub fn problem(&self) -> ProblemOf<'_> {
        ProblemOf {
            id: self.card.id,
            title: &self.card.title,
            problem: self.problem.as_deref(),
            company: &self.card.company,
            fingerprint: self.fingerprint,
        }
    }
}

/// The texts for a week's picture.
#[derive(Default)]
struct WeekPictured {
    reads: u64,
    problems: u64,
    /// The problem of the newest read with a sure problem.
    headline: Option<String>,
}

/// The name of the site.
pub const SITE: &str = "Backissue";

impl Plan {
    /// Lists the archive and plans the files. `program` is a hash of the data that are equal for
    /// all pages.
    pub async fn of(store: &Store, settings: &PublishSettings, program: Key) -> Result<Self, PublishError> {
        let version = store.archive_version().await?;
        let followed = store.sources(&SourceFilter::default()).await?;
        let mut listed = list(store, settings).await?;
        let this_week = Week::of(Timestamp::now(), store.zone());
        let weeks: Vec<WeekCount> =
            store.weeks().await?.into_iter().filter(|count| count.reads > 0).collect();
        listed.lists.say_weeks(&weeks, this_week);
        listed.lists.say_sources(&followed);
        let mut plan = Self {
            jobs: Vec::new(),
            files: HashSet::new(),
            companies: listed.companies.into_values().collect(),
            pictures: Vec::new(),
            index: Mutex::new(listed.index),
            base_url: settings.base_url.clone(),
            reads: listed.known,
            version,
            program,
        };
        for address in asset_addresses() {
            plan.add(Turn::Assets, JobKind::File, address);
        }
        for read in &listed.reads {
            plan.add(Turn::Reads, JobKind::Read(read.id), read.path.clone());
        }
        for count in &weeks {
            plan.add(Turn::Lists, JobKind::List, format!("/week/{}", count.week));
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
            let path = format!("/company/{}", company.slug);
            listed.lists.say(path.clone(), &(&company.name, company.reads.len()));
            plan.add(Turn::Lists, JobKind::List, path);
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
            let path = format!("/concept/{slug}");
            // Its name and definition are the program's.
            listed.lists.say(path.clone(), &());
            plan.add(Turn::Lists, JobKind::List, path);
        }
        plan.feeds(with_reads.iter().map(|slug| format!("/concept/{slug}")));
        for path in ["/weeks", "/concepts", "/sources", "/companies", "/search"] {
            plan.add(Turn::Entrances, JobKind::Page, path.to_owned());
        }
        plan.add(Turn::Entrances, JobKind::List, "/".to_owned());
        if !plan.reads.is_empty() {
            plan.feeds(["/feed".to_owned()]);
        }
        if listed.weeks.keys().any(|week| *week < this_week) {
            plan.feeds(["/weeks".to_owned()]);
        }
        plan.set_keys(&listed.reads, &listed.lists);
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
            self.jobs.push(Job { path, turn, kind, key: None });
        }
    }

    /// Sets the keys of the jobs. This needs the list of all files, because links lead only to
    /// files.
    fn set_keys(&mut self, reads: &[ListedRead], lists: &Lists) {
        // A read's page links to reads of its week, and a week's to weeks around it. These are in
        // their keys.
        let is_own =
            |file: &String| ["read/", "week/", "company/"].iter().any(|start| file.starts_with(start));
        let mut files: Vec<&String> =
            self.files.iter().filter(|file| file.ends_with(".html") || !file.contains('/')).collect();
        files.retain(|file| !is_own(file));
        files.sort();
        let of_all = key_of(&(self.program, files));
        let reads: HashMap<ReadId, &ListedRead> = reads.iter().map(|read| (read.id, read)).collect();
        for job in &mut self.jobs {
            let own = match job.kind {
                // The page names the reads before and after it in its week.
                JobKind::Read(id) => reads
                    .get(&id)
                    .map(|read| key_of(&(read.key, lists.reads(&format!("/week/{}", read.week))))),
                JobKind::List => {
                    let has_feed = self.files.contains(&format!("{}.atom", job.path.trim_start_matches('/')));
                    lists.page(&job.path).map(|key| key_of(&(key, has_feed)))
                }
                JobKind::File => job.path.rsplit_once('.').and_then(|(page, _)| lists.feed(page)),
                JobKind::Page => None,
            };
            job.key = own.map(|own| key_of(&(of_all, own)));
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

    /// Whether the archive still has all reads of this plan. `later` is a newer plan.
    pub fn is_part_of(&self, later: &Self) -> bool {
        self.reads.keys().all(|read| later.reads.contains_key(read))
    }

    /// Looks up a read.
    pub fn read(&self, id: ReadId) -> Option<&KnownRead> {
        self.reads.get(&id)
    }

    /// The sitemap, as files with their contents; several if it is long. Empty if the site's
    /// address is not known.
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
    let facts = store.page_facts().await?;
    let mut after = None;
    loop {
        let page = store.summary_page(&ReadFilter::default(), Order::Newest, after.as_ref(), BATCH).await?;
        for read in &page.items {
            listed.index.add(read);
            let facts = facts.get(&read.card.id);
            listed.put_on_lists(read, facts);
            listed.take(&read.card, settings);
        }
        after = page.next;
        if after.is_none() {
            return Ok(listed);
        }
    }
}

impl Listed {
    /// Adds a read to the lists that have it. A read that was stored after the facts were looked up
    /// is not added to its sources' lists. It is listed in the next publication, with other facts.
    fn put_on_lists(&mut self, read: &ReadSummary, facts: Option<&PageFacts>) {
        let (card, key) = (&read.card, key_of(&(read, facts)));
        self.lists.add(format!("/week/{}", card.week), key);
        self.lists.add(format!("/company/{}", slug_of_company(&card.company)), key);
        for concept in &card.concepts {
            self.lists.add(format!("/concept/{concept}"), key);
        }
        for (place, _) in facts.iter().flat_map(|facts| &facts.places) {
            self.lists.add(format!("/source/{}", place.source_slug), key);
        }
        let path = format!("/read/{}/{}", card.id, card.slug);
        self.reads.push(ListedRead { id: card.id, path, week: card.week, key });
        let known = KnownRead {
            card: card.clone(),
            problem: read.precis.problem.as_ref().map(|problem| problem.text.clone()),
            fingerprint: facts.and_then(|facts| facts.fingerprint),
        };
        self.known.insert(card.id, known);
    }

    fn take(&mut self, card: &ReadCard, settings: &PublishSettings) {
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

/// The slug of a company. Different spellings of a name give the same slug. For a name without
/// Latin letters it is a number.
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
