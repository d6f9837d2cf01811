-- How lists show a problem. For PostgreSQL; migrations/sqlite holds the same in SQLite's words.

ALTER TABLE read ADD COLUMN problem_leads BIGINT NOT NULL DEFAULT 0;      -- sure: stands over the title
ALTER TABLE read ADD COLUMN problem_form TEXT NOT NULL DEFAULT 'written';  -- quoted or written
