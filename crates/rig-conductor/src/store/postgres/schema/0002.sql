-- How many attempts ended without a word: the process that made them died or stood still. They are no tries.
alter table outbox add column lost bigint not null default 0;
