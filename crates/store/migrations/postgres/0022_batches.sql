-- Batches of prompts that a model's server is answering.
CREATE TABLE batch (
    model     TEXT COLLATE "C" NOT NULL, -- what the settings call it
    server_id TEXT COLLATE "C" NOT NULL, -- the server's name for the batch
    made_at   BIGINT NOT NULL,
    PRIMARY KEY (model, server_id)
);

-- Tokens of prompts and replies in batches, which cost half as much. Both are part of the other counts.
ALTER TABLE model_usage ADD COLUMN batch_input_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE model_usage ADD COLUMN batch_output_tokens BIGINT NOT NULL DEFAULT 0;
