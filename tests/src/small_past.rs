//! The articles of the small web's blogs with their dates, derived from its files without the
//! program's own rules.

use std::path::Path;

use anyhow::Context;
use backissue_model::CanonicalUrl;

/// Lists of articles, relative to the folder of each host.
const LISTS: [&str; 4] = ["index.html", "blog/index.html", "posts/index.html", "inside-rust/index.html"];

/// An article of the small web.
#[derive(Debug, Clone)]
pub struct Article {
    /// The host.
    pub host: String,
    /// The article's address.
    pub url: CanonicalUrl,
    /// Its publication day, such as `2019-05-04`: from its address, else from the sitemap that was
    /// made for it, else from its metadata.
    pub day: Option<String>,
}

/// All articles.
///
/// # Errors
/// If the shared data cannot be read.
pub fn articles(shared: &Path) -> anyhow::Result<Vec<Article>> {
    let root = shared.join("web");
    let mut found = Vec::new();
    for host in std::fs::read_dir(&root).with_context(|| format!("{} is not there", root.display()))? {
        let host = host?.path();
        if !host.is_dir() {
            continue;
        }
        let name = host.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sitemap = std::fs::read_to_string(host.join("sitemap.xml")).unwrap_or_default();
        let mut files = Vec::new();
        html_files(&host, &mut files)?;
        for file in files {
            let path = file.strip_prefix(&host)?.to_string_lossy().into_owned();
            if LISTS.contains(&path.as_str()) || leads_elsewhere(&file)? {
                continue;
            }
            let address = format!("https://{name}/{}", path.trim_end_matches("index.html"));
            let day =
                day_in(&path).or_else(|| day_in_page(&file)).or_else(|| day_in_sitemap(&sitemap, &address));
            found.push(Article { host: name.clone(), url: address.parse()?, day });
        }
    }
    Ok(found)
}

fn html_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            html_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "html") {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a page only redirects.
fn leads_elsewhere(file: &Path) -> anyhow::Result<bool> {
    let html = std::fs::read_to_string(file)?;
    Ok(html.len() < 1000 && html.to_ascii_lowercase().contains("http-equiv=\"refresh\""))
}

/// The first text that looks like `2019/05/04` or `2019-05-04`.
fn day_in(text: &str) -> Option<String> {
    text.as_bytes().windows(10).find_map(|window| {
        let shaped = window.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => matches!(byte, b'/' | b'-'),
            _ => byte.is_ascii_digit(),
        });
        let text = std::str::from_utf8(window).ok().filter(|_| shaped)?;
        text.starts_with(['1', '2']).then(|| text.replace('/', "-"))
    })
}

/// The day in a page's own metadata.
fn day_in_page(file: &Path) -> Option<String> {
    let html = std::fs::read_to_string(file).ok()?;
    let at = html.find("datePublished").or_else(|| html.find("<time"))?;
    day_in(html.get(at..)?.get(..200)?)
}

fn day_in_sitemap(sitemap: &str, address: &str) -> Option<String> {
    let at = sitemap.find(&format!("<loc>{address}</loc>"))?;
    day_in(sitemap[at..].split("<lastmod>").nth(1)?)
}
