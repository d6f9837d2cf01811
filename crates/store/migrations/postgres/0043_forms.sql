-- Lists of reads whose problem has one form: quoted, written or corrected.
-- Keep in step with migrations/sqlite.

CREATE INDEX read_form ON read (problem_form, has_problem, filed_at, id) WHERE stage = 'annotated';

-- Facets in `tally` are `source/12`, `concept/caching`, `kind/incident` and now `form/quoted`.
INSERT INTO tally (list, facet, reads)
SELECT 'all', 'form/' || problem_form, count(*) FROM read
WHERE stage = 'annotated' AND has_problem = 1 GROUP BY problem_form;
INSERT INTO tally (list, facet, reads)
SELECT 'week/' || week, 'form/' || problem_form, count(*) FROM read
WHERE stage = 'annotated' AND has_problem = 1 GROUP BY week, problem_form;
INSERT INTO tally (list, facet, reads)
SELECT l.list, 'form/' || r.problem_form, count(*) FROM listing l JOIN read r ON r.id = l.read_id
WHERE r.stage = 'annotated' AND r.has_problem = 1 GROUP BY l.list, r.problem_form;
