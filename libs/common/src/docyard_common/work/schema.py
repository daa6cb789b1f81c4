"""The tables behind the slots; they belong to the processor's schema.

`work` stays small: a row leaves when its stage is done. `stage_runs` remembers, and answers
redeliveries of finished work. `cancellations` stops what is still on its way. `rejected_records`
makes the dead letter of an undecodable record happen once.
"""

from typing import Final

CREATE_WORK: Final = """
create table work (
    document_id uuid not null,
    generation int not null,
    stage text not null,
    lane text not null,
    owner text not null,
    bulky boolean not null,
    topic text not null,
    partition int not null,
    "offset" bigint not null,
    timestamp_ms bigint not null,
    key bytea,
    value bytea not null,
    header_names bytea[] not null, -- Kafka allows NUL in them, text does not
    header_values bytea[] not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'dead')),
    due_at timestamptz not null default now(),
    waiting_since timestamptz not null default now(),
    attempt int not null default 1,
    deliveries int not null default 0,
    fence int not null default 0,
    lease_until timestamptz,
    worker text,
    cancelled boolean not null default false,
    last_reason text,
    first_failed_at timestamptz,
    replay_ids text[] not null default '{}',
    primary key (document_id, generation, stage)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
create index work_waiting on work (stage, lane, due_at) where state = 'waiting';
create index work_running on work (stage, lease_until) where state = 'running';

create table stage_runs (
    document_id uuid not null,
    generation int not null,
    stage text not null,
    fence int not null,
    attempt int not null,
    outcome text not null,
    reason text,
    message text,
    worker text not null,
    started_at timestamptz not null,
    ended_at timestamptz not null default now(),
    primary key (document_id, generation, stage, fence)
);
create index stage_runs_done on stage_runs (document_id, generation, stage) where outcome = 'done';
create index stage_runs_ended on stage_runs (ended_at);

create table cancellations (
    document_id uuid primary key,
    generation int not null,
    deleted boolean not null default false,
    at timestamptz not null default now()
);

create table rejected_records (
    topic text not null,
    partition int not null,
    "offset" bigint not null,
    at timestamptz not null default now(),
    primary key (topic, partition, "offset")
);

create table erasures (
    document_id uuid not null,
    prefix text not null,
    generation int, -- null: the whole document
    due_at timestamptz not null default now(),
    passes_left int not null default 2,
    primary key (document_id, prefix)
);

create table stopped_stages (
    stage text primary key,
    reason text not null,
    at timestamptz not null default now()
);
"""

CHANNEL: Final = "processor_work"
"""NOTIFY channel: payload `work:<stage>`, `cancel:<document id>` or `stage:<stage>`."""
