//! Functions for markup and JSON of any quality, shared with the crate `crawl`.

use std::borrow::Cow;

pub use crate::addresses::{Allowance, can_be_base, is_on_the_web};
pub use crate::assembly::Attribute;
pub use crate::decoding::decode;
pub use crate::json::read as json;
pub use crate::markup_text::{one_line, plain_text, unescape_xml};
pub use crate::tags::{Tag, TagKind, tags, value};

/// The document without XML declaration and document type.
pub fn without_prolog(text: &str) -> Cow<'_, str> {
    crate::prolog::read(text).rest
}
