-- Digests that readers chose for themselves, sendings that a person repeats, when a read last changed, and who
-- unsubscribed. For PostgreSQL; the same as in migrations/sqlite.

-- A reader's own digest by mail. It is sent if `confirmed_at` is set.
CREATE TABLE own_digest (
    reader_id    BIGINT PRIMARY KEY REFERENCES reader (id) ON DELETE CASCADE,
    address      TEXT COLLATE "C" NOT NULL,
    part         TEXT COLLATE "C" NOT NULL,        -- everything, concepts or search
    search_id    BIGINT REFERENCES saved_search (id) ON DELETE SET NULL,
    most         BIGINT NOT NULL,     -- how many reads come first
    weekday      BIGINT NOT NULL,     -- 1 is Monday
    hour         BIGINT NOT NULL,
    time_zone    TEXT COLLATE "C" NOT NULL,
    token        TEXT COLLATE "C" NOT NULL UNIQUE, -- in the link that confirms; after that in the link that unsubscribes
    asked_at     BIGINT NOT NULL,     -- when the reader typed the address
    mails        BIGINT NOT NULL,     -- mails with a link that were attempted since `mails_since`
    mails_since  BIGINT NOT NULL,
    due_at       BIGINT,              -- when the mail with the link is due; NULL: none is
    confirmed_at BIGINT,
    trouble      TEXT                 -- what the mail server said when it knew no such mailbox; NULL: nothing
);
CREATE INDEX own_digest_due ON own_digest (due_at) WHERE due_at IS NOT NULL;

-- How often a person had it sent again after it was over. Each round has other message ids.
ALTER TABLE sending ADD COLUMN round BIGINT NOT NULL DEFAULT 0;

-- When what the archive says of the read last changed: it was corrected, or annotated again. NULL: never.
ALTER TABLE read ADD COLUMN revised_at BIGINT;

-- Links that unsubscribed somebody, so that a second click gets an answer. Nothing says whose they were.
CREATE TABLE stopped_link (
    token      TEXT COLLATE "C" PRIMARY KEY,
    stopped_at BIGINT NOT NULL
);
