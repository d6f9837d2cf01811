//! Text from files and standard input, in the encodings in which editors and shells write it.

use std::io::Write;
use std::path::Path;
use std::{fs, io};

use anyhow::ensure;

/// The text of bytes in UTF-8, or in UTF-16 with a byte order mark, which PowerShell writes. The
/// mark is not part of the text.
pub fn decoded(bytes: &[u8]) -> anyhow::Result<String> {
    let (text, encoding, is_malformed) = encoding_rs::UTF_8.decode(bytes);
    ensure!(!text.contains('\0'), "it looks like UTF-16 without a byte order mark; save it as UTF-8");
    ensure!(!is_malformed, "it is not valid {}; save it as UTF-8", encoding.name());
    Ok(text.into_owned())
}

/// The text of a file.
pub fn of_file(path: &Path) -> io::Result<String> {
    decoded(&fs::read(path)?).map_err(io::Error::other)
}

/// Writes a file with a person's own data. If the file is new, only its owner can open it.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Whether the text of these bytes begins with a sign, in any of these encodings.
pub fn begins_with(sign: u8, bytes: &[u8]) -> bool {
    let is_mark = |byte: &u8| matches!(byte, 0x00 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF);
    bytes.iter().find(|byte| !byte.is_ascii_whitespace() && !is_mark(byte)) == Some(&sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn text_is_decoded_by_its_byte_order_mark() {
        let text = " {\"größe\": \"🦀\"}";
        let marked = format!("\u{feff}{text}");
        for bytes in [
            text.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
        ] {
            assert_eq!(decoded(&bytes).unwrap(), text);
            assert!(begins_with(b'{', &bytes));
        }
    }

    #[test]
    fn undecodable_text_is_refused_with_a_remedy() {
        for (bytes, why) in [
            (utf16("{}", u16::to_le_bytes), "UTF-16 without a byte order mark; save it as UTF-8"),
            (utf16("{}", u16::to_be_bytes), "UTF-16 without a byte order mark"),
            (b"{ \xe9".to_vec(), "not valid UTF-8"),
            (b"\xff\xfe{\x00\x00\xd8".to_vec(), "not valid UTF-16LE"),
        ] {
            let error = decoded(&bytes).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(begins_with(b'{', &bytes));
        }
        assert!(!begins_with(b'{', b"<?xml"));
        assert!(!begins_with(b'{', b""));
    }
}
