-- Sources without a feed are polled by their listing page or their sitemap. For SQLite; migrations/postgres
-- holds the same in PostgreSQL's words.

UPDATE source SET standing = 'active', next_poll = 0
WHERE standing = 'waiting' AND (listing_url IS NOT NULL OR sitemap_url IS NOT NULL);
