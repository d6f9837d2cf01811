-- Digests that readers chose for themselves, sendings that a person repeats, when a read last changed, and who
-- unsubscribed. For SQLite; the same as in migrations/postgres.

-- A reader's own digest by mail. It is sent if `confirmed_at` is set.
CREATE TABLE own_digest (
    reader_id    INTEGER PRIMARY KEY REFERENCES reader (id) ON DELETE CASCADE,
    address      TEXT NOT NULL,
    part         TEXT NOT NULL,        -- everything, concepts or search
    search_id    INTEGER REFERENCES saved_search (id) ON DELETE SET NULL,
    most         INTEGER NOT NULL,     -- how many reads come first
    weekday      INTEGER NOT NULL,     -- 1 is Monday
    hour         INTEGER NOT NULL,
    time_zone    TEXT NOT NULL,
    token        TEXT NOT NULL UNIQUE, -- in the link that confirms; after that in the link that unsubscribes
    asked_at     INTEGER NOT NULL,     -- when the reader typed the address
    mails        INTEGER NOT NULL,     -- mails with a link that were attempted since `mails_since`
    mails_since  INTEGER NOT NULL,
    due_at       INTEGER,              -- when the mail with the link is due; NULL: none is
    confirmed_at INTEGER,
    trouble      TEXT                 -- what the mail server said when it knew no such mailbox; NULL: nothing
) STRICT;
CREATE INDEX own_digest_due ON own_digest (due_at) WHERE due_at IS NOT NULL;

-- How often a person had it sent again after it was over. Each round has other message ids.
ALTER TABLE sending ADD COLUMN round INTEGER NOT NULL DEFAULT 0;

-- When what the archive says of the read last changed: it was corrected, or annotated again. NULL: never.
ALTER TABLE read ADD COLUMN revised_at INTEGER;

-- Links that unsubscribed somebody, so that a second click gets an answer. Nothing says whose they were.
CREATE TABLE stopped_link (
    token      TEXT PRIMARY KEY,
    stopped_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
