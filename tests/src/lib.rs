//! Whole-program tests and what they need: a small web of blogs on loopback, databases, a browser.
