-- Batches of prompts that a model's server is answering.
CREATE TABLE batch (
    model     TEXT NOT NULL, -- what the settings call it
    server_id TEXT NOT NULL, -- the server's name for the batch
    made_at   INTEGER NOT NULL,
    PRIMARY KEY (model, server_id)
) STRICT;

-- Tokens of prompts and replies in batches, which cost half as much. Both are part of the other counts.
ALTER TABLE model_usage ADD COLUMN batch_input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE model_usage ADD COLUMN batch_output_tokens INTEGER NOT NULL DEFAULT 0;
