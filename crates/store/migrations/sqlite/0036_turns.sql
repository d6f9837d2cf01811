-- Whose turn it is at a host, if several processes fetch: one request at a time, a pause between two. Times are those of
-- the database's clock.
CREATE TABLE host_turn (
    host         TEXT PRIMARY KEY,
    turn         INTEGER NOT NULL,           -- the number of the last turn; only its holder may end it
    leased_until INTEGER NOT NULL,           -- until when its holder may take; 0: the turn has ended
    ended_at     INTEGER NOT NULL DEFAULT 0, -- when the last request ended
    pause        INTEGER NOT NULL DEFAULT 0, -- from then on; milliseconds
    held_until   INTEGER NOT NULL DEFAULT 0  -- the host demanded that nothing is requested before
) STRICT;

-- robots.txt of sites, so that each is fetched by one process.
CREATE TABLE robots (
    site           TEXT PRIMARY KEY,
    rules          TEXT,                     -- the file; none: it could not be fetched
    reason         TEXT NOT NULL,            -- why it could not
    etag           TEXT,
    last_modified  TEXT,
    valid_until    INTEGER NOT NULL,
    fetching_until INTEGER NOT NULL          -- until when a process may take to fetch it; 0: none does
) STRICT;
