-- What a model annotates next: of the newest week first, and of a week what has a problem.
CREATE INDEX read_asked ON read (ask, week, has_problem, filed_at, id) WHERE ask IS NOT NULL AND due_at IS NOT NULL;
