//! Cursors of lists in the API. A cursor is only valid for its list.

use backissue_model::hex;
use xxhash_rust::xxh3::xxh3_64;

use crate::fault::Fault;

/// Number of hexadecimal digits of a list's hash.
const HASH: usize = 16;

/// Makes a cursor from a position in a list, with the list's hash before it.
pub(crate) fn seal(list: &str, place: &str) -> String {
    format!("{:016x}{}", xxh3_64(list.as_bytes()), hex(place.as_bytes()))
}

/// The position in a cursor. Fails if the cursor belongs to another list.
pub(crate) fn open(list: &str, cursor: &str) -> Result<String, Fault> {
    let place = cursor.get(..HASH).zip(cursor.get(HASH..)).and_then(|(hash, place)| {
        let is_own = hash == format!("{:016x}", xxh3_64(list.as_bytes()));
        String::from_utf8(backissue_model::unhex(place).filter(|_| is_own)?).ok()
    });
    place.ok_or(Fault::ForeignCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_opens_only_in_its_own_list() {
        let cursor = seal("weeks", "2026-W20");
        assert_eq!(open("weeks", &cursor), Ok("2026-W20".to_owned()));
        for (list, cursor) in [
            ("sources", cursor.as_str()),
            ("weeks", ""),
            ("weeks", "é"),
            ("weeks", &cursor[..17]),
            ("weeks", "zz"),
        ] {
            assert_eq!(open(list, cursor), Err(Fault::ForeignCursor), "{list} {cursor}");
        }
    }
}
