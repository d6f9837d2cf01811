//! Maps namespaces to vocabularies.
//!
//! Feeds write namespaces in upper case, bind the usual prefix to an unusual namespace, and bind
//! unusual prefixes to a usual one. Only the vocabulary matters. Its name here is its usual prefix;
//! the name of RSS and Atom is empty.

/// The usual prefix of the vocabulary with namespace `uri`, in any case. Returns `None` if it is
/// unknown.
pub fn vocabulary(uri: &str) -> Option<&'static str> {
    let lower = uri.to_ascii_lowercase();
    if lower.contains("backend.userland.com/rss") {
        return Some("");
    }
    VOCABULARIES.iter().find(|(known, _)| *known == lower).map(|(_, prefix)| *prefix)
}

/// Namespaces in lower case, with the name of their vocabulary.
const VOCABULARIES: &[(&str, &str)] = &[
    ("", ""),
    ("http://www.w3.org/2005/atom", ""),
    ("http://purl.org/rss/1.0/", ""),
    ("http://blogs.law.harvard.edu/tech/rss", ""),
    ("http://my.netscape.com/rdf/simple/0.9/", ""),
    ("http://purl.org/rss/1.0/modules/rss091#", ""),
    ("http://purl.org/atom/ns#", ""),
    ("http://purl.org/pie/", ""),
    ("http://purl.org/echo/", ""),
    ("http://example.com/newformat#", ""),
    ("http://example.com/necho", ""),
    ("uri/of/echo/namespace#", ""),
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://purl.org/dc/terms/", "dcterms"),
    ("http://purl.org/rss/1.0/modules/content/", "content"),
    ("http://www.w3.org/1999/xhtml", "xhtml"),
    ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"),
    ("http://www.w3.org/xml/1998/namespace", "xml"),
    ("http://www.w3.org/1999/xlink", "xlink"),
    ("http://www.itunes.com/dtds/podcast-1.0.dtd", "itunes"),
    ("http://example.com/dtds/podcast-1.0.dtd", "itunes"),
    ("http://search.yahoo.com/mrss", "media"),
    ("http://search.yahoo.com/mrss/", "media"),
    ("http://rssnamespace.org/feedburner/ext/1.0", "feedburner"),
    ("http://www.pheedo.com/namespace/pheedo", "pheedo"),
    ("http://purl.org/rss/1.0/modules/syndication/", "sy"),
    ("http://purl.org/rss/1.0/modules/slash/", "slash"),
    ("http://wellformedweb.org/commentapi/", "wfw"),
    ("http://purl.org/rss/1.0/modules/threading/", "thr"),
    ("http://purl.org/rss/1.0/modules/annotate/", "annotate"),
    ("http://purl.org/rss/1.0/modules/link/", "l"),
    ("http://purl.org/rss/1.0/modules/image/", "image"),
    ("http://purl.org/rss/1.0/modules/event/", "ev"),
    ("http://purl.org/rss/1.0/modules/taxonomy/", "taxo"),
    ("http://purl.org/rss/1.0/modules/textinput/", "ti"),
    ("http://purl.org/rss/1.0/modules/reference/", "ref"),
    ("http://purl.org/rss/1.0/modules/aggregation/", "ag"),
    ("http://purl.org/rss/1.0/modules/email/", "email"),
    ("http://purl.org/rss/1.0/modules/company", "co"),
    ("http://purl.org/rss/1.0/modules/richequiv/", "reqv"),
    ("http://purl.org/rss/1.0/modules/search/", "search"),
    ("http://purl.org/rss/1.0/modules/servicestatus/", "ss"),
    ("http://purl.org/rss/1.0/modules/subscription/", "sub"),
    ("http://purl.org/rss/1.0/modules/wiki/", "wiki"),
    ("http://www.w3.org/2000/01/rdf-schema#", "rdfs"),
    ("http://xmlns.com/foaf/0.1/", "foaf"),
    ("http://www.georss.org/georss", "georss"),
    ("http://www.opengis.net/gml", "gml"),
    ("http://www.w3.org/2003/01/geo/wgs84_pos#", "geo"),
    ("http://podlove.org/simple-chapters", "psc"),
    ("http://madskills.com/public/xml/rss/module/trackback/", "trackback"),
    ("http://madskills.com/public/xml/rss/module/pingback/", "pingback"),
    ("http://webns.net/mvcb/", "admin"),
    ("http://creativecommons.org/ns#license", "cc"),
    ("http://web.resource.org/cc/", "cc"),
    ("http://backend.userland.com/creativecommonsrssmodule", "creativeCommons"),
    ("http://cyber.law.harvard.edu/rss/creativecommonsrssmodule.html", "creativeCommons"),
    ("http://backend.userland.com/blogchannelmodule", "blogChannel"),
    ("http://prismstandard.org/namespaces/1.2/basic/", "prism"),
    ("http://schemas.xmlsoap.org/soap/envelope/", "soap"),
    ("http://freshmeat.net/rss/fm/", "fm"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_match_in_any_case() {
        assert_eq!(vocabulary("HTTP://PURL.ORG/DC/ELEMENTS/1.1/"), Some("dc"));
        assert_eq!(vocabulary("http://www.w3.org/2005/Atom"), Some(""));
        assert_eq!(vocabulary("http://backend.userland.com/rss2"), Some(""));
        assert_eq!(vocabulary("http://example.org/else"), None);
    }

    #[test]
    fn listed_namespaces_are_in_lower_case() {
        for (name, _) in VOCABULARIES {
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }
}
