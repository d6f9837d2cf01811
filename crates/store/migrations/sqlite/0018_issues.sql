-- Digests that a person edited: a week's issue (docs/DIGESTS.md). For SQLite; the same as in
-- migrations/postgres.

CREATE TABLE issue (
    week         TEXT PRIMARY KEY,
    body         TEXT NOT NULL,                 -- remarks, first reads, dropped reads (JSON)
    version      INTEGER NOT NULL,              -- grows with every change, never repeats
    changed_at   INTEGER NOT NULL,
    published_at INTEGER                        -- since when it goes out; NULL: a draft
) STRICT, WITHOUT ROWID;
