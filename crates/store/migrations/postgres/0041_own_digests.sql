-- Sendings that a person repeats, and when a read last changed. For PostgreSQL; the same as in migrations/sqlite.

-- How often a person had it sent again after it was over. Each round has message ids of its own.
ALTER TABLE sending ADD COLUMN round BIGINT NOT NULL DEFAULT 0;

-- When what the archive says of the read last changed: it was corrected, or annotated anew. NULL: never.
ALTER TABLE read ADD COLUMN revised_at BIGINT;
