-- How many attempts ended without a word: the process that made them died or stood still. They are no tries.
alter table outbox add column lost integer not null default 0;
