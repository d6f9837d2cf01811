-- The archive's tables, for SQLite. migrations/postgres holds the same tables in PostgreSQL's words.
--
-- Moments are milliseconds since 1970-01-01T00:00Z. Yes and no are 1 and 0. Weeks are ISO weeks, e.g. 2026-W20, in the
-- archive's time zone. The row is the job: `read` and `source` carry their own state, and there is no queue beside them.

-- What the archive remembers of itself, e.g. its time zone.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row, whose number grows with every commit that changes what pages show. Whoever changes a counter updates this row
-- first and so holds all counters until the commit.
CREATE TABLE archive (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO archive (id, version) VALUES (1, 1);

-- Followed blogs.
CREATE TABLE source (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    slug          TEXT NOT NULL UNIQUE,
    key           TEXT NOT NULL UNIQUE,         -- what two spellings of its feed's address have in common
    title         TEXT NOT NULL,                -- empty until its feed tells
    company       TEXT NOT NULL,                -- empty where it is the title
    host          TEXT NOT NULL,                -- whom politeness is owed to when it is polled
    site_url      TEXT,
    feed_url      TEXT,
    sitemap_url   TEXT,
    listing_url   TEXT,
    language      TEXT,                         -- the feed's, as it declares it
    followed_at   INTEGER NOT NULL,
    standing      TEXT NOT NULL CHECK (standing IN ('active', 'retired', 'waiting')),
    last_poll     INTEGER,
    last_success  INTEGER,
    next_poll     INTEGER,                      -- none: not polled
    last_error    TEXT,
    failures      INTEGER NOT NULL DEFAULT 0,
    etag          TEXT,
    last_modified TEXT,
    claim         INTEGER NOT NULL DEFAULT 0,   -- number of the last lease; only its holder may record a poll
    leased_until  INTEGER                       -- none: held by nobody
) STRICT;
CREATE INDEX source_due ON source (standing, next_poll, id);

-- Former addresses of feeds that moved for good: who follows one of them means the same source.
CREATE TABLE former_feed (
    key       TEXT PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX former_feed_source ON former_feed (source_id);

-- Articles: what lists show of them, and where each stands on its way. What is large lies in tables of its own.
CREATE TABLE read (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    url         TEXT NOT NULL,
    host        TEXT NOT NULL,
    source_id   INTEGER NOT NULL REFERENCES source (id),  -- the source that named it first
    first_seen  INTEGER NOT NULL,
    published   INTEGER,                        -- as said, even where that is the year 9999
    filed_at    INTEGER NOT NULL,               -- published; first_seen where that is missing or lies in the future
    week        TEXT NOT NULL,                  -- the week of filed_at
    title       TEXT NOT NULL,                  -- the address where nobody gave one
    title_key   TEXT,                           -- letters and digits of the title its entry has; none where it has none
    author      TEXT,
    description TEXT,
    minutes     INTEGER NOT NULL DEFAULT 0,
    fingerprint TEXT,                           -- of the article's text, 32 hex digits
    kind        TEXT,                           -- these four come from the précis
    problem     TEXT,
    has_problem INTEGER NOT NULL DEFAULT 0,
    concepts    TEXT NOT NULL DEFAULT '',       -- best first, separated by spaces
    stage       TEXT NOT NULL CHECK (stage IN ('discovered', 'extracted', 'annotated')),
    due_at      INTEGER,                        -- when its next step may begin, or its lease ends; none: done or set aside
    held        INTEGER NOT NULL DEFAULT 0,     -- whether a worker holds it
    claim       INTEGER NOT NULL DEFAULT 0,     -- number of the last lease; only its holder may store a result
    attempts    INTEGER NOT NULL DEFAULT 0,     -- failed ones at this stage
    error       TEXT,
    failed_at   INTEGER
) STRICT;
-- Lists of the whole archive and of a week, whole and by kind.
CREATE INDEX read_all ON read (has_problem, filed_at, id) WHERE stage = 'annotated';
CREATE INDEX read_kind ON read (kind, has_problem, filed_at, id) WHERE stage = 'annotated';
CREATE INDEX read_week ON read (week, has_problem, filed_at, id, kind) WHERE stage = 'annotated';
-- What is due, newest first; what is waited for; what is set aside; the same article under another address.
CREATE INDEX read_way ON read (stage, filed_at, id, due_at, host) WHERE due_at IS NOT NULL;
CREATE INDEX read_due ON read (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX read_aside ON read (failed_at, id) WHERE due_at IS NULL AND stage <> 'annotated';
CREATE INDEX read_fingerprint ON read (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX read_source ON read (source_id);

-- Under which addresses a read is known: what two spellings of an address have in common, and one spelling. A read was
-- `admitted` under an address (only that makes an entry a known one, and only one read can be it), or a fetch of it
-- `reached` the address, or its page `claimed` it; what was reached or claimed may be many reads'.
CREATE TABLE address (
    key     TEXT NOT NULL,
    read_id INTEGER NOT NULL REFERENCES read (id) ON DELETE CASCADE,
    url     TEXT NOT NULL,
    how     TEXT NOT NULL CHECK (how IN ('admitted', 'reached', 'claimed')),
    PRIMARY KEY (key, read_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX address_admitted ON address (key) WHERE how = 'admitted';
CREATE INDEX address_read ON address (read_id);

-- On which sources a read turned up, with the entry as that source told it (JSON).
CREATE TABLE place (
    read_id   INTEGER NOT NULL REFERENCES read (id) ON DELETE CASCADE,
    source_id INTEGER NOT NULL REFERENCES source (id),
    url       TEXT NOT NULL,
    seen_at   INTEGER NOT NULL,
    updated   INTEGER,                           -- when the source says that it was changed
    entry     TEXT NOT NULL,
    PRIMARY KEY (read_id, source_id)
) STRICT;
CREATE INDEX place_source ON place (source_id, read_id);

-- The article of a read from `extracted` on.
CREATE TABLE article (
    read_id       INTEGER PRIMARY KEY REFERENCES read (id) ON DELETE CASCADE,
    canonical_url TEXT,
    title         TEXT,
    author        TEXT,
    published     INTEGER,
    site_name     TEXT,
    description   TEXT,
    language      TEXT,
    words         INTEGER NOT NULL,
    minutes       INTEGER NOT NULL,
    fetched_at    INTEGER NOT NULL,
    html          TEXT NOT NULL,
    text          TEXT NOT NULL
) STRICT;

-- The précis of a read that is `annotated`, whole (JSON) and by whom.
CREATE TABLE precis (
    read_id      INTEGER PRIMARY KEY REFERENCES read (id) ON DELETE CASCADE,
    annotator    TEXT NOT NULL,
    version      TEXT NOT NULL,
    annotated_at INTEGER NOT NULL,
    body         TEXT NOT NULL
) STRICT;

-- Rows that were the same article as an older one: old addresses of their pages still lead somewhere.
CREATE TABLE merged (
    id      INTEGER PRIMARY KEY,
    into_id INTEGER NOT NULL REFERENCES read (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX merged_into ON merged (into_id);

-- Lists that annotated reads are on: `source/12`, `concept/caching`. Repeats what orders them, so that a list is read
-- from one index.
CREATE TABLE listing (
    list        TEXT NOT NULL,
    read_id     INTEGER NOT NULL REFERENCES read (id) ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    has_problem INTEGER NOT NULL,
    filed_at    INTEGER NOT NULL,
    PRIMARY KEY (read_id, list)
) STRICT, WITHOUT ROWID;
CREATE INDEX listing_all ON listing (list, has_problem, filed_at, read_id);
CREATE INDEX listing_kind ON listing (list, kind, has_problem, filed_at, read_id);

-- How many reads of a list (`all`, `source/12`, `concept/caching`) also are `source/…`, `concept/…` or `kind/…`.
CREATE TABLE tally (
    list  TEXT NOT NULL,
    facet TEXT NOT NULL,
    reads INTEGER NOT NULL,
    PRIMARY KEY (list, facet)
) STRICT, WITHOUT ROWID;

-- How many annotated reads a week has, and how many of them have a problem.
CREATE TABLE week_count (
    week     TEXT PRIMARY KEY,
    reads    INTEGER NOT NULL,
    problems INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
