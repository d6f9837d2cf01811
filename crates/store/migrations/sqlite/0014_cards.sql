-- Practising with reads. For SQLite; migrations/postgres holds the same in PostgreSQL's words.

-- Whether a problem and an approach are likely enough to practise with. The least confidence of a likely statement is
-- 0.35 (`model::Sureness`).
ALTER TABLE read ADD COLUMN practisable INTEGER NOT NULL DEFAULT 0;
UPDATE read SET practisable = 1 WHERE has_problem = 1 AND id IN (
    SELECT read_id FROM precis WHERE json_extract(body, '$.problem.confidence') >= 0.35
        AND json_extract(body, '$.approach.confidence') >= 0.35);
CREATE INDEX read_practisable ON read (filed_at, id) WHERE practisable = 1;

-- What a reader would have done about a read's problem, in Markdown, and how well the reader knew what the team did;
-- none: not rated yet. A read with answers cannot be deleted before these are moved or dropped.
CREATE TABLE card_answer (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    reader_id   INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    read_id     INTEGER NOT NULL REFERENCES read (id),
    text        TEXT NOT NULL,
    rating      TEXT,
    answered_at INTEGER NOT NULL
) STRICT;
CREATE INDEX card_answer_read ON card_answer (read_id, reader_id);
CREATE INDEX card_answer_reader ON card_answer (reader_id, id);

-- When a read that a reader has rated is shown next. It follows from the answers (crate `practise`).
CREATE TABLE card (
    reader_id INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    read_id   INTEGER NOT NULL REFERENCES read (id) ON DELETE CASCADE,
    due_at    INTEGER NOT NULL,
    PRIMARY KEY (reader_id, read_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX card_read ON card (read_id);
CREATE INDEX card_due ON card (reader_id, due_at, read_id);
