-- What language models need: who is asked for which précis, what they answered, what that cost. For SQLite;
-- migrations/postgres holds the same in PostgreSQL's words.

-- An annotated read with an annotator here is to be annotated anew by it, and its row is the job again: due_at, held,
-- claim, attempts and error are those of the asking. Its précis stays until the new one is in.
ALTER TABLE read ADD COLUMN ask TEXT;

-- Answers that were paid for. A cache: whatever is deleted is asked for again when it is needed.
CREATE TABLE answer (
    question       TEXT NOT NULL,               -- hash of all that was sent, 32 hex digits
    prompt_version TEXT NOT NULL,
    model          TEXT NOT NULL,               -- what its server calls it
    reply          TEXT NOT NULL,
    answered_at    INTEGER NOT NULL,
    PRIMARY KEY (question, prompt_version, model)
) STRICT;

-- What each model was asked and what it cost, by day.
CREATE TABLE model_usage (
    day           TEXT NOT NULL,                -- in UTC, e.g. 2026-05-17
    model         TEXT NOT NULL,                -- what the settings call it
    reads         INTEGER NOT NULL DEFAULT 0,   -- reads for which it was asked
    questions     INTEGER NOT NULL DEFAULT 0,   -- questions that were answered
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,   -- questions that were not answered
    PRIMARY KEY (day, model)
) STRICT;
