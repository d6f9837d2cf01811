-- Secret addresses of shelves. For PostgreSQL; the same as in migrations/sqlite.

CREATE TABLE shelf_address (
    reader_id BIGINT PRIMARY KEY REFERENCES reader (id) ON DELETE CASCADE,
    secret    TEXT COLLATE "C" NOT NULL UNIQUE,
    made_at   BIGINT NOT NULL
);
