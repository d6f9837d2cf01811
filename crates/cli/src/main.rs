//! The binary `backissue`: commands, configuration, wiring, progress bars.
fn main() {}
