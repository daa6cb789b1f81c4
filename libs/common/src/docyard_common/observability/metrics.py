"""Every metric of every service, each with its meaning: dashboards and alerts start from here.

Base units, `_total` for counters, labels of few values: never an id, an owner or a file name.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram, Info

_FAST_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_WORK_S: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_SIZES: Final = tuple(4.0**power for power in range(5, 18))  # 1 KiB to 16 GiB

# ---- Every service ----------------------------------------------------------------------------
BUILD_INFO: Final = Info("docyard_build", "What runs: service and version.")
HTTP_DURATION: Final = Histogram(
    "http_server_request_duration_seconds",
    "From the request's head to the end of its answer; route is the template, status the class.",
    ["method", "route", "status"],
    buckets=_FAST_S,
)
HTTP_ACTIVE: Final = Gauge(
    "http_server_active_requests", "Requests that are being answered, streams included."
)
CIRCUIT_STATE: Final = Gauge(
    "docyard_circuit_state", "0 closed, 1 half-open, 2 open: what is asked of it.", ["dependency"]
)
CIRCUIT_CHANGES: Final = Counter(
    "docyard_circuit_changes_total",
    "State changes of breakers, by new state.",
    ["dependency", "state"],
)
BACKGROUND_DEATHS: Final = Counter(
    "docyard_background_deaths_total", "Tasks that ended though they never should.", ["task"]
)

# ---- Kafka and the outbox ---------------------------------------------------------------------
CONSUMED: Final = Counter(
    "docyard_consumer_records_total", "Records applied and acknowledged.", ["group", "topic"]
)
CONSUMER_COMMITTED_AT: Final = Gauge(
    "docyard_consumer_last_commit_timestamp_seconds", "When the group last acknowledged.", ["group"]
)
CONSUMER_ERRORS: Final = Counter(
    "docyard_consumer_errors_total", "Batches that could not be applied and came again.", ["group"]
)
CONSUMER_LAG: Final = Gauge(
    "docyard_consumer_lag",
    "Records between this process and the end of its partitions; replicas add up.",
    ["group", "topic"],
)
CONSUMER_REBALANCES: Final = Counter(
    "docyard_consumer_rebalances_total", "Assignments of partitions to this process.", ["group"]
)
PRODUCER_ERRORS: Final = Counter(
    "docyard_producer_errors_total", "Publishes that Kafka did not acknowledge.", ["topic"]
)
PUBLISHED: Final = Counter(
    "docyard_outbox_published_total", "Outbox rows that Kafka has acknowledged.", ["topic"]
)
PUBLISH_LATENCY: Final = Histogram(
    "docyard_outbox_publish_latency_seconds",
    "From the writing of an outbox row to Kafka's acknowledgement.",
    buckets=_FAST_S,
)
OUTBOX_PENDING: Final = Gauge("docyard_outbox_pending", "Outbox rows that wait for the relay.")
OUTBOX_OLDEST: Final = Gauge(
    "docyard_outbox_oldest_seconds", "Age of the outbox row that waits longest; 0 when none does."
)

# ---- Uploads ----------------------------------------------------------------------------------
UPLOADS_CREATED: Final = Counter(
    "docyard_uploads_created_total", "Uploads begun; mode is simple, multipart, tus …", ["mode"]
)
UPLOADS_COMPLETED: Final = Counter(
    "docyard_uploads_completed_total", "Uploads that became a document.", ["mode"]
)
UPLOADS_ABORTED: Final = Counter(
    "docyard_uploads_aborted_total",
    "Uploads that ended unfinished: client gone, cancelled, late.",
    ["mode"],
)
UPLOADS_REJECTED: Final = Counter(
    "docyard_uploads_rejected_total",
    "Uploads refused; reason is the problem's code.",
    ["mode", "reason"],
)
UPLOAD_BYTES: Final = Counter("docyard_upload_bytes_total", "Bytes of documents received.")
UPLOAD_SIZE: Final = Histogram(
    "docyard_upload_size_bytes", "Sizes of accepted documents.", buckets=_SIZES
)
CHILDREN: Final = Counter(
    "docyard_children_total",
    "Files found inside documents: accepted as documents, refused by limits, or unwanted.",
    ["outcome"],
)
UPLOAD_DURATION: Final = Histogram(
    "docyard_upload_duration_seconds", "From the first byte to 202.", ["mode"], buckets=_WORK_S
)
UPLOADS_IN_PROGRESS: Final = Gauge(
    "docyard_uploads_in_progress", "Uploads whose bytes are coming in."
)

# ---- Folder jobs ------------------------------------------------------------------------------
SYNC_FILES: Final = Counter(
    "docyard_sync_files_total",
    "Files of folder jobs; outcome is uploaded, unchanged, failed or postponed.",
    ["outcome"],
)
SYNC_BYTES: Final = Counter("docyard_sync_bytes_total", "Bytes of files that were uploaded.")
SYNC_FILE_DURATION: Final = Histogram(
    "docyard_sync_file_seconds", "From a file's turn to its outcome.", buckets=_FAST_S
)
SYNC_JOBS: Final = Gauge("docyard_sync_jobs_running", "Folder jobs that this process works on.")
SYNC_ENDS: Final = Counter(
    "docyard_sync_passes_total",
    "Passes over folders; outcome is completed, failed, superseded or broken.",
    ["outcome"],
)
SYNC_WAITING: Final = Gauge(
    "docyard_sync_workers_waiting", "Workers that wait for a server to answer.", ["dependency"]
)

# ---- Stages -----------------------------------------------------------------------------------
STAGE_OUTCOMES: Final = Counter(
    "docyard_stage_runs_total",
    "Runs that ended; outcome is done, retry, dead_letter, cancelled or superseded.",
    ["stage", "outcome"],
)
MEMORY_BUDGET: Final = Gauge(
    "docyard_memory_budget_bytes", "What the estimates of running documents may come to together."
)
MEMORY_RESERVED: Final = Gauge(
    "docyard_memory_reserved_bytes", "Estimates of the documents that run, together."
)
BULKY_REST: Final = Counter(
    "docyard_bulky_rest_seconds_total", "How long bulky documents have rested beside small ones."
)
STAGE_WAITING_FOR_MEMORY: Final = Gauge(
    "docyard_stage_waiting_for_memory",
    "Due documents that need more memory than the running ones leave.",
    ["stage"],
)
RESULTS_REUSED: Final = Counter(
    "docyard_result_reuse_total",
    "Documents whose result could be an equal one's: taken, container (unfolded anew), or lost"
    " (deleted, replaced or damaged meanwhile).",
    ["outcome"],
)
STAGE_DURATION: Final = Histogram(
    "docyard_stage_duration_seconds", "How long a run worked.", ["stage"], buckets=_WORK_S
)
STAGE_WAIT: Final = Histogram(
    "docyard_stage_queue_wait_seconds",
    "From due to picked up by a slot.",
    ["stage", "priority"],
    buckets=_WORK_S,
)
STAGE_PAGES: Final = Counter("docyard_stage_pages_total", "Pages worked on.", ["stage"])
STAGE_RETRIES: Final = Counter(
    "docyard_stage_retries_total", "Runs put off for another attempt.", ["stage", "reason"]
)
STAGE_INFLIGHT: Final = Gauge("docyard_stage_inflight", "Slots at work.", ["stage"])
STAGE_SLOTS: Final = Gauge("docyard_stage_slots", "Slots of this process.", ["stage"])
STAGE_WAITING: Final = Gauge(
    "docyard_stage_waiting", "Rows that wait for a slot.", ["stage", "priority"]
)
STAGE_OLDEST: Final = Gauge(
    "docyard_stage_oldest_seconds", "How long the oldest due row waits; 0 when none.", ["stage"]
)
STAGE_PAUSED: Final = Gauge(
    "docyard_stage_paused", "1 while a breaker or the guard holds the stage.", ["stage", "cause"]
)
INTAKE: Final = Counter(
    "docyard_intake_records_total",
    "Work records taken in: stored, skipped (there, done, cancelled), reconciled or undecodable.",
    ["stage", "outcome"],
)
INTAKE_BATCH: Final = Histogram(
    "docyard_intake_batch_records",
    "Work records taken in together.",
    ["stage"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200),
)
INTAKE_DURATION: Final = Histogram(
    "docyard_intake_duration_seconds",
    "From a batch with room for it to its commit.",
    ["stage"],
    buckets=_FAST_S,
)
LEASES_RENEWED: Final = Counter(
    "docyard_lease_renewals_total", "Renewals of leases, one for each run at each beat."
)
LEASES_LOST: Final = Counter(
    "docyard_lease_losses_total",
    "Runs stopped because their row was taken over or cancelled.",
    ["stage"],
)
LEASES_TAKEN_OVER: Final = Counter(
    "docyard_lease_takeovers_total",
    "Rows picked up after a run of theirs had ended without a word.",
    ["stage"],
)
DOCUMENT_DURATION: Final = Histogram(
    "docyard_document_e2e_seconds",
    "From accepted to completed or failed.",
    ["outcome"],
    buckets=_WORK_S,
)

# ---- Dead letters -----------------------------------------------------------------------------
DLQ_MESSAGES: Final = Counter(
    "docyard_dlq_messages_total", "Dead letters written.", ["stage", "reason"]
)
DLQ_OPEN: Final = Gauge("docyard_dlq_open", "Dead letters that nobody has dealt with.", ["stage"])
DLQ_OLDEST: Final = Gauge(
    "docyard_dlq_oldest_seconds", "Age of the oldest open dead letter; 0 when none.", ["stage"]
)
DLQ_REPLAYS: Final = Counter(
    "docyard_dlq_replays_total",
    "Dead letters sent again; outcome is moved, skipped or failed.",
    ["outcome"],
)
DLQ_RESOLVED: Final = Counter(
    "docyard_dlq_resolved_total", "Dead letters cured: the stage later succeeded.", ["stage"]
)
DLQ_DISCARDS: Final = Counter(
    "docyard_dlq_discards_total", "Dead letters a person has given up.", ["stage"]
)
DLQ_PARKED: Final = Gauge("docyard_dlq_parked", "Dead letters replayed too often.", ["stage"])

# ---- Live progress (transport is ws or sse) ---------------------------------------------------
WS_CONNECTIONS: Final = Gauge("docyard_ws_connections", "Open sessions.", ["transport"])
WS_SUBSCRIPTIONS: Final = Gauge(
    "docyard_ws_subscriptions", "Documents watched, counted per session."
)
WS_SENT: Final = Counter("docyard_ws_messages_sent_total", "Messages sent.", ["transport", "type"])
WS_COALESCED: Final = Counter(
    "docyard_ws_coalesced_total", "Ticks a newer one replaced before they were sent."
)
WS_CLOSES: Final = Counter("docyard_ws_closes_total", "Sessions ended, by close code.", ["code"])
WS_RECOVERIES: Final = Counter(
    "docyard_ws_recover_total",
    "Subscribes that asked for what they missed, and whether they got it.",
    ["recovered"],
)
WS_LATENCY: Final = Histogram(
    "docyard_ws_delivery_latency_seconds", "From Kafka's timestamp to the socket.", buckets=_FAST_S
)

# ---- Search -----------------------------------------------------------------------------------
SEARCH_DURATION: Final = Histogram(
    "docyard_search_duration_seconds", "How long a search took.", ["mode"], buckets=_FAST_S
)
MODEL_REQUESTS: Final = Counter(
    "docyard_model_documents_total",
    "Analyses with a language model configured; outcome is used, or why it was not.",
    ["outcome"],
)
MODEL_TOKENS: Final = Counter(
    "docyard_model_tokens_total", "Tokens that answers of the language model did cost."
)
INDEXED_CHUNKS: Final = Counter("docyard_indexed_chunks_total", "Chunks written to the index.")
OUTDATED_DOCUMENTS: Final = Gauge(
    "docyard_outdated_documents",
    "Indexed documents that await embeddings of the present model, as who makes them tells.",
)
REEMBEDDED_CHUNKS: Final = Counter(
    "docyard_reembedded_chunks_total", "Chunks that another model had embedded, embedded again."
)
