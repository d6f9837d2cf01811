-- Hubs that tell when feeds have changed (WebSub). For PostgreSQL; migrations/sqlite
-- holds the same in SQLite's words.

-- One for each source whose feed names a hub; the row is the job of subscribing there, and of doing it again in time.
CREATE TABLE subscription (
    source_id    BIGINT PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
    hub          TEXT NOT NULL,                         -- its address
    topic        TEXT NOT NULL,                         -- the feed's own name for itself
    host         TEXT COLLATE "C" NOT NULL,             -- the hub's: whom politeness is owed to
    token        TEXT COLLATE "C" UNIQUE,               -- the last part of the address at which the hub calls; none before it was asked
    secret       TEXT,                                  -- what the hub signs with
    asked_at     BIGINT,                                -- when it was asked last
    confirmed_at BIGINT,                                -- when it confirmed last
    ends_at      BIGINT,                                -- until when it tells of changes; none before it confirmed
    told_at      BIGINT,                                -- when it last told of one
    due_at       BIGINT NOT NULL,                       -- when it may be asked (again)
    attempts     BIGINT NOT NULL DEFAULT 0,             -- since it confirmed last
    claim        BIGINT NOT NULL DEFAULT 0,             -- number of the last lease; only its holder may store a result
    leased_until BIGINT,                                -- none: held by nobody
    error        TEXT                                   -- the last trouble
);
CREATE INDEX subscription_due ON subscription (due_at);
