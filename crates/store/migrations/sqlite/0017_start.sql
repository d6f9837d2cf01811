-- Where to start reading about a concept. Keep in step with migrations/postgres.

-- The product of the confidences of problem and outcome in thousandths, in lists of concepts.
-- 0: one of them is missing or not likely (0.35, `model::Sureness`).
ALTER TABLE listing ADD COLUMN start INTEGER NOT NULL DEFAULT 0;
UPDATE listing SET start = (
    SELECT
    CAST(round(1000 * json_extract(p.body, '$.problem.confidence') * json_extract(p.body, '$.outcome.confidence')) AS INTEGER)
    FROM precis p WHERE p.read_id = listing.read_id)
WHERE list LIKE 'concept/%' AND read_id IN (
    SELECT p.read_id FROM precis p
    WHERE json_extract(p.body, '$.problem.confidence') >= 0.35
        AND json_extract(p.body, '$.outcome.confidence') >= 0.35);
CREATE INDEX listing_start ON listing (list, start, filed_at, read_id) WHERE start > 0;
