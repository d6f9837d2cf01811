//! Share pictures: the pictures that other sites show beside a link to a page.
//!
//! A picture is an SVG of text. It is drawn with one font that is part of the program and without
//! the system's fonts, so the same archive gives the same pictures everywhere.

use std::sync::{Arc, LazyLock};

use maud::{PreEscaped, html};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use unicode_normalization::UnicodeNormalization;

use crate::PublishError;

/// Width and height in pixels that other sites expect (Open Graph).
const SIZE: (u32, u32) = (1200, 630);
/// Margins at the left and the right.
const MARGIN: u32 = 80;
/// Size of the headline's letters.
const LARGE: u32 = 58;
/// Maximum lines of the headline.
const LINES: usize = 5;
/// Size of other letters.
const SMALL: u32 = 32;

/// The font Source Serif 4 (SIL Open Font License 1.1): its Latin part in one weight.
const FONT: &[u8] = include_bytes!("../assets/share.ttf");
const FAMILY: &str = "Backissue Serif";

/// Widths of the characters from the space to the tilde, in thousandths of the font size.
const WIDTHS: [u16; 95] = [
    230, 309, 415, 540, 534, 946, 737, 202, 380, 380, 459, 545, 306, 332, 306, 359, 544, 544, 544, 544, 544,
    544, 544, 544, 544, 544, 306, 306, 545, 545, 545, 427, 861, 712, 666, 663, 743, 635, 611, 724, 810, 385,
    391, 723, 617, 931, 760, 741, 634, 741, 705, 557, 647, 758, 707, 1017, 677, 667, 591, 352, 359, 352, 545,
    525, 400, 552, 628, 526, 622, 538, 374, 570, 648, 335, 311, 611, 335, 961, 650, 588, 630, 611, 472, 473,
    367, 638, 581, 847, 582, 591, 496, 364, 300, 364, 545,
];

/// The assumed width of all other characters.
const OTHER_WIDTH: u16 = 760;

/// The texts of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture<'a> {
    /// The text above the headline, such as a company and a week.
    pub above: &'a str,
    /// The headline.
    pub headline: &'a str,
    /// The text below the headline.
    pub below: &'a str,
    /// The site's name.
    pub site: &'a str,
}

static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_serif_family(FAMILY);
    Options { font_family: FAMILY.to_owned(), fontdb: Arc::new(fonts), ..Options::default() }
});

impl Picture<'_> {
    /// The picture as SVG.
    pub fn svg(&self) -> String {
        let lines = wrapped(&writable(self.headline), LARGE, LINES);
        let above = wrapped(&writable(self.above), SMALL, 1).pop().unwrap_or_default();
        let below = wrapped(&writable(self.below), SMALL, 1).pop().unwrap_or_default();
        let (width, height) = SIZE;
        let site = writable(self.site);
        html! {
            (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"))
            svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } font-family=(FAMILY) {
                rect width=(width) height=(height) fill="#fcfcf9" {}
                rect width=(width) height="14" fill="#14594a" {}
                text x=(MARGIN) y="110" font-size=(SMALL) fill="#575e5a" { (above) }
                @for (nth, line) in lines.iter().enumerate() {
                    text x=(MARGIN) y=(195 + nth * 70) font-size=(LARGE) fill="#1b1f1e" { (line) }
                }
                g transform="translate(80 540) scale(1.5)" {
                    rect width="32" height="32" rx="6" fill="#14594a" {}
                    path fill="#fff" d="M7 7h4v18H7zM13 10h4v15h-4z" {}
                    path fill="#a9c3ba" d="m18.6 10.200 3.800-1.200 5 15-3.800 1.300z" {}
                }
                text x="148" y="575" font-size=(SMALL) fill="#14594a" { (site) }
                text x=(width - MARGIN) y="575" font-size=(SMALL) fill="#575e5a" text-anchor="end" { (below) }
            }
        }
        .into_string()
    }
}

/// Draws an SVG of [`Picture::svg`] as PNG.
pub fn drawn(svg: &str) -> Result<Vec<u8>, PublishError> {
    let fault = |cause: String| PublishError::Make { what: "a share picture".to_owned(), cause };
    let tree = Tree::from_str(svg, &OPTIONS).map_err(|error| fault(error.to_string()))?;
    let (width, height) = SIZE;
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| fault("it has no size".to_owned()))?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| fault(error.to_string()))
}

/// The characters of a text that the font has. Leaves out combining marks of other characters.
/// Returns an empty text if hardly any character is left.
fn writable(text: &str) -> String {
    let mut written = String::new();
    let (mut all, mut lost) = (0, 0);
    for letter in text.nfc() {
        all += 1;
        let letter = if letter.is_whitespace() { ' ' } else { letter };
        if has(letter) {
            written.push(letter);
            continue;
        }
        match std::iter::once(letter).nfkd().next().filter(|plain| has(*plain)) {
            Some(plain) => written.push(plain),
            None => lost += 1,
        }
    }
    if lost * 3 > all { String::new() } else { backissue_model::collapsed(&written) }
}

/// Whether the font has a letter.
fn has(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}' | 'ı' | 'Œ' | 'œ' | '–' | '—' | '‘'..='‚'
        | '“'..='„' | '•' | '…' | '′' | '″' | '‹' | '›' | '€' | '™' | '−')
}

/// Breaks the text into at most `most` lines that fit. If some of the text does not fit, the last
/// line ends with `…`.
fn wrapped(text: &str, size: u32, most: usize) -> Vec<String> {
    let room = u64::from(SIZE.0 - 2 * MARGIN) * 1000 / u64::from(size);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        let is_full = lines.len() == most;
        match (longer, lines.last_mut()) {
            (Some(longer), Some(line)) if width(&longer) <= room => *line = longer,
            (_, Some(line)) if is_full => {
                *line = cut(&format!("{line}…"), room);
                break;
            }
            _ => lines.push(cut(word, room)),
        }
    }
    lines
}

/// A line that fits, cut with `…` if it is too long.
fn cut(line: &str, room: u64) -> String {
    if width(line) <= room {
        return line.to_owned();
    }
    let mut short = line.trim_end_matches('…').trim_end().to_owned();
    while !short.is_empty() && width(&short) + u64::from(OTHER_WIDTH) > room {
        short.pop();
    }
    format!("{}…", short.trim_end())
}

/// The width of a text, in thousandths of the font size. Somewhat too large for characters outside
/// of ASCII.
fn width(text: &str) -> u64 {
    let of = |letter: char| match letter {
        ' '..='~' => WIDTHS[letter as usize - 32],
        _ => OTHER_WIDTH,
    };
    text.chars().map(|letter| u64::from(of(letter))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(headline: &str) -> Picture<'_> {
        Picture { above: "Acme · Week 20 of 2026", headline, below: "example.org", site: "Backissue" }
    }

    #[test]
    fn picture_has_the_size_that_sites_expect() {
        let png = drawn(&picture("“One tenant’s burst slowed all others down.”").svg()).unwrap();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(png[16..24], [0, 0, 4, 176, 0, 0, 2, 118]);
        let empty = drawn(&picture("").svg()).unwrap();
        assert!(png.len() > empty.len() + 1_000, "the headline is drawn: {} {}", png.len(), empty.len());
    }

    #[test]
    fn no_text_leaves_the_picture() {
        for headline in ["W".repeat(300), "WWW MMM ".repeat(60), "ÄÖÜ — ".repeat(70), "il ".repeat(300)]
        {
            let svg = picture(&headline).svg();
            let tree = Tree::from_str(&svg, &OPTIONS).unwrap();
            let bounds = tree.root().abs_bounding_box();
            assert!(bounds.right() <= 1200.0 && bounds.bottom() <= 630.0, "{headline:.20}: {bounds:?}");
            assert!(svg.contains('…'), "{headline:.20}");
        }
    }

    #[test]
    fn text_is_no_markup_and_other_scripts_are_left_out() {
        let svg = picture("</text><script>x()</script> & \"q\"").svg();
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;"), "{svg}");
        assert_eq!(writable("Ștefan’s naïve cache\u{202e}\n 日本"), "Stefan’s naïve cache");
        assert_eq!(writable("日本語のタイトル"), "");
    }
}
