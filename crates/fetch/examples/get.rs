//! Fetches one address as the program does and prints the result:
//!
//! `cargo run -p backissue-fetch --example get -- https://blog.rust-lang.org/feed.xml`

use backissue_fetch::{Body, FetchSettings, Fetcher, Validators, Want};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("which address?")?.parse()?;
    let fetcher = Fetcher::new(FetchSettings::default())?;
    match fetcher.get(&url, Want::Any, &Validators::default()).await {
        Ok(response) => {
            let bytes = response.body.bytes().map_or(0, <[u8]>::len);
            println!("{} answered {} in {:?}", response.url, response.status, response.elapsed);
            println!("{bytes} bytes, {} on the wire, {:?}", response.wire_bytes, response.media_type);
            println!("{:?}, fresh for {:?}", response.validators, response.cache_max_age);
            debug_assert!(response.body != Body::NotModified, "nothing was asked conditionally");
        }
        Err(error) => {
            println!("{error}\n(offline: {}, may pass: {})", error.is_offline(), error.is_transient())
        }
    }
    Ok(())
}
