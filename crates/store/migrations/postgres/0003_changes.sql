-- What whoever keeps something beside the archive, such as a search index, has to catch up with. For PostgreSQL;
-- migrations/sqlite holds the same in SQLite's words.

-- The archive's version as of the commit that last changed what is shown of an annotated read.
ALTER TABLE read ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX read_changed ON read (changed, id) WHERE stage = 'annotated';

-- Reads that left the archive, and the version as of that commit.
CREATE TABLE gone (
    read_id BIGINT PRIMARY KEY,
    changed BIGINT NOT NULL
);
CREATE INDEX gone_changed ON gone (changed, read_id);
