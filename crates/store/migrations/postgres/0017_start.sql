-- Where to start reading about a concept. Keep in step with migrations/sqlite.

-- The product of the confidences of problem and outcome in thousandths, in lists of concepts.
-- 0: one of them is missing or not likely (0.35, `model::Sureness`).
ALTER TABLE listing ADD COLUMN start BIGINT NOT NULL DEFAULT 0;
UPDATE listing SET start = (
    SELECT
    CAST(round(CAST(1000 * CAST(CAST(p.body AS json) #>> '{problem,confidence}' AS double precision)
        * CAST(CAST(p.body AS json) #>> '{outcome,confidence}' AS double precision) AS numeric)) AS BIGINT)
    FROM precis p WHERE p.read_id = listing.read_id)
WHERE list LIKE 'concept/%' AND read_id IN (
    SELECT p.read_id FROM precis p
    WHERE CAST(CAST(p.body AS json) #>> '{problem,confidence}' AS double precision) >= 0.35
        AND CAST(CAST(p.body AS json) #>> '{outcome,confidence}' AS double precision) >= 0.35);
CREATE INDEX listing_start ON listing (list, start, filed_at, read_id) WHERE start > 0;
