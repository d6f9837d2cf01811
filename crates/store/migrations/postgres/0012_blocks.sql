-- The blocks of an article's text, as model::Blocks writes them. NULL where the article was stored before this step;
-- they are then made from its HTML when they are needed.
ALTER TABLE article ADD COLUMN blocks TEXT;
