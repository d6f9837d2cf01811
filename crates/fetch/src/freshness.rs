//! Reads headers about time and versions: validators, `Cache-Control`, `Expires`, `Retry-After`.
//! The functions do no input or output; the time is a parameter.

use std::time::{Duration, SystemTime};

use reqwest::header::{
    AGE, CACHE_CONTROL, DATE, ETAG, EXPIRES, HeaderMap, HeaderName, LAST_MODIFIED, RETRY_AFTER,
};

use crate::response::Validators;

/// Maximum length of a validator. Longer ones are dropped.
const LONGEST_VALIDATOR: usize = 1024;

/// The validators of a response, exactly as the server sent them.
pub(crate) fn validators(headers: &HeaderMap) -> Validators {
    let kept = |name| text(headers, name).filter(|value| value.len() <= LONGEST_VALIDATOR).map(str::to_owned);
    Validators { etag: kept(ETAG), last_modified: kept(LAST_MODIFIED) }
}

/// How long the response may be used without asking the server again (RFC 9111 section 4.2.1, for a
/// private cache).
pub(crate) fn cache_max_age(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    match cache_control(headers) {
        Some(age) => Some(age.saturating_sub(seconds(headers, AGE).unwrap_or_default())),
        None => {
            let expires = headers.get(EXPIRES)?.to_str().ok()?;
            // An invalid date, most often "0", means already expired.
            let Ok(expires) = httpdate::parse_http_date(expires) else { return Some(Duration::ZERO) };
            let sent = text(headers, DATE).and_then(|date| httpdate::parse_http_date(date).ok());
            Some(expires.duration_since(sent.unwrap_or(now)).unwrap_or_default())
        }
    }
}

fn cache_control(headers: &HeaderMap) -> Option<Duration> {
    let mut max_age = None;
    let lines = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    for directive in lines.flat_map(|line| line.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => max_age = parse_seconds(value.trim().trim_matches('"')).or(max_age),
            _ => {}
        }
    }
    max_age
}

/// The pause that the host demands, given in seconds or as a date (RFC 9110 section 10.2.3).
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    parse_seconds(value).or_else(|| {
        let until = httpdate::parse_http_date(value).ok()?;
        Some(until.duration_since(now).unwrap_or_default())
    })
}

fn seconds(headers: &HeaderMap, name: HeaderName) -> Option<Duration> {
    parse_seconds(text(headers, name)?)
}

/// Parses a number of seconds. Values that overflow count as the maximum (RFC 9111 section 1.2.2).
fn parse_seconds(value: &str) -> Option<Duration> {
    let all_digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| Duration::from_secs(value.parse::<u32>().unwrap_or(u32::MAX).into()))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line =
            |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        lines.iter().map(line).collect()
    }

    const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn now() -> SystemTime {
        httpdate::parse_http_date(NOW).unwrap()
    }

    #[test]
    fn freshness_follows_max_age_then_expires() {
        for (lines, want) in [
            (head(&[]), None),
            (head(&[("cache-control", "public, max-age=600")]), Some(600)),
            (head(&[("cache-control", "Max-Age=\"600\""), ("age", "100")]), Some(500)),
            (head(&[("cache-control", "max-age=600"), ("age", "1000")]), Some(0)),
            (head(&[("cache-control", "max-age=600, no-cache")]), Some(0)),
            (head(&[("cache-control", "no-store")]), Some(0)),
            (head(&[("cache-control", "max-age=soon")]), None),
            (head(&[("cache-control", "max-age=99999999999999999999")]), Some(u64::from(u32::MAX))),
            (head(&[("cache-control", "max-age=60"), ("expires", "0")]), Some(60)),
            (head(&[("expires", "0")]), Some(0)),
            (head(&[("expires", "Sun, 06 Nov 1994 09:49:37 GMT")]), Some(3600)),
            (
                head(&[
                    ("expires", "Sun, 06 Nov 1994 09:49:37 GMT"),
                    ("date", "Sun, 06 Nov 1994 09:49:07 GMT"),
                ]),
                Some(30),
            ),
            (head(&[("expires", "Sun, 06 Nov 1993 09:49:37 GMT")]), Some(0)),
        ] {
            assert_eq!(cache_max_age(&lines, now()), want.map(Duration::from_secs), "{lines:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (value, want) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sunday, 06-Nov-94 08:51:37 GMT", Some(120)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
        ] {
            let headers = head(&[("retry-after", value)]);
            assert_eq!(retry_after(&headers, now()), want.map(Duration::from_secs), "{value}");
        }
    }
}
