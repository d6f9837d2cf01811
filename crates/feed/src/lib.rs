//! Bytes to entries: feeds, feed discovery, OPML. No clock, no network, no database.
