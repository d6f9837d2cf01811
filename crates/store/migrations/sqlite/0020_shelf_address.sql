-- Secret addresses of shelves. For SQLite; the same as in migrations/postgres.

CREATE TABLE shelf_address (
    reader_id INTEGER PRIMARY KEY REFERENCES reader (id) ON DELETE CASCADE,
    secret    TEXT NOT NULL UNIQUE,
    made_at   INTEGER NOT NULL
) STRICT;
