//! Page to clean article. No clock, no network, no database.
