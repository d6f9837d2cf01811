-- Passages of articles that readers marked. For SQLite; the same as in migrations/postgres.

-- A passage is its text with what is before and after it, so that it is found again when the article changes. A read with
-- a highlight that was not removed stays in the archive: dropping or merging reads has to move or delete the rows first.
CREATE TABLE highlight (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    reader_id  INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    read_id    INTEGER NOT NULL REFERENCES read (id),
    key        TEXT NOT NULL,      -- hash of the three texts
    exact      TEXT NOT NULL,
    prefix     TEXT NOT NULL,
    suffix     TEXT NOT NULL,
    remark     TEXT NOT NULL,                  -- Markdown; may be empty
    version    INTEGER NOT NULL,                -- grows with every change of the remark
    made_at    INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    removed_at INTEGER,                         -- the last ones that were removed can be restored
    UNIQUE (reader_id, read_id, key)
) STRICT;
CREATE INDEX highlight_read ON highlight (read_id);
CREATE INDEX highlight_newest ON highlight (reader_id, changed_at, read_id) WHERE removed_at IS NULL;
CREATE INDEX highlight_removed ON highlight (reader_id, removed_at, id) WHERE removed_at IS NOT NULL;
