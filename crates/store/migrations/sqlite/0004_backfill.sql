-- What a source published before it was followed, and how far the search for it has come. For SQLite; migrations/postgres
-- holds the same in PostgreSQL's words.

-- Who named a read on a source: its feed, or the search for its past. What the search found is only a read once its page
-- turned out to be an article.
ALTER TABLE place ADD COLUMN found_by TEXT NOT NULL DEFAULT 'feed' CHECK (found_by IN ('feed', 'backfill'));

-- One search a source; the row is the job.
CREATE TABLE backfill (
    source_id    INTEGER PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
    since        INTEGER,                       -- nothing older is asked for; none: everything
    most         INTEGER,                       -- how many reads to admit at the most; none: all
    asked_at     INTEGER NOT NULL,
    plan         TEXT NOT NULL,                 -- what is still to be read and what was (JSON)
    host         TEXT NOT NULL,                 -- whom politeness is owed to next
    documents    INTEGER NOT NULL DEFAULT 0,    -- sitemaps, lists and feeds that were read
    found        INTEGER NOT NULL DEFAULT 0,    -- addresses of articles in them
    admitted     INTEGER NOT NULL DEFAULT 0,    -- those that became reads
    due_at       INTEGER,                       -- when its next document may be read; none: finished
    claim        INTEGER NOT NULL DEFAULT 0,    -- number of the last lease; only its holder may store a result
    leased_until INTEGER,                       -- none: held by nobody
    attempts     INTEGER NOT NULL DEFAULT 0,    -- failed ones at the next document
    error        TEXT,                          -- the last trouble
    finished_at  INTEGER
) STRICT;
CREATE INDEX backfill_due ON backfill (due_at) WHERE due_at IS NOT NULL;

-- How many of a source's reads are found and not yet shown.
CREATE INDEX read_on_its_way ON read (source_id) WHERE due_at IS NOT NULL AND stage <> 'annotated';
