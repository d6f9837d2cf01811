//! Detects the format of an image by its bytes alone. The server's media type is not trusted, and
//! browsers must not sniff.

/// The media type of a raster image, which cannot contain active content (MIME Sniffing standard,
/// section 6.1; AVIF by ISO/IEC 14496-12, section 4.3). Returns `None` for all other formats, above
/// all SVG.
pub(crate) fn raster_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', b'V', b'P', ..] => Some("image/webp"),
        [a, b, c, d, b'f', b't', b'y', b'p', ..] => {
            is_avif(bytes, u32::from_be_bytes([*a, *b, *c, *d])).then_some("image/avif")
        }
        _ => None,
    }
}

/// Whether the first box, which has `length` bytes, lists AVIF among its brands: as the major
/// brand, or after the version.
fn is_avif(bytes: &[u8], length: u32) -> bool {
    let brands = bytes.get(8..bytes.len().min(length as usize)).unwrap_or_default();
    let brands = brands.chunks_exact(4).enumerate().filter(|(at, _)| *at != 1);
    brands.map(|(_, brand)| brand).any(|brand| matches!(brand, b"avif" | b"avis"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_detected_by_their_first_bytes() {
        let cases: [(&[u8], Option<&str>); 13] = [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some("image/png")),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some("image/jpeg")),
            (b"GIF89a\x01\0\x01\0", Some("image/gif")),
            (b"GIF87a", Some("image/gif")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", Some("image/avif")),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Some("image/avif")),
            (b"\0\0\0\x14ftypisom\0\0\0\0mp41avif", None),
            (b"RIFF\x24\0\0\0WAVEfmt ", None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
            (b"<!doctype html><img>", None),
            (b"\x89PN", None),
            (b"", None),
        ];
        for (bytes, media_type) in cases {
            assert_eq!(raster_type(bytes), media_type, "{}", bytes.escape_ascii());
        }
    }
}
