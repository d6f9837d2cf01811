//! The icons, drawn for this program. They have the colour of the surrounding text.

use maud::{Markup, PreEscaped};

type Icon = PreEscaped<&'static str>;

/// Three issues on a shelf, one of them leaning.
pub(crate) const BRAND: Icon = PreEscaped(
    r#"<svg viewBox="0 0 22 22" aria-hidden="true"><path fill="currentColor" d="M2 2h4.500v18H2zM8 5h4.500v15H8zM14.200 5.300l4.200-1.200 3.600 15-4.200 1.200z"/></svg>"#,
);
/// An arrow out of the page.
pub(crate) const OUT: Icon = PreEscaped(
    r#"<svg viewBox="0 0 10 10" aria-hidden="true"><path fill="none" stroke="currentColor" stroke-width="1.500" d="M1.500 8.500l7-7M3 1.500h5.500V7"/></svg>"#,
);
/// A bookmark: kept.
pub(crate) const KEEP: Icon = PreEscaped(
    r#"<svg viewBox="0 0 10 10" aria-hidden="true"><path d="M2.200 1h5.600v8L5 6.800 2.200 9z" stroke="currentColor" stroke-width="1.200" stroke-linejoin="round"/></svg>"#,
);
/// A tick: done.
pub(crate) const DONE: Icon = PreEscaped(
    r#"<svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="4.200" stroke="currentColor" stroke-width="1.100"/><path class="tick" d="M2.900 5.200l1.500 1.500 2.700-3.300" stroke="currentColor" stroke-width="1.200"/></svg>"#,
);
/// A sheet with lines: a note.
pub(crate) const NOTE: Icon = PreEscaped(
    r#"<svg viewBox="0 0 10 10" aria-hidden="true"><path d="M1.500 1h7v8h-7z" stroke="currentColor" stroke-width="1.100" stroke-linejoin="round"/><path class="tick" d="M3.200 3.700h3.600M3.200 5.900h3.600" stroke="currentColor" stroke-width="1.100"/></svg>"#,
);
/// A line through a circle: hidden.
pub(crate) const HIDE: Icon = PreEscaped(
    r#"<svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="4.200" stroke="currentColor" stroke-width="1.100"/><path class="tick" d="M2.100 7.900l5.800-5.800" stroke="currentColor" stroke-width="1.100"/></svg>"#,
);
/// A cross: remove.
pub(crate) const AWAY: Icon = PreEscaped(
    r#"<svg viewBox="0 0 10 10" aria-hidden="true"><path stroke="currentColor" stroke-width="1.600" d="M1 1l8 8M9 1l-8 8"/></svg>"#,
);
/// A disc: healthy.
pub(crate) const WELL: Icon = PreEscaped(
    r#"<svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="4.500" fill="currentColor"/></svg>"#,
);
/// A triangle: in trouble.
pub(crate) const TROUBLE: Icon = PreEscaped(
    r#"<svg viewBox="0 0 10 10" aria-hidden="true"><path fill="currentColor" d="M5 .5l5 9H0z"/></svg>"#,
);
/// A ring: not polled (yet).
pub(crate) const STILL: Icon = PreEscaped(
    r#"<svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="3.700" fill="none" stroke="currentColor" stroke-width="1.600"/></svg>"#,
);

/// A square in the colour of bars with `class`.
pub(crate) fn swatch(class: &str) -> Markup {
    maud::html! { svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" {} } }
}
