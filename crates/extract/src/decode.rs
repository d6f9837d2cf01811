//! Decodes bytes to text.
//!
//! The order is that of the HTML standard ("determining the character encoding"): a byte order
//! mark, the server's Content-Type, the page's own declaration in its first bytes, and finally
//! windows-1252. There is one exception: bytes that are certainly UTF-8 are decoded as UTF-8, even
//! if the page declares something else. Pages that were saved or converted to UTF-8 often keep
//! their old declaration. Decoding never fails: undefined bytes become U+FFFD.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Number of bytes in which a page's declaration is searched. The standard says 1,024. Some pages
/// have scripts first, so browsers search further.
const DECLARATION_WITHIN: usize = 4096;

/// Decodes `bytes`.
pub(crate) fn decode<'a>(bytes: &'a [u8], media_type: Option<&str>) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let declared = media_type
        .and_then(|m| charset_of(m.as_bytes()))
        .or_else(|| is_surely_utf8(bytes).then_some(UTF_8))
        .or_else(|| declared_within(bytes))
        .unwrap_or_else(|| if bytes.is_ascii() { UTF_8 } else { WINDOWS_1252 });
    declared.decode_without_bom_handling(bytes).0
}

/// Whether the bytes are certainly UTF-8. Non-ASCII bytes of other encodings hardly ever form valid
/// UTF-8.
fn is_surely_utf8(bytes: &[u8]) -> bool {
    !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok()
}

/// The encoding in a `<meta>` or an XML declaration.
fn declared_within(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(DECLARATION_WITHIN)];
    let lower = head.to_ascii_lowercase();
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&lower[at..], b"<meta") {
        let start = at + found;
        let end = memchr::memchr(b'>', &lower[start..]).map_or(lower.len(), |e| start + e);
        if let Some(encoding) = charset_of(&lower[start..end]) {
            return Some(as_readable(encoding));
        }
        at = end.max(start + 1);
    }
    let xml = lower.strip_prefix(b"<?xml").map(|rest| &rest[..memchr::memchr(b'>', rest).unwrap_or(0)])?;
    labelled(xml, b"encoding").map(as_readable)
}

/// The encoding, or UTF-8 if it is UTF-16. A page whose declaration is readable as ASCII cannot be
/// UTF-16 (HTML standard).
fn as_readable(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding }
}

fn charset_of(text: &[u8]) -> Option<&'static Encoding> {
    labelled(text, b"charset")
}

/// The encoding that `text` names after `key=`.
fn labelled(text: &[u8], key: &[u8]) -> Option<&'static Encoding> {
    let lower = text.to_ascii_lowercase();
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&lower[at..], key) {
        at += found + key.len();
        let rest = lower[at..].trim_ascii_start();
        let Some(value) = rest.strip_prefix(b"=") else { continue };
        let value = value.trim_ascii_start();
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        let end = value
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || b"-_:.".contains(b)))
            .unwrap_or(value.len());
        if let Some(encoding) = Encoding::for_label(&value[..end]) {
            return Some(encoding);
        }
    }
    None
}

/// Maximum bytes of a page.
pub const LARGEST_PAGE: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_comes_from_mark_server_page_and_bytes() {
        let cases: [(&[u8], Option<&str>, &str); 10] = [
            (b"\xEF\xBB\xBFna\xC3\xAFve", Some("text/html; charset=iso-8859-1"), "naïve"),
            (b"\xFF\xFEh\0i\0", None, "hi"),
            (b"na\xEFve", Some("text/html; charset=\"ISO-8859-1\""), "naïve"),
            (b"<meta charset=windows-1251>\xCF\xF0", None, "<meta charset=windows-1251>Пр"),
            (
                b"<meta http-equiv=content-type content='text/html; charset=Shift_JIS'>\x93\xFA",
                None,
                "<meta http-equiv=content-type content='text/html; charset=Shift_JIS'>日",
            ),
            (
                b"<?xml version='1.0' encoding='gb2312'?>\xC4\xE3",
                None,
                "<?xml version='1.0' encoding='gb2312'?>你",
            ),
            (b"<meta charset=utf-16>na\xC3\xAFve", None, "<meta charset=utf-16>naïve"),
            (b"<meta charset=gb2312>na\xC3\xAFve", None, "<meta charset=gb2312>naïve"),
            (b"na\xC3\xAFve", None, "naïve"),
            (b"it\x92s na\xEFve", Some("text/html"), "it’s naïve"),
        ];
        for (bytes, media_type, text) in cases {
            assert_eq!(decode(bytes, media_type), text);
        }
    }
}
