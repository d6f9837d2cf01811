//! The archive as a static site: published by the binary, served by a plain file server under a
//! path, and read in a real browser.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use backissue_demo::Demo;
use backissue_feed::Hints;
use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::chance::Random;
use backissue_tests::file_server::FileServer;
use backissue_tests::made_up_web::{Document, Documents, MadeUpWeb};
use backissue_tests::program::Archive;
use fantoccini::Locator;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::killing::seed;
use crate::markup;

pub(crate) const BASE: &str = "https://example.github.io/archive/";

/// An archive with the reads of the demo.
pub(crate) struct DemoArchive {
    pub(crate) archive: Archive,
    _demo: Demo,
}

impl DemoArchive {
    pub(crate) async fn synced() -> Self {
        let demo = Demo::start(Timestamp::now()).await.unwrap();
        let address = demo.address();
        let mut flags: Vec<String> =
            ["--allow-private-addresses", "--host-pause", "0s"].map(str::to_owned).into();
        flags.extend(["--allow-port".to_owned(), address.port().to_string()]);
        for host in demo.hosts() {
            flags.extend(["--resolve".to_owned(), format!("{host}:{}:{}", address.port(), address.ip())]);
        }
        let archive = Archive::new(flags).unwrap();
        for source in demo.sources() {
            archive.done(&["follow", source.feed_url.unwrap().as_str()]).unwrap();
        }
        archive.done(&["sync"]).unwrap();
        Self { archive, _demo: demo }
    }
}

/// Publishes. Returns what was written.
pub(crate) fn publish(archive: &Archive, folder: &Path, more: &[&str]) -> Value {
    let folder = folder.display().to_string();
    archive.json(&[&["publish", folder.as_str(), "--base-url", BASE], more].concat()).unwrap()
}

/// All files below a folder, with their contents.
pub(crate) fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    collect(folder, folder, &mut files);
    files
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Number of links in the site, and the links without a target.
fn dead_links(files: &BTreeMap<String, Vec<u8>>) -> (usize, Vec<String>) {
    let attribute = regex_lite::Regex::new(r#"<[a-z][^>]*\s(href|src|action|content)="([^"]*)""#).unwrap();
    let base = Url::parse(BASE).unwrap();
    let (mut followed, mut dead) = (0, Vec::new());
    for (file, contents) in files.iter().filter(|(file, _)| file.ends_with(".html")) {
        let here = base.join(file).unwrap();
        for tag in text(contents).split('<').map(|tag| format!("<{tag}")) {
            for found in attribute.captures_iter(&tag) {
                let (name, address) = (&found[1], &found[2]);
                if name == "content" && !address.starts_with(BASE) {
                    continue;
                }
                let target = here.join(&address.replace("&amp;", "&")).ok();
                let Some(mut target) = target.filter(|target| target.origin() == base.origin()) else {
                    continue;
                };
                target.set_fragment(None);
                target.set_query(None);
                followed += 1;
                let path = target.path().strip_prefix(base.path()).unwrap_or("/outside");
                let path = if path.is_empty() { "index.html" } else { path };
                if !files.contains_key(path) {
                    dead.push(format!("{file}: {address}"));
                }
            }
        }
    }
    (followed, dead)
}

/// The addresses in a sitemap.
fn addresses_in(sitemap: &[u8]) -> BTreeSet<String> {
    let sitemap = backissue_crawl::sitemap::parse(sitemap, &Hints::default()).unwrap();
    assert!(!sitemap.cut && sitemap.sitemaps.is_empty());
    sitemap.pages.into_iter().map(|page| page.url.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn published_demo_has_no_dead_link_and_is_found_by_problem() {
    needs!(Browser);
    let demo = DemoArchive::synced().await;
    let parent = tempfile::tempdir().unwrap();
    let site = parent.path().join("site");
    // The demo's blogs are on this machine, so they count as private.
    let first = publish(&demo.archive, &site, &["--saved"]);
    let files = files_in(&site);
    assert_eq!(first["files"].as_u64().unwrap() as usize, files.len() - 1, "the list is not in itself");
    let (followed, dead) = dead_links(&files);
    assert!(followed > 2_000 && dead.is_empty(), "{followed}: {dead:?}");
    assert_nothing_of_a_reader(&files);

    // What is read back by our own parsers.
    let pages: BTreeSet<String> = files
        .keys()
        .filter(|file| file.ends_with(".html") && *file != "404.html")
        .map(|file| format!("{BASE}{}", if file == "index.html" { "" } else { file }))
        .collect();
    assert_eq!(addresses_in(&files["sitemap.xml"]), pages);
    let feeds: Vec<&String> =
        files.keys().filter(|file| file.ends_with(".atom") || is_json_feed(file)).collect();
    assert!(feeds.len() > 40, "{feeds:?}");
    for file in feeds {
        let hints = Hints { url: Url::parse(&format!("{BASE}{file}")).ok(), media_type: None };
        let feed = backissue_feed::parse(&files[file], &hints).unwrap();
        assert!(!feed.entries.is_empty(), "{file}");
    }
    assert!(text(&files["robots.txt"]).contains(&format!("Sitemap: {BASE}sitemap.xml")));

    // A second time nothing is written, and every file keeps its time.
    let second = publish(&demo.archive, &site, &["--saved"]);
    assert_eq!((&second["written"], &second["removed"]), (&0.into(), &0.into()), "{second}");

    let server = FileServer::start(&site, "/archive/").unwrap();
    let browser = Browser::start().await.unwrap();
    let one_of =
        |start: &str| files.keys().find(|file| file.starts_with(start) && file.ends_with(".html")).unwrap();
    let mut walked = vec![
        "", "weeks.html", "concepts.html", "sources.html", "companies.html", "search.html?q=cache",
        "no/such/page",
    ];
    walked.extend(
        ["read/", "week/", "source/", "company/", "concept/caching"].map(|start| one_of(start).as_str()),
    );
    for (width, height) in [(360, 780), (1440, 900)] {
        browser.look_like(width, height, Colours::Light).await.unwrap();
        for page in &walked {
            browser.window.goto(&server.url(page)).await.unwrap();
            let wide = browser.evaluate("document.documentElement.scrollWidth").await.unwrap();
            assert!(wide.as_u64().unwrap() <= u64::from(width), "{page} is {wide} px wide of {width}");
            let paper = "getComputedStyle(document.documentElement).getPropertyValue('--paper')";
            assert_ne!(browser.evaluate(paper).await.unwrap(), "", "{page} has no stylesheet");
            let complaints = browser.complaints().await.unwrap();
            let own_404 = |c: &String| *page == "no/such/page" && c.contains("404");
            assert!(complaints.iter().all(own_404), "{page}: {complaints:?}");
            let foreign = "performance.getEntriesByType('resource').filter(r => !r.name.startsWith(location.origin)).length";
            assert_eq!(browser.evaluate(foreign).await.unwrap(), 0, "{page} loads from elsewhere");
        }
    }
    // Links work at any depth, also on the page of the 404, which has absolute ones to the real
    // site.
    browser.window.goto(&server.url(one_of("read/"))).await.unwrap();
    browser.window.find(Locator::Css("nav[aria-label=Archive] a")).await.unwrap().click().await.unwrap();
    browser.window.wait().for_url(&server.url("index.html").parse::<Url>().unwrap()).await.unwrap();

    searching(&browser, &server, &files).await;
}

fn is_json_feed(file: &str) -> bool {
    file.ends_with(".json") && !file.starts_with("search/") && !file.starts_with('.')
}

/// Checks that a site has nothing that belongs to a reader or needs a running program.
fn assert_nothing_of_a_reader(files: &BTreeMap<String, Vec<u8>>) {
    for (file, contents) in files.iter().filter(|(file, _)| file.ends_with(".html")) {
        let page = text(contents);
        for foreign in [
            "method=\"post\"", "name=\"token\"", "data-marks", "id=\"band\"", ">Settings<", ">Log in<",
            ">Shelf<", "The same as data",
        ] {
            assert!(!page.contains(foreign), "{file} has {foreign}");
        }
        assert!(
            page.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"),
            "{file}"
        );
        assert!(!page.contains(" style=") && !page.contains(" onclick="), "{file}");
    }
}

/// Checks that each read is among the first results for its problem, and that a question loads
/// little.
async fn searching(browser: &Browser, server: &FileServer, files: &BTreeMap<String, Vec<u8>>) {
    let mut asked = 0;
    for (file, contents) in files.iter().filter(|(file, _)| file.starts_with("search/reads/")) {
        let reads: BTreeMap<String, (String, String, String, String, u8)> =
            serde_json::from_slice(contents).unwrap();
        for (id, (title, company, week, problem, _)) in
            reads.into_iter().filter(|(_, read)| !read.3.is_empty()).take(6)
        {
            let mut address = Url::parse(&server.url("search.html")).unwrap();
            address.query_pairs_mut().append_pair("q", &problem);
            server.sent();
            browser.window.goto(address.as_str()).await.unwrap();
            let first =
                browser.window.wait().for_element(Locator::Css("#found li:first-child")).await.unwrap();
            let shown = first.text().await.unwrap();
            let link = browser.evaluate("document.querySelector('#found li a').href").await.unwrap();
            assert_eq!(link, server.url(&format!("read/{id}.html")), "{file} {title}: {problem}");
            let week = format!("Week {} of {}", week[6..].trim_start_matches('0'), &week[..4]);
            for part in [&title, &company, &week] {
                assert!(shown.contains(part.as_str()), "{part} in {shown}");
            }
            let loaded: usize = server.sent().iter().map(|(_, bytes)| bytes).sum();
            assert!(loaded < 1_000_000, "{loaded} bytes for {problem}");
            asked += 1;
        }
    }
    assert!(asked >= 6, "{asked}");
    assert!(browser.complaints().await.unwrap().is_empty());

    // Typed, without a new page; a question that nothing answers; names that every object has.
    for (typed, heading) in
        [("zzyzx", "Nothing close enough"), ("constructor __proto__", "Nothing close enough")]
    {
        browser.window.goto(&server.url("search.html")).await.unwrap();
        browser.window.find(Locator::Css("#q")).await.unwrap().send_keys(typed).await.unwrap();
        let said = format!("//h1[text()='{heading}']");
        browser.window.wait().for_element(Locator::XPath(&said)).await.unwrap();
    }

    // The script makes stems of words as the program does.
    let script = files.keys().find(|file| file.ends_with("/search.js")).unwrap();
    let words = ["caches", "migration", "queries", "retried", "Überlast", "ﬁne", "p99"];
    let ask = format!(
        "const done = arguments[arguments.length - 1]; import({:?}).then(m => done({}.flatMap(w => m.words(w)).map(m.stem)))",
        server.url(script),
        serde_json::to_string(&words).unwrap()
    );
    let made = browser.window.execute_async(&ask, Vec::new()).await.unwrap();
    assert_eq!(made, serde_json::json!(["cach", "migrat", "queri", "retri", "uberlast", "fin", "p99"]));
}

/// A made-up blog with one read per name, a week apart. Each read has words that no other read has.
/// Reads of several blogs alternate.
pub(crate) struct Blog {
    web: MadeUpWeb,
    pub(crate) archive: Archive,
    blogs: &'static [&'static str],
    names: Vec<String>,
}

impl Blog {
    pub(crate) fn with(names: &[&str]) -> Self {
        Self::several(&["Acme"], names)
    }

    fn several(blogs: &'static [&'static str], names: &[&str]) -> Self {
        let web = MadeUpWeb::start(Documents::new()).unwrap();
        let archive = Archive::new(web.arguments()).unwrap();
        let blog = Self { web, archive, blogs, names: names.iter().map(|name| (*name).to_owned()).collect() };
        blog.serve();
        for name in blogs {
            blog.archive.done(&["follow", &format!("http://{}.example/feed", name.to_lowercase())]).unwrap();
        }
        blog.sync();
        blog
    }

    fn serve(&self) {
        let title = |name: &str| format!("How {name} overran the scheduler");
        let day = |nth: usize| {
            let first: Timestamp = "2026-01-07T09:00:00Z".parse().unwrap();
            (first + jiff::SignedDuration::from_hours(24 * 7 * nth as i64))
                .strftime("%a, %d %b %Y %H:%M:%S GMT")
                .to_string()
        };
        let mut documents = Documents::new();
        for (at, blog) in self.blogs.iter().enumerate() {
            let host = format!("{}.example", blog.to_lowercase());
            let mut items = String::new();
            for (nth, name) in self.names.iter().enumerate().filter(|(nth, _)| nth % self.blogs.len() == at) {
                let prose = format!(
                    "The problem was that {name} overran the scheduler, and every worker waited for it. "
                )
                .repeat(20);
                let page = format!(
                    "<!doctype html><title>{0}</title><article><h1>{0}</h1><p>{prose}</p></article>",
                    title(name)
                );
                documents.insert(format!("{host}/{nth}"), Document::page(&page));
                items += &format!(
                    "<item><title>{}</title><link>http://{host}/{nth}</link><pubDate>{}</pubDate></item>",
                    title(name),
                    day(nth)
                );
            }
            let feed = format!("<rss version=\"2.0\"><channel><title>{blog}</title>{items}</channel></rss>");
            documents.insert(format!("{host}/feed"), Document::new("application/rss+xml", feed));
        }
        self.web.put(documents);
    }

    fn sync(&self) {
        self.archive.done(&["sync"]).unwrap();
    }

    fn add(&mut self, name: &str) {
        self.names.push(name.to_owned());
        self.serve();
        self.sync();
    }

    /// The number of the read with this name.
    pub(crate) fn read(&self, name: &str) -> String {
        let reads = self.archive.all_reads().unwrap();
        let read = reads.iter().find(|read| read["title"].as_str().unwrap().contains(name)).unwrap();
        read["id"].to_string()
    }
}

const NAMES: [&str; 8] =
    ["aardvark", "bittern", "cassowary", "dormouse", "echidna", "flamingo", "gharial", "hoopoe"];

#[test]
fn new_read_changes_little_and_withdrawn_read_leaves_no_trace() {
    let mut blog = Blog::with(&NAMES);
    let folder = tempfile::tempdir().unwrap();
    publish(&blog.archive, folder.path(), &[]);
    let before = files_in(folder.path());
    std::fs::write(folder.path().join("CNAME"), "reads.example").unwrap();

    blog.add("ibex");
    let added = publish(&blog.archive, folder.path(), &[]);
    let after = files_in(folder.path());
    let changed: BTreeSet<&str> = after
        .iter()
        .filter(|(file, contents)| before.get(*file) != Some(contents))
        .map(|(file, _)| file.as_str())
        .filter(|file| !file.starts_with('.') && *file != "CNAME")
        .collect();
    assert_eq!(added["written"].as_u64().unwrap() as usize, changed.len(), "{changed:?}");
    assert_eq!(added["removed"], 0);
    let new = format!("read/{}.html", blog.read("ibex"));
    assert!(
        changed.contains(new.as_str()) && changed.contains("index.html") && changed.contains("feed.atom"),
        "{changed:?}"
    );
    // Reads list others with the same problem, so some of them may change; lists that it is not on
    // do not.
    let vocabulary = before.keys().filter(|file| file.starts_with("concept/")).count();
    let concepts =
        changed.iter().filter(|file| file.starts_with("concept/") && file.ends_with(".html")).count();
    assert!(vocabulary > 50 && concepts < 8, "{concepts} of {vocabulary}: {changed:?}");
    for same in ["404.html", "robots.txt", "_headers", "search.html"] {
        assert!(!changed.contains(same), "{same}");
    }
    assert!(!changed.iter().any(|file| file.starts_with("assets/")), "{changed:?}");

    let id = blog.read("dormouse");
    blog.archive.done(&["withdraw", &id]).unwrap();
    let withdrawn = publish(&blog.archive, folder.path(), &[]);
    assert!(withdrawn["removed"].as_u64().unwrap() >= 2, "its page and its week: {withdrawn}");
    let left = files_in(folder.path());
    assert!(!left.contains_key(&format!("read/{id}.html")));
    for (file, contents) in &left {
        let contents = String::from_utf8_lossy(contents).to_lowercase();
        assert!(!contents.contains("dormouse"), "{file}");
    }
    let (_, dead) = dead_links(&left);
    assert!(dead.is_empty(), "{dead:?}");
    assert_eq!(left["CNAME"], b"reads.example");
}

/// Makes the change number `what` to an archive. Returns its description.
fn change(blog: &mut Blog, what: usize, random: &mut Random) -> String {
    let words = ["kestrel", "lemming", "marmot", "narwhal", "ocelot", "pangolin", "quokka", "reindeer"];
    let word = words[random.below(words.len())];
    let reads: Vec<String> =
        blog.archive.all_reads().unwrap().iter().map(|read| read["id"].to_string()).collect();
    let one = reads[random.below(reads.len())].clone();
    let problem = format!("The {word} waited for every worker.");
    let command: Vec<&str> = match what {
        0 => {
            let name = format!("{word}{}", blog.names.len());
            blog.add(&name);
            return format!("a new read, {name}");
        }
        1 => match random.below(4) {
            0 => vec!["correct", &one, "--problem", &problem],
            1 => vec!["correct", &one, "--title", word],
            2 => vec!["correct", &one, "--concepts", "caching,message-queues", "--company", word],
            _ => vec!["correct", &one, "--date", "2026-01-21"],
        },
        2 => vec!["withdraw", &one],
        3 => vec!["source", "zeta", "--title", word, "--company", words[random.below(words.len())]],
        4 => vec!["merge", "--yes", &one, reads.iter().find(|read| **read != one).unwrap()],
        5 => vec!["unfollow", "acme", "--keep-reads", "--yes"],
        _ => vec!["unfollow", "zeta", "--yes"],
    };
    blog.archive.done(&command).unwrap();
    command.join(" ")
}

#[test]
fn publishing_again_equals_publishing_from_scratch() {
    let seed = seed();
    println!("BACKISSUE_TEST_SEED={seed}");
    let mut random = Random(seed);
    let mut blog = Blog::several(&["Acme", "Zeta"], &NAMES);
    let site = tempfile::tempdir().unwrap();
    let first = publish(&blog.archive, site.path(), &["--articles"]);
    assert_eq!(first["made"], first["files"]);
    let unchanged = publish(&blog.archive, site.path(), &["--articles"]);
    assert!(unchanged["made"].as_u64() < Some(60) && unchanged["written"] == 0, "{unchanged}");
    let mut kinds = vec![0, 1, 2, 3, 4, 0, 1, 3, 1];
    while !kinds.is_empty() {
        let kind = kinds.swap_remove(random.below(kinds.len()));
        is_published_as_from_scratch(&mut blog, kind, &mut random, site.path());
    }
    // These leave few reads.
    is_published_as_from_scratch(&mut blog, 5, &mut random, site.path());
    is_published_as_from_scratch(&mut blog, 6, &mut random, site.path());
}

/// Changes an archive, and publishes it into an existing site and into a new folder. Both must be
/// equal.
fn is_published_as_from_scratch(blog: &mut Blog, kind: usize, random: &mut Random, site: &Path) {
    let done = change(blog, kind, random);
    publish(&blog.archive, site, &["--articles"]);
    let new = tempfile::tempdir().unwrap();
    publish(&blog.archive, new.path(), &["--articles"]);
    let (again, new) = (files_in(site), files_in(new.path()));
    let differs = |file: &&String| again.get(*file) != new.get(*file);
    let differ: Vec<&String> = again.keys().chain(new.keys()).filter(differs).collect();
    assert!(differ.is_empty(), "after {done}: {differ:?}");
}

#[test]
fn articles_are_published_only_if_asked_for() {
    let blog = Blog::with(&NAMES[..2]);
    blog.archive.done(&["note", &blog.read("bittern"), "A secret thought about birds"]).unwrap();
    blog.archive.done(&["keep", &blog.read("bittern")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    publish(&blog.archive, folder.path(), &[]);
    let page = format!("read/{}.html", blog.read("bittern"));
    let statements = text(&files_in(folder.path())[&page]);
    assert!(!statements.contains("id=\"article\"") && statements.contains("http://acme.example/1"));
    publish(&blog.archive, folder.path(), &["--articles"]);
    let files = files_in(folder.path());
    assert!(text(&files[&page]).contains("id=\"article\""));
    let (_, dead) = dead_links(&files);
    assert!(dead.is_empty(), "{dead:?}");
    for (file, contents) in &files {
        assert!(!String::from_utf8_lossy(contents).contains("secret thought"), "{file}");
    }
    assert_nothing_of_a_reader(&files);
}

#[test]
fn foreign_folder_is_refused_and_failure_leaves_the_old_site() {
    let mut blog = Blog::with(&NAMES[..2]);
    let parent = tempfile::tempdir().unwrap();
    let run = |blog: &Blog, folder: &PathBuf, more: &[&str]| {
        let folder = folder.display().to_string();
        blog.archive.run(&[&["publish", folder.as_str()], more].concat()).unwrap()
    };
    let foreign = parent.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.txt"), "mine").unwrap();
    let refused = run(&blog, &foreign, &[]);
    assert!(
        refused.code == 1 && refused.err.contains("thesis.txt") && refused.err.contains("new folder"),
        "{}",
        refused.err
    );
    assert_eq!(files_in(&foreign).len(), 1);
    let file = foreign.join("thesis.txt");
    let refused = run(&blog, &file, &[]);
    assert!(refused.code == 1 && refused.err.contains("thesis.txt"), "{}", refused.err);
    assert_eq!(refused.err.matches("os error").count(), 1, "the cause is told once: {}", refused.err);

    let site = parent.path().join("site");
    // Without its address a site has no feeds, and says so.
    let said = run(&blog, &site, &[]);
    assert!(said.code == 0 && said.err.contains("--base-url"), "{}{}", said.out, said.err);
    let before = files_in(&site);
    assert!(!before.contains_key("feed.atom") && !before.contains_key("sitemap.xml"));
    // The page of what is not there is shown at any depth, so its links begin at the host's root.
    let mut pages = before.clone();
    pages.remove("404.html");
    assert_eq!(dead_links(&pages).1, [""; 0]);

    // A folder stands where a page of the new read has to be.
    blog.add("cassowary");
    let way = site.join(format!("read/{}.html", blog.read("cassowary")));
    std::fs::create_dir(&way).unwrap();
    let failed = run(&blog, &site, &[]);
    assert!(
        failed.code == 1 && failed.err.contains("The site that was there is unchanged"),
        "{}",
        failed.err
    );
    std::fs::remove_dir(&way).unwrap();
    assert_eq!(files_in(&site), before);
    assert_eq!(run(&blog, &site, &[]).code, 0);
    assert!(files_in(&site).len() > before.len());
}

#[test]
fn saved_pages_and_private_blogs_stay_out_of_a_site() {
    let blog = Blog::with(&NAMES[..3]);
    let feed = "<rss version=\"2.0\"><channel><title>Wiki</title><item><title>Moonlight rota</title>\
                <link>http://wiki.internal/1</link></item></channel></rss>";
    let page = |title: &str| {
        let prose = "The problem was that the plan overran the scheduler, and every worker waited for it. "
            .repeat(20);
        Document::page(&format!("<title>{title}</title><article><h1>{title}</h1><p>{prose}</p></article>"))
    };
    blog.web.put(Documents::from([
        ("wiki.internal/feed".to_owned(), Document::new("application/rss+xml", feed)),
        ("wiki.internal/1".to_owned(), page("Moonlight rota")),
        ("docs.example/plan".to_owned(), page("A moonlight plan")),
    ]));
    blog.archive.done(&["follow", "http://wiki.internal/feed"]).unwrap();
    blog.archive.done(&["save", "http://docs.example/plan"]).unwrap();
    blog.sync();
    let private: Vec<String> = ["rota", "plan"].iter().map(|name| blog.read(name)).collect();

    let folder = tempfile::tempdir().unwrap();
    let published = publish(&blog.archive, folder.path(), &["--articles"]);
    assert_eq!(published["left_out"], 2);
    let files = files_in(folder.path());
    assert_eq!(files.keys().filter(|file| file.starts_with("read/")).count(), 3);
    for (file, contents) in &files {
        let contents = String::from_utf8_lossy(contents).to_lowercase();
        for secret in ["moonlight", "wiki.internal", "docs.example"] {
            assert!(!contents.contains(secret), "{secret} in {file}");
        }
    }
    assert_eq!(dead_links(&files).1, [""; 0]);

    let published = publish(&blog.archive, folder.path(), &["--articles", "--saved"]);
    assert_eq!(published["left_out"], 0);
    let files = files_in(folder.path());
    assert!(private.iter().all(|read| files.contains_key(&format!("read/{read}.html"))), "{private:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_reads_stay_text_in_a_site() {
    needs!(Browser);
    let (web, archive, reads) = markup::hostile_archive();
    let folder = tempfile::tempdir().unwrap();
    publish(&archive, folder.path(), &["--articles", "--pictures"]);
    web.forget_requests();
    let files = files_in(folder.path());
    let of = |start: &str, end: &str| -> Vec<&String> {
        files.keys().filter(|file| file.starts_with(start) && file.ends_with(end)).collect()
    };
    let mut pages = of("read/", ".html");
    assert_eq!(pages.len(), reads);
    assert_eq!(of("picture/read/", ".png").len(), reads);
    assert!(of("", ".png").iter().all(|picture| files[*picture].starts_with(b"\x89PNG")));
    let lists = ["week/", "company/", "source/"].map(|start| of(start, ".html"));
    pages.extend(lists.into_iter().flatten());
    let search = "search.html?q=12+13+14".to_owned();
    pages.push(&search);
    let server = FileServer::start(folder.path(), "/archive/").unwrap();
    let browser = Browser::start_with(&web.browser_flags()).await.unwrap();
    browser.begin_every_page_with(markup::RAN).await.unwrap();
    for page in pages {
        browser.window.goto(&server.url(page)).await.unwrap();
        if page.starts_with("search") {
            browser.window.wait().for_element(Locator::Css("#found li")).await.unwrap();
        }
        let foreign = "document.querySelectorAll('main script, main style, main iframe, main form, main [onclick], main [style]').length";
        assert_eq!(browser.evaluate(foreign).await.unwrap(), 0, "{page}");
    }
    assert_eq!(browser.complaints().await.unwrap(), [""; 0], "nothing ran, nothing was even refused");
    assert_eq!(web.requests(), [""; 0], "nobody was asked for anything");
    let (_, dead) = dead_links(&files);
    assert!(dead.is_empty(), "{dead:?}");
}
