//! Small feeds, each with a fault from a real feed that somebody reported.

use backissue_feed::{Hints, parse};

fn first_entry(items: &str) -> backissue_model::Entry {
    let document = format!(
        "<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/' \
         xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd' xmlns:dc='http://purl.org/dc/elements/1.1/' \
         xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>A</title>{items}</channel></rss>"
    );
    parse(document.as_bytes(), &Hints::default()).unwrap().entries.swap_remove(0)
}

#[test]
fn captions_do_not_replace_a_description() {
    for caption in [
        "<media:content url='https://a.example/p.png'><media:description>Graph</media:description></media:content>",
        "<media:description>Graph</media:description>",
        "<itunes:summary>Graph</itunes:summary>",
        "<dc:description>Graph</dc:description>",
    ] {
        let text = "<description>The queue was full.</description>";
        for parts in [format!("{caption}{text}"), format!("{text}{caption}")] {
            let entry = first_entry(&format!("<item><title>T</title>{parts}</item>"));
            assert_eq!(entry.summary.as_deref(), Some("The queue was full."), "{parts}");
            assert_eq!(entry.content, None, "{parts}");
        }
    }
}

#[test]
fn caption_of_the_entry_replaces_a_missing_summary() {
    let entry = first_entry("<item><title>T</title><media:description>A &lt; B</media:description></item>");
    assert_eq!(entry.summary.as_deref(), Some("A &lt; B"));
    let picture = first_entry(
        "<item><title>T</title><media:content><media:description>Graph</media:description></media:content></item>",
    );
    assert_eq!(picture.summary, None);
}

#[test]
fn links_of_other_kinds_do_not_replace_the_address() {
    for other in [
        "<link></link>",
        "<link/>",
        "<atom:link rel='enclosure'>https://a.example/p.png</atom:link>",
        "<atom:link rel='hub'>https://a.example/hub</atom:link>",
        "<atom:link rel='self' href='https://a.example/feed'/>",
        "<atom:link rel='replies' href='https://a.example/post#comments'/>",
        "<atom:link rel='alternate' hreflang='de' href='https://a.example/de/post'/>",
    ] {
        let items = format!("<item><title>T</title><link>https://a.example/post</link>{other}</item>");
        let url = first_entry(&items).url.map(String::from);
        assert_eq!(url.as_deref(), Some("https://a.example/post"), "{other}");
    }
}

#[test]
fn canonical_address_is_the_address_without_another() {
    let of =
        |links: &str| first_entry(&format!("<item><title>T</title>{links}</item>")).url.map(String::from);
    let canonical = "<atom:link rel='canonical' href='https://a.example/post'/>";
    assert_eq!(of(canonical).as_deref(), Some("https://a.example/post"));
    let with_id = format!("<id>tag:a.example,2024:1</id>{canonical}");
    assert_eq!(of(&with_id).as_deref(), Some("https://a.example/post"));
    let both = format!("{canonical}<link>https://a.example/other</link>");
    assert_eq!(of(&both).as_deref(), Some("https://a.example/other"));
    let both = format!("<link>https://a.example/other</link>{canonical}");
    assert_eq!(of(&both).as_deref(), Some("https://a.example/other"));
}

#[test]
fn several_creators_are_all_authors() {
    let creators =
        "<dc:creator>Ann Lee</dc:creator><dc:creator>Bo Chen</dc:creator><dc:creator>Ann Lee</dc:creator>";
    let entry = first_entry(&format!("<item><title>T</title>{creators}</item>"));
    assert_eq!(entry.author.as_deref(), Some("Ann Lee, Bo Chen"));
}
