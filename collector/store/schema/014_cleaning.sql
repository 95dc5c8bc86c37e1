-- What merges leave is removed by one thread: for more than a hundred parts the engine takes up to
-- 128 threads at once, and keeps them and three open files of each for good.

ALTER TABLE otel_traces MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE operations MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE relations MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE messages MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE ids MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE positions MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE progress MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE progress_newest MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE members MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE producers MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE edges MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE state MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE gaps MODIFY SETTING concurrent_part_removal_threshold = 1000000;
ALTER TABLE findings MODIFY SETTING concurrent_part_removal_threshold = 1000000;
