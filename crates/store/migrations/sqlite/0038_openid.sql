-- Who a reader is at an OpenID Connect provider, and what opening a read does. For SQLite; the same as in migrations/postgres.

CREATE TABLE openid_login (
    issuer    TEXT NOT NULL,    -- the provider
    subject   TEXT NOT NULL,    -- its name for the person, which never changes
    reader_id INTEGER NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (reader_id, issuer)
) STRICT, WITHOUT ROWID;

ALTER TABLE reader ADD COLUMN opening_is_done INTEGER NOT NULL DEFAULT 0; -- whether opening a read marks it done
