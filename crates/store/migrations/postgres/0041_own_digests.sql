-- Sendings that a person repeats. For PostgreSQL; the same as in migrations/sqlite.

-- How often a person had it sent again after it was over. Each round has message ids of its own.
ALTER TABLE sending ADD COLUMN round BIGINT NOT NULL DEFAULT 0;
