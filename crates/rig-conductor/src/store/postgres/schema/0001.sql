-- The log, laid out as Marten 8 does with string ids. A program that uses Marten can open it as a second store.
create table mt_streams (
    id varchar not null primary key,
    type varchar,
    version bigint,
    timestamp timestamptz not null default now(),
    snapshot jsonb,
    snapshot_version integer,
    created timestamptz not null default now(),
    tenant_id varchar default '*DEFAULT*',
    is_archived boolean default false
) with (fillfactor = 70);

create sequence mt_events_sequence;
create table mt_events (
    seq_id bigint not null primary key,
    id uuid not null,
    stream_id varchar constraint fkey_mt_events_stream_id references mt_streams (id) on delete cascade,
    version bigint not null,
    data jsonb not null,
    type varchar(500) not null,
    timestamp timestamptz not null default now(),
    tenant_id varchar default '*DEFAULT*',
    mt_dotnet_type varchar,
    is_archived boolean default false
);
alter sequence mt_events_sequence owned by mt_events.seq_id;
create unique index pk_mt_events_stream_and_version on mt_events (stream_id, version);
-- An event that is sent again is known by its id.
create unique index mt_events_id on mt_events (id);

create table mt_event_progression (
    name varchar not null constraint pk_mt_event_progression primary key,
    last_seq_id bigint,
    last_updated timestamptz default transaction_timestamp()
);

-- Read models: what the log makes.
create table escalations (
    id uuid not null primary key,
    severity text not null,
    initial_severity text not null,
    state text not null,
    agent_id text not null,
    repo text,
    issue_number bigint,
    token text not null,
    dedup_key text not null,
    created_at timestamptz not null,
    level_since timestamptz not null,
    reminded_at timestamptz,
    first_acked_at timestamptz,
    delivered boolean not null,
    version bigint not null,
    doc jsonb not null
);
create unique index escalations_dedup on escalations (dedup_key) where state <> 'closed';
create index escalations_due on escalations (severity, level_since) where state = 'open';
create index escalations_remind on escalations ((coalesce(reminded_at, level_since)))
    where state = 'open' and severity = 'P0';
create index escalations_undelivered on escalations (severity, level_since)
    where state = 'open' and not delivered;
-- With the state, so that they are counted without a look at them.
create index escalations_active on escalations (severity, created_at, id) include (state) where state <> 'closed';
create index escalations_order on escalations (severity, created_at, id);
create index escalations_creations on escalations (token, initial_severity, created_at);
create index escalations_agent on escalations (agent_id, created_at);
create index escalations_created on escalations (created_at);
create index escalations_repo on escalations (repo, issue_number);

create table aliases (
    id uuid not null primary key,
    escalation uuid not null,
    content_hash text not null,
    at timestamptz not null
);
create index aliases_escalation on aliases (escalation);

create table agents (
    id text not null primary key,
    last_seen_at timestamptz not null,
    seq_id bigint not null,
    beat jsonb not null
) with (fillfactor = 70);

-- What is to be sent. `not_before` is also the end of a lease; `owner` says that somebody holds it.
create table outbox (
    id uuid not null primary key,
    key text not null unique,
    escalation uuid not null,
    purpose text not null,
    round bigint not null,
    severity text not null,
    route text not null,
    target text not null,
    nonce text not null,
    channel_id text,
    message_id text,
    state text not null,
    attempt bigint not null,
    not_before timestamptz not null,
    owner text,
    claimed_at timestamptz,
    uncertain_since timestamptz,
    error text,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index outbox_pending on outbox (severity, purpose, created_at) where state = 'pending';
create index outbox_next on outbox (not_before) where state = 'pending';
create index outbox_message on outbox (message_id) where state = 'pending' and message_id is not null;
create index outbox_escalation on outbox (escalation);

create table threads (
    key text not null primary key,
    channel_id text,
    starter_id text,
    thread_id text,
    uncertain_since timestamptz,
    owner text,
    lease_until timestamptz
);

-- How far regular work has come.
create table marks (
    name text not null primary key,
    at timestamptz,
    seq_id bigint
);
