-- How much a source has put into the archive, in bytes: its entries and articles. What is removed later still counts, so
-- that nothing has to be counted again.

ALTER TABLE source ADD COLUMN taken_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE source SET taken_bytes = (
    SELECT coalesce(sum(length(a.html) + length(a.text)), 0) FROM article a
    WHERE a.read_id IN (SELECT id FROM read WHERE source_id = source.id)
);
