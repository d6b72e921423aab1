-- How many attempts ended without a word: the process that made them died or stood still. They are no tries.
alter table outbox add column lost integer not null default 0;

-- What is done with, for deleting it once it is old.
create index outbox_settled on outbox (updated_at) where state <> 'pending';
