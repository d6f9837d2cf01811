-- How long the HTML of articles stays. For SQLite; the same as in migrations/postgres.

-- For how many days, and how many bytes of it. 0: without a limit. NULL: as the archive's setting says.
ALTER TABLE source ADD COLUMN keep_days INTEGER;
ALTER TABLE source ADD COLUMN keep_bytes INTEGER;

-- When a limit removed the HTML of a read's article. NULL: it is there.
ALTER TABLE read ADD COLUMN html_gone_at INTEGER;
CREATE INDEX read_with_html ON read (filed_at, id, source_id) WHERE html_gone_at IS NULL AND stage = 'annotated';
