-- A batch is noted before it is sent, so that one that was sent just before the program was killed is found on the server.
ALTER TABLE batch ADD COLUMN is_sent INTEGER NOT NULL DEFAULT 1; -- 0: `server_id` is our marker, not the server's name
ALTER TABLE batch ADD COLUMN prompts TEXT; -- the ids of its prompts, separated by spaces; NULL in older rows
