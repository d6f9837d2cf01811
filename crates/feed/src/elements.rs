//! The meaning of element names in all vocabularies.
//!
//! Names are in lower case: the vocabulary's usual prefix, an underscore, the local name. This
//! module lists the elements whose text is stored. [`crate::assembly`] handles the elements that
//! start an object.

/// The field of a feed or an entry in which the text of an element is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Item,
    Title,
    Link,
    OriginalLink,
    Id,
    Description,
    Summary,
    Caption,
    Content,
    Subtitle,
    Rights,
    Info,
    Author,
    Contributor,
    Publisher,
    Name,
    Email,
    Address,
    Category,
    Keywords,
    Tags,
    Language,
    Published,
    Updated,
    Image,
    TextInput,
    Source,
    Other(String),
}

const PLAIN: &str = "text/plain";
const HTML: &str = "text/html";
const XHTML: &str = "application/xhtml+xml";

/// The field for an element that may contain markup. Also returns the media type of its text if the
/// element does not declare one.
pub fn markup_element(name: &str) -> Option<(Part, &'static str)> {
    Some(match name {
        "title" | "dc_title" | "media_title" => (Part::Title, PLAIN),
        "abstract" => (Part::Description, PLAIN),
        "content_encoded" | "fullitem" => (Part::Content, HTML),
        "content" => (Part::Content, PLAIN),
        "body" | "xhtml_body" => (Part::Content, XHTML),
        "subtitle" | "tagline" | "itunes_subtitle" => (Part::Subtitle, PLAIN),
        "rights" | "copyright" | "dc_rights" => (Part::Rights, PLAIN),
        "info" | "feedburner_browserfriendly" => (Part::Info, PLAIN),
        _ => return None,
    })
}

/// The field for an element that contains plain text.
pub fn text_element(name: &str) -> Option<Part> {
    Some(match name {
        "webmaster" | "dc_publisher" => Part::Publisher,
        "name" | "itunes_name" => Part::Name,
        "email" | "itunes_email" => Part::Email,
        "url" | "homepage" | "uri" => Part::Address,
        "itunes_keywords" | "media_keywords" => Part::Keywords,
        "tags" => Part::Tags,
        "feedburner_origlink" | "pheedo_origlink" => Part::OriginalLink,
        "language" | "dc_language" => Part::Language,
        "published" | "issued" | "pubdate" | "dcterms_issued" => Part::Published,
        "updated" | "modified" | "lastbuilddate" | "dc_date" | "dcterms_modified" => Part::Updated,
        _ => return None,
    })
}
