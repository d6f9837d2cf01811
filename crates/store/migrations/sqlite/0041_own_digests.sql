-- Sendings that a person repeats, when a read last changed, and who unsubscribed. For SQLite; the same as in migrations/postgres.

-- How often a person had it sent again after it was over. Each round has message ids of its own.
ALTER TABLE sending ADD COLUMN round INTEGER NOT NULL DEFAULT 0;

-- When what the archive says of the read last changed: it was corrected, or annotated anew. NULL: never.
ALTER TABLE read ADD COLUMN revised_at INTEGER;

-- Links that unsubscribed somebody, so that a second click gets an answer. Nothing says whose they were.
CREATE TABLE stopped_link (
    token      TEXT PRIMARY KEY,
    stopped_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
