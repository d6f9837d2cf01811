//! The blogs' server on loopback: one listener, one host name per blog.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use backissue_model::NewSource;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use crate::blog::{Blog, DemoError, blogs};
use crate::{feeds, pages};

/// The six blogs. Dropping it stops the server.
#[derive(Debug)]
pub struct Demo {
    blogs: Arc<Vec<Blog>>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Demo {
    /// Serves the blogs on a free loopback port. The newest post is dated shortly before `now`.
    ///
    /// # Errors
    /// If no port is available, or a post in the binary is malformed.
    pub async fn start(now: Timestamp) -> Result<Self, DemoError> {
        let blogs = Arc::new(blogs(now)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let app = Router::new()
            .route("/", get(front))
            .route("/feed", get(feed))
            .route("/posts/{slug}/", get(post))
            .with_state(Shared { blogs: blogs.clone(), port: address.port() });
        let server = tokio::spawn(async move {
            // Serving ends only when the task is cancelled.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { blogs, address, server })
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The blogs' host names, e.g. `tidewater.localhost`, all of which lead to [`Demo::address`].
    /// Browsers resolve names under `localhost` themselves (RFC 6761, section 6.3), so the links
    /// work in them too.
    pub fn hosts(&self) -> Vec<String> {
        self.blogs.iter().map(host).collect()
    }

    /// The sources to follow.
    pub fn sources(&self) -> Vec<NewSource> {
        let port = self.address.port();
        self.blogs
            .iter()
            .map(|blog| NewSource {
                title: blog.title.clone(),
                company: Some(blog.company.clone()),
                site_url: Url::parse(&base(blog, port)).ok(),
                feed_url: Url::parse(&format!("{}feed", base(blog, port))).ok(),
                sitemap_url: None,
                listing_url: None,
            })
            .collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Shared {
    blogs: Arc<Vec<Blog>>,
    port: u16,
}

impl Shared {
    /// The blog of a request's `Host` header, with its address.
    fn blog(&self, headers: &HeaderMap) -> Option<(&Blog, String)> {
        let asked = headers.get(header::HOST)?.to_str().ok()?;
        let asked = asked.rsplit_once(':').map_or(asked, |(name, _)| name);
        let blog = self.blogs.iter().find(|blog| host(blog) == asked)?;
        Some((blog, base(blog, self.port)))
    }
}

fn host(blog: &Blog) -> String {
    format!("{}.localhost", blog.slug)
}

fn base(blog: &Blog, port: u16) -> String {
    format!("http://{}:{port}/", host(blog))
}

async fn front(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let Some((blog, base)) = shared.blog(&headers) else { return not_here() };
    answer(&headers, "text/html; charset=utf-8", pages::front(blog, &base).into_string())
}

async fn feed(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let Some((blog, base)) = shared.blog(&headers) else { return not_here() };
    answer(&headers, crate::dialect::dialect(blog).media_type(), feeds::feed(blog, &base))
}

async fn post(State(shared): State<Shared>, Path(slug): Path<String>, headers: HeaderMap) -> Response {
    let Some((blog, base)) = shared.blog(&headers) else { return not_here() };
    let Some(post) = blog.posts.iter().find(|p| p.slug == slug) else { return not_here() };
    answer(&headers, "text/html; charset=utf-8", pages::post(blog, post, &base).into_string())
}

/// The body with its entity tag, or 304 if the client has it already.
fn answer(asked: &HeaderMap, media_type: &'static str, body: String) -> Response {
    let etag = format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(body.as_bytes()));
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|have| have.as_bytes() == etag.as_bytes());
    let headers = [(header::CONTENT_TYPE, media_type.to_owned()), (header::ETAG, etag)];
    if known { (StatusCode::NOT_MODIFIED, headers).into_response() } else { (headers, body).into_response() }
}

fn not_here() -> Response {
    (StatusCode::NOT_FOUND, "There is no such page in the demo.").into_response()
}
