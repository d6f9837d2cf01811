-- Hosts whose pages fail one after the other, by the source that names these pages. Most of them are not requested.
CREATE TABLE dead_pages (
    source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    host      TEXT NOT NULL,
    failures  INTEGER NOT NULL, -- in a row
    failed_at INTEGER NOT NULL, -- the last one
    error     TEXT NOT NULL,
    gone      INTEGER NOT NULL, -- 1 if the error does not pass by itself, such as 404
    PRIMARY KEY (source_id, host)
) STRICT;
