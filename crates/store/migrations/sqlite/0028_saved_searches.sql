-- Searches that readers saved, the new reads that answer them, and the alerts about these. For SQLite; the same as in
-- migrations/postgres.

CREATE TABLE saved_search (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    reader_id INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    question  TEXT NOT NULL,                   -- in the language of the search
    recipient TEXT,                            -- who gets new answers at once; NULL: nobody
    since     INTEGER NOT NULL,                -- when it was saved; what the archive saw before is not new
    seen_at   INTEGER NOT NULL,                -- when the reader last said that the answers are seen
    compared  INTEGER NOT NULL,                -- the version of the archive up to which reads were compared with it
    UNIQUE (reader_id, name)
) STRICT;

-- A new read that answers a saved search.
CREATE TABLE search_hit (
    search_id INTEGER NOT NULL REFERENCES saved_search (id) ON DELETE CASCADE,
    read_id   INTEGER NOT NULL REFERENCES read (id) ON DELETE CASCADE,
    found_at  INTEGER NOT NULL,
    holds     INTEGER NOT NULL DEFAULT 1,      -- whether the read, which may have changed, still answers it
    waits     INTEGER NOT NULL DEFAULT 0,      -- whether it waits to be sent to the search's recipient
    alert_id  INTEGER,                         -- the alert it is in; NULL: none
    PRIMARY KEY (search_id, read_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX search_hit_read ON search_hit (read_id);
CREATE INDEX search_hit_waits ON search_hit (search_id, found_at) WHERE waits = 1;
CREATE INDEX search_hit_alert ON search_hit (alert_id) WHERE alert_id IS NOT NULL;

-- One message about new answers to one recipient. Its sending is a row of `sending`.
CREATE TABLE alert (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    recipient TEXT NOT NULL,
    made_at   INTEGER NOT NULL,
    ended     INTEGER NOT NULL DEFAULT 0       -- whether it was sent or given up
) STRICT;
CREATE INDEX alert_open ON alert (recipient, id) WHERE ended = 0;
CREATE INDEX alert_newest ON alert (recipient, id);

-- What is sent: a week, such as 2026-W20, or an alert, such as alert-12.
ALTER TABLE sending RENAME COLUMN week TO dispatch;
