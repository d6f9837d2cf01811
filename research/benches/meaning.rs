//! Time to embed a text and to find the nearest vectors: `cargo bench --bench meaning` in the
//! folder `research`. `cargo xtask bench meaning` measures what a search by codes misses, on real
//! sentences.

use backissue_search::meaning::{Embedder, Vectors};
use divan::counter::ItemsCount;

const SHORT: &str = "one customer's burst slows everyone down";
const STATEMENT: &str = "For six minutes after each deploy every visitor's request missed the cache, and the primary database \
                         had to answer 9,800 reads a second.";

fn main() {
    // Built once per process, and not part of a text's time.
    Embedder::built_in();
    divan::main();
}

#[divan::bench(args = [SHORT, STATEMENT])]
fn embed(bencher: divan::Bencher, text: &str) {
    bencher.counter(ItemsCount::new(1usize)).bench(|| Embedder::built_in().embed(divan::black_box(text)));
}

/// Exact for the smaller sizes, by codes for the largest.
#[divan::bench(args = [10_000, 100_000, 200_000, 400_000])]
fn nearest(bencher: divan::Bencher, count: u32) {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut number = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3] as i8
    };
    let rows: Vec<(u32, Vec<i8>)> =
        (0..count).map(|row| (row, (0..256).map(|_| number()).collect())).collect();
    let vectors = Vectors::new(256, rows.iter().map(|(row, bytes)| (*row, bytes.as_slice())));
    let query = Embedder::built_in().embed(SHORT).expect("its words are known");
    bencher.bench(|| vectors.nearest(divan::black_box(&query), 100, None));
}
