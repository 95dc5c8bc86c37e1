-- Where a group is taken to have begun, because the broker was asked before its first commit.
ALTER TABLE progress ADD COLUMN IF NOT EXISTS assumed Bool DEFAULT false;
