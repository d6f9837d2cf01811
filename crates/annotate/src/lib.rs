//! Text to précis. No clock, no network, no database.
