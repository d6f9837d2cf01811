//! Time per read, by its length: `cargo bench --bench annotate` in the folder `research`.

use backissue_annotate::{Text, annotate};

fn main() {
    // Built once per process, and not part of a read's time.
    annotate(&article("warm up"));
    divan::main();
}

fn article(text: &str) -> Text<'_> {
    Text {
        title: "The nine o'clock stampede",
        text,
        blocks: &[],
        description: Some("Every deploy emptied our cache, and every visitor went to the database at once."),
        company: "Acme",
        url: None,
        language: Some("en"),
        tags: &[],
    }
}

/// A text of `words` words. The longest articles of engineering blogs have about 6,000, the median
/// one 1,000.
fn text(words: usize) -> String {
    let paragraph = "For six minutes after each deploy every visitor's request missed the cache, and the primary database \
                     had to answer 9,800 reads a second. Redis keys carried the build number, so a release emptied all of \
                     them. We measured p99 latency on the tracking page: it climbed from 80 ms to 11 seconds. However, \
                     nobody had time to look into it, e.g. because of the load balancer's retries.\n\n";
    paragraph.repeat(words / paragraph.split_whitespace().count() + 1)
}

#[divan::bench(args = [300, 1000, 6000])]
fn one_read(bencher: divan::Bencher<'_, '_>, words: usize) {
    let text = text(words);
    bencher.bench(|| annotate(divan::black_box(&article(&text))));
}
