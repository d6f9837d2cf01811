-- Tokens of prompts that a model's server read from its cache, and wrote to it. Both are part of input_tokens.
ALTER TABLE model_usage ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE model_usage ADD COLUMN cache_writes INTEGER NOT NULL DEFAULT 0;
