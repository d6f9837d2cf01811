//! Checks that the time of a computation is linear in its input, over tables of repeated patterns.
//!
//! Crates that cannot depend on this one include the file by its path.

use std::time::{Duration, Instant};

/// Bytes of the smaller of the two inputs.
const SMALL: usize = 24 << 10;

/// How many times larger the other input is.
const TIMES: usize = 8;

/// A computation that takes at most this time for the larger input passes immediately.
const FAST: Duration = Duration::from_millis(50);

/// The maximum ratio of times: linear growth gives [`TIMES`], quadratic growth its square.
const MOST_GROWTH: u32 = 24;

/// Number of rounds after which a pattern fails. The fastest round counts, so that a busy machine
/// does not cause failures.
const ROUNDS: usize = 10;

/// Fails for each pattern whose repetition makes the time of `step` grow faster than linearly.
/// `input` makes the step's input from the repeated pattern.
pub fn assert_linear<T>(patterns: &[&str], input: impl Fn(&str) -> T, step: impl Fn(&T)) {
    assert!(patterns.len() >= 40, "a table of {} patterns is too short", patterns.len());
    let mut bad = Vec::new();
    for pattern in patterns {
        let of_length = |bytes: usize| input(&pattern.repeat(bytes / pattern.len() + 1));
        let (small, large) = (of_length(SMALL), of_length(SMALL * TIMES));
        let timed = |input: &T| {
            let start = Clock::now();
            step(input);
            start.elapsed()
        };
        let mut best = (Duration::MAX, Duration::MAX);
        let grows_faster = !(0..ROUNDS).any(|_| {
            best.1 = best.1.min(timed(&large));
            best.1 < FAST || {
                best.0 = best.0.min(timed(&small));
                best.1 < best.0 * MOST_GROWTH
            }
        });
        if grows_faster {
            bad.push(format!("{pattern:?}: {:?}, then {:?}", best.0, best.1));
        }
    }
    assert!(bad.is_empty(), "time grows faster than {TIMES}-fold input:\n{}", bad.join("\n"));
}

/// Measures the CPU time of this thread if the system provides it (Linux), so that other tests have
/// no effect. Otherwise measures wall-clock time.
struct Clock {
    computed: Option<Duration>,
    started: Instant,
}

impl Clock {
    fn now() -> Self {
        Self { computed: Self::computed(), started: Instant::now() }
    }

    fn computed() -> Option<Duration> {
        let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        line.split(' ').next()?.parse().ok().filter(|nanos| *nanos > 0).map(Duration::from_nanos)
    }

    fn elapsed(&self) -> Duration {
        match (self.computed, Self::computed()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.started.elapsed(),
        }
    }
}

/// Repeated words and signs, for steps that read texts.
pub const TEXTS: &[&str] = &[
    "& ", "&", "&amp;", "&amp;amp;", "&#38;", "&#x", "© ", "«", "é", "\u{a0}", "<", ">", "< ", "\"", "'",
    "“", "(", "((a", "[", "]]", "{", "a", "a ", "a-", "a_b", "a.b", ". ", ".", "! ", "?)", "A. ", "e.g. ",
    "1", "1 ", "1,000.00 ", " \n", "\n", "\n\n", "\t", "\u{200b}", "\u{301}", "e\u{301}", "中", "。", "🔗",
    "queue", "queue ", " because the", " so that", " due to", " from 9 to 2 the", " we", "We had to ",
    "rate limiter ", "C++ ", "https://a.example/b ", "a@b.example ", "- ", "* ", "`", "_", "~~",
];

/// Repeated pieces of HTML.
pub const MARKUP: &[&str] = &[
    "<p>",
    "<p>a",
    "<p>The queue was full, and the workers waited.</p>",
    "</p>",
    "<br>",
    "<br><br>",
    "<hr>",
    "<div>",
    "<div>a</div>",
    "<div><p>a</p></div>",
    "<div class='widget share'>a</div>",
    "</div>",
    "<span>",
    "<span>a</span>",
    "<b>",
    "<b>a",
    "<i><b>a</i>",
    "<font color=red>a",
    "<a href=x>",
    "<a href=x>a</a> ",
    "<a href='https://a.example/?a&b&c&d'>a, b</a>",
    "<a name=x>",
    "<img src=a.png>",
    "<img src=a.png alt='a & b'>",
    "<h2>a</h2>",
    "<h2>a</h2><p>The queue was full.</p>",
    "<h2>Related posts</h2>",
    "<p><strong>Related posts</strong></p>",
    "<ul>",
    "<ul><li>a",
    "<li>",
    "<li>a</li>",
    "<dl><dt>a<dd>b</dl>",
    "<dt>",
    "<table>",
    "<table><tr><td>",
    "<table><tr><td>a</table>",
    "<tr>",
    "<td>",
    "<td>a",
    "<pre>",
    "<pre>a & b\n</pre>",
    "<code>a</code>",
    "<pre><code>a</code></pre>",
    "<blockquote>",
    "<figure><img src=a.png><figcaption>a</figcaption></figure>",
    "<picture><source srcset=a.png><img></picture>",
    "<noscript>",
    "<noscript><img src=a.png></noscript>",
    "<script>",
    "<script>a</script>",
    "<script type='application/ld+json'>{\"@type\":\"Article\"}</script>",
    "<style>a</style>",
    "<svg>",
    "<svg><g></svg>",
    "<math>",
    "<nav>",
    "<nav>a</nav>",
    "<aside>",
    "<section><h2>a</h2></section>",
    "<article>",
    "<article>a</article>",
    "<main>",
    "<form>",
    "<form><input></form>",
    "<select><option>",
    "<button>",
    "<template>",
    "<template>a</template>",
    "<details><summary>a</summary>b</details>",
    "<time>May 3, 2021</time>",
    "<time datetime=2021-05-03>",
    "<p>By Ann Lee on May 3, 2021</p>",
    "<meta name=author content=a>",
    "<meta property=article:published_time content=x>",
    "<link rel=canonical href=x>",
    "<base href=x>",
    "<title>a</title>",
    "<title>",
    "<textarea>",
    "<ruby>a<rt>b</ruby>",
    "<!--",
    "<!-- a -->",
    "<!-- a --",
    "<!",
    "<?",
    "</",
    "<a",
    "<p class=",
    "<p class='",
    "<p a=1 b=2 c=3>",
    "<p style='display:none'>a</p>",
    "<div itemprop=articleBody>",
    "<optgroup>",
    "<span><div></span>",
    "<a><div><a>",
];
