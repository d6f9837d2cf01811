-- The password before the archive, and who is logged in. For SQLite; the same as in migrations/postgres.

-- Argon2id in the PHC string format; none: the reader has no password.
ALTER TABLE reader ADD COLUMN password TEXT;

-- A browser that is logged in. Its cookie has the token; only the token's SHA-256 is here.
CREATE TABLE session (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    reader_id INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    token     TEXT NOT NULL UNIQUE,
    agent     TEXT NOT NULL,                   -- what the browser says of itself
    made_at   INTEGER NOT NULL,
    used_at   INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX session_reader ON session (reader_id, used_at, id);
