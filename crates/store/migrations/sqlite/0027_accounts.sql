-- Several readers: their roles, and invitations. For SQLite; the same as in migrations/postgres.

-- What a reader may do: `operator` or `reader`. The reader that the archive began with is an operator.
ALTER TABLE reader ADD COLUMN role TEXT NOT NULL DEFAULT 'reader';
UPDATE reader SET role = 'operator' WHERE id = 1;

-- Since when the account is closed: nobody logs in with it, its data stays; none: it is open.
ALTER TABLE reader ADD COLUMN closed_at INTEGER;

-- A link with which a reader sets a password, once. Only the SHA-256 of its token is here. A new link replaces the
-- one before.
CREATE TABLE invitation (
    reader_id INTEGER PRIMARY KEY REFERENCES reader (id) ON DELETE CASCADE,
    token     TEXT NOT NULL UNIQUE,
    made_at   INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL
) STRICT;
