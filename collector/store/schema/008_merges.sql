-- How many parts of like size become one at a time: more of them, so that a row is written anew
-- fewer times until it lies in a large part. Merges took as much CPU as the inserts.

ALTER TABLE otel_traces MODIFY SETTING merge_selector_base = 8;
ALTER TABLE operations MODIFY SETTING merge_selector_base = 8;
ALTER TABLE relations MODIFY SETTING merge_selector_base = 8;
ALTER TABLE messages MODIFY SETTING merge_selector_base = 8;
ALTER TABLE ids MODIFY SETTING merge_selector_base = 8;
