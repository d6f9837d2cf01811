//! Checks the contrast of all colours: WCAG 2.2, success criteria 1.4.3 (text, 4.5) and 1.4.11
//! (signs, 3).

use std::collections::HashMap;

use crate::assets::STYLESHEET;

/// Pairs of text and background colours, by custom property.
const TEXT: [(&str, &str); 17] = [
    ("ink", "paper"),
    ("quiet", "paper"),
    ("link", "paper"),
    ("trouble", "paper"),
    ("ink", "wash"),
    ("quiet", "wash"),
    ("link", "wash"),
    ("trouble", "wash"),
    ("ink", "trouble-wash"),
    ("quiet", "trouble-wash"),
    ("link", "trouble-wash"),
    ("trouble", "trouble-wash"),
    ("on-cloth", "cloth"),
    ("ink", "mark"),
    ("quiet", "mark"),
    ("link", "mark"),
    ("cloth", "paper"),
];

/// Pairs of colours of meaningful signs and their backgrounds.
const SIGNS: [(&str, &str); 4] =
    [("cloth", "paper"), ("cloth", "wash"), ("trouble", "paper"), ("cloth", "cloth-soft")];

#[test]
fn texts_are_readable_in_both_schemes() {
    for (scheme, colours) in schemes() {
        for (text, ground) in TEXT {
            let contrast = contrast(colours[text], colours[ground]);
            assert!(contrast >= 4.5, "{scheme}: --{text} on --{ground} has {contrast:.2}, needs 4.5");
        }
        for (sign, ground) in SIGNS {
            let contrast = contrast(colours[sign], colours[ground]);
            assert!(contrast >= 3.0, "{scheme}: --{sign} on --{ground} has {contrast:.2}, needs 3");
        }
    }
}

#[test]
fn colours_are_only_in_custom_properties() {
    let rules =
        STYLESHEET.lines().filter(|line| !line.trim_start().starts_with("--") && !line.contains(":root {"));
    for line in rules {
        let hex = line.split('#').skip(1).any(|rest| {
            rest.chars().take_while(char::is_ascii_hexdigit).count() >= 3 && !line.contains("color: #333")
        });
        assert!(!hex, "a colour that no test looks at: {line}");
    }
}

#[test]
fn contrast_is_computed_like_wcag() {
    assert!((contrast([0, 0, 0], [255, 255, 255]) - 21.0).abs() < 1e-9);
    assert!((contrast([0x77, 0x77, 0x77], [255, 255, 255]) - 4.478).abs() < 1e-3);
}

type Colours = HashMap<&'static str, [u8; 3]>;

/// The colours of the light scheme, and those of the dark scheme, which overrides them.
fn schemes() -> [(&'static str, Colours); 2] {
    let dark_at = STYLESHEET.find("prefers-color-scheme: dark").expect("there is a dark scheme");
    let light = properties(block(STYLESHEET));
    let dark = properties(block(&STYLESHEET[dark_at..]));
    assert_eq!(light.len(), dark.len(), "both schemes name the same colours");
    [("light", light), ("dark", dark)]
}

/// The contents of the first `:root` block.
fn block(css: &'static str) -> &'static str {
    let (_, rest) = css.split_once(":root {").expect("there is a :root");
    rest.split_once('}').expect("it ends").0
}

fn properties(block: &'static str) -> Colours {
    let declarations =
        block.split(';').filter_map(|declaration| declaration.trim().strip_prefix("--")?.split_once(':'));
    declarations.filter_map(|(name, value)| Some((name, colour(value.trim())?))).collect()
}

fn colour(value: &str) -> Option<[u8; 3]> {
    let hex = value.strip_prefix('#').filter(|hex| hex.len() == 6)?;
    let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

/// The contrast ratio as WCAG 2.2 defines it.
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The relative luminance as WCAG 2.2 defines it.
fn luminance(colour: [u8; 3]) -> f64 {
    let [r, g, b] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}
