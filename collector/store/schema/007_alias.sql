-- What a message's effects call it in their causation id, where that is not its message id: see
-- `collector.conventions.profiles`.
ALTER TABLE messages ADD COLUMN IF NOT EXISTS alias String CODEC(ZSTD(1)) AFTER correlation_id;
