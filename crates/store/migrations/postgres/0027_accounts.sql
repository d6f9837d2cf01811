-- Several readers: their roles, and invitations. For PostgreSQL; the same as in migrations/sqlite.

-- What a reader may do: `operator` or `reader`. The reader that the archive began with is an operator.
ALTER TABLE reader ADD COLUMN role TEXT COLLATE "C" NOT NULL DEFAULT 'reader';
UPDATE reader SET role = 'operator' WHERE id = 1;

-- Since when the account is closed: nobody logs in with it, its data stays; none: it is open.
ALTER TABLE reader ADD COLUMN closed_at BIGINT;

-- A link with which a reader sets a password, once. Only the SHA-256 of its token is here. A new link replaces the
-- one before.
CREATE TABLE invitation (
    reader_id BIGINT PRIMARY KEY REFERENCES reader (id) ON DELETE CASCADE,
    token     TEXT COLLATE "C" NOT NULL UNIQUE,
    made_at   BIGINT NOT NULL,
    ends_at   BIGINT NOT NULL
);
