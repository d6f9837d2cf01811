-- Recipients of weeks, and what was sent to each. For PostgreSQL; the same as in migrations/sqlite.

-- Recipients, by the names that the configuration gives them.
CREATE TABLE recipient (
    name            TEXT COLLATE "C" PRIMARY KEY,
    since           BIGINT NOT NULL,           -- when the archive first saw it; nothing from before is sent
    unsubscribed_at BIGINT                     -- NULL: it gets what is sent
);

-- One week on its way to one recipient. The row is the job.
CREATE TABLE sending (
    recipient  TEXT COLLATE "C" NOT NULL,
    week       TEXT COLLATE "C" NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    unanswered BIGINT NOT NULL DEFAULT 0, -- attempts without a known result, which may have arrived
    held       BIGINT NOT NULL DEFAULT 0, -- whether a process is sending it
    claim      BIGINT NOT NULL DEFAULT 0, -- number of the last lease; only its holder may store a result
    due_at     BIGINT NOT NULL,           -- when the next attempt may begin, or the lease ends
    sent_at    BIGINT,
    given_up   BIGINT NOT NULL DEFAULT 0,
    error      TEXT,
    PRIMARY KEY (recipient, week)
);
