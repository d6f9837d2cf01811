-- What programs send instead of a password. For SQLite; the same as in migrations/postgres.

-- A reader's token for a program. Only the token's SHA-256 is here.
CREATE TABLE token (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    reader_id INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    token     TEXT NOT NULL UNIQUE,
    name      TEXT NOT NULL,                   -- what the reader calls it
    scope     TEXT NOT NULL CHECK (scope IN ('read', 'write', 'operate')),
    made_at   INTEGER NOT NULL,
    used_at   INTEGER,                         -- NULL: never
    ends_at   INTEGER,                         -- NULL: never
    UNIQUE (reader_id, name)
) STRICT;
