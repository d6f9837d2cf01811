-- Sendings that a person repeats. For SQLite; the same as in migrations/postgres.

-- How often a person had it sent again after it was over. Each round has message ids of its own.
ALTER TABLE sending ADD COLUMN round INTEGER NOT NULL DEFAULT 0;
