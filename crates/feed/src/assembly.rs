//! Builds a feed from start tags, end tags and text.
//!
//! Only this module knows the meaning of elements, in all vocabularies and in broken documents. If
//! the formats are ambiguous, it behaves like Python's `feedparser`: an item may be anywhere, an
//! end tag closes an element only if that is the innermost open one, a later link replaces an
//! earlier one, and a deeper title does not replace a title. It builds no tree. Its state is the
//! list of open elements and the current object (feed, entry, source, image, text input).

use std::collections::HashMap;
use std::rc::Rc;

use backissue_model::cancel::checkpoint;
use backissue_model::{Feed, FeedFormat};
use base64::Engine;
use url::Url;

use crate::addresses::{Allowance, can_be_base};
use crate::elements::{Part, markup_element, text_element};
use crate::markup_text::{
    escape, looks_like_html, one_line, plain_text, repaired, unescape_xml, with_absolute_links,
};
use crate::namespaces::vocabulary;
use crate::record::{Person, Record, absolute};
use crate::{FeedError, MAX_ENTRIES, dates};

/// How the document is parsed. This decides whether references in text are resolved already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As XML. References in text are resolved already.
    Strict,
    /// As tag soup. References in text are resolved when the type of the text is known.
    Lenient,
}

/// An attribute. Its name is in lower case, with its vocabulary's usual prefix.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The value with references resolved.
    pub value: String,
}

/// Maximum open elements. Further ones are ignored.
const MAX_OPEN: usize = 4096;

/// Maximum unclosed elements of earlier items that stay open when an item starts.
const MAX_LEFT_OPEN: usize = 64;

/// Maximum authors per object.
const MAX_AUTHORS: usize = 50;

struct Open {
    part: Part,
    /// Whether the text is stored when the element ends.
    stored: bool,
    text: String,
}

/// The declared type of the current element's content.
#[derive(Default)]
struct ContentKind {
    media_type: Option<String>,
    base64: bool,
}

/// HTML elements without end tag. Browsers treat an end tag of these as another element.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

const XHTML: &str = "application/xhtml+xml";
const HTML: &str = "text/html";
const PLAIN: &str = "text/plain";

impl ContentKind {
    fn is_xml(&self) -> bool {
        self.media_type.as_deref().unwrap_or("xml").ends_with("xml")
    }

    fn is_xhtml(&self) -> bool {
        self.media_type.as_deref() == Some(XHTML)
    }

    fn is_html(&self) -> bool {
        matches!(self.media_type.as_deref().unwrap_or(HTML), HTML | XHTML)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Feed,
    Entry,
    Source,
    Image,
    TextInput,
}

/// The address against which relative addresses are resolved.
#[derive(Clone)]
struct Base {
    url: Option<Rc<Url>>,
    /// Whether it comes from `xml:base` and not from the document's address.
    declared: bool,
}

/// The state of a partly parsed document.
pub struct Assembly {
    reading: Reading,
    format: Option<FeedFormat>,
    is_atom: bool,
    root: Option<String>,
    vocabularies: HashMap<String, &'static str>,
    feed: Record,
    entries: Vec<Record>,
    dropped: Record,
    aside: Record,
    has_image: bool,
    in_feed: bool,
    in_entry: bool,
    in_source: bool,
    in_image: bool,
    /// Whether the current element is inside one about an image, a video or a sound.
    in_media: bool,
    in_text_input: bool,
    in_author: bool,
    in_contributor: bool,
    in_publisher: bool,
    in_content: usize,
    /// Number of open elements inside the content of an entry. They are counted separately only in
    /// well-formed documents.
    inline_depth: usize,
    /// Whether the entry's description is stored as its content, because it has a summary already.
    description_is_content: bool,
    has_content: bool,
    id_is_link: bool,
    content: ContentKind,
    title_depth: Option<usize>,
    depth: usize,
    open: Vec<Open>,
    bases: Vec<Base>,
    base: Base,
    /// How many bytes resolving addresses may still add.
    allowance: Allowance,
}

fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().rev().find(|attribute| attribute.name == name).map(|attribute| attribute.value.as_str())
}

/// Whether an element is a caption rather than the text of the feed or entry.
fn is_caption(name: &str) -> bool {
    matches!(name, "media_description" | "itunes_summary" | "dc_description")
}

fn lower_attribute(attributes: &[Attribute], name: &str) -> Option<String> {
    attribute(attributes, name).map(str::to_lowercase)
}

fn media_type(given: &str) -> String {
    match given {
        "text" | "plain" => PLAIN.to_owned(),
        "html" => HTML.to_owned(),
        "xhtml" => XHTML.to_owned(),
        other => other.to_owned(),
    }
}

impl Assembly {
    /// The initial state for a document of `length` bytes. Relative addresses are resolved against
    /// `base`.
    pub fn new(reading: Reading, base: Option<&Url>, netscape: bool, length: usize) -> Self {
        Self {
            reading,
            format: netscape.then_some(FeedFormat::Rss0),
            is_atom: false,
            root: None,
            vocabularies: HashMap::new(),
            feed: Record::default(),
            entries: Vec::new(),
            dropped: Record::default(),
            aside: Record::default(),
            has_image: false,
            in_feed: false,
            in_entry: false,
            in_source: false,
            in_image: false,
            in_media: false,
            in_text_input: false,
            in_author: false,
            in_contributor: false,
            in_publisher: false,
            in_content: 0,
            inline_depth: 0,
            description_is_content: false,
            has_content: false,
            id_is_link: false,
            content: ContentKind::default(),
            title_depth: None,
            depth: 0,
            open: Vec::new(),
            bases: Vec::new(),
            base: Base { url: base.filter(|url| can_be_base(url)).cloned().map(Rc::new), declared: false },
            allowance: Allowance::of(length),
        }
    }

    /// Binds a prefix to a namespace.
    pub fn declare(&mut self, prefix: &str, uri: &str) {
        if self.format.is_none() {
            match uri.to_ascii_lowercase().as_str() {
                "http://purl.org/rss/1.0/" => self.format = Some(FeedFormat::Rdf),
                "http://my.netscape.com/rdf/simple/0.9/" if prefix.is_empty() => {
                    self.format = Some(FeedFormat::Rdf);
                }
                "http://www.w3.org/2005/atom" => {
                    self.format = Some(FeedFormat::Atom);
                    self.is_atom = true;
                }
                _ => {}
            }
        }
        if !prefix.is_empty()
            && self.vocabularies.len() < 1000
            && let Some(vocabulary) = vocabulary(uri)
        {
            self.vocabularies.insert(prefix.to_lowercase(), vocabulary);
        }
    }

    /// Adds text. Its references are resolved in strict parsing, and unresolved in lenient parsing.
    pub fn text(&mut self, text: &str) {
        if self.content.is_xhtml() {
            self.push_text(&escape(text));
        } else {
            self.push_text(text);
        }
    }

    /// Adds text that is escaped already, in lenient parsing.
    pub fn escaped(&mut self, text: &str) {
        self.push_text(text);
    }

    fn push_text(&mut self, text: &str) {
        if let Some(open) = self.open.last_mut()
            && !matches!(open.part, Part::Item | Part::Other(_))
        {
            open.text.push_str(text);
        }
    }

    /// Handles a start tag. Its name is in lower case.
    pub fn start(&mut self, tag: &str, attributes: Vec<Attribute>) {
        self.depth += 1;
        if self.root.is_none() {
            self.root = Some(tag.chars().filter(|c| !c.is_control()).take(40).collect());
        }
        self.enter_base(&attributes);
        if matches!(tag, "feed" | "rss" | "rdf:rdf")
            && let Some(language) =
                attribute(&attributes, "xml:lang").or_else(|| attribute(&attributes, "lang"))
            && !language.is_empty()
        {
            self.feed.language = Some(one_line(language).replace('_', "-"));
        }
        if self.reading == Reading::Lenient {
            for attribute in &attributes {
                if let Some(prefix) = attribute.name.strip_prefix("xmlns") {
                    let prefix = prefix.trim_start_matches(':').to_owned();
                    self.declare(&prefix, &attribute.value);
                }
            }
        }
        if self.in_content > 0 && !self.content.is_xml() {
            if matches!(tag, "div" | "xhtml:div") {
                return;
            }
            self.content.media_type = Some(XHTML.to_owned());
        }
        if self.in_content > 0 && self.content.is_xhtml() {
            self.inline_depth += 1;
            self.push_inline_tag(tag, &attributes);
            return;
        }
        let name = self.canonical_name(tag);
        self.leave_image_and_text_input(&name);
        self.start_element(&name, &attributes);
    }

    fn push_inline_tag(&mut self, tag: &str, attributes: &[Attribute]) {
        let name = tag.split_once(':').map_or(tag, |(_, local)| local);
        let mut markup = format!("<{name}");
        for Attribute { name, value } in attributes {
            let value = escape(value).replace('"', "&quot;");
            markup.push_str(&format!(" {name}=\"{value}\""));
        }
        markup.push('>');
        self.push_text(&markup);
    }

    fn enter_base(&mut self, attributes: &[Attribute]) {
        let declared = attribute(attributes, "xml:base").or_else(|| attribute(attributes, "base"));
        if let Some(url) = declared.filter(|value| !value.is_empty()).and_then(|value| self.joined(value)) {
            self.base = Base { url: Some(Rc::new(url)), declared: true };
        }
        if self.bases.len() < MAX_OPEN {
            self.bases.push(self.base.clone());
        }
    }

    fn joined(&self, address: &str) -> Option<Url> {
        let joined = match &self.base.url {
            Some(base) => base.join(address.trim()),
            None => Url::parse(address.trim()),
        };
        joined.ok().filter(can_be_base)
    }

    /// The element's name: its vocabulary's usual prefix, an underscore, and the local name.
    fn canonical_name(&self, tag: &str) -> String {
        let Some((prefix, local)) = tag.split_once(':') else { return tag.to_owned() };
        let prefix = self.vocabularies.get(prefix).copied().unwrap_or(prefix);
        if prefix.is_empty() { local.to_owned() } else { format!("{prefix}_{local}") }
    }

    /// Closes an image or text input that has no end tag, as in broken feeds, when an element
    /// starts that neither can contain.
    fn leave_image_and_text_input(&mut self, name: &str) {
        if name.contains('_') {
            return;
        }
        if !matches!(name, "title" | "link" | "description" | "name") {
            self.in_text_input = false;
        }
        if !matches!(name, "title" | "link" | "description" | "url" | "href" | "width" | "height") {
            self.in_image = false;
        }
    }

    fn about(&self) -> About {
        if self.in_source {
            About::Source
        } else if self.in_image && self.has_image {
            About::Image
        } else if self.in_text_input {
            About::TextInput
        } else if self.in_entry {
            About::Entry
        } else {
            About::Feed
        }
    }

    fn record(&mut self) -> &mut Record {
        match self.about() {
            About::Source | About::Image | About::TextInput => &mut self.aside,
            About::Entry => self.entry(),
            About::Feed => &mut self.feed,
        }
    }

    fn entry(&mut self) -> &mut Record {
        if self.entries.len() > MAX_ENTRIES {
            return &mut self.dropped;
        }
        self.entries.last_mut().unwrap_or(&mut self.dropped)
    }

    fn expects_text(&self) -> bool {
        self.in_feed || self.in_entry || self.in_source
    }

    fn push(&mut self, part: Part, stored: bool) {
        if self.open.len() < MAX_OPEN {
            self.open.push(Open { part, stored, text: String::new() });
        }
    }

    fn push_content(&mut self, part: Part, attributes: &[Attribute], default: &str, stored: bool) {
        self.in_content += 1;
        let given = lower_attribute(attributes, "type").unwrap_or_else(|| default.to_owned());
        let media_type = media_type(&given);
        let textual =
            media_type.starts_with("text/") || media_type.ends_with("+xml") || media_type.ends_with("/xml");
        let base64 = lower_attribute(attributes, "mode").as_deref() == Some("base64") || !textual;
        self.content = ContentKind { media_type: Some(media_type), base64 };
        self.push(part, stored);
    }

    fn start_element(&mut self, name: &str, attributes: &[Attribute]) {
        if let Some((part, default)) = markup_element(name) {
            self.has_content |= part == Part::Content && !name.ends_with("body");
            let stored = self.expects_text() || !matches!(part, Part::Title | Part::Description);
            return self.push_content(part, attributes, default, stored);
        }
        if let Some(part) = text_element(name) {
            let stored = !matches!(part, Part::Name | Part::Email);
            return self.push(part, stored);
        }
        match name {
            "rss" => self.start_rss(attributes),
            "feed" => {
                self.in_feed = true;
                if self.format.is_none() {
                    self.format = Some(FeedFormat::Atom);
                    self.is_atom = true;
                }
            }
            "rdf_rdf" => self.format = self.format.or(Some(FeedFormat::Rdf)),
            "channel" => {
                self.in_feed = true;
                self.start_channel_definition(attributes);
            }
            "item" | "entry" => self.start_item(attributes),
            "link" => self.start_link(attributes),
            "guid" | "id" => {
                let is_link = attribute(attributes, "ispermalink").is_none_or(|value| value == "true");
                self.id_is_link = is_link;
                self.push(Part::Id, true);
            }
            "description" => self.start_description(attributes),
            "summary" => self.start_summary(attributes),
            "media_content" | "media_thumbnail" => self.in_media = true,
            _ if is_caption(name) => {
                let default = if name == "media_description" { PLAIN } else { HTML };
                self.push_content(Part::Caption, attributes, default, false);
            }
            "author" | "managingeditor" | "dc_author" | "dc_creator" | "itunes_author" => {
                self.in_author = true;
                self.push(Part::Author, true);
                let authors = &mut self.record().authors;
                if authors.len() < MAX_AUTHORS {
                    authors.push(Person::default());
                }
            }
            "contributor" => {
                self.in_contributor = true;
                self.push(Part::Contributor, false);
            }
            "dc_contributor" => {
                self.in_contributor = true;
                self.push(Part::Name, false);
            }
            "itunes_owner" => {
                self.in_publisher = true;
                self.push(Part::Publisher, false);
            }
            "category" | "keywords" | "dc_subject" | "media_category" => {
                let term = attribute(attributes, "term").unwrap_or("").to_owned();
                self.add_tag(&term);
                self.push(Part::Category, true);
            }
            "itunes_category" => {
                let term = attribute(attributes, "text").unwrap_or("").to_owned();
                self.add_tag(&term);
                self.push(Part::Category, true);
            }
            "image" => {
                self.has_image |= !self.in_entry;
                self.in_image = true;
                self.title_depth = None;
                self.push(Part::Image, false);
            }
            "textinput" => {
                self.in_text_input = true;
                self.title_depth = None;
                self.push(Part::TextInput, false);
            }
            "source" => {
                self.push(Part::Source, true);
                self.in_source = true;
                self.title_depth = None;
            }
            "enclosure" | "cloud" | "media_group" => {}
            _ if attributes.is_empty() => self.push(Part::Other(name.to_owned()), true),
            _ => {}
        }
    }

    fn start_rss(&mut self, attributes: &[Attribute]) {
        if matches!(self.format, Some(FeedFormat::Rss0 | FeedFormat::Rss2 | FeedFormat::Rdf)) {
            return;
        }
        let version = attribute(attributes, "version").unwrap_or("").trim();
        let old = version.starts_with("0.9");
        self.format = Some(if old { FeedFormat::Rss0 } else { FeedFormat::Rss2 });
        self.is_atom = false;
    }

    /// Handles an element of the Channel Definition Format, which has links and dates in
    /// attributes.
    fn start_channel_definition(&mut self, attributes: &[Attribute]) {
        if let Some(date) = attribute(attributes, "lastmod") {
            self.record().updated = dates::parse(date);
        }
        if let Some(link) = attribute(attributes, "href") {
            let link = self.resolved(link);
            self.record().link = Some(link);
        }
    }

    fn start_item(&mut self, attributes: &[Attribute]) {
        checkpoint();
        if self.entries.len() <= MAX_ENTRIES {
            self.entries.push(Record::default());
        }
        if self.open.len() > MAX_LEFT_OPEN {
            self.open.clear();
        }
        self.push(Part::Item, false);
        self.in_entry = true;
        self.in_media = false;
        self.id_is_link = false;
        self.title_depth = None;
        if let Some(about) = attribute(attributes, "rdf:about") {
            let about = about.to_owned();
            self.record().id = Some(about);
            self.record().id_depth = usize::MAX;
        }
        self.start_channel_definition(attributes);
    }

    fn start_link(&mut self, attributes: &[Attribute]) {
        let relation = lower_attribute(attributes, "rel").unwrap_or_else(|| "alternate".to_owned());
        let media = lower_attribute(attributes, "type").map(|given| media_type(&given));
        let default = if relation == "self" { "application/atom+xml" } else { HTML };
        let media = media.unwrap_or_else(|| default.to_owned());
        let href = ["url", "uri", "href"].iter().find_map(|name| attribute(attributes, name));
        let Some(href) = href.filter(|href| !href.is_empty()) else {
            // An enclosure, a hub or the feed itself is not the address of the entry, wherever the
            // element is.
            let stored = relation == "alternate" && self.expects_text();
            return self.push(Part::Link, stored);
        };
        // A translation does not replace a known address.
        let translated = attribute(attributes, "hreflang").is_some() && self.record().link.is_some();
        // Some publishers name the page only as the canonical address. An id may stand in for it,
        // as long as nothing better is known.
        let has_address = self.record().link.as_ref().is_some_and(|link| link.starts_with("http"));
        let is_page = relation == "alternate" || relation == "canonical" && !has_address;
        if is_page && !translated && matches!(media.as_str(), HTML | XHTML) {
            let link = self.resolved(href);
            self.record().link = Some(link);
        }
    }

    fn start_description(&mut self, attributes: &[Attribute]) {
        if self.record().summary.is_some() && !self.has_content {
            self.description_is_content = true;
            self.has_content = true;
            self.push_content(Part::Content, attributes, PLAIN, true);
        } else {
            let stored = self.expects_text();
            self.push_content(Part::Description, attributes, HTML, stored);
        }
    }

    fn start_summary(&mut self, attributes: &[Attribute]) {
        if self.record().summary.is_some() && !self.has_content {
            self.description_is_content = true;
            self.has_content = true;
            self.push_content(Part::Content, attributes, PLAIN, true);
        } else {
            self.push_content(Part::Summary, attributes, PLAIN, true);
        }
    }

    /// Handles an end tag. Its name is in lower case.
    pub fn end(&mut self, tag: &str) {
        let is_inline = self.reading == Reading::Strict && self.inline_depth > 0;
        self.inline_depth = self.inline_depth.saturating_sub(1);
        if !is_inline {
            let name = self.canonical_name(tag);
            self.end_element(&name);
        }
        if self.in_content > 0 && !self.content.is_xml() {
            if matches!(tag, "div" | "xhtml:div") {
                return;
            }
            self.content.media_type = Some(XHTML.to_owned());
        }
        if self.in_content > 0 && self.content.is_xhtml() {
            let local = tag.rsplit(':').next().unwrap_or(tag);
            if !VOID.contains(&local) {
                self.push_text(&format!("</{local}>"));
            }
        }
        self.bases.pop();
        if let Some(base) = self.bases.last() {
            self.base = base.clone();
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn end_element(&mut self, name: &str) {
        if let Some((part, _)) = markup_element(name) {
            return self.end_markup(name, &part);
        }
        if let Some(part) = text_element(name) {
            return self.end_text(&part);
        }
        match name {
            "channel" | "feed" => self.in_feed = false,
            "item" | "entry" => {
                self.pop(&Part::Item);
                self.in_entry = false;
                self.in_media = false;
                self.has_content = false;
            }
            "link" => {
                self.pop(&Part::Link);
            }
            "guid" | "id" => self.end_id(),
            "description" => self.end_summary(&Part::Description),
            "summary" => self.end_summary(&Part::Summary),
            "media_content" | "media_thumbnail" => self.in_media = false,
            _ if is_caption(name) => self.end_caption(),
            "author" | "managingeditor" | "dc_author" | "dc_creator" | "itunes_author" => {
                let text = self.pop(&Part::Author);
                self.in_author = false;
                if name == "dc_creator" {
                    self.add_creator(text.as_deref().unwrap_or_default());
                }
            }
            "contributor" => {
                self.pop(&Part::Contributor);
                self.in_contributor = false;
            }
            "dc_contributor" => {
                self.pop(&Part::Name);
                self.in_contributor = false;
            }
            "itunes_owner" => {
                self.pop(&Part::Publisher);
                self.in_publisher = false;
            }
            "category" | "keywords" | "dc_subject" | "media_category" | "itunes_category" => {
                if let Some(term) = self.pop(&Part::Category) {
                    self.add_tag(&term);
                }
            }
            "image" => {
                self.pop(&Part::Image);
                self.in_image = false;
            }
            "textinput" => {
                self.pop(&Part::TextInput);
                self.in_text_input = false;
            }
            "source" => {
                self.in_source = false;
                self.pop(&Part::Source);
                self.aside = Record::default();
            }
            _ => {
                self.pop(&Part::Other(name.to_owned()));
            }
        }
    }

    fn end_markup(&mut self, name: &str, part: &Part) {
        match part {
            Part::Title => {
                let title = self.pop_content(part);
                // A title of the media does not suppress the item's own title.
                if name != "media_title" && title.is_some_and(|title| !title.is_empty()) {
                    self.title_depth = Some(self.depth);
                }
            }
            Part::Description => self.end_summary(part),
            Part::Content => self.end_content(),
            _ => {
                self.pop_content(part);
            }
        }
    }

    fn end_text(&mut self, part: &Part) {
        let text = self.pop(part);
        match part {
            Part::Name => self.author_detail(|person| person.name = text),
            Part::Email => self.author_detail(|person| person.email = text),
            Part::Keywords | Part::Tags => {
                for term in text.unwrap_or_default().split(',') {
                    self.add_tag(term);
                }
            }
            Part::Language => {
                if let Some(language) = text.filter(|language| !language.is_empty()) {
                    self.record().language = Some(one_line(&language));
                }
            }
            Part::Published => self.record().published = text.and_then(|text| dates::parse(&text)),
            Part::Updated => self.record().updated = text.and_then(|text| dates::parse(&text)),
            _ => {}
        }
    }

    fn end_id(&mut self) {
        let id = self.pop(&Part::Id);
        if self.id_is_link
            && let Some(id) = id
        {
            let record = self.record();
            if record.link.as_deref().is_none_or(str::is_empty) {
                record.link = Some(id);
            }
        }
    }

    fn end_summary(&mut self, part: &Part) {
        if self.description_is_content {
            self.end_content();
        } else {
            self.pop_content(part);
        }
        self.description_is_content = false;
    }

    /// Discards the caption of an image. Other captions replace a missing summary.
    fn end_caption(&mut self) {
        let is_html = self.content.is_html();
        let Some(text) = self.pop_content(&Part::Caption) else { return };
        if self.in_media || text.is_empty() {
            return;
        }
        let html = is_html || looks_like_html(&text);
        let text = if html { self.with_declared_base(text) } else { escape(&text).into_owned() };
        let record = self.record();
        if record.caption.as_ref().is_none_or(|known| known.len() < text.len()) {
            record.caption = Some(text);
        }
    }

    fn end_content(&mut self) {
        let textual =
            self.content.media_type.as_deref().is_some_and(|kind| matches!(kind, PLAIN | HTML | XHTML));
        let value = self.pop_content(&Part::Content);
        let record = self.record();
        if textual && record.summary.is_none() {
            record.summary = Some(value.unwrap_or_default());
            record.summary_is_content = true;
        }
    }

    fn add_tag(&mut self, term: &str) {
        let term = one_line(term);
        let tags = &mut self.record().tags;
        if !term.is_empty() && tags.len() < 200 && !tags.contains(&term) {
            tags.push(term);
        }
    }

    /// Adds an author from one of several elements with an author each.
    fn add_creator(&mut self, name: &str) {
        let name = one_line(name);
        let creators = &mut self.record().creators;
        if !name.is_empty() && creators.len() < MAX_AUTHORS && !creators.contains(&name) {
            creators.push(name);
        }
        if creators.len() > 1 {
            let all = creators.join(", ");
            self.record().author = Some(all);
        }
    }

    fn author_detail(&mut self, set: impl FnOnce(&mut Person)) {
        if self.in_publisher || !self.in_author {
            return;
        }
        if let Some(person) = self.record().authors.last_mut() {
            set(person);
        }
    }

    /// Resolves a relative address if there is a base; otherwise returns it unchanged.
    fn resolved(&mut self, address: &str) -> String {
        let address = address.trim();
        let joined = match &self.base.url {
            Some(base) => self.allowance.join(base, address),
            None => None,
        };
        joined.map_or_else(|| address.to_owned(), Url::into)
    }

    /// Closes the innermost element if it is `part`, stores its text and returns it.
    fn pop(&mut self, part: &Part) -> Option<String> {
        let open = self.open.pop_if(|open| open.part == *part)?;
        let text = open.text.trim();
        if !open.stored {
            return Some(self.understood(text));
        }
        let text = self.decoded(text);
        if matches!(part, Part::Title | Part::Description | Part::Summary | Part::Content) {
            return Some(self.store_markup(part, text));
        }
        Some(self.store_text(part, text))
    }

    fn pop_content(&mut self, part: &Part) -> Option<String> {
        let value = self.pop(part);
        self.in_content = self.in_content.saturating_sub(1);
        self.content = ContentKind::default();
        value
    }

    /// The text with its references resolved. Markup is returned unchanged, because it needs them.
    fn understood(&self, text: &str) -> String {
        let keep = self.reading == Reading::Strict || self.in_content > 0 && self.content.is_xml();
        repaired(if keep { text.to_owned() } else { unescape_xml(text).into_owned() })
    }

    fn decoded(&self, text: &str) -> String {
        if self.content.base64 {
            let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(compact).ok();
            if let Some(decoded) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
                return decoded.trim().to_owned();
            }
        }
        self.understood(text)
    }

    fn store_markup(&mut self, part: &Part, text: String) -> String {
        if !self.is_atom && self.content.media_type.as_deref() == Some(PLAIN) && looks_like_html(&text) {
            self.content.media_type = Some(HTML.to_owned());
        }
        let is_html = self.content.is_html();
        if *part == Part::Title {
            let title = if is_html { plain_text(&text) } else { one_line(&text) };
            self.store_title(&title);
            return title;
        }
        let html = if is_html { self.with_declared_base(text) } else { escape(&text).into_owned() };
        let depth = self.depth;
        let in_entry = self.in_entry && !self.in_source;
        let record = if in_entry { self.entry() } else { self.record() };
        if *part == Part::Content {
            if record.contents.len() < 20 {
                record.contents.push(html.clone());
            }
        } else if record.summary.is_none() || record.summary_is_content || depth <= record.summary_depth {
            record.summary = Some(html.clone());
            record.summary_is_content = false;
            record.summary_depth = depth;
        }
        html
    }

    fn with_declared_base(&mut self, html: String) -> String {
        match &self.base {
            Base { url: Some(url), declared: true } if html.contains('<') => {
                with_absolute_links(&html, url, &mut self.allowance)
            }
            _ => html,
        }
    }

    fn store_title(&mut self, title: &str) {
        if self.title_depth.is_some_and(|known| known <= self.depth) {
            return;
        }
        let depth = self.depth;
        if self.in_entry && !self.in_source {
            let record = self.entry();
            if record.title.is_none() || depth <= record.title_depth {
                record.title = Some(title.to_owned());
                record.title_depth = depth;
            }
        } else if self.in_feed || self.in_source {
            self.record().title = Some(title.to_owned());
        }
    }

    fn store_text(&mut self, part: &Part, text: String) -> String {
        let in_entry = self.in_entry && !self.in_source;
        match part {
            Part::Link => {
                if text.is_empty() {
                    return text;
                }
                let link = self.resolved(&text);
                if in_entry && !self.in_image {
                    self.entry().link = Some(link.clone());
                } else if !in_entry {
                    self.record().link = Some(link.clone());
                }
                link
            }
            Part::Id => {
                let id = if self.id_is_link && !text.is_empty() { self.resolved(&text) } else { text };
                let depth = self.depth;
                let record = if in_entry { self.entry() } else { self.record() };
                if record.id.is_none() || depth <= record.id_depth {
                    record.id = Some(id.clone());
                    record.id_depth = depth;
                }
                id
            }
            Part::Author => {
                self.record().author = Some(one_line(&text));
                text
            }
            Part::OriginalLink => {
                if in_entry && !text.is_empty() {
                    self.entry().original_link = Some(text.clone());
                }
                text
            }
            _ => text,
        }
    }

    /// Returns the feed.
    ///
    /// # Errors
    /// Why the document is not a feed.
    pub fn finish(mut self) -> Result<Feed, FeedError> {
        let is_feed =
            self.in_feed || self.format.is_some() && self.told_anything() || !self.entries.is_empty();
        let root = self.root.as_deref().unwrap_or("");
        match root {
            "" => return Err(FeedError::NoMarkup),
            "opml" => return Err(FeedError::Opml),
            "urlset" | "sitemapindex" => return Err(FeedError::Sitemap),
            "html" | "xhtml:html" if !is_feed => return Err(FeedError::WebPage),
            root if !is_feed => return Err(other_root(root)),
            _ => {}
        }
        self.entries.truncate(MAX_ENTRIES);
        let is_atom = self.is_atom;
        let base = self.base.url.clone().or_else(|| absolute(self.feed.link.as_deref()).map(Rc::new));
        let feed_author = is_atom.then(|| self.feed.author_line()).flatten();
        let mut allowance = self.allowance;
        let site_url = self.feed.link.and_then(|link| allowance.web_address(&link, base.as_deref()));
        let entries = self.entries.into_iter();
        let entries =
            entries.map(|record| record.entry(base.as_deref(), &mut allowance, feed_author.as_deref()));
        let entries = entries.collect();
        Ok(Feed {
            format: self.format.unwrap_or(FeedFormat::Rss2),
            title: self.feed.title.filter(|title| !title.is_empty()),
            site_url,
            language: self.feed.language,
            entries,
        })
    }

    fn told_anything(&self) -> bool {
        let feed_roots = ["rss", "feed", "rdf:rdf", "channel", "entry", "item"];
        self.root.as_deref().is_some_and(|root| feed_roots.contains(&root.rsplit(':').next().unwrap_or(root)))
            || self.root.as_deref() == Some("rdf:rdf")
            || self.feed.title.is_some()
    }
}

fn other_root(root: &str) -> FeedError {
    const PAGE: &[&str] = &[
        "html", "head", "body", "div", "p", "h1", "meta", "title", "script", "center", "a", "br", "style",
        "link",
    ];
    if PAGE.contains(&root) { FeedError::WebPage } else { FeedError::OtherXml { root: root.to_owned() } }
}
