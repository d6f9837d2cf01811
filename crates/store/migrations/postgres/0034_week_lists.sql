-- What the reads of a week are, counted like those of a list. For PostgreSQL; the same as in migrations/sqlite.

-- Lists in `tally` are `all`, `source/12`, `concept/caching` and now `week/2026-W20`.
INSERT INTO tally (list, facet, reads)
SELECT 'week/' || r.week, l.list, count(*) FROM read r JOIN listing l ON l.read_id = r.id
WHERE r.stage = 'annotated' GROUP BY r.week, l.list;
INSERT INTO tally (list, facet, reads)
SELECT 'week/' || week, 'kind/' || kind, count(*) FROM read WHERE stage = 'annotated' GROUP BY week, kind;

-- With the minutes in it, a reader's week is counted from the index alone.
DROP INDEX read_week;
CREATE INDEX read_week ON read (week, has_problem, filed_at, id, kind, minutes) WHERE stage = 'annotated';
