//! Makes the files of a site: requests pages from the router, and rewrites their links.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use backissue_model::ReadId;
use backissue_search::{Search, SearchFailure};
use backissue_store::Store;
use backissue_web::{Images, OTHERS, Others, Proxies, Public, Published, Readers, SiteSettings, State};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::folder::{Folder, Turn};
use crate::keys::key_of;
use crate::links::{Links, List, to_root};
use crate::plan::{Job, JobKind, KnownRead, Plan, SITE};
use crate::{Progress, PublishError, PublishSettings, index, picture};

/// Maximum bytes of a page.
const PAGE_MAX: usize = 256 << 20;

/// Maximum pages of a list. Without it, a list whose last page links to itself would be endless.
const LIST_MAX: usize = 10_000;

/// Headers of a response that a web server of the published files should also send.
const HEADERS: [&str; 7] = [
    "content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options",
    "cross-origin-opener-policy", "cross-origin-resource-policy", "permissions-policy",
];

/// Why making the files stopped.
pub enum Stopped {
    /// A read of the plan has left the archive, or its title has changed.
    Gone,
    /// An error.
    Failed(PublishError),
}

impl From<PublishError> for Stopped {
    fn from(error: PublishError) -> Self {
        Self::Failed(error)
    }
}

/// Renders pages as they are without a login.
#[derive(Clone)]
pub struct Renderer {
    router: Router,
    search: Search,
}

/// A response.
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Renderer {
    /// A renderer for an archive, with the settings of the published site.
    pub fn new(store: &Store, search: &Search, settings: &PublishSettings, plan: &Plan) -> Self {
        let published = Published {
            companies: Arc::clone(&plan.companies),
            pictures_of_reads: settings.pictures_of_reads,
        };
        let router = backissue_web::router(State {
            store: store.clone(),
            search: search.clone(),
            progress: watch::Sender::default().subscribe(),
            site: SiteSettings {
                title: SITE.to_owned(),
                base_url: settings.base_url.clone(),
                time_zone: store.zone().clone(),
                published: Some(Arc::new(published)),
                ..SiteSettings::default()
            },
            images: Images::Click,
            readers: Readers::ReadOnly("These pages are files.".to_owned()),
            public: Some(if settings.articles { Public::Articles } else { Public::Statements }),
            proxies: Proxies::default(),
            unsubscribe: HashMap::new(),
            subscriptions: None,
            own_digests: None,
            operator: None,
            // Each page is made once.
            page_cache: 0,
        });
        Self { router, search: search.clone() }
    }

    async fn ask(&self, path: &str, others: Option<Others>) -> Result<Answered, PublishError> {
        let fault = |cause: String| PublishError::Make { what: format!("the page {path}"), cause };
        let request = Request::get(path).header("host", "localhost").body(Body::empty());
        let mut request = request.map_err(|error| fault(error.to_string()))?;
        if let Some(others) = others {
            request.extensions_mut().insert(others);
        }
        let answer = match self.router.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(impossible) => match impossible {},
        };
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, PAGE_MAX).await.map_err(|error| fault(error.to_string()))?;
        Ok(Answered { status: head.status, headers: head.headers, body: body.into() })
    }

    /// Requests a page. Any status but success is an error.
    async fn page(&self, path: &str, others: Option<Others>) -> Result<Answered, Stopped> {
        let answered = self.ask(path, others).await?;
        match answered.status {
            StatusCode::OK => Ok(answered),
            StatusCode::NOT_FOUND | StatusCode::PERMANENT_REDIRECT => Err(Stopped::Gone),
            status => Err(PublishError::Page { path: path.to_owned(), status: status.as_u16() }.into()),
        }
    }

    /// The other reads with the problem of a read.
    async fn others(&self, id: ReadId, plan: &Plan) -> Result<Others, SearchFailure> {
        let Some(of) = plan.read(id).map(KnownRead::problem) else { return Ok(Others::default()) };
        let closest = self.search.closest_to(of, OTHERS).await?;
        let closest = closest.into_iter().filter_map(|id| plan.read(id).map(KnownRead::problem));
        let others = of.others(closest, OTHERS).into_iter();
        Ok(Others(others.filter_map(|id| plan.read(id)).map(|read| read.card.clone()).collect()))
    }

    /// Makes the files of one page, or keeps the present ones.
    async fn make(&self, job: &Job, plan: &Plan, folder: &Folder) -> Result<(), Stopped> {
        let (others, key) = match job.kind {
            JobKind::Read(id) => match self.others(id, plan).await {
                Ok(others) => {
                    let key = job.key.map(|own| key_of(&(own, &others)));
                    (Some(others), key)
                }
                Err(error) => {
                    tracing::warn!(%id, error = &error as &dyn std::error::Error, "no others with the problem of read {id}: {error}");
                    (Some(Others::default()), None)
                }
            },
            _ => (None, job.key),
        };
        if key.is_some_and(|key| folder.keep(job.files(), key)) {
            return Ok(());
        }
        let is_list = job.kind == JobKind::List;
        let mut path = job.path.clone();
        for (number, file) in (1..=LIST_MAX).zip(job.files()) {
            let answered = self.page(&path, others.clone()).await?;
            if job.kind == JobKind::File {
                folder.put_made(job.turn, &file, &answered.body, key)?;
                break;
            }
            let list = is_list.then_some(List { path: &job.path, number });
            let links = Links { files: &plan.files, to_root: to_root(&file), list };
            let rewritten = links.rewrite(&path, &text(answered.body))?;
            folder.put_made(job.turn, &file, rewritten.html.as_bytes(), key)?;
            match rewritten.next {
                Some(next) => path = next,
                None => break,
            }
        }
        Ok(())
    }
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Makes all files.
pub async fn everything(
    renderer: &Renderer,
    plan: &Arc<Plan>,
    folder: &Arc<Folder>,
    tell: &mut impl FnMut(Progress),
) -> Result<(), Stopped> {
    let mut progress = Progress { done: 0, pages: (plan.jobs.len() + plan.pictures.len()) as u64 };
    tell(progress);
    let at_once = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    let mut waiting = (0..plan.jobs.len()).map(Part::Page).chain((0..plan.pictures.len()).map(Part::Picture));
    let mut running = FuturesUnordered::new();
    let mut stopped = Ok(());
    loop {
        while stopped.is_ok()
            && running.len() < at_once
            && let Some(part) = waiting.next()
        {
            let (renderer, plan, folder) = (renderer.clone(), Arc::clone(plan), Arc::clone(folder));
            running.push(tokio::spawn(async move { part.make(&renderer, &plan, &folder).await }));
        }
        // After a failure, what runs ends first.
        match running.next().await {
            Some(Ok(Ok(()))) => progress.done += 1,
            Some(Ok(Err(reason))) => stopped = stopped.and(Err(reason)),
            Some(Err(panic)) => {
                let fault = PublishError::Make { what: "a page".to_owned(), cause: panic.to_string() };
                stopped = stopped.and(Err(fault.into()));
            }
            None => break,
        }
        tell(progress);
    }
    stopped?;
    last(renderer, plan, folder).await
}

/// A group of files that can be made independently of the others.
#[derive(Clone, Copy)]
enum Part {
    Page(usize),
    Picture(usize),
}

impl Part {
    async fn make(self, renderer: &Renderer, plan: &Plan, folder: &Folder) -> Result<(), Stopped> {
        match self {
            Self::Page(nth) => renderer.make(&plan.jobs[nth], plan, folder).await,
            Self::Picture(nth) => {
                let planned = &plan.pictures[nth];
                let key = key_of(&planned.svg);
                if !folder.keep(std::iter::once(planned.file.clone()), key) {
                    let drawn = picture::drawn(&planned.svg)?;
                    folder.put_made(Turn::Assets, &planned.file, &drawn, Some(key))?;
                }
                Ok(())
            }
        }
    }
}

/// Makes the files that have no path in the archive, or that need all other files.
async fn last(renderer: &Renderer, plan: &Plan, folder: &Folder) -> Result<(), Stopped> {
    let missing = renderer.ask("/no-such-page", None).await?;
    // A server shows this page at any address, so its links must not be relative.
    let base = plan.base_url.as_ref().map_or("/", |base| base.path());
    let to_root = format!("{}/", base.trim_end_matches('/'));
    let links = Links { files: &plan.files, to_root, list: None };
    let page = links.rewrite("/404.html", &text(missing.body))?;
    folder.put(Turn::Entrances, "404.html", page.html.as_bytes())?;

    let index = std::mem::take(&mut *plan.index.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    for (path, contents) in index.files() {
        let turn = if path == index::ENTRANCE { Turn::Entrances } else { Turn::Lists };
        folder.put(turn, &path, &contents)?;
    }
    let sitemap = plan.sitemap();
    for (path, contents) in &sitemap {
        folder.put(Turn::Entrances, path, contents.as_bytes())?;
    }
    folder.put(Turn::Entrances, "robots.txt", robots(plan, !sitemap.is_empty()).as_bytes())?;
    folder.put(
        Turn::Entrances,
        "_headers",
        headers(&renderer.ask("/weeks", None).await?.headers).as_bytes(),
    )?;
    // GitHub Pages leaves out files whose names begin with `_`, unless this file is there.
    folder.put(Turn::Entrances, ".nojekyll", b"")?;
    Ok(())
}

fn robots(plan: &Plan, has_sitemap: bool) -> String {
    let sitemap = plan
        .base_url
        .as_ref()
        .filter(|_| has_sitemap)
        .map(|base| format!("Sitemap: {}/sitemap.xml\n", base.as_str().trim_end_matches('/')));
    format!("User-agent: *\nDisallow:\n{}", sitemap.unwrap_or_default())
}

/// The headers for all files, in the form that Netlify and Cloudflare Pages read. The content
/// security policy is that of `serve`.
fn headers(sent: &HeaderMap) -> String {
    let lines = HEADERS.iter().filter_map(|name| {
        let value = sent.get(*name)?.to_str().ok()?;
        Some(format!("  {name}: {value}\n"))
    });
    format!("/*\n{}", lines.collect::<String>())
}
