-- How lists show a problem. For SQLite; migrations/postgres holds the same in PostgreSQL's words.

ALTER TABLE read ADD COLUMN problem_leads INTEGER NOT NULL DEFAULT 0;      -- sure: stands over the title
ALTER TABLE read ADD COLUMN problem_form TEXT NOT NULL DEFAULT 'written';  -- quoted or written
