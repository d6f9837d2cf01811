-- The keys of apps with the Fever API. For PostgreSQL; the same as in migrations/sqlite.

-- The SHA-256 of the key that such an app makes of the reader's name and the token. NULL: the token is older than this.
ALTER TABLE token ADD COLUMN fever_key TEXT COLLATE "C";
CREATE UNIQUE INDEX token_fever_key ON token (fever_key);
