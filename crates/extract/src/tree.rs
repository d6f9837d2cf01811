//! A parsed page as a flat list in document order.
//!
//! A node's descendants are the nodes between it and its `end`, so that walking a subtree is
//! iterating over a slice. Properties of nodes are in separate lists of the same length. The tree
//! never changes: cleaning marks nodes and does not remove them.

use backissue_model::cancel::checkpoint;
use backissue_model::collapsed;
use dom_query::{Document, NodeId, NodeRef};
use foldhash::{HashMap, HashSet};
use tendril::StrTendril;

/// The index of a node in [`Tree::nodes`].
pub(crate) type At = usize;

/// Maximum depth of the tree. The prefiltered source stays far below it ([`crate::open_elements`]).
/// If some markup is deeper anyway, the deeper part is dropped, because later steps may recurse.
const DEEPEST: usize = 1500;

/// A parsed page.
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// Whether a part of the page was too deep and was dropped.
    pub(crate) cut: bool,
    /// Names that do not mark boilerplate on this page ([`crate::boilerplate::own_names`]).
    pub(crate) own_names: HashSet<String>,
}

/// An element or a text node.
pub(crate) struct Node {
    pub(crate) parent: At,
    /// The index after its last descendant.
    pub(crate) end: At,
    pub(crate) tag: Tag,
    /// The text, for [`Tag::Text`].
    pub(crate) text: StrTendril,
    /// Whether the node is in a box that asks for consent ([`crate::notices`]).
    pub(crate) is_notice: bool,
    /// The node's id in the document.
    pub(crate) id: NodeId,
    attrs: Vec<(AttrName, StrTendril)>,
}

macro_rules! tags {
    ($($tag:ident = $name:literal),* $(,)?) => {
        /// The elements that this crate distinguishes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Tag { $(#[doc = $name] $tag,)* /** A piece of text. */ Text, /** Any other element. */ Other }

        impl Tag {
            fn named(name: &str) -> Self {
                match name { $($name => Self::$tag,)* _ => Self::Other }
            }

            /// The element's name; empty for text and for elements that are not distinguished.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$tag => $name,)* Self::Text | Self::Other => "" }
            }
        }
    };
}

tags! {
    A = "a", Abbr = "abbr", Address = "address", Article = "article", Aside = "aside", Audio = "audio", B = "b", Base = "base",
    Blockquote = "blockquote", Body = "body", Br = "br", Button = "button", Caption = "caption", Center = "center",
    Cite = "cite", Code = "code", Dd = "dd", Del = "del", Details = "details", Dfn = "dfn", Dialog = "dialog",
    Div = "div", Dl = "dl", Dt = "dt", Em = "em", Fieldset = "fieldset", Figcaption = "figcaption", Figure = "figure",
    Font = "font", Footer = "footer", Form = "form", H1 = "h1", H2 = "h2", H3 = "h3", H4 = "h4", H5 = "h5", H6 = "h6",
    Head = "head", Header = "header", Hgroup = "hgroup", Hr = "hr", Html = "html", I = "i", Iframe = "iframe",
    Img = "img", Input = "input", Ins = "ins", Kbd = "kbd", Label = "label", Legend = "legend", Li = "li", Link = "link",
    Main = "main", Mark = "mark", Math = "math", Menu = "menu", Meta = "meta", Nav = "nav", Noscript = "noscript",
    Ol = "ol", Option = "option", P = "p", Picture = "picture", Pre = "pre", Q = "q", Rp = "rp", Rt = "rt", Ruby = "ruby",
    S = "s", Samp = "samp", Script = "script", Search = "search", Section = "section", Select = "select",
    Small = "small", Source = "source", Span = "span", Strong = "strong", Style = "style", Sub = "sub",
    Summary = "summary", Sup = "sup", Svg = "svg", Table = "table", Tbody = "tbody", Td = "td", Template = "template",
    Textarea = "textarea", Tfoot = "tfoot", Th = "th", Thead = "thead", Time = "time", Title = "title", Tr = "tr",
    Tt = "tt", U = "u", Ul = "ul", Var = "var", Video = "video", Wbr = "wbr", Xmp = "xmp",
}

impl Tag {
    /// `h1` to `h6` as 1 to 6.
    pub(crate) fn heading(self) -> Option<u8> {
        match self {
            Self::H1 => Some(1),
            Self::H2 => Some(2),
            Self::H3 => Some(3),
            Self::H4 => Some(4),
            Self::H5 => Some(5),
            Self::H6 => Some(6),
            _ => None,
        }
    }

    /// Whether the element begins and ends a line when it is shown, as a paragraph does.
    pub(crate) fn is_block(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Address
                | Article
                | Aside
                | Blockquote
                | Body
                | Caption
                | Center
                | Dd
                | Details
                | Dialog
                | Div
                | Dl
                | Dt
                | Fieldset
                | Figcaption
                | Figure
                | Footer
                | Form
                | H1
                | H2
                | H3
                | H4
                | H5
                | H6
                | Header
                | Hgroup
                | Hr
                | Html
                | Legend
                | Li
                | Main
                | Menu
                | Nav
                | Ol
                | P
                | Pre
                | Search
                | Section
                | Summary
                | Table
                | Tbody
                | Td
                | Tfoot
                | Th
                | Thead
                | Tr
                | Ul
                | Xmp
        )
    }

    /// Whether the element's contents are never shown as text.
    pub(crate) fn is_never_read(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Audio
                | Button
                | Dialog
                | Head
                | Iframe
                | Input
                | Link
                | Math
                | Meta
                | Noscript
                | Option
                | Rp
                | Rt
                | Script
                | Search
                | Select
                | Style
                | Svg
                | Template
                | Textarea
                | Title
                | Video
        )
    }
}

macro_rules! attributes {
    ($($attr:ident = $name:literal),* $(,)?) => {
        /// The attributes that this crate reads; others are dropped.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum AttrName { $(#[doc = $name] $attr,)* }

        impl AttrName {
            fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$attr),)* _ => None }
            }
        }
    };
}

attributes! {
    Alt = "alt", AriaLabel = "aria-label", AriaLevel = "aria-level", Cite = "cite", Class = "class",
    Colspan = "colspan", Content = "content", DataLang = "data-lang", DataLanguage = "data-language",
    DataLazySrc = "data-lazy-src", DataOriginal = "data-original", DataSrc = "data-src", DataSrcset = "data-srcset",
    DateTime = "datetime", Height = "height", Hidden = "hidden", Href = "href", HttpEquiv = "http-equiv", Id = "id",
    Itemprop = "itemprop", Lang = "lang", Name = "name", Property = "property", Rel = "rel", Role = "role",
    Rowspan = "rowspan", Src = "src", Srcset = "srcset", Start = "start", Style = "style", Title = "title",
    Width = "width", XmlLang = "xml:lang",
}

/// For each text node and image of a parsed document, its index in the tree.
pub(crate) type Places = HashMap<NodeId, At>;

impl Tree {
    /// Makes the tree of `document`.
    pub(crate) fn of(document: &Document) -> (Self, Places) {
        let mut tree = Self {
            nodes: Vec::with_capacity(document.tree.len()),
            cut: false,
            own_names: HashSet::default(),
        };
        let mut places = Places::default();
        // The path to the current node: nodes of the document and their indices.
        let mut way: Vec<(NodeRef<'_>, At)> = Vec::new();
        let mut next = document.root().first_child();
        while let Some(node) = next {
            checkpoint();
            let parent = way.last().map_or(0, |w| w.1);
            let at = tree.nodes.len();
            let taken = node.query(Node::of).flatten();
            let enter = taken.is_some() && way.len() < DEEPEST;
            tree.cut |= way.len() >= DEEPEST;
            if let Some(mut taken) = taken {
                taken.parent = parent;
                if matches!(taken.tag, Tag::Text | Tag::Img) {
                    places.insert(node.id, at);
                }
                tree.nodes.push(taken);
            }
            if let Some(child) = node.first_child().filter(|_| enter) {
                way.push((node, at));
                next = Some(child);
                continue;
            }
            if at < tree.nodes.len() {
                tree.nodes[at].end = at + 1;
            }
            next = node.next_sibling();
            while next.is_none() {
                let Some((above, place)) = way.pop() else { break };
                tree.nodes[place].end = tree.nodes.len();
                next = above.next_sibling();
            }
        }
        (tree, places)
    }

    /// The node at an index.
    pub(crate) fn node(&self, at: At) -> &Node {
        &self.nodes[at]
    }

    /// The element or text at an index.
    pub(crate) fn tag(&self, at: At) -> Tag {
        self.nodes[at].tag
    }

    /// The children of a node.
    pub(crate) fn children(&self, at: At) -> impl Iterator<Item = At> + '_ {
        let end = self.nodes[at].end;
        let first = Some(at + 1).filter(|&c| c < end);
        std::iter::successors(first, move |&c| Some(self.nodes[c].end).filter(|&c| c < end))
    }

    /// The siblings after a node.
    pub(crate) fn following(&self, at: At) -> impl Iterator<Item = At> + '_ {
        let end = self.nodes[self.nodes[at].parent].end;
        let first = Some(self.nodes[at].end).filter(|&n| n < end);
        std::iter::successors(first, move |&n| Some(self.nodes[n].end).filter(|&n| n < end))
    }

    /// All descendants of a node.
    pub(crate) fn below(&self, at: At) -> std::ops::Range<At> {
        at + 1..self.nodes[at].end
    }

    /// The ancestors of a node, from its parent up.
    pub(crate) fn around(&self, at: At) -> impl Iterator<Item = At> + '_ {
        std::iter::successors(Some(at), |&n| Some(self.nodes[n].parent).filter(|&p| p != n)).skip(1)
    }

    /// The first element with this tag.
    pub(crate) fn first(&self, tag: Tag) -> Option<At> {
        self.nodes.iter().position(|n| n.tag == tag)
    }

    /// A node's text with collapsed white space, up to about `limit` bytes.
    pub(crate) fn text(&self, at: At, limit: usize) -> String {
        let mut text = String::new();
        let mut n = at;
        let end = self.nodes[at].end;
        while n < end && text.len() < limit {
            let node = &self.nodes[n];
            if node.tag == Tag::Text {
                if node.text.starts_with(char::is_whitespace) {
                    text.push(' ');
                }
                for word in node.text.split_whitespace() {
                    if !text.is_empty()
                        && !text.ends_with(' ')
                        && !std::ptr::eq(word.as_ptr(), node.text.as_ptr())
                    {
                        text.push(' ');
                    }
                    text.push_str(word);
                }
                if node.text.ends_with(char::is_whitespace) {
                    text.push(' ');
                }
            } else if node.tag.is_never_read() && n != at {
                n = node.end;
                continue;
            } else if node.tag.is_block() || node.tag == Tag::Br {
                text.push(' ');
            }
            n += 1;
        }
        collapsed(&text)
    }
}

/// Classes of boxes with code that some highlighters and editors use instead of `pre`.
const CODE_BOXES: &[&str] = &["CodeMirror-code", "crayon-pre", "js-file-line-container"];

fn is_code_box(tag: Tag, attrs: &[(AttrName, StrTendril)]) -> bool {
    let class = || attrs.iter().find(|(name, _)| *name == AttrName::Class).map_or("", |(_, value)| &**value);
    matches!(tag, Tag::Div | Tag::Table)
        && class().split_ascii_whitespace().any(|name| CODE_BOXES.contains(&name))
}

/// The tag of an element, by its name or by attributes that say what it is.
fn tag_of(name: &str, attrs: &[(AttrName, StrTendril)]) -> Tag {
    let value = |name: AttrName| attrs.iter().find(|(n, _)| *n == name).map(|(_, value)| value.trim());
    match Tag::named(name) {
        tag if is_code_box(tag, attrs) => Tag::Pre,
        Tag::Div | Tag::P | Tag::Span if value(AttrName::Role) == Some("heading") => {
            match value(AttrName::AriaLevel) {
                Some("1") => Tag::H1,
                Some("3") => Tag::H3,
                Some("4") => Tag::H4,
                Some("5") => Tag::H5,
                Some("6") => Tag::H6,
                _ => Tag::H2,
            }
        }
        tag => tag,
    }
}

impl Node {
    fn of(node: &dom_query::TreeNode) -> Option<Self> {
        let (tag, text, attrs) = match &node.data {
            dom_query::NodeData::Text { contents } => (Tag::Text, contents.clone(), Vec::new()),
            dom_query::NodeData::Element(element) => {
                let attrs: Vec<_> = element
                    .attrs
                    .iter()
                    .filter_map(|a| Some((AttrName::named(&a.name.local)?, a.value.clone())))
                    .collect();
                (tag_of(&element.name.local, &attrs), StrTendril::new(), attrs)
            }
            _ => return None,
        };
        Some(Self { parent: 0, end: 0, tag, text, is_notice: false, id: node.id, attrs })
    }

    /// The value of an attribute.
    pub(crate) fn attr(&self, name: AttrName) -> Option<&str> {
        self.attrs.iter().find(|(n, _)| *n == name).map(|(_, value)| &**value)
    }

    /// Whether its text is only white space.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_of_a_tree_is_bounded() {
        let depth = |source: String| {
            let (tree, _) = Tree::of(&Document::from(source));
            let depth = (0..tree.nodes.len()).map(|at| tree.around(at).count()).max();
            (depth.unwrap_or(0), tree.cut, tree.nodes.last().map_or(0, |n| n.end) == tree.nodes.len())
        };
        assert_eq!(depth("<optgroup>".repeat(20_000)), (DEEPEST, true, true));
        assert_eq!(depth("<optgroup>".repeat(20)), (21, false, true));
    }
}
