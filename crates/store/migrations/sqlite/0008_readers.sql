-- What readers did with reads and wrote about them. For SQLite; migrations/postgres holds the same in
-- PostgreSQL's words.

-- People who use the archive. The number grows with everything a reader changes, so that pages can be
-- validated by it. There is one reader for now.
CREATE TABLE reader (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
INSERT INTO reader (name) VALUES ('one');

-- Marks: since when a reader keeps a read, is done with it, hides it; none: not so.
CREATE TABLE mark (
    reader_id INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    read_id   INTEGER NOT NULL REFERENCES read (id) ON DELETE CASCADE,
    kept_at   INTEGER,
    done_at   INTEGER,
    hidden_at INTEGER,
    PRIMARY KEY (reader_id, read_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mark_read ON mark (read_id);
CREATE INDEX mark_kept ON mark (reader_id, kept_at, read_id) WHERE kept_at IS NOT NULL;

-- Notes in Markdown, as typed. A note that was removed keeps its row with an empty text, so that its version goes on
-- counting. A read with a note or a label cannot be deleted: whoever drops or merges reads has to move these first.
CREATE TABLE note (
    reader_id  INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    read_id    INTEGER NOT NULL REFERENCES read (id),
    text       TEXT NOT NULL,
    version    INTEGER NOT NULL,                -- grows with every change
    made_at    INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (reader_id, read_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX note_read ON note (read_id);
CREATE INDEX note_newest ON note (reader_id, changed_at, read_id) WHERE text <> '';

-- A reader's own names for reads.
CREATE TABLE label (
    reader_id INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    read_id   INTEGER NOT NULL REFERENCES read (id),
    name      TEXT NOT NULL,
    PRIMARY KEY (reader_id, read_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_read ON label (read_id);
CREATE INDEX label_name ON label (reader_id, name, read_id);

-- The last changes of marks, so that each can be undone: what was done, and for every read that it changed its number and
-- the moment that stood there before (JSON).
CREATE TABLE action (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    reader_id INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    mark      TEXT NOT NULL,
    value     INTEGER NOT NULL,
    earlier   TEXT NOT NULL
) STRICT;
CREATE INDEX action_reader ON action (reader_id, id);

-- When a source was unfollowed that still has reads; none: it is followed.
ALTER TABLE source ADD COLUMN unfollowed_at INTEGER;
