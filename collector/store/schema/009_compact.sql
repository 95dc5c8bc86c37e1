-- What is inserted of messages is one file instead of two for each column: each of them is synced
-- before the insert is done, and made and removed again with the next merge. Parts that grow
-- beyond some inserts have their columns apart.

ALTER TABLE messages MODIFY SETTING min_bytes_for_wide_part = 67108864;
