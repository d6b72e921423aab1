-- Times are microseconds since 1970, ids are texts in small letters.

-- The log: the same names as on PostgreSQL, where they are Marten's.
create table mt_streams (
    id text not null primary key,
    version integer not null,
    timestamp integer not null,
    created integer not null
) strict, without rowid;

create table mt_events (
    seq_id integer not null primary key,
    id text not null,
    stream_id text not null references mt_streams (id),
    version integer not null,
    data text not null,
    type text not null,
    timestamp integer not null
) strict;
create unique index mt_events_id on mt_events (id);
create unique index pk_mt_events_stream_and_version on mt_events (stream_id, version);

-- Read models: what the log makes.
create table escalations (
    id text not null primary key,
    severity text not null,
    initial_severity text not null,
    state text not null,
    agent_id text not null,
    repo text,
    issue_number integer,
    token text not null,
    dedup_key text not null,
    created_at integer not null,
    level_since integer not null,
    reminded_at integer,
    first_acked_at integer,
    delivered integer not null,
    version integer not null,
    doc text not null
) strict;
create unique index escalations_dedup on escalations (dedup_key) where state <> 'closed';
create index escalations_due on escalations (severity, level_since) where state = 'open';
create index escalations_remind on escalations (coalesce(reminded_at, level_since))
    where state = 'open' and severity = 'P0';
create index escalations_undelivered on escalations (severity, level_since)
    where state = 'open' and delivered = 0;
-- With the state, so that they are counted without a look at them.
create index escalations_active on escalations (severity, created_at, id, state) where state <> 'closed';
create index escalations_order on escalations (severity, created_at, id);
create index escalations_creations on escalations (token, initial_severity, created_at);
create index escalations_agent on escalations (agent_id, created_at);
create index escalations_created on escalations (created_at);
create index escalations_repo on escalations (repo, issue_number);

create table aliases (
    id text not null primary key,
    escalation text not null,
    content_hash text not null,
    at integer not null
) strict, without rowid;
create index aliases_escalation on aliases (escalation);

create table agents (
    id text not null primary key,
    last_seen_at integer not null,
    seq_id integer not null,
    beat text not null
) strict, without rowid;

-- What is to be sent. `not_before` is also the end of a lease; `owner` says that somebody holds it.
create table outbox (
    id text not null primary key,
    key text not null unique,
    escalation text not null,
    purpose text not null,
    round integer not null,
    severity text not null,
    route text not null,
    target text not null,
    nonce text not null,
    channel_id text,
    message_id text,
    state text not null,
    attempt integer not null,
    not_before integer not null,
    owner text,
    claimed_at integer,
    uncertain_since integer,
    error text,
    created_at integer not null,
    updated_at integer not null
) strict;
create index outbox_pending on outbox (severity, purpose, created_at) where state = 'pending';
create index outbox_next on outbox (not_before) where state = 'pending';
create index outbox_message on outbox (message_id) where state = 'pending' and message_id is not null;
create index outbox_escalation on outbox (escalation);

create table threads (
    key text not null primary key,
    channel_id text,
    starter_id text,
    thread_id text,
    uncertain_since integer,
    owner text,
    lease_until integer
) strict, without rowid;

-- How far regular work has come.
create table marks (
    name text not null primary key,
    at integer,
    seq_id integer
) strict, without rowid;
