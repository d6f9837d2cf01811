-- Who subscribed to the week by mail. For SQLite; the same as in migrations/postgres.

-- An address is confirmed if `confirmed_at` is set. Until then its owner was asked once, by a mail with a link.
CREATE TABLE subscriber (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    address      TEXT NOT NULL UNIQUE,
    token        TEXT NOT NULL UNIQUE, -- in the link that confirms; after that in the link that unsubscribes
    asked_at     INTEGER NOT NULL,     -- when somebody last typed the address
    mails        INTEGER NOT NULL,     -- mails with the link that were attempted
    due_at       INTEGER,              -- when the mail with the link is due; NULL: none is
    confirmed_at INTEGER
) STRICT;
CREATE INDEX subscriber_due ON subscriber (due_at) WHERE due_at IS NOT NULL;
