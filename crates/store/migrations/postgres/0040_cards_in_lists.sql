-- Cards of a concept. Keep in step with migrations/sqlite.

-- The same as `read.practisable`, in lists of concepts: so a deck's next card is found along one index.
ALTER TABLE listing ADD COLUMN practisable BIGINT NOT NULL DEFAULT 0;
UPDATE listing SET practisable = 1
WHERE list LIKE 'concept/%' AND read_id IN (SELECT id FROM read WHERE practisable = 1);
CREATE INDEX listing_practisable ON listing (list, filed_at, read_id) WHERE practisable = 1;
