-- How often each source is asked and why, and where its feed has moved. For SQLite; migrations/postgres
-- holds the same in PostgreSQL's words.

ALTER TABLE source ADD COLUMN failing_since INTEGER;        -- when the first of the failed polls in a row failed
ALTER TABLE source ADD COLUMN last_new INTEGER;             -- new reads at the last good answer; none: unchanged
ALTER TABLE source ADD COLUMN pace TEXT;                    -- why next_poll is when it is (JSON)
ALTER TABLE source ADD COLUMN wishes TEXT NOT NULL DEFAULT '{}';  -- what its feed says of being asked (JSON)
ALTER TABLE source ADD COLUMN moving_to TEXT;               -- its address to be, still to be confirmed
ALTER TABLE source ADD COLUMN moving_since INTEGER;         -- when that was first said
ALTER TABLE source ADD COLUMN moved_from TEXT;              -- its address before the last move
ALTER TABLE source ADD COLUMN moved_at INTEGER;             -- when that was

UPDATE source SET failing_since = coalesce(last_success, followed_at) WHERE failures > 0 AND last_error IS NOT NULL;
-- What their feeds say of being asked was not kept: each is read whole once more.
UPDATE source SET etag = NULL, last_modified = NULL;

-- When a source's newest reads appeared; serves what read_source did, too.
DROP INDEX read_source;
CREATE INDEX read_appeared ON read (source_id, filed_at);
