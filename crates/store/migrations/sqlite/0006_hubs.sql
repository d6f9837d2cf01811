-- Hubs that tell when feeds have changed (WebSub). For SQLite; migrations/postgres
-- holds the same in PostgreSQL's words.

-- One for each source whose feed names a hub; the row is the job of subscribing there, and of doing it again in time.
CREATE TABLE subscription (
    source_id    INTEGER PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
    hub          TEXT NOT NULL,                         -- its address
    topic        TEXT NOT NULL,                         -- the feed's own name for itself
    host         TEXT NOT NULL,                         -- the hub's: whom politeness is owed to
    token        TEXT UNIQUE,                           -- the last part of the address at which the hub calls; none before it was asked
    secret       TEXT,                                  -- what the hub signs with
    asked_at     INTEGER,                               -- when it was asked last
    confirmed_at INTEGER,                               -- when it confirmed last
    ends_at      INTEGER,                               -- until when it tells of changes; none before it confirmed
    told_at      INTEGER,                               -- when it last told of one
    due_at       INTEGER NOT NULL,                      -- when it may be asked (again)
    attempts     INTEGER NOT NULL DEFAULT 0,            -- since it confirmed last
    claim        INTEGER NOT NULL DEFAULT 0,            -- number of the last lease; only its holder may store a result
    leased_until INTEGER,                               -- none: held by nobody
    error        TEXT                                   -- the last trouble
) STRICT;
CREATE INDEX subscription_due ON subscription (due_at);
