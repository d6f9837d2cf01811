-- Hosts whose pages fail one after the other, by the source that names these pages. Most of them are not requested.
CREATE TABLE dead_pages (
    source_id BIGINT NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    host      TEXT COLLATE "C" NOT NULL,
    failures  BIGINT NOT NULL, -- in a row
    failed_at BIGINT NOT NULL, -- the last one
    error     TEXT COLLATE "C" NOT NULL,
    gone      BIGINT NOT NULL, -- 1 if the error does not pass by itself, such as 404
    PRIMARY KEY (source_id, host)
);
