-- The state database. Times are int64 nanoseconds UTC. Bodies are JSON of the records.

CREATE TABLE event (
    event_id        TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    at_ns           INTEGER NOT NULL,
    session         TEXT NOT NULL,
    topic           TEXT NOT NULL,
    message_number  INTEGER NOT NULL,
    payload_sha256  TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_payload ON event (payload_sha256, topic);
CREATE INDEX event_by_delivery ON event (session, message_number);

CREATE TABLE job_order (
    job_order_id            TEXT PRIMARY KEY,
    material_definition_id  TEXT,
    client_id               TEXT,
    equipment_id            TEXT,
    started_ns              INTEGER,
    ended_ns                INTEGER
) STRICT;
CREATE INDEX job_order_by_equipment ON job_order (equipment_id, started_ns);

CREATE TABLE lot (
    material_lot_id         TEXT PRIMARY KEY,
    job_order_id            TEXT,
    material_definition_id  TEXT,
    client_id               TEXT,
    equipment_id            TEXT,
    started_ns              INTEGER,
    ended_ns                INTEGER,
    closed_ns               INTEGER,
    recommendation          TEXT NOT NULL DEFAULT 'pending',
    latched                 INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX lot_by_equipment ON lot (equipment_id, started_ns);

CREATE TABLE context_change (
    event_id         TEXT PRIMARY KEY REFERENCES event,
    kind             TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    equipment_id     TEXT,
    material_lot_id  TEXT,
    body             TEXT NOT NULL
) STRICT;
CREATE INDEX context_change_by_lot ON context_change (material_lot_id);

CREATE TABLE lab_result (
    result_id        TEXT PRIMARY KEY,
    source           TEXT NOT NULL,
    sample_id        TEXT NOT NULL,
    test_id          TEXT NOT NULL,
    replicate        INTEGER NOT NULL,
    result_version   INTEGER NOT NULL,
    current          INTEGER NOT NULL,
    analyte          TEXT NOT NULL,
    material_lot_id  TEXT,
    sampled_ns       INTEGER,
    payload_sha256   TEXT NOT NULL,
    payload          BLOB NOT NULL,
    body             TEXT NOT NULL,
    event_id         TEXT NOT NULL REFERENCES event,
    UNIQUE (source, sample_id, test_id, replicate, result_version)
) STRICT;
CREATE INDEX lab_result_by_lot ON lab_result (material_lot_id, current);

CREATE TABLE prediction (
    prediction_id     TEXT PRIMARY KEY,
    at_ns             INTEGER NOT NULL,
    model             TEXT NOT NULL,
    equipment_id      TEXT NOT NULL,
    analyte           TEXT NOT NULL,
    material_lot_id   TEXT,
    sample_result_id  TEXT,
    value             REAL,
    low               REAL,
    high              REAL,
    accepted          INTEGER NOT NULL,
    body              TEXT NOT NULL
) STRICT;
CREATE INDEX prediction_by_model ON prediction (model, at_ns);
CREATE INDEX prediction_by_sample ON prediction (model, sample_result_id, at_ns) WHERE sample_result_id IS NOT NULL;

CREATE TABLE disposition (
    disposition_id   TEXT PRIMARY KEY,
    material_lot_id  TEXT,
    recommendation   TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    event_id         TEXT NOT NULL,
    body             TEXT NOT NULL
) STRICT;
CREATE INDEX disposition_by_lot ON disposition (material_lot_id, at_ns);

CREATE TABLE guidance (
    guidance_id   TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    state         TEXT NOT NULL,
    open          INTEGER NOT NULL,
    moved_tag     TEXT,
    moved_ns      INTEGER,
    issued_ns     INTEGER NOT NULL,
    body          TEXT NOT NULL
) STRICT;
CREATE INDEX guidance_open ON guidance (issued_ns) WHERE open = 1;
CREATE INDEX guidance_moves ON guidance (moved_tag, moved_ns) WHERE moved_tag IS NOT NULL;

CREATE TABLE guidance_state (
    guidance_id  TEXT NOT NULL REFERENCES guidance,
    state        TEXT NOT NULL,
    at_ns        INTEGER NOT NULL,
    event_id     TEXT NOT NULL,
    PRIMARY KEY (guidance_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE response (
    event_id     TEXT PRIMARY KEY REFERENCES event,
    guidance_id  TEXT NOT NULL,
    act          TEXT NOT NULL,
    person       TEXT,
    outcome      TEXT NOT NULL,
    body         TEXT NOT NULL
) STRICT;
CREATE INDEX response_by_guidance ON response (guidance_id);

CREATE TABLE dead_letter (
    dead_letter_id  TEXT PRIMARY KEY,
    at_ns           INTEGER NOT NULL,
    topic           TEXT NOT NULL,
    reasons         TEXT NOT NULL,
    payload         BLOB NOT NULL
) STRICT;

CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id  TEXT NOT NULL UNIQUE,
    lane        INTEGER NOT NULL,
    topic       TEXT NOT NULL,
    payload     BLOB NOT NULL,
    retain      INTEGER NOT NULL,
    expires_ns  INTEGER,
    created_ns  INTEGER NOT NULL,
    parked      TEXT
) STRICT;
CREATE INDEX outbox_order ON outbox (lane, seq) WHERE parked IS NULL;
CREATE INDEX outbox_topic ON outbox (topic);

-- why a message left the outbox without an acknowledgement
CREATE TABLE departure (
    seq         INTEGER PRIMARY KEY,
    message_id  TEXT NOT NULL,
    lane        INTEGER NOT NULL,
    topic       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    at_ns       INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    seq       INTEGER PRIMARY KEY,
    at_ns     INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    body      TEXT NOT NULL,
    previous  TEXT NOT NULL,
    hash      TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_kind ON audit (kind, seq);
CREATE INDEX audit_by_subject ON audit (subject);

CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
