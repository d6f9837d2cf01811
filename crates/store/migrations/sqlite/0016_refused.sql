-- What a language model wrote about a read and the checks refused. It goes when the read is annotated again.
CREATE TABLE refused (
    read_id INTEGER NOT NULL REFERENCES read (id) ON DELETE CASCADE,
    nth     INTEGER NOT NULL,
    field   TEXT NOT NULL,
    said    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (read_id, nth)
) WITHOUT ROWID;
