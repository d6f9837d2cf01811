-- Digests that a person edited: a week's issue (docs/DIGESTS.md). For PostgreSQL; the same as in
-- migrations/sqlite.

CREATE TABLE issue (
    week         TEXT COLLATE "C" PRIMARY KEY,
    body         TEXT NOT NULL,                 -- remarks, first reads, dropped reads (JSON)
    version      BIGINT NOT NULL,              -- grows with every change, never repeats
    changed_at   BIGINT NOT NULL,
    published_at BIGINT                        -- since when it goes out; NULL: a draft
);
