-- The keys of apps with the Fever API. For SQLite; the same as in migrations/postgres.

-- The SHA-256 of the key that such an app makes of the reader's name and the token. NULL: the token is older than this.
ALTER TABLE token ADD COLUMN fever_key TEXT;
CREATE UNIQUE INDEX token_fever_key ON token (fever_key);
