-- Webhooks, and what reader apps ask for often. For SQLite; the same as in migrations/postgres.

-- Programs elsewhere that are told what happens.
CREATE TABLE webhook (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    reader_id   INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    url         TEXT NOT NULL,
    signing_key TEXT NOT NULL,
    events      TEXT NOT NULL,               -- each with a space before and behind it
    made_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_reader ON webhook (reader_id);

-- One message to one webhook. The row is the job.
CREATE TABLE webhook_call (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id  INTEGER NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event       TEXT NOT NULL,
    subject     TEXT NOT NULL,  -- what it happened to; the same event of one subject is told once
    happened_at INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    claim       INTEGER NOT NULL DEFAULT 0, -- number of the last lease; only its holder may store a result
    due_at      INTEGER,                   -- when the next attempt may begin, or the lease ends; NULL: nothing more is done
    answered_at INTEGER,
    answer      TEXT,                    -- the last answer, or why there was none
    accepted    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (webhook_id, event, subject)
) STRICT;
CREATE INDEX webhook_call_due ON webhook_call (webhook_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_call_answered ON webhook_call (webhook_id, answered_at) WHERE answered_at IS NOT NULL;

-- How many annotated reads each source named first, and when the archive first saw the newest of them.
CREATE TABLE first_count (
    source_id INTEGER PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
    reads     INTEGER NOT NULL,
    newest    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO first_count (source_id, reads, newest)
SELECT source_id, count(*), max(first_seen) FROM read WHERE stage = 'annotated' GROUP BY source_id;
