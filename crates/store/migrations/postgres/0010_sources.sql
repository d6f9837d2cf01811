-- What a person says of a source: its group, and whether it is asked. For PostgreSQL; migrations/sqlite
-- holds the same in SQLite's words.

ALTER TABLE source ADD COLUMN in_group TEXT NOT NULL DEFAULT '';  -- empty: none
ALTER TABLE source ADD COLUMN paused_at BIGINT;                  -- since when it is not polled; none: it is polled
