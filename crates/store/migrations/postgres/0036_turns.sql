-- Whose turn it is at a host, if several processes fetch: one request at a time, a pause between two. Times are those of
-- the database's clock.
CREATE TABLE host_turn (
    host         TEXT COLLATE "C" PRIMARY KEY,
    turn         BIGINT NOT NULL,           -- the number of the last turn; only its holder may end it
    leased_until BIGINT NOT NULL,           -- until when its holder may take; 0: the turn has ended
    ended_at     BIGINT NOT NULL DEFAULT 0, -- when the last request ended
    pause        BIGINT NOT NULL DEFAULT 0, -- from then on; milliseconds
    held_until   BIGINT NOT NULL DEFAULT 0  -- the host demanded that nothing is requested before
);

-- robots.txt of sites, so that each is fetched by one process.
CREATE TABLE robots (
    site           TEXT COLLATE "C" PRIMARY KEY,
    rules          TEXT,                     -- the file; none: it could not be fetched
    reason         TEXT NOT NULL,            -- why it could not
    etag           TEXT,
    last_modified  TEXT,
    valid_until    BIGINT NOT NULL,
    fetching_until BIGINT NOT NULL          -- until when a process may take to fetch it; 0: none does
);
