//! Decodes the bytes of a document to text.
//!
//! A feed has up to four hints about its encoding (media type, XML declaration, byte order mark,
//! first bytes), and they are often wrong. The possible encodings are tried in the order of RFC
//! 3023, and the first one that decodes all bytes wins. If none does, the text is taken as UTF-8
//! with a few wrong bytes, or else as Windows-1252, which accepts any bytes.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::code_pages::CodePage;

/// Decodes a document. `media_type` is the `Content-Type` of the response.
pub fn decode<'a>(bytes: &'a [u8], media_type: Option<&str>) -> Cow<'a, str> {
    let (sniffed, bytes) = sniff(bytes);
    let declared = declared_encoding(bytes, sniffed);
    let (served, is_text) = served_encoding(media_type);
    let served = served.filter(|label| !is_wide(label) || !is_narrow(bytes));
    let first = served.or_else(|| declared.clone().filter(|_| !is_text));
    let candidates = [first, declared, sniffed.map(str::to_owned), Some("utf-8".to_owned())];
    for label in candidates.iter().flatten() {
        if let Some(text) = decode_as(bytes, label) {
            return text;
        }
    }
    let told = candidates[..3].iter().flatten().find_map(|label| encoding(&label.replace('_', "-")));
    if let Some(told) = told.filter(|told| *told != encoding_rs::UTF_8)
        && let Some(text) = mostly(bytes, told)
    {
        return Cow::Owned(text);
    }
    mostly_utf8(bytes, told == Some(encoding_rs::UTF_8))
        .map_or_else(|| encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0, Cow::Owned)
}

/// Decodes UTF-8 with a few wrong bytes, as in a document that was cut or has a line in another
/// encoding.
///
/// Decodes the wrong bytes as Windows-1252. Returns `None` if the document does not declare UTF-8
/// and more than a fifth of the non-ASCII part is wrong.
fn mostly_utf8(bytes: &[u8], is_declared: bool) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    let (mut fitting, mut stray) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        fitting += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        text.push_str(chunk.valid());
        stray += chunk.invalid().len();
        text.push_str(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    (stray * 4 <= fitting || is_declared && fitting > 0).then_some(text)
}

/// Decodes text with a few bytes that are invalid in the declared encoding. They are lost. Returns
/// `None` if they are more than a fifth of the non-ASCII part.
fn mostly(bytes: &[u8], encoding: &'static Encoding) -> Option<String> {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let lost = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
    let fitting = text.chars().filter(|c| !c.is_ascii()).count() - lost;
    (lost * 4 <= fitting && fitting > 0).then(|| text.into_owned())
}

/// The encoding that the first bytes show: by a byte order mark, or by `<?xm` in an encoding unlike
/// ASCII. Also returns the bytes without the mark.
fn sniff(bytes: &[u8]) -> (Option<&'static str>, &[u8]) {
    const MARKS: &[(&[u8], &str)] = &[
        (&[0, 0, 0xfe, 0xff], "utf-32be"),
        (&[0xff, 0xfe, 0, 0], "utf-32le"),
        (&[0xfe, 0xff], "utf-16be"),
        (&[0xff, 0xfe], "utf-16le"),
        (&[0xef, 0xbb, 0xbf], "utf-8"),
    ];
    const BEGINNINGS: &[(&[u8], &str)] = &[
        (&[0x4c, 0x6f, 0xa7, 0x94], "cp037"),
        (&[0, 0x3c, 0, 0x3f], "utf-16be"),
        (&[0x3c, 0, 0x3f, 0], "utf-16le"),
        (&[0, 0x3c, 0, 0x72], "utf-16be"),
        (&[0x3c, 0, 0x72, 0], "utf-16le"),
        (&[0, 0, 0, 0x3c], "utf-32be"),
        (&[0x3c, 0, 0, 0], "utf-32le"),
    ];
    if let Some((mark, name)) = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return (Some(name), &bytes[mark.len()..]);
    }
    let beginning = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    (beginning.map(|(_, name)| *name), bytes)
}

/// The encoding in the XML declaration.
fn declared_encoding(bytes: &[u8], sniffed: Option<&str>) -> Option<String> {
    const LONGEST: usize = 1024;
    let mut length = bytes.len().min(LONGEST);
    length -= length % 4;
    let start = if bytes.len() <= LONGEST { bytes } else { &bytes[..length] };
    let text = match sniffed {
        Some(label) if label != "utf-8" => decode_as(start, label)?,
        _ => String::from_utf8_lossy(start),
    };
    let declaration = text.trim_start().strip_prefix("<?")?.split('>').next()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let label = value[1..].split(quote).next()?.trim().to_lowercase();
    // The declaration was readable, so the width of its characters is known. A label that
    // contradicts it is wrong.
    Some(if is_wide(&label) { sniffed.unwrap_or("utf-8").to_owned() } else { label })
}

/// Whether a character of the encoding has at least two bytes, as in UTF-16.
fn is_wide(label: &str) -> bool {
    let label: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
    let wide =
        ["utf16", "u16", "utf32", "u32", "iso10646ucs", "ucs2", "ucs4", "csucs", "csunicode", "unicode"];
    wide.iter().any(|name| label.starts_with(name)) && !label.ends_with("utf8")
}

/// Whether the bytes start like markup or JSON in an encoding that extends ASCII.
fn is_narrow(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start(), [b'<' | b'{', second, ..] if *second != 0)
}

/// The charset of a media type. The flag is true for `text/*`, for which the document's own
/// declaration is ignored.
fn served_encoding(media_type: Option<&str>) -> (Option<String>, bool) {
    let Some(media_type) = media_type else { return (None, false) };
    let is_text = media_type.trim_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"));
    let charset = media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']).to_lowercase();
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
    });
    (charset, is_text)
}

/// Decodes with the named encoding. Returns `None` if it is unknown or a byte is invalid.
fn decode_as<'a>(bytes: &'a [u8], label: &str) -> Option<Cow<'a, str>> {
    let label = label.replace('_', "-");
    match label.as_str() {
        "us-ascii" | "ascii" => bytes.is_ascii().then(|| String::from_utf8_lossy(bytes)),
        "utf-32be" | "utf-32-be" => utf32(bytes, u32::from_be_bytes).map(Cow::Owned),
        "utf-32le" | "utf-32-le" | "utf-32" => utf32(bytes, u32::from_le_bytes).map(Cow::Owned),
        "iso-8859-1" | "latin-1" | "latin1" | "l1" | "iso8859-1" | "8859" | "cp819" | "iso88591" => {
            let text = encoding_rs::mem::decode_latin1(bytes);
            Some(text)
        }
        "gb2312" => encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes),
        _ => {
            if let Some(page) = CodePage::named(&label) {
                return page.decode(bytes).map(Cow::Owned);
            }
            encoding(&label)?.decode_without_bom_handling_and_without_replacement(bytes)
        }
    }
}

fn encoding(label: &str) -> Option<&'static Encoding> {
    let by_label = Encoding::for_label(label.as_bytes());
    let by_number = || {
        let number =
            label.strip_prefix("cp").or_else(|| label.strip_prefix("windows"))?.trim_start_matches('-');
        Encoding::for_label(format!("windows-{number}").as_bytes())
            .or_else(|| Encoding::for_label(format!("ibm{number}").as_bytes()))
    };
    let by_name = || {
        Some(match label {
            "utf8" | "u8" | "utf" => encoding_rs::UTF_8,
            "utf-16" | "utf16" => encoding_rs::UTF_16LE,
            "mac-roman" | "macroman" => encoding_rs::MACINTOSH,
            "cp932" | "ms932" | "shiftjis" | "sjis" => encoding_rs::SHIFT_JIS,
            "cp949" | "euckr" | "uhc" => encoding_rs::EUC_KR,
            "cp936" | "gb18030-2000" => encoding_rs::GB18030,
            "cp950" => encoding_rs::BIG5,
            "eucjp" => encoding_rs::EUC_JP,
            _ => return None,
        })
    };
    by_label
        .or_else(by_number)
        .or_else(by_name)
        .filter(|encoding| *encoding != encoding_rs::REPLACEMENT && *encoding != encoding_rs::X_USER_DEFINED)
}

fn utf32(bytes: &[u8], read: fn([u8; 4]) -> u32) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    units.iter().map(|unit| char::from_u32(read(*unit))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_encoding_that_decodes_all_bytes_wins() {
        for (bytes, media_type, text) in [
            (&b"<?xml version='1.0' encoding='iso-8859-1'?>\xe9"[..], None, "é"),
            (b"<?xml version='1.0' encoding='utf-8'?>\xe9", None, "é"),
            (b"<?xml version='1.0' encoding='koi8-r'?>\xc1", None, "а"),
            (b"<?xml version='1.0' encoding='utf-8'?>\xc1", Some("text/xml; charset=koi8-r"), "а"),
            (b"<?xml version='1.0' encoding='utf-8'?>\xc3\xa9\xe2\x80\x99\xe9", None, "é’é"),
            (b"<?xml version='1.0'?>\xc3\xa9\xe9", Some("application/xml; charset=utf-8"), "éé"),
            (
                b"<?xml version='1.0' encoding='euc-jp'?>\xc6\xfc\xcb\xdc\xb8\xec\xc6\xfc\xff",
                None,
                "日本語日\u{fffd}",
            ),
            ("<?xml version='1.0' encoding='us-ascii'?>é".as_bytes(), None, "é"),
            (b"<?xml version='1.0' encoding='no-such'?>\x93", None, "“"),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\xc3\xa9", None, "é"),
            (b"<?xml version='1.0'?>\xe2\x80\x99\xc3\xa9\xc3\xa9\xc3\xa9\xe9", None, "’éééé"),
            (b"<?xml version='1.0' encoding='cp850'?>\x82", None, "é"),
            ("<?xml version='1.0' encoding='utf-16'?>é".as_bytes(), None, "é"),
            ("<?xml version='1.0' encoding='utf-16'?> é".as_bytes(), None, " é"),
            (b"<?xml version='1.0' encoding='UTF-16LE'?>ab", None, "ab"),
            (b"<?xml version='1.0' encoding='unicode'?>a", None, "a"),
            (b"<?xml version='1.0' encoding='unicode'?>ab", None, "ab"),
            (b"\xef\xbb\xbf<?xml version='1.0' encoding='ucs-2'?>ab", None, "ab"),
            (b"<?xml version='1.0'?>ab", Some("text/xml; charset=utf-16"), "ab"),
            (b"<?xml version='1.0'?>abc", Some("text/xml; charset=utf-16"), "abc"),
            (b"\xff\xfe<\0?\0x\0m\0l\0?\0>\0\xe9\0", None, "é"),
            (b"\0<\0?\0x\0m\0l\0?\0>\0\xe9", None, "é"),
        ] {
            let decoded = decode(bytes, media_type);
            assert_eq!(decoded.rsplit('>').next(), Some(text), "{bytes:?}");
        }
    }
}
