-- What a person corrected about reads. For SQLite; the same as in migrations/postgres.

-- Corrected fields, in canonical text (`model::Correction`). An empty text says that there is none. A read with
-- corrections cannot be deleted before these are moved or dropped.
CREATE TABLE correction (
    read_id INTEGER NOT NULL REFERENCES read (id),
    field   TEXT NOT NULL,
    text    TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (read_id, field)
) STRICT, WITHOUT ROWID;

-- The corrected title, company and date. They repeat rows of `correction`, so that lists need no join. `title` and
-- `published` stay what feed and page say. NULL: not corrected.
ALTER TABLE read ADD COLUMN corrected_title TEXT;
ALTER TABLE read ADD COLUMN corrected_company TEXT;
ALTER TABLE read ADD COLUMN corrected_published INTEGER;

-- Since when a person hides a read from everybody. It is `extracted` and not due. NULL: not hidden.
ALTER TABLE read ADD COLUMN withdrawn_at INTEGER;
CREATE INDEX read_withdrawn ON read (withdrawn_at, id) WHERE withdrawn_at IS NOT NULL;

-- What the annotator said, if `body` differs from it by corrections. NULL: `body` is the annotator's.
ALTER TABLE precis ADD COLUMN said TEXT;
