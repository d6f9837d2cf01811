-- Recipients of weeks, and what was sent to each. For SQLite; the same as in migrations/postgres.

-- Recipients, by the names that the configuration gives them.
CREATE TABLE recipient (
    name            TEXT PRIMARY KEY,
    since           INTEGER NOT NULL,           -- when the archive first saw it; nothing from before is sent
    unsubscribed_at INTEGER                     -- NULL: it gets what is sent
) STRICT, WITHOUT ROWID;

-- One week on its way to one recipient. The row is the job.
CREATE TABLE sending (
    recipient  TEXT NOT NULL,
    week       TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    unanswered INTEGER NOT NULL DEFAULT 0, -- attempts without a known result, which may have arrived
    held       INTEGER NOT NULL DEFAULT 0, -- whether a process is sending it
    claim      INTEGER NOT NULL DEFAULT 0, -- number of the last lease; only its holder may store a result
    due_at     INTEGER NOT NULL,           -- when the next attempt may begin, or the lease ends
    sent_at    INTEGER,
    given_up   INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    PRIMARY KEY (recipient, week)
) STRICT, WITHOUT ROWID;
