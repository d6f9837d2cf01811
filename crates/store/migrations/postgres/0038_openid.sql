-- Who a reader is at an OpenID Connect provider, and what opening a read does. For PostgreSQL; the same as in migrations/sqlite.

CREATE TABLE openid_login (
    issuer    TEXT COLLATE "C" NOT NULL, -- the provider
    subject   TEXT COLLATE "C" NOT NULL, -- its name for the person, which never changes
    reader_id BIGINT NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (reader_id, issuer)
);

ALTER TABLE reader ADD COLUMN opening_is_done BIGINT NOT NULL DEFAULT 0; -- whether opening a read marks it done
