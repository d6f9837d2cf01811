//! The table of faults.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::OnceLock;

use async_compression::Level;
use async_compression::tokio::write::BrotliEncoder;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::AsyncWriteExt;

use super::documents::{answer, channel, chunked, feed, html, item, page, prose, rss};
use super::trap::{ARTICLE, Asked, Ends, FEED, ROBOTS, Trap, drip, repeat, say_nothing};
use crate::chance::Random;
use Ends::{Kept, Read, Source};

const MEGABYTE: usize = 1 << 20;

macro_rules! traps {
    ($($name:literal at $path:ident => $ends:expr, |$asked:ident, $stream:ident| $act:expr;)*) => {
        &[$(Trap { name: $name, path: $path, ends: $ends, act: |$asked: &Asked, $stream: &mut TcpStream| $act }),*]
    };
}

/// All traps.
pub const TRAPS: &[Trap] = traps! {
    // Time.
    "never" at FEED => Source("did not begin to answer within"), |_a, s| say_nothing(s);
    "drips-head" at FEED => Source("did not begin to answer within"), |_a, s| {
        s.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
        drip(s, b"y")
    };
    "drips-body" at FEED => Source("did not finish its answer within"), |_a, s| {
        s.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
        drip(s, b" ")
    };
    "drips-gzip" at FEED => Source("did not finish its answer within"), |_a, s| {
        s.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")?;
        // The smallest gzip member, which is empty.
        drip(s, &gzip(b"", 1))
    };
    "falls-silent" at FEED => Source("did not finish its answer within"), |a, s| {
        let feed = feed(a, "");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", feed.len());
        s.write_all(&[head.as_bytes(), &feed.as_bytes()[..feed.len() / 2]].concat())?;
        say_nothing(s)
    };
    "continues-for-ever" at FEED => Source("did not"), |_a, s| repeat(s, b"HTTP/1.1 100 Continue\r\n\r\n");
    "hints-for-ever" at FEED => Source("did not"), |_a, s| drip(s, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");

    // Lengths and ends.
    "too-short" at FEED => Source("could not be read"), |a, s| {
        s.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{}", feed(a, "")).as_bytes())
    };
    "too-long" at FEED => Source("feed"), |a, s| {
        s.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{}", feed(a, "")).as_bytes())
    };
    "two-lengths" at FEED => Source("did not answer in proper HTTP"), |a, s| {
        let feed = feed(a, "");
        answer(s, "200 OK", "Content-Length: 7\r\n", feed.as_bytes())
    };
    "length-below-zero" at FEED => Source("did not answer in proper HTTP"), |_a, s| {
        s.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n<rss/>")
    };
    "reset-mid-body" at FEED => Source("could not be read"), |a, s| {
        s.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{}", feed(a, "")).as_bytes())
    };
    "reset-at-once" at FEED => Source("did not answer in proper HTTP"), |_a, _s| Ok(());
    "hangs-up" at FEED => Source("did not answer in proper HTTP"), |_a, _s| Ok(());
    "bad-chunk" at FEED => Source("could not be read"), |_a, s| {
        chunked(s, "")?;
        s.write_all(b"ffffffffffffffffff\r\n<rss/>\r\n0\r\n\r\n")
    };
    "chunk-extension" at FEED => Source("could not be read"), |_a, s| {
        chunked(s, "")?;
        s.write_all(b"4;")?;
        repeat(s, &[b'x'; 4096])
    };
    "trailers-for-ever" at FEED => Source("could not be read"), |a, s| {
        let feed = feed(a, "");
        chunked(s, "Trailer: X\r\n")?;
        s.write_all(format!("{:x}\r\n{feed}\r\n0\r\n", feed.len()).as_bytes())?;
        repeat(s, b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")
    };

    // Invalid HTTP, or too much of it.
    "http-0-9" at FEED => Source("did not answer in proper HTTP"), |a, s| s.write_all(feed(a, "").as_bytes());
    "secure-shell" at FEED => Source("did not answer in proper HTTP"), |_a, s| s.write_all(b"SSH-2.0-OpenSSH_9.9\r\n");
    "noise-for-http" at FEED => Source("did not answer in proper HTTP"), |_a, s| s.write_all(noise());
    "million-fields" at FEED => Source("did not answer in proper HTTP"), |_a, s| {
        s.write_all(b"HTTP/1.1 200 OK\r\n")?;
        (0..1_000_000).try_for_each(|n| s.write_all(format!("X-{n}: y\r\n").as_bytes()))
    };
    "head-for-ever" at FEED => Source("did not answer in proper HTTP"), |_a, s| {
        s.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
        repeat(s, &[b'y'; 4096])
    };

    // Redirects.
    "circle" at FEED => Source("leads back to where it came from"), |a, s| {
        let next = if a.path.ends_with('2') { "/feed.xml" } else { "/feed.xml/2" };
        answer(s, "302 Found", &format!("Location: {next}\r\n"), b"")
    };
    "no-end-of-redirects" at FEED => Source("redirected more than 10 times"), |a, s| {
        answer(s, "301 Moved Permanently", &format!("Location: {}x\r\n", a.path), b"")
    };
    "redirect-to-nowhere" at FEED => Source("a redirect that cannot be followed"), |_a, s| {
        answer(s, "302 Found", "Location: http://[::1\r\n", b"")
    };
    "redirect-to-a-file" at FEED => Source("only http and https are fetched, not file"), |_a, s| {
        answer(s, "302 Found", "Location: file:///etc/passwd\r\n", b"")
    };
    "redirect-without-place" at FEED => Source("has no address"), |_a, s| answer(s, "301 Moved", "", b"");

    // Statuses.
    "part" at FEED => Source("it sent a part of the document instead of the whole"), |a, s| {
        answer(s, "206 Partial Content", "Content-Range: bytes 0-9/900\r\n", &feed(a, "").as_bytes()[..10])
    };
    "unchanged-unasked" at FEED => Source("304, which is not a document"), |_a, s| answer(s, "304 Not Modified", "", b"");
    "patience" at FEED => Source("503: the server failed"), |_a, s| {
        answer(s, "503 Unavailable", "Retry-After: 99999999999999999999999\r\n", b"")
    };
    "status-999" at FEED => Source("999"), |_a, s| answer(s, "999 Request denied", "", b"");
    "switches-protocols" at FEED => Source("101"), |_a, s| {
        s.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")?;
        say_nothing(s)
    };

    // Compression.
    "half-a-gzip" at FEED => Source("could not be read"), |a, s| {
        let whole = gzip(feed(a, "").as_bytes(), 1);
        answer(s, "200 OK", "Content-Encoding: gzip\r\n", &whole[..whole.len() / 2])
    };
    "no-gzip-at-all" at FEED => Source("could not be read"), |a, s| {
        answer(s, "200 OK", "Content-Encoding: gzip\r\n", feed(a, "").as_bytes())
    };
    "gzip-bomb" at FEED => Source("is larger than"), |_a, s| {
        answer(s, "200 OK", "Content-Encoding: gzip\r\n", &gzip(&vec![b' '; MEGABYTE], 1000))
    };
    "gzip-in-gzip" at FEED => Source("is larger than"), |_a, s| {
        let inner = gzip(&vec![b' '; MEGABYTE], 1000);
        answer(s, "200 OK", "Content-Encoding: gzip, gzip\r\n", &gzip(&inner, 1))
    };
    "brotli-bomb" at FEED => Source("is larger than"), |_a, s| {
        answer(s, "200 OK", "Content-Encoding: br\r\n", brotli_bomb())
    };
    "zstd-bomb" at FEED => Source("is larger than"), |_a, s| {
        answer(s, "200 OK", "Content-Encoding: zstd\r\n", &zstd(13, 8192))
    };
    "zstd-window" at FEED => Source("could not be read"), |_a, s| {
        answer(s, "200 OK", "Content-Encoding: zstd\r\n", &zstd(21, 1))
    };
    "three-layers" at FEED => Source("encoded 3 times"), |_a, s| {
        answer(s, "200 OK", "Content-Encoding: gzip, gzip, gzip\r\n", b"")
    };
    "odd-encoding" at FEED => Source("which was not requested"), |_a, s| {
        answer(s, "200 OK", "Content-Encoding: sdch\r\n", b"x")
    };

    // Sizes.
    "fifty-megabytes" at FEED => Source("larger than the limit of 16777216 bytes"), |a, s| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", 50 * MEGABYTE, feed(a, ""));
        s.write_all(head.as_bytes())?;
        repeat(s, &[b' '; 4096])
    };
    "fifty-megabytes-in-chunks" at FEED => Source("larger than the limit of 16777216 bytes"), |a, s| {
        chunked(s, "")?;
        let start = feed(a, "");
        s.write_all(format!("{:x}\r\n{start}\r\n", start.len()).as_bytes())?;
        for _ in 0..50 {
            s.write_all(&[b"100000\r\n".as_slice(), &[b' '; MEGABYTE], b"\r\n"].concat())?;
        }
        s.write_all(b"0\r\n\r\n")
    };
    "chunks-for-ever" at FEED => Source("larger than the limit of 16777216 bytes"), |_a, s| {
        chunked(s, "")?;
        repeat(s, &[b"1000\r\n".as_slice(), &[b' '; 4096], b"\r\n"].concat())
    };

    // Other documents in place of a feed.
    "error-page" at FEED => Source("gives a web page now, which names no other feed"), |_a, s| {
        html(s, "<!doctype html><html><head><title>Oops</title></head><body><h1>Internal error</h1></body></html>")
    };
    "error-page-as-rss" at FEED => Source("gives a web page now, which names no other feed"), |_a, s| {
        rss(s, "<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>")
    };
    "nothing-at-all" at FEED => Source("the document is empty"), |_a, s| rss(s, "");
    "white-space" at FEED => Source("the document is empty"), |_a, s| rss(s, &" \n".repeat(MEGABYTE));
    "json-error" at FEED => Source("no JSON Feed"), |_a, s| {
        answer(s, "200 OK", "Content-Type: application/json\r\n", b"{\"error\": \"internal\"}")
    };
    "deep-json" at FEED => Source("this is JSON with a mistake in it"), |_a, s| {
        answer(s, "200 OK", "Content-Type: application/feed+json\r\n", "[".repeat(1_000_000).as_bytes())
    };
    "noise" at FEED => Source("no feed"), |_a, s| answer(s, "200 OK", "Content-Type: application/rss+xml\r\n", noise());
    "a-sitemap" at FEED => Source("this is a sitemap, not a feed"), |_a, s| {
        rss(s, "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"><url><loc>http://a.example/</loc></url></urlset>")
    };

    // Feeds with faults.
    "wrong-type" at FEED => Kept(1), |a, s| {
        answer(s, "200 OK", "Content-Type: image/png\r\n", feed(a, "").as_bytes())
    };
    "wrong-charset" at FEED => Kept(1), |a, s| {
        answer(s, "200 OK", "Content-Type: application/rss+xml; charset=utf-16\r\n", feed(a, "").as_bytes())
    };
    "no-such-charset" at FEED => Kept(1), |a, s| {
        answer(s, "200 OK", "Content-Type: application/rss+xml; charset=klingon\r\n", feed(a, "").as_bytes())
    };
    "changing-tags" at FEED => Kept(1), |a, s| {
        answer(s, "200 OK", &format!("ETag: \"{}\"\r\n", a.before), feed(a, "").as_bytes())
    };
    "tag-of-noise" at FEED => Kept(1), |a, s| {
        s.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", feed(a, "").len()).as_bytes())?;
        s.write_all(b"ETag: \"\xff\xfe\"\r\nLast-Modified: yesterday\r\nCache-Control: max-age=99999999999999999999\r\n\r\n")?;
        s.write_all(feed(a, "").as_bytes())
    };
    "million-entries" at FEED => Kept(1), |a, s| rss(s, &feed(a, &"<item/>".repeat(1_000_000)));
    "one-entry-often" at FEED => Kept(1), |a, s| rss(s, &feed(a, &"<item><link>/1</link></item>".repeat(500_000)));
    "million-json-entries" at FEED => Kept(1), |a, s| json_feed(a, s, &",{\"a\":0}".repeat(1_000_000));
    "million-json-numbers" at FEED => Kept(1), |a, s| json_feed(a, s, &",0".repeat(6_000_000));
    "billion-laughs" at FEED => Kept(1), |a, s| rss(s, &laughs(a));
    "quadratic-blowup" at FEED => Kept(1), |a, s| {
        let entity = format!("<!DOCTYPE rss [<!ENTITY a \"{}\">]>", "x".repeat(100_000));
        let item = item(a, &format!("<title>What we learned</title><description>{}</description>", "&a;".repeat(100_000)));
        rss(s, &format!("{entity}{}", channel(a, &item)))
    };
    "external-entity" at FEED => Kept(1), |a, s| {
        let host = &a.host;
        let doctype = format!(
            "<!DOCTYPE rss SYSTEM \"http://{host}/dtd\" [<!ENTITY file SYSTEM \"file:///etc/passwd\"><!ENTITY web SYSTEM \
             \"http://{host}/entity\"><!ENTITY % p SYSTEM \"http://{host}/parameter\">%p;]>"
        );
        let item = item(a, "<title>Learned &file; &web;</title><description>&file;&web;</description>");
        rss(s, &format!("{doctype}{}", channel(a, &item)))
    };
    "nested-tags" at FEED => Kept(1), |a, s| {
        let deep = format!("<description>{}</description>", "<a>".repeat(100_000));
        rss(s, &feed(a, &format!("<item>{deep}</item>")))
    };
    "nested-items" at FEED => Kept(1), |a, s| rss(s, &feed(a, &"<item>".repeat(100_000)));
    "million-attributes" at FEED => Kept(1), |a, s| {
        let attributes: String = (0..500_000).map(|n| format!(" a{n}=\"\"")).collect();
        rss(s, &feed(a, &format!("<item{attributes}/>")))
    };
    "million-comments" at FEED => Kept(1), |a, s| rss(s, &feed(a, &"<!--".repeat(1_000_000)));
    "million-sections" at FEED => Kept(1), |a, s| rss(s, &feed(a, &"<![CDATA[".repeat(500_000)));
    "million-ampersands" at FEED => Kept(1), |a, s| {
        rss(s, &feed(a, &format!("<item><title>{}</title></item>", "&".repeat(5_000_000))))
    };
    "nul-bytes" at FEED => Kept(1), |a, s| {
        rss(s, &channel(a, &item(a, "<title>What\0 we\0 learned\0</title><description>\0</description>")))
    };
    "invalid-utf-8" at FEED => Kept(1), |a, s| {
        let feed = channel(a, &item(a, "<title>What we learned@@@</title>")).replace("@@@", "\u{1}\u{2}\u{3}");
        let bytes: Vec<u8> = feed.bytes().map(|byte| match byte { 1 => 0xff, 2 => 0xc0, 3 => 0xed, _ => byte }).collect();
        answer(s, "200 OK", "Content-Type: application/rss+xml; charset=utf-8\r\n", &bytes)
    };
    "year-9999" at FEED => Kept(1), |a, s| {
        rss(s, &channel(a, &item(a, "<title>What we learned</title><pubDate>Fri, 31 Dec 9999 23:59:59 GMT</pubDate>")))
    };
    "year-before-christ" at FEED => Kept(1), |a, s| {
        rss(s, &channel(a, &item(a, "<title>What we learned</title><pubDate>-0001-01-01T00:00:00Z</pubDate>")))
    };
    "year-292277026596" at FEED => Kept(1), |a, s| {
        let date = "<dc:date xmlns:dc=\"http://purl.org/dc/elements/1.1/\">292277026596-12-04T15:30:07Z</dc:date>";
        rss(s, &channel(a, &item(a, &format!("<title>What we learned</title>{date}"))))
    };
    "long-title" at FEED => Kept(1), |a, s| {
        rss(s, &channel(a, &item(a, &format!("<title>What we learned {}</title>", "x".repeat(5 * MEGABYTE)))))
    };
    "long-everything" at FEED => Kept(1), |a, s| {
        let long = "y".repeat(2 * MEGABYTE);
        let inside = format!(
            "<title>What we learned</title><guid>{long}</guid><author>{long}</author><category>{long}</category>\
             <description>{long}</description>"
        );
        rss(s, &channel(a, &item(a, &inside)))
    };
    "long-address" at FEED => Kept(1), |a, s| {
        rss(s, &feed(a, &format!("<item><link>http://{}/{}</link></item>", a.host, "z".repeat(MEGABYTE))))
    };
    "no-web-addresses" at FEED => Kept(1), |a, s| {
        let addresses = ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "mailto:a@b.example", "http://[::1"];
        let items: String = addresses.iter().map(|to| format!("<item><title>x</title><link>{to}</link></item>")).collect();
        rss(s, &feed(a, &items))
    };
    "script-in-title" at FEED => Kept(1), |a, s| {
        rss(s, &channel(a, &item(a, "<title>&lt;script&gt;alert(1)&lt;/script&gt;\u{1b}[31m What we learned</title>")))
    };

    // Pages.
    "page-of-100-megabytes" at ARTICLE => Read("larger than the limit of 8388608 bytes"), |a, s| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", 100 * MEGABYTE, page(a, "", ""));
        s.write_all(head.as_bytes())?;
        repeat(s, &[b' '; 4096])
    };
    "page-without-end" at ARTICLE => Read("larger than the limit of 8388608 bytes"), |a, s| {
        s.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{}", page(a, "", "")).as_bytes())?;
        repeat(s, &[b' '; 4096])
    };
    "page-bomb" at ARTICLE => Read("larger than the limit of 8388608 bytes"), |_a, s| {
        answer(s, "200 OK", "Content-Type: text/html\r\nContent-Encoding: br\r\n", brotli_bomb())
    };
    "page-never" at ARTICLE => Read("did not begin to answer within"), |_a, s| say_nothing(s);
    "page-drips" at ARTICLE => Read("did not finish its answer within"), |_a, s| {
        s.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>")?;
        drip(s, b"x")
    };
    "page-reset" at ARTICLE => Read("could not be read"), |a, s| {
        s.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{}", page(a, "", "")).as_bytes())
    };
    "page-in-a-circle" at ARTICLE => Read("leads back to where it came from"), |_a, s| {
        answer(s, "302 Found", "Location: /1#again\r\n", b"")
    };
    "page-that-is-a-film" at ARTICLE => Read("video/mp4"), |_a, s| {
        answer(s, "200 OK", "Content-Type: video/mp4\r\n", noise())
    };
    "page-of-script" at ARTICLE => Read("article"), |_a, s| html(s, "<html><body><script>render()</script></body></html>");
    "page-nested" at ARTICLE => Kept(1), |a, s| html(s, &page(a, "", &"<div>".repeat(100_000)));
    "page-of-tables" at ARTICLE => Kept(1), |a, s| html(s, &page(a, "", &"<table><tr><td>".repeat(100_000)));
    "page-of-attributes" at ARTICLE => Kept(1), |a, s| {
        let attributes: String = (0..300_000).map(|n| format!(" a{n}=x")).collect();
        html(s, &page(a, "", &format!("<div{attributes}>")))
    };
    "page-of-nul-bytes" at ARTICLE => Kept(1), |a, s| html(s, &page(a, "", &format!("<p>{}</p>", "\0".repeat(MEGABYTE))));
    "page-in-no-charset" at ARTICLE => Kept(1), |a, s| {
        answer(s, "200 OK", "Content-Type: text/html; charset=klingon\r\n", page(a, "", "").as_bytes())
    };
    "page-of-links" at ARTICLE => Kept(1), |a, s| html(s, &page(a, "", &"<a href=/x>y</a> ".repeat(200_000)));
    "page-of-pictures" at ARTICLE => Kept(1), |a, s| html(s, &page(a, "", &"<img src=x.png width=100>".repeat(200_000)));
    "page-of-linked-data" at ARTICLE => Kept(1), |a, s| {
        let block = format!("<script type=\"application/ld+json\">[{}0]</script>", "{\"a\":0},".repeat(120_000));
        html(s, &page(a, &block.repeat(7), ""))
    };
    "page-dated-9999" at ARTICLE => Kept(1), |a, s| {
        html(s, &page(a, "<meta property=\"article:published_time\" content=\"9999-12-31T23:59:59Z\">", ""))
    };
    "page-lost-feed-full" at FEED => Kept(1), |a, s| {
        let full = item(a, &format!("<title>What we learned</title><description>&lt;p&gt;{0} {0}&lt;/p&gt;</description>", prose(a)));
        rss(s, &channel(a, &full.replace(ARTICLE, "/nowhere")))
    };

    // robots.txt.
    "robots-for-ever" at ROBOTS => Kept(1), |_a, s| {
        s.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")?;
        repeat(s, b"User-agent: *\nDisallow: /secret/\n")
    };
    "robots-bomb" at ROBOTS => Kept(1), |_a, s| answer(s, "200 OK", "Content-Encoding: br\r\n", brotli_bomb());
    "robots-page" at ROBOTS => Kept(1), |_a, s| html(s, "<html><body>Disallow: /</body></html>");
    "robots-in-a-circle" at ROBOTS => Kept(1), |_a, s| answer(s, "302 Found", "Location: /robots.txt\r\n", b"");
    "robots-waits-for-years" at ROBOTS => Kept(1), |_a, s| {
        answer(s, "200 OK", "", b"User-agent: *\nCrawl-delay: 99999999999999999999\nDisallow:\n")
    };
    "robots-forbids" at ROBOTS => Read("its robots.txt"), |_a, s| answer(s, "200 OK", "", b"User-agent: *\nDisallow: /\n");
    "robots-never" at ROBOTS => Read("its robots.txt cannot be fetched"), |_a, s| say_nothing(s);
    "robots-drips" at ROBOTS => Read("its robots.txt cannot be fetched"), |_a, s| {
        s.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        drip(s, b"#")
    };
    "robots-in-trouble" at ROBOTS => Read("its robots.txt cannot be fetched"), |_a, s| answer(s, "500 Oops", "", b"");
};

/// Several gzip members one after another, which together are one gzip file.
fn gzip(bytes: &[u8], members: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default().repeat(members)
}

/// 32 MiB of white space in a brotli body. This is twice the maximum of a feed.
pub(super) fn brotli_bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let pressed = async {
            let mut encoder = BrotliEncoder::with_quality(Vec::new(), Level::Fastest);
            encoder.write_all(&vec![b' '; 32 * MEGABYTE]).await?;
            encoder.shutdown().await?;
            io::Result::Ok(encoder.into_inner())
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.and_then(|runtime| runtime.block_on(pressed)).unwrap_or_default()
    })
}

/// A zstd frame (RFC 8878, 3.1.1) whose blocks each stand for 128 KiB of the same byte, with a
/// window of 2^(10 + `exponent`) bytes.
fn zstd(exponent: u8, blocks: usize) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, exponent << 3];
    for block in 1..=blocks {
        let header = (128 * 1024) << 3 | 1 << 1 | u32::from(block == blocks);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}

/// 64 KiB of noise, which does not start like markup, JSON or HTTP. The bytes are always the same.
fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        let mut random = Random(1);
        std::iter::repeat_with(|| random.below(256) as u8 | 0x80).take(65_536).collect()
    })
}

fn json_feed(asked: &Asked, stream: &mut TcpStream, more: &str) -> io::Result<()> {
    let item =
        format!("{{\"id\":\"1\",\"url\":\"http://{}{ARTICLE}\",\"title\":\"What we learned\"}}", asked.host);
    let feed = format!(
        "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"x\",\"items\":[{item}{more}]}}"
    );
    answer(stream, "200 OK", "Content-Type: application/feed+json\r\n", feed.as_bytes())
}

/// A document with ten nested entities, each ten times as long as the one before (CVE-2003-1564 in
/// libxml2).
fn laughs(asked: &Asked) -> String {
    let entities: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let item = item(asked, "<title>What we learned</title><description>&l9;&l9;</description>");
    format!("<!DOCTYPE rss [<!ENTITY l0 \"lol\">{entities}]>{}", channel(asked, &item))
}
