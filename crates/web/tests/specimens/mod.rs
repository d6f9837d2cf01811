//! Reads with everything that a page may have to show.

use backissue_model::{
    Article, Blocks, ConceptSlug, Evidence, Fingerprint, Form, Kind, MadeBy, Precis, Statement,
    minutes_to_read,
};
use jiff::Timestamp;

use crate::archive::{Blog, Post};

pub const PROBLEM: &str =
    "One busy tenant could take most of a machine's disk, so that fifty-nine others waited.";
pub const QUOTE: &str =
    "a single busy tenant could take most of its disk bandwidth, so that the other fifty-nine waited";
pub const HOSTILE: &str = r#"</title><script>alert("1")</script><img src=x onerror=alert(2)> & 'more'"#;

/// The time of the specimens: in week 21 of 2026.
pub fn now() -> Timestamp {
    "2026-05-20T12:00:00Z".parse().unwrap()
}

struct Told {
    path: &'static str,
    title: &'static str,
    published: &'static str,
    kind: Kind,
    problem: Option<(&'static str, &'static str)>,
    concepts: &'static [&'static str],
    body: &'static str,
}

pub fn blogs() -> Vec<Blog> {
    vec![
        blog("Undergrowth", "Fernhost", "https://fernhost.example/", UNDERGROWTH),
        blog("Ledger Lines", "Lumenpay", "https://lumenpay.example/", LEDGER_LINES),
        blog("Behind the Mic", "Quillcast", "https://quillcast.example/", &[]),
    ]
}

/// A post that appears later than the others.
pub fn late_post() -> Post {
    let told = Told {
        path: "late",
        title: "One late post",
        published: "2026-05-20T11:00:00Z",
        kind: Kind::Opinion,
        problem: None,
        concepts: &[],
        body: "<p>It was late.</p>",
    };
    post("https://fernhost.example/", &told)
}

/// A blog with `posts` posts in week 18, every third without a problem.
pub fn busy_blog(posts: usize) -> Blog {
    let mut busy = blog("Busy", "Busy", "https://busy.example/", &[]);
    let monday: Timestamp = "2026-04-27T00:00:00Z".parse().unwrap();
    for nth in 0..posts {
        let mut one = if nth % 3 == 0 { late_post() } else { post("https://busy.example/", &UNDERGROWTH[0]) };
        one.url = format!("https://busy.example/{nth}").parse().unwrap();
        one.article.canonical_url = None;
        one.article.title = Some(format!("Post {nth}"));
        // Some have the same time, which paging must handle.
        one.article.published = Some(monday + jiff::SignedDuration::from_mins(nth as i64 / 4 * 10));
        one.article.fingerprint = Some(Fingerprint(nth as u128 + 1));
        busy.posts.push(one);
    }
    busy
}

const UNDERGROWTH: &[Told] = &[
    Told {
        path: "good-fences",
        title: "Good fences: living with noisy neighbours",
        published: "2026-05-12T09:30:00Z",
        kind: Kind::CaseStudy,
        problem: Some((PROBLEM, QUOTE)),
        concepts: &["noisy-neighbours", "multi-tenancy", "scheduling"],
        body: r#"<h2 id="fences">Fences</h2><p>On small plans, <em>a single busy tenant could take most of its disk
            bandwidth</em>, so that the other fifty-nine waited.</p><h4>More</h4><pre><code>io.max
    8:16 rbps=1</code></pre><figure><img src="https://cdn.example/graph.png" alt="A graph"><figcaption>Before</figcaption></figure>
            <table><tr><th>a</th><td>1</td></tr></table><p><a href="https://fernhost.example/good-fences#fences">up</a></p>"#,
    },
    Told {
        path: "stampede",
        title: "When a show goes live",
        published: "2026-05-13T08:00:00Z",
        kind: Kind::Incident,
        problem: Some((
            "At the peak, 9,000 requests a second went past the cache to the same six rows.",
            "9,000 requests a second went past the cache",
        )),
        concepts: &["caching"],
        body: "<p>At the peak, 9,000 requests a second went past the cache to the same six rows.</p>",
    },
    Told {
        path: "prices",
        title: "Prices from next month",
        published: "2026-05-14T08:00:00Z",
        kind: Kind::Announcement,
        problem: None,
        concepts: &[],
        body: "<p>Storage is cheaper.</p>",
    },
    Told {
        path: "alert",
        title: HOSTILE,
        published: "2026-05-06T08:00:00Z",
        kind: Kind::CaseStudy,
        problem: Some((HOSTILE, "a quote with <b>marks</b>")),
        concepts: &["caching"],
        body: r#"<p>a quote with &lt;b&gt;marks&lt;/b&gt;</p><p class="masthead" onclick="alert(1)">x</p><script>alert(3)</script>
            <img src="https://evil.example/pixel.gif"><iframe src="https://evil.example/"></iframe><h1>Huge</h1>"#,
    },
];

const LEDGER_LINES: &[Told] = &[
    Told {
        path: "care-and-code",
        title: "Notes from an evening",
        published: "2026-05-15T08:00:00Z",
        kind: Kind::Event,
        problem: None,
        concepts: &[],
        body: "<p>We met.</p>",
    },
    Told {
        path: "hot-row",
        title: "The row everyone wanted",
        published: "2025-12-24T08:00:00Z",
        kind: Kind::CaseStudy,
        problem: Some((
            "At the evening peak p99 for one lock was 2.4 seconds.",
            "p99 for the lock alone was 2.4 seconds",
        )),
        concepts: &["caching", "databases"],
        body: "<p>At the evening peak p99 for the lock alone was 2.4 seconds.</p>",
    },
];

fn blog(title: &str, company: &str, site: &str, told: &[Told]) -> Blog {
    Blog {
        title: title.to_owned(),
        company: company.to_owned(),
        site: site.parse().unwrap(),
        posts: told.iter().map(|told| post(site, told)).collect(),
    }
}

fn post(site: &str, told: &Told) -> Post {
    let url: url::Url = format!("{site}{}", told.path).parse().unwrap();
    let text = dom_query::Document::from(told.body).text().split_whitespace().collect::<Vec<_>>().join(" ");
    let words = text.split_whitespace().count() as u32;
    let article = Article {
        canonical_url: Some(url.clone()),
        title: Some(told.title.to_owned()),
        author: Some("Gwendolyn Marchetti".to_owned()),
        published: Some(told.published.parse().unwrap()),
        site_name: None,
        description: None,
        language: Some("en".to_owned()),
        html: told.body.to_owned(),
        words,
        minutes: minutes_to_read(words),
        fingerprint: Some(Fingerprint(
            url.as_str().bytes().fold(7, |sum, byte| u128::wrapping_mul(sum, 31) + u128::from(byte)),
        )),
        text: text.clone(),
        blocks: Blocks::default(),
    };
    Post { url, article, precis: precis(told, &text) }
}

fn precis(told: &Told, text: &str) -> Precis {
    let statement = told.problem.map(|(said, quote)| {
        let start = text.find(quote).unwrap_or_else(|| panic!("`{quote}` stands in `{text}`"));
        let evidence = Evidence::at(text, start, start + quote.len()).unwrap();
        Statement { text: said.to_owned(), evidence: vec![evidence], confidence: 0.8, form: Form::Written }
    });
    Precis {
        kind: told.kind,
        problem: statement,
        approach: None,
        outcome: None,
        concepts: told.concepts.iter().map(|slug| slug.parse::<ConceptSlug>().unwrap()).collect(),
        technologies: vec!["PostgreSQL".to_owned()],
        made_by: MadeBy {
            annotator: "built-in".into(),
            version: "1".into(),
            model: None,
            prompt_version: None,
        },
    }
}
