//! The embedded migrations: numbered, forward only, the same steps for both databases.
//!
//! A new step is a file in `migrations/sqlite`, a file in `migrations/postgres`, and a line at the
//! end of [`steps!`]. Its position there is its number in the database. Never change a released
//! step: the database stores its checksum and refuses a program with another one.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The steps of one database, in order.
macro_rules! steps {
    ($folder:literal) => {
        LazyLock::new(|| {
            in_order(&[
                ("archive", include_str!(concat!("../migrations/", $folder, "/0001_archive.sql"))),
                ("models", include_str!(concat!("../migrations/", $folder, "/0002_models.sql"))),
                ("changes", include_str!(concat!("../migrations/", $folder, "/0003_changes.sql"))),
                ("backfill", include_str!(concat!("../migrations/", $folder, "/0004_backfill.sql"))),
                ("rhythm", include_str!(concat!("../migrations/", $folder, "/0005_rhythm.sql"))),
                ("hubs", include_str!(concat!("../migrations/", $folder, "/0006_hubs.sql"))),
                ("passages", include_str!(concat!("../migrations/", $folder, "/0007_passages.sql"))),
                ("readers", include_str!(concat!("../migrations/", $folder, "/0008_readers.sql"))),
                ("sources", include_str!(concat!("../migrations/", $folder, "/0010_sources.sql"))),
                ("blocks", include_str!(concat!("../migrations/", $folder, "/0012_blocks.sql"))),
                ("listed", include_str!(concat!("../migrations/", $folder, "/0013_listed.sql"))),
                ("cards", include_str!(concat!("../migrations/", $folder, "/0014_cards.sql"))),
                ("budget", include_str!(concat!("../migrations/", $folder, "/0015_budget.sql"))),
                ("refused", include_str!(concat!("../migrations/", $folder, "/0016_refused.sql"))),
                ("start", include_str!(concat!("../migrations/", $folder, "/0017_start.sql"))),
                ("issues", include_str!(concat!("../migrations/", $folder, "/0018_issues.sql"))),
                ("sendings", include_str!(concat!("../migrations/", $folder, "/0019_sendings.sql"))),
                (
                    "shelf_address",
                    include_str!(concat!("../migrations/", $folder, "/0020_shelf_address.sql")),
                ),
                (
                    "cached_tokens",
                    include_str!(concat!("../migrations/", $folder, "/0021_cached_tokens.sql")),
                ),
                ("batches", include_str!(concat!("../migrations/", $folder, "/0022_batches.sql"))),
                ("highlights", include_str!(concat!("../migrations/", $folder, "/0023_highlights.sql"))),
                ("sessions", include_str!(concat!("../migrations/", $folder, "/0024_sessions.sql"))),
                ("corrections", include_str!(concat!("../migrations/", $folder, "/0025_corrections.sql"))),
                ("accounts", include_str!(concat!("../migrations/", $folder, "/0027_accounts.sql"))),
                (
                    "saved_searches",
                    include_str!(concat!("../migrations/", $folder, "/0028_saved_searches.sql")),
                ),
                ("dead_pages", include_str!(concat!("../migrations/", $folder, "/0030_dead_pages.sql"))),
                (
                    "planned_batches",
                    include_str!(concat!("../migrations/", $folder, "/0031_planned_batches.sql")),
                ),
                ("asked", include_str!(concat!("../migrations/", $folder, "/0032_asked.sql"))),
                ("tokens", include_str!(concat!("../migrations/", $folder, "/0033_tokens.sql"))),
                ("week_lists", include_str!(concat!("../migrations/", $folder, "/0034_week_lists.sql"))),
                ("subscribers", include_str!(concat!("../migrations/", $folder, "/0035_subscribers.sql"))),
                ("turns", include_str!(concat!("../migrations/", $folder, "/0036_turns.sql"))),
                ("programs", include_str!(concat!("../migrations/", $folder, "/0037_programs.sql"))),
                ("openid", include_str!(concat!("../migrations/", $folder, "/0038_openid.sql"))),
                ("retention", include_str!(concat!("../migrations/", $folder, "/0039_retention.sql"))),
                (
                    "cards_in_lists",
                    include_str!(concat!("../migrations/", $folder, "/0040_cards_in_lists.sql")),
                ),
                ("own_digests", include_str!(concat!("../migrations/", $folder, "/0041_own_digests.sql"))),
                ("fever", include_str!(concat!("../migrations/", $folder, "/0042_fever.sql"))),
                ("forms", include_str!(concat!("../migrations/", $folder, "/0043_forms.sql"))),
            ])
        })
    };
}

pub(crate) static SQLITE: LazyLock<Migrator> = steps!("sqlite");
pub(crate) static POSTGRES: LazyLock<Migrator> = steps!("postgres");

fn in_order(steps: &[(&'static str, &'static str)]) -> Migrator {
    let numbered = (1..).zip(steps).map(|(version, (name, sql))| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, SqlStr::from_static(sql), false)
    });
    Migrator::with_migrations(numbered.collect())
}

/// The names of all tables that the steps make, from their own statements.
pub(crate) static TABLES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut tables = BTreeSet::new();
    let steps = SQLITE.iter().flat_map(|step| step.sql.as_str().lines());
    for line in steps {
        let words: Vec<&str> =
            line.split_whitespace().map(|word| word.trim_end_matches([';', '('])).collect();
        match words[..] {
            ["CREATE", "TABLE", name, ..] => tables.insert(name.to_owned()),
            ["DROP", "TABLE", name, ..] => tables.remove(name),
            ["ALTER", "TABLE", name, "RENAME", "TO", new, ..] => {
                tables.remove(name) && tables.insert(new.to_owned())
            }
            _ => false,
        };
    }
    tables
});
