//! Pages, JSON API, static assets; no SQL, no business rules.
