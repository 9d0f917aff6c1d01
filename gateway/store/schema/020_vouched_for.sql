-- Up to which schema the audit trail vouches for every row: at a start after a migration it vouches for what that changed.
ALTER TABLE store ADD COLUMN vouched_schema INTEGER NOT NULL DEFAULT 0;

-- Which line a head was signed for: a line that was renamed since is no wrong signature. NULL: not on record.
ALTER TABLE signed_head ADD COLUMN line TEXT;
