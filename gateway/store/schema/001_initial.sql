-- The state database. Times are int64 nanoseconds UTC. Bodies are JSON of the records. Tables stand in the order of
-- tables.py.
--
-- Evidence carries the hash of its columns. What is written with every result comes with its hash; of all else, and of
-- rows that come without (salvaged ones), a trigger sets it, so that no way of writing can forget it. The views named
-- *_checked say whether each row still holds. A row that no longer holds stays so: no later change hashes damage into
-- it. evidence_hash is the gateway's own function: without it nobody writes to these tables. Text goes in as bytes, so
-- that damaged characters are noticed.

-- Each message that came from outside, once: what it was, and which payload. Event ids are identities of causes.
CREATE TABLE event (
    event_id        TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    at_ns           INTEGER NOT NULL,
    session         TEXT NOT NULL,
    topic           TEXT NOT NULL,
    message_number  INTEGER NOT NULL,
    payload_sha256  TEXT NOT NULL,
    hash            TEXT
) STRICT;
CREATE INDEX event_by_payload ON event (payload_sha256, topic);
CREATE INDEX event_by_delivery ON event (session, message_number);
CREATE TRIGGER event_hashed AFTER INSERT ON event WHEN NEW.hash IS NULL BEGIN
    UPDATE event SET hash =
        evidence_hash('event', CAST(NEW.event_id AS BLOB), CAST(NEW.kind AS BLOB), NEW.at_ns,
        CAST(NEW.session AS BLOB), CAST(NEW.topic AS BLOB), NEW.message_number,
        CAST(NEW.payload_sha256 AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW event_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('event', CAST(event_id AS BLOB), CAST(kind AS BLOB), at_ns, CAST(session AS BLOB),
    CAST(topic AS BLOB), message_number, CAST(payload_sha256 AS BLOB)) AS holds
FROM event;

-- Production orders, as the manufacturing execution system states them.
CREATE TABLE job_order (
    job_order_id            TEXT PRIMARY KEY,
    material_definition_id  TEXT,
    client_id               TEXT,
    equipment_id            TEXT,
    started_ns              INTEGER,
    ended_ns                INTEGER,
    hash                    TEXT
) STRICT;
CREATE INDEX job_order_by_equipment ON job_order (equipment_id, started_ns);
CREATE TRIGGER job_order_hashed AFTER INSERT ON job_order BEGIN
    UPDATE job_order SET hash =
        evidence_hash('job_order', CAST(NEW.job_order_id AS BLOB), CAST(NEW.material_definition_id AS BLOB),
        CAST(NEW.client_id AS BLOB), CAST(NEW.equipment_id AS BLOB), NEW.started_ns, NEW.ended_ns)
    WHERE job_order_id = NEW.job_order_id;
END;
CREATE TRIGGER job_order_rehashed AFTER UPDATE OF
    material_definition_id, client_id, equipment_id, started_ns, ended_ns
ON job_order BEGIN
    UPDATE job_order SET hash = CASE WHEN OLD.hash IS
        evidence_hash('job_order', CAST(OLD.job_order_id AS BLOB), CAST(OLD.material_definition_id AS BLOB),
        CAST(OLD.client_id AS BLOB), CAST(OLD.equipment_id AS BLOB), OLD.started_ns, OLD.ended_ns)
    THEN
        evidence_hash('job_order', CAST(NEW.job_order_id AS BLOB), CAST(NEW.material_definition_id AS BLOB),
        CAST(NEW.client_id AS BLOB), CAST(NEW.equipment_id AS BLOB), NEW.started_ns, NEW.ended_ns)
    ELSE OLD.hash END
    WHERE job_order_id = NEW.job_order_id;
END;
CREATE VIEW job_order_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('job_order', CAST(job_order_id AS BLOB), CAST(material_definition_id AS BLOB),
    CAST(client_id AS BLOB), CAST(equipment_id AS BLOB), started_ns, ended_ns) AS holds
FROM job_order;

-- Material lots: when and where they were made, and what is recommended for them. A name with | could stand for several
-- lots; each result looks whether production uses such names.
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
    latched                 INTEGER NOT NULL DEFAULT 0,
    hash                    TEXT
) STRICT;
CREATE INDEX lot_by_equipment ON lot (equipment_id, started_ns);
CREATE INDEX lot_by_order ON lot (job_order_id) WHERE job_order_id IS NOT NULL;
CREATE INDEX lot_with_bar ON lot (material_lot_id) WHERE instr(material_lot_id, '|') > 0;
CREATE TRIGGER lot_hashed AFTER INSERT ON lot BEGIN
    UPDATE lot SET hash =
        evidence_hash('lot', CAST(NEW.material_lot_id AS BLOB), CAST(NEW.job_order_id AS BLOB),
        CAST(NEW.material_definition_id AS BLOB), CAST(NEW.client_id AS BLOB),
        CAST(NEW.equipment_id AS BLOB), NEW.started_ns, NEW.ended_ns, NEW.closed_ns,
        CAST(NEW.recommendation AS BLOB), NEW.latched)
    WHERE material_lot_id = NEW.material_lot_id;
END;
CREATE TRIGGER lot_rehashed AFTER UPDATE OF
    job_order_id, material_definition_id, client_id, equipment_id, started_ns, ended_ns, closed_ns, recommendation,
    latched
ON lot BEGIN
    UPDATE lot SET hash = CASE WHEN OLD.hash IS
        evidence_hash('lot', CAST(OLD.material_lot_id AS BLOB), CAST(OLD.job_order_id AS BLOB),
        CAST(OLD.material_definition_id AS BLOB), CAST(OLD.client_id AS BLOB),
        CAST(OLD.equipment_id AS BLOB), OLD.started_ns, OLD.ended_ns, OLD.closed_ns,
        CAST(OLD.recommendation AS BLOB), OLD.latched)
    THEN
        evidence_hash('lot', CAST(NEW.material_lot_id AS BLOB), CAST(NEW.job_order_id AS BLOB),
        CAST(NEW.material_definition_id AS BLOB), CAST(NEW.client_id AS BLOB),
        CAST(NEW.equipment_id AS BLOB), NEW.started_ns, NEW.ended_ns, NEW.closed_ns,
        CAST(NEW.recommendation AS BLOB), NEW.latched)
    ELSE OLD.hash END
    WHERE material_lot_id = NEW.material_lot_id;
END;
CREATE VIEW lot_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('lot', CAST(material_lot_id AS BLOB), CAST(job_order_id AS BLOB),
    CAST(material_definition_id AS BLOB), CAST(client_id AS BLOB), CAST(equipment_id AS BLOB),
    started_ns, ended_ns, closed_ns, CAST(recommendation AS BLOB), latched) AS holds
FROM lot;

-- Every name by which a message has called a lot, with the key that it shares with names that only look alike
-- (gateway/lab/lookalike_names.py).
CREATE TABLE lot_name (
    material_lot_id  TEXT PRIMARY KEY,
    likeness         TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lot_name_by_likeness ON lot_name (likeness, material_lot_id);

-- Each message of production, as it came.
CREATE TABLE context_change (
    event_id         TEXT PRIMARY KEY REFERENCES event,
    kind             TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    equipment_id     TEXT,
    material_lot_id  TEXT,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX context_change_of_state ON context_change (equipment_id, at_ns) WHERE kind = 'equipment_state';
CREATE INDEX context_change_of_phase ON context_change (equipment_id, at_ns)
    WHERE kind IN ('phase_started', 'phase_ended');
CREATE INDEX context_change_of_plan ON context_change (at_ns) WHERE kind IN ('order_planned', 'order_cancelled');
CREATE INDEX context_change_by_lot ON context_change (material_lot_id);
CREATE INDEX context_change_by_order ON context_change
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.job_order_id') END);
CREATE TRIGGER context_change_hashed AFTER INSERT ON context_change BEGIN
    UPDATE context_change SET hash =
        evidence_hash('context_change', CAST(NEW.event_id AS BLOB), CAST(NEW.kind AS BLOB), NEW.at_ns,
        CAST(NEW.equipment_id AS BLOB), CAST(NEW.material_lot_id AS BLOB), CAST(NEW.body AS BLOB))
    WHERE event_id = NEW.event_id;
END;
CREATE VIEW context_change_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('context_change', CAST(event_id AS BLOB), CAST(kind AS BLOB), at_ns,
    CAST(equipment_id AS BLOB), CAST(material_lot_id AS BLOB), CAST(body AS BLOB)) AS holds
FROM context_change;

-- Versions of laboratory results, with the message as it came; current: the one that counts. A version may come in
-- several messages, as its status advances, so its number is not unique. For which client and study the sample was
-- measured is taken from the body, which the hash covers.
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
    hash             TEXT,
    client_id        TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.client_id') END, '')
    ) VIRTUAL,
    study_id         TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.study_id') END, '')
    ) VIRTUAL
) STRICT;
CREATE INDEX lab_result_by_lot ON lab_result (material_lot_id, current);
CREATE INDEX lab_result_versions ON lab_result (source, sample_id, test_id, replicate, result_version);
CREATE INDEX lab_result_of_event ON lab_result (event_id);
CREATE TRIGGER lab_result_hashed AFTER INSERT ON lab_result WHEN NEW.hash IS NULL BEGIN
    UPDATE lab_result SET hash =
        evidence_hash('lab_result', CAST(NEW.result_id AS BLOB), CAST(NEW.source AS BLOB),
        CAST(NEW.sample_id AS BLOB), CAST(NEW.test_id AS BLOB), NEW.replicate, NEW.result_version, NEW.current,
        CAST(NEW.analyte AS BLOB), CAST(NEW.material_lot_id AS BLOB), NEW.sampled_ns,
        CAST(NEW.payload_sha256 AS BLOB), NEW.payload, CAST(NEW.body AS BLOB), CAST(NEW.event_id AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER lab_result_rehashed AFTER UPDATE OF
    current
ON lab_result BEGIN
    UPDATE lab_result SET hash = CASE WHEN OLD.hash IS
        evidence_hash('lab_result', CAST(OLD.result_id AS BLOB), CAST(OLD.source AS BLOB),
        CAST(OLD.sample_id AS BLOB), CAST(OLD.test_id AS BLOB), OLD.replicate, OLD.result_version, OLD.current,
        CAST(OLD.analyte AS BLOB), CAST(OLD.material_lot_id AS BLOB), OLD.sampled_ns,
        CAST(OLD.payload_sha256 AS BLOB), OLD.payload, CAST(OLD.body AS BLOB), CAST(OLD.event_id AS BLOB))
    THEN
        evidence_hash('lab_result', CAST(NEW.result_id AS BLOB), CAST(NEW.source AS BLOB),
        CAST(NEW.sample_id AS BLOB), CAST(NEW.test_id AS BLOB), NEW.replicate, NEW.result_version, NEW.current,
        CAST(NEW.analyte AS BLOB), CAST(NEW.material_lot_id AS BLOB), NEW.sampled_ns,
        CAST(NEW.payload_sha256 AS BLOB), NEW.payload, CAST(NEW.body AS BLOB), CAST(NEW.event_id AS BLOB))
    ELSE OLD.hash END
    WHERE result_id = NEW.result_id;
END;
CREATE VIEW lab_result_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('lab_result', CAST(result_id AS BLOB), CAST(source AS BLOB), CAST(sample_id AS BLOB),
        CAST(test_id AS BLOB), replicate, result_version, current, CAST(analyte AS BLOB),
        CAST(material_lot_id AS BLOB), sampled_ns, CAST(payload_sha256 AS BLOB), payload, CAST(body AS BLOB),
        CAST(event_id AS BLOB)) AS holds
FROM lab_result;

-- Each version of a result as its last message has it, with the time of that message: of several messages of one
-- version the last has what all of them state.
CREATE VIEW lab_result_version AS
SELECT r.*, e.at_ns AS arrived_ns, 'lab_result ' || r.result_id AS record
FROM lab_result_checked AS r JOIN event AS e ON e.event_id = r.event_id
WHERE NOT EXISTS (
    SELECT 1 FROM lab_result AS later
    WHERE later.source = r.source AND later.sample_id = r.sample_id AND later.test_id = r.test_id
      AND later.replicate = r.replicate AND later.result_version = r.result_version AND later.rowid > r.row_number
);

-- For whom each lot is made: the client that production names, of the lot or its order; where it names none, the client
-- that the lot's results name. Production names no study.
CREATE VIEW lot_scope AS
SELECT l.material_lot_id, l.recommendation, l.latched, coalesce(l.client_id, o.client_id, (
    SELECT max(r.client_id) FROM lab_result AS r WHERE r.material_lot_id = l.material_lot_id AND r.current = 1
), w.client_id, wo.client_id, (
    SELECT max(r.client_id) FROM lab_result AS r WHERE r.material_lot_id = w.material_lot_id AND r.current = 1
), '') AS client_id
FROM lot AS l LEFT JOIN job_order AS o ON o.job_order_id = l.job_order_id
LEFT JOIN lot AS w ON w.material_lot_id = (  -- of which it is a part
    SELECT p.material_lot_id FROM lot_part AS p WHERE p.part_id = l.material_lot_id LIMIT 1
)
LEFT JOIN job_order AS wo ON wo.job_order_id = w.job_order_id;

-- Predictions of models. after_event: after which message from outside it was made, so that a replay decides in the
-- same order ('': before all of them; NULL: not on record); it is no evidence.
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
    body              TEXT NOT NULL,
    hash              TEXT,
    after_event       TEXT
) STRICT;
CREATE INDEX prediction_by_model ON prediction (model, at_ns);
CREATE INDEX prediction_at_samples ON prediction (model, at_ns) WHERE sample_result_id IS NOT NULL;
CREATE INDEX prediction_of_sample ON prediction (sample_result_id, model) WHERE sample_result_id IS NOT NULL;
CREATE INDEX prediction_of_version ON prediction
    (model, CAST(CASE WHEN json_valid(body) THEN json_extract(body, '$.model.sha256') END AS TEXT), accepted, at_ns)
    WHERE sample_result_id IS NOT NULL;
CREATE INDEX prediction_between_samples ON prediction (at_ns) WHERE sample_result_id IS NULL;
CREATE INDEX prediction_of_lot ON prediction (material_lot_id, at_ns, model, accepted) WHERE sample_result_id IS NULL;
CREATE TRIGGER prediction_hashed AFTER INSERT ON prediction BEGIN
    UPDATE prediction SET hash =
        evidence_hash('prediction', CAST(NEW.prediction_id AS BLOB), NEW.at_ns, CAST(NEW.model AS BLOB),
        CAST(NEW.equipment_id AS BLOB), CAST(NEW.analyte AS BLOB),
        CAST(NEW.material_lot_id AS BLOB), CAST(NEW.sample_result_id AS BLOB), NEW.value, NEW.low,
        NEW.high, NEW.accepted, CAST(NEW.body AS BLOB))
    WHERE prediction_id = NEW.prediction_id;
END;
CREATE VIEW prediction_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('prediction', CAST(prediction_id AS BLOB), at_ns, CAST(model AS BLOB),
    CAST(equipment_id AS BLOB), CAST(analyte AS BLOB), CAST(material_lot_id AS BLOB),
    CAST(sample_result_id AS BLOB), value, low, high, accepted, CAST(body AS BLOB)) AS holds
FROM prediction;

-- Each recommendation for a lot, with what it rests on.
CREATE TABLE disposition (
    disposition_id   TEXT PRIMARY KEY,
    material_lot_id  TEXT,
    recommendation   TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    event_id         TEXT NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX disposition_by_lot ON disposition (material_lot_id, at_ns);
CREATE INDEX disposition_of_event ON disposition (event_id);
CREATE INDEX disposition_of_hold ON disposition (material_lot_id) WHERE recommendation = 'hold';
CREATE TRIGGER disposition_hashed AFTER INSERT ON disposition WHEN NEW.hash IS NULL BEGIN
    UPDATE disposition SET hash =
        evidence_hash('disposition', CAST(NEW.disposition_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        CAST(NEW.recommendation AS BLOB), NEW.at_ns, CAST(NEW.event_id AS BLOB),
        CAST(NEW.body AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW disposition_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('disposition', CAST(disposition_id AS BLOB), CAST(material_lot_id AS BLOB),
    CAST(recommendation AS BLOB), at_ns, CAST(event_id AS BLOB), CAST(body AS BLOB)) AS holds
FROM disposition;

-- Guidance as it stands. Indexes lead to it by lot, sample and model, so that the cost of an event does not grow with
-- the open guidance; a body that is no JSON any more is in none of them, and its hash shows the damage where it is
-- read. Whose lot or sample it is about is taken from the body, too: the client of its lot, else of its result, and the
-- result's study.
CREATE TABLE guidance (
    guidance_id  TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    state        TEXT NOT NULL,
    open         INTEGER NOT NULL,
    moved_tag    TEXT,
    moved_ns     INTEGER,
    moved_boot_ns  INTEGER,
    moved_boot_id  TEXT,
    issued_ns    INTEGER NOT NULL,
    body         TEXT NOT NULL,
    hash         TEXT,
    client_id    TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN
            coalesce(json_extract(body, '$.client_id'), json_extract(body, '$.measured.client_id'))
        END, '')
    ) VIRTUAL,
    study_id     TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.measured.study_id') END, '')
    ) VIRTUAL
) STRICT;
CREATE INDEX guidance_open ON guidance (issued_ns) WHERE open = 1;
CREATE INDEX guidance_moves ON guidance (moved_tag) WHERE moved_tag IS NOT NULL;
CREATE INDEX guidance_open_of_sample ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.measured.sample_id') END) WHERE open = 1;
CREATE INDEX guidance_open_of_model ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.predicted.model.name') END) WHERE open = 1;
CREATE INDEX guidance_open_until ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.expires.wall_ns') END) WHERE open = 1;
CREATE INDEX guidance_open_warning ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.equipment_id') END) WHERE open = 1 AND kind = 'warning';
CREATE INDEX guidance_open_suggestion ON guidance (issued_ns) WHERE open = 1 AND kind = 'setpoint';
CREATE INDEX guidance_announced ON guidance (
    CASE WHEN json_valid(body) THEN json_extract(body, '$.equipment_id') END,
    CASE WHEN json_valid(body) THEN json_extract(body, '$.announced_ns') END
) WHERE kind IN ('warning', 'setpoint');
CREATE INDEX guidance_of_lot ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END, issued_ns);
CREATE TRIGGER guidance_hashed AFTER INSERT ON guidance BEGIN
    UPDATE guidance SET hash =
        evidence_hash('guidance', CAST(NEW.guidance_id AS BLOB), CAST(NEW.kind AS BLOB), CAST(NEW.state AS BLOB),
        NEW.open, CAST(NEW.moved_tag AS BLOB), NEW.moved_ns, NEW.moved_boot_ns, CAST(NEW.moved_boot_id AS BLOB),
        NEW.issued_ns, CAST(NEW.body AS BLOB))
    WHERE guidance_id = NEW.guidance_id;
END;
CREATE TRIGGER guidance_rehashed AFTER UPDATE OF
    kind, state, open, moved_tag, moved_ns, moved_boot_ns, moved_boot_id, issued_ns, body
ON guidance BEGIN
    UPDATE guidance SET hash = CASE WHEN OLD.hash IS
        evidence_hash('guidance', CAST(OLD.guidance_id AS BLOB), CAST(OLD.kind AS BLOB), CAST(OLD.state AS BLOB),
        OLD.open, CAST(OLD.moved_tag AS BLOB), OLD.moved_ns, OLD.moved_boot_ns, CAST(OLD.moved_boot_id AS BLOB),
        OLD.issued_ns, CAST(OLD.body AS BLOB))
    THEN
        evidence_hash('guidance', CAST(NEW.guidance_id AS BLOB), CAST(NEW.kind AS BLOB), CAST(NEW.state AS BLOB),
        NEW.open, CAST(NEW.moved_tag AS BLOB), NEW.moved_ns, NEW.moved_boot_ns, CAST(NEW.moved_boot_id AS BLOB),
        NEW.issued_ns, CAST(NEW.body AS BLOB))
    ELSE OLD.hash END
    WHERE guidance_id = NEW.guidance_id;
END;
CREATE VIEW guidance_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('guidance', CAST(guidance_id AS BLOB), CAST(kind AS BLOB), CAST(state AS BLOB), open,
    CAST(moved_tag AS BLOB), moved_ns, moved_boot_ns, CAST(moved_boot_id AS BLOB), issued_ns,
    CAST(body AS BLOB)) AS holds
FROM guidance;

-- When a guidance came into each state, and by which event.
CREATE TABLE guidance_state (
    guidance_id  TEXT NOT NULL REFERENCES guidance,
    state        TEXT NOT NULL,
    at_ns        INTEGER NOT NULL,
    event_id     TEXT NOT NULL,
    hash         TEXT,
    PRIMARY KEY (guidance_id, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER guidance_state_hashed AFTER INSERT ON guidance_state BEGIN
    UPDATE guidance_state SET hash =
        evidence_hash('guidance_state', CAST(NEW.guidance_id AS BLOB), CAST(NEW.state AS BLOB), NEW.at_ns,
        CAST(NEW.event_id AS BLOB))
    WHERE guidance_id = NEW.guidance_id AND state = NEW.state;
END;
CREATE VIEW guidance_state_checked AS SELECT *, hash IS
    evidence_hash('guidance_state', CAST(guidance_id AS BLOB), CAST(state AS BLOB), at_ns,
    CAST(event_id AS BLOB)) AS holds
FROM guidance_state;

-- Approved moves of setpoints, and where writing them stands. Of a tag at most one is open, whoever approves.
CREATE TABLE setpoint_intent (
    intent_id    TEXT PRIMARY KEY,
    guidance_id  TEXT NOT NULL,
    tag          TEXT NOT NULL,
    state        TEXT NOT NULL,
    open         INTEGER NOT NULL,
    automatic    INTEGER NOT NULL,
    issued_ns    INTEGER NOT NULL,
    written_ns   INTEGER,
    written_boot_ns  INTEGER,  -- the same instant by the clock since boot: a wall clock that is set allows no more moves
    written_boot_id  TEXT,
    body         TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    hash         TEXT
) STRICT;
CREATE UNIQUE INDEX setpoint_intent_open ON setpoint_intent (tag) WHERE open = 1;
CREATE INDEX setpoint_intent_written ON setpoint_intent (tag, written_ns) WHERE written_ns IS NOT NULL;
CREATE INDEX setpoint_intent_of_guidance ON setpoint_intent (guidance_id);
CREATE INDEX setpoint_intent_newest ON setpoint_intent (issued_ns);
CREATE INDEX setpoint_intent_of_tag ON setpoint_intent (tag, issued_ns);
CREATE TRIGGER setpoint_intent_hashed AFTER INSERT ON setpoint_intent BEGIN
    UPDATE setpoint_intent SET hash =
        evidence_hash('setpoint_intent', CAST(NEW.intent_id AS BLOB), CAST(NEW.guidance_id AS BLOB),
        CAST(NEW.tag AS BLOB), CAST(NEW.state AS BLOB), NEW.open, NEW.automatic, NEW.issued_ns, NEW.written_ns,
        NEW.written_boot_ns, CAST(NEW.written_boot_id AS BLOB), CAST(NEW.body AS BLOB), CAST(NEW.event_id AS BLOB))
    WHERE intent_id = NEW.intent_id;
END;
CREATE TRIGGER setpoint_intent_rehashed AFTER UPDATE OF
    state, open, written_ns, written_boot_ns, written_boot_id
ON setpoint_intent BEGIN
    UPDATE setpoint_intent SET hash = CASE WHEN OLD.hash IS
        evidence_hash('setpoint_intent', CAST(OLD.intent_id AS BLOB), CAST(OLD.guidance_id AS BLOB),
        CAST(OLD.tag AS BLOB), CAST(OLD.state AS BLOB), OLD.open, OLD.automatic, OLD.issued_ns, OLD.written_ns,
        OLD.written_boot_ns, CAST(OLD.written_boot_id AS BLOB), CAST(OLD.body AS BLOB), CAST(OLD.event_id AS BLOB))
    THEN
        evidence_hash('setpoint_intent', CAST(NEW.intent_id AS BLOB), CAST(NEW.guidance_id AS BLOB),
        CAST(NEW.tag AS BLOB), CAST(NEW.state AS BLOB), NEW.open, NEW.automatic, NEW.issued_ns, NEW.written_ns,
        NEW.written_boot_ns, CAST(NEW.written_boot_id AS BLOB), CAST(NEW.body AS BLOB), CAST(NEW.event_id AS BLOB))
    ELSE OLD.hash END
    WHERE intent_id = NEW.intent_id;
END;
CREATE VIEW setpoint_intent_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('setpoint_intent', CAST(intent_id AS BLOB), CAST(guidance_id AS BLOB), CAST(tag AS BLOB),
    CAST(state AS BLOB), open, automatic, issued_ns, written_ns, written_boot_ns, CAST(written_boot_id AS BLOB),
    CAST(body AS BLOB), CAST(event_id AS BLOB)) AS holds
FROM setpoint_intent;

-- When an intent came into each state, with what was read, written and read back then.
CREATE TABLE setpoint_intent_state (
    intent_id  TEXT NOT NULL,
    state      TEXT NOT NULL,
    at_ns      INTEGER NOT NULL,
    body       TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    hash       TEXT,
    PRIMARY KEY (intent_id, state)
) STRICT;
CREATE TRIGGER setpoint_intent_state_hashed AFTER INSERT ON setpoint_intent_state BEGIN
    UPDATE setpoint_intent_state SET hash =
        evidence_hash('setpoint_intent_state', CAST(NEW.intent_id AS BLOB), CAST(NEW.state AS BLOB), NEW.at_ns,
        CAST(NEW.body AS BLOB), CAST(NEW.event_id AS BLOB))
    WHERE intent_id = NEW.intent_id AND state = NEW.state;
END;
CREATE VIEW setpoint_intent_state_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('setpoint_intent_state', CAST(intent_id AS BLOB), CAST(state AS BLOB), at_ns,
    CAST(body AS BLOB), CAST(event_id AS BLOB)) AS holds
FROM setpoint_intent_state;

-- When a person stopped all writing, or allowed it again; the newest row holds.
CREATE TABLE setpoint_stop (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    stopped   INTEGER NOT NULL,
    at_ns     INTEGER NOT NULL,
    person    TEXT NOT NULL,
    reason    TEXT NOT NULL,
    event_id  TEXT NOT NULL,
    hash      TEXT
) STRICT;
CREATE TRIGGER setpoint_stop_hashed AFTER INSERT ON setpoint_stop BEGIN
    UPDATE setpoint_stop SET hash =
        evidence_hash('setpoint_stop', NEW.seq, NEW.stopped, NEW.at_ns, CAST(NEW.person AS BLOB),
        CAST(NEW.reason AS BLOB), CAST(NEW.event_id AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW setpoint_stop_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('setpoint_stop', seq, stopped, at_ns, CAST(person AS BLOB), CAST(reason AS BLOB),
    CAST(event_id AS BLOB)) AS holds
FROM setpoint_stop;

-- What came of moves that were written: expected, and predicted or measured afterwards.
CREATE TABLE setpoint_outcome (
    intent_id    TEXT NOT NULL,
    followed     TEXT NOT NULL,
    at_ns        INTEGER NOT NULL,
    by           TEXT NOT NULL,
    expected     REAL NOT NULL,
    value        REAL NOT NULL,
    as_expected  INTEGER NOT NULL,
    hash         TEXT,
    PRIMARY KEY (intent_id, followed)
) STRICT;
CREATE TRIGGER setpoint_outcome_hashed AFTER INSERT ON setpoint_outcome BEGIN
    UPDATE setpoint_outcome SET hash =
        evidence_hash('setpoint_outcome', CAST(NEW.intent_id AS BLOB), CAST(NEW.followed AS BLOB), NEW.at_ns,
        CAST(NEW.by AS BLOB), NEW.expected, NEW.value, NEW.as_expected)
    WHERE intent_id = NEW.intent_id AND followed = NEW.followed;
END;
CREATE VIEW setpoint_outcome_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('setpoint_outcome', CAST(intent_id AS BLOB), CAST(followed AS BLOB), at_ns, CAST(by AS BLOB),
    expected, value, as_expected) AS holds
FROM setpoint_outcome;

-- What people answered to guidance, and what that did. Without user_id nobody was identified, and person is only what
-- the message states. key_id, nonce: of the signed token, which is taken once.
CREATE TABLE response (
    event_id     TEXT PRIMARY KEY,
    guidance_id  TEXT NOT NULL,
    act          TEXT NOT NULL,
    person       TEXT,
    user_id      TEXT,
    credential   TEXT,
    key_id       TEXT,
    nonce        TEXT,
    outcome      TEXT NOT NULL,
    at_ns        INTEGER NOT NULL,
    body         TEXT NOT NULL,
    hash         TEXT
) STRICT;
CREATE INDEX response_by_guidance ON response (guidance_id);
CREATE UNIQUE INDEX response_by_token ON response (key_id, nonce) WHERE key_id IS NOT NULL;
CREATE INDEX response_by_key ON response (key_id, at_ns) WHERE key_id IS NOT NULL;
CREATE TRIGGER response_hashed AFTER INSERT ON response BEGIN
    UPDATE response SET hash =
        evidence_hash('response', CAST(NEW.event_id AS BLOB), CAST(NEW.guidance_id AS BLOB),
        CAST(NEW.act AS BLOB), CAST(NEW.person AS BLOB), CAST(NEW.user_id AS BLOB), CAST(NEW.credential AS BLOB),
        CAST(NEW.key_id AS BLOB), CAST(NEW.nonce AS BLOB), CAST(NEW.outcome AS BLOB), NEW.at_ns,
        CAST(NEW.body AS BLOB))
    WHERE event_id = NEW.event_id;
END;
CREATE VIEW response_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('response', CAST(event_id AS BLOB), CAST(guidance_id AS BLOB), CAST(act AS BLOB),
    CAST(person AS BLOB), CAST(user_id AS BLOB), CAST(credential AS BLOB), CAST(key_id AS BLOB),
    CAST(nonce AS BLOB), CAST(outcome AS BLOB), at_ns, CAST(body AS BLOB)) AS holds
FROM response;

-- Messages of terminals that changed nothing, in the present period: one row.
CREATE TABLE refused_responses (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    begun_ns   INTEGER NOT NULL,
    recorded   INTEGER NOT NULL,
    counted    INTEGER NOT NULL
) STRICT;

-- Payloads of refused messages, each once, however often it was sent; bounded by a quota, the oldest goes first.
CREATE TABLE dead_letter_payload (
    payload_sha256  TEXT PRIMARY KEY,
    bytes           INTEGER NOT NULL,
    payload         BLOB NOT NULL,
    hash            TEXT
) STRICT;
CREATE TRIGGER dead_letter_payload_hashed AFTER INSERT ON dead_letter_payload BEGIN
    UPDATE dead_letter_payload SET hash =
        evidence_hash('dead_letter_payload', CAST(NEW.payload_sha256 AS BLOB), NEW.bytes, NEW.payload)
    WHERE payload_sha256 = NEW.payload_sha256;
END;
CREATE TRIGGER dead_letter_payload_counted AFTER INSERT ON dead_letter_payload BEGIN
    UPDATE dead_letter_payloads SET bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER dead_letter_payload_uncounted AFTER DELETE ON dead_letter_payload BEGIN
    UPDATE dead_letter_payloads SET bytes = bytes - OLD.bytes;
END;
CREATE VIEW dead_letter_payload_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('dead_letter_payload', CAST(payload_sha256 AS BLOB), bytes, payload) AS holds
FROM dead_letter_payload;

-- Refused messages and why. The payload is 'sha256:' and the hash of the one that is kept in dead_letter_payload.
CREATE TABLE dead_letter (
    dead_letter_id  TEXT PRIMARY KEY,
    at_ns           INTEGER NOT NULL,
    topic           TEXT NOT NULL,
    reasons         TEXT NOT NULL,
    payload         BLOB NOT NULL,
    hash            TEXT
) STRICT;
CREATE TRIGGER dead_letter_hashed AFTER INSERT ON dead_letter BEGIN
    UPDATE dead_letter SET hash =
        evidence_hash('dead_letter', CAST(NEW.dead_letter_id AS BLOB), NEW.at_ns, CAST(NEW.topic AS BLOB),
        CAST(NEW.reasons AS BLOB), NEW.payload)
    WHERE dead_letter_id = NEW.dead_letter_id;
END;
CREATE VIEW dead_letter_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('dead_letter', CAST(dead_letter_id AS BLOB), at_ns, CAST(topic AS BLOB), CAST(reasons AS BLOB),
    payload) AS holds
FROM dead_letter;
-- A dead letter with the payload that is kept of it; NULL where the quota has taken it.
CREATE VIEW dead_letter_whole AS
SELECT d.row_number, d.dead_letter_id, d.at_ns, d.topic, d.reasons,
       CASE WHEN d.kept_sha256 IS NULL THEN d.payload ELSE k.payload END AS payload,
       d.holds AND ifnull(k.holds, 1) AS holds
FROM (SELECT *, CASE WHEN substr(payload, 1, 7) = x'7368613235363a' THEN CAST(substr(payload,
8) AS TEXT) END AS kept_sha256
      FROM dead_letter_checked) AS d
LEFT JOIN dead_letter_payload_checked AS k ON k.payload_sha256 = d.kept_sha256;

-- Messages that wait to be sent. acknowledged: on which connection the broker has acknowledged it (0: on none); it is
-- kept until the broker is known to have lived on for a while, as brokers acknowledge before they save. That is no
-- evidence.
CREATE TABLE outbox (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id       TEXT NOT NULL UNIQUE,
    lane             INTEGER NOT NULL,
    topic            TEXT NOT NULL,
    payload          BLOB NOT NULL,
    retain           INTEGER NOT NULL,
    expires_ns       INTEGER,
    created_ns       INTEGER NOT NULL,
    parked           TEXT,
    expires_boot_ns  INTEGER,
    boot_id          TEXT,
    hash             TEXT,
    acknowledged     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_order ON outbox (lane, seq) WHERE parked IS NULL;
CREATE INDEX outbox_topic ON outbox (topic);
CREATE VIEW outbox_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('outbox', CAST(message_id AS BLOB), lane, CAST(topic AS BLOB), payload, retain, expires_ns,
    created_ns, expires_boot_ns, CAST(boot_id AS BLOB)) AS holds
FROM outbox;

-- Known holes in data; without an end they are still open. The index has the end first, as most queries are about
-- recent times.
CREATE TABLE gap (
    gap_id    TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    from_ns   INTEGER NOT NULL,
    until_ns  INTEGER,
    at_ns     INTEGER NOT NULL,
    body      TEXT NOT NULL,
    hash      TEXT
) STRICT;
CREATE INDEX gap_by_subject ON gap (subject, from_ns);
CREATE INDEX gap_in_time ON gap (ifnull(until_ns, 9223372036854775807), from_ns);
CREATE TRIGGER gap_hashed AFTER INSERT ON gap BEGIN
    UPDATE gap SET hash =
        evidence_hash('gap', CAST(NEW.gap_id AS BLOB), CAST(NEW.kind AS BLOB), CAST(NEW.subject AS BLOB),
        NEW.from_ns, NEW.until_ns, NEW.at_ns, CAST(NEW.body AS BLOB))
    WHERE gap_id = NEW.gap_id;
END;
CREATE VIEW gap_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('gap', CAST(gap_id AS BLOB), CAST(kind AS BLOB), CAST(subject AS BLOB), from_ns, until_ns,
    at_ns, CAST(body AS BLOB)) AS holds
FROM gap;

-- What a language model is asked to phrase, and what came of it: prompt and reply whole, a row before it is sent and one
-- after. Goes by age; the lines of the trail keep both hashes.
CREATE TABLE phrasing (
    event_id       TEXT PRIMARY KEY,
    at_ns          INTEGER NOT NULL,
    model          TEXT NOT NULL,
    prompt_version TEXT NOT NULL,
    outcome        TEXT NOT NULL,
    prompt         TEXT NOT NULL,
    reply          TEXT NOT NULL,
    why            TEXT NOT NULL,
    question_id    TEXT NOT NULL,
    hash           TEXT
) STRICT;
CREATE INDEX phrasing_by_age ON phrasing (at_ns);
CREATE INDEX phrasing_of_question ON phrasing (question_id);
CREATE TRIGGER phrasing_hashed AFTER INSERT ON phrasing BEGIN
    UPDATE phrasing SET hash =
        evidence_hash('phrasing', CAST(NEW.event_id AS BLOB), NEW.at_ns, CAST(NEW.model AS BLOB),
        CAST(NEW.prompt_version AS BLOB), CAST(NEW.outcome AS BLOB), CAST(NEW.prompt AS BLOB),
        CAST(NEW.reply AS BLOB), CAST(NEW.why AS BLOB), CAST(NEW.question_id AS BLOB))
    WHERE event_id = NEW.event_id;
END;
CREATE VIEW phrasing_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('phrasing', CAST(event_id AS BLOB), at_ns, CAST(model AS BLOB), CAST(prompt_version AS BLOB),
    CAST(outcome AS BLOB), CAST(prompt AS BLOB), CAST(reply AS BLOB), CAST(why AS BLOB),
    CAST(question_id AS BLOB)) AS holds
FROM phrasing;

-- Feedback to models in service: results with the model's prediction for the time at which their sample was drawn, by
-- bundle and analyte. A bundle of another version begins without any.
CREATE TABLE feedback (
    bundle_sha256  TEXT NOT NULL,
    analyte        TEXT NOT NULL,
    result_id      TEXT NOT NULL,
    sampled_ns     INTEGER NOT NULL,
    arrived_ns     INTEGER NOT NULL,
    measured       REAL NOT NULL,
    predicted      REAL NOT NULL,
    features       TEXT NOT NULL DEFAULT '[]', -- the model's inputs then, where its correction needs them (JSON)
    product        TEXT, -- where products are corrected apart
    hash           TEXT,
    PRIMARY KEY (bundle_sha256, analyte, result_id)
) STRICT;
CREATE INDEX feedback_by_arrival ON feedback (bundle_sha256, analyte, arrived_ns);
CREATE TRIGGER feedback_hashed AFTER INSERT ON feedback BEGIN
    UPDATE feedback SET hash =
        evidence_hash('feedback', CAST(NEW.bundle_sha256 AS BLOB), CAST(NEW.analyte AS BLOB),
        CAST(NEW.result_id AS BLOB), NEW.sampled_ns, NEW.arrived_ns, NEW.measured, NEW.predicted,
        CAST(NEW.features AS BLOB), CAST(NEW.product AS BLOB))
    WHERE bundle_sha256 = NEW.bundle_sha256 AND analyte = NEW.analyte AND result_id = NEW.result_id;
END;
CREATE VIEW feedback_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('feedback', CAST(bundle_sha256 AS BLOB), CAST(analyte AS BLOB), CAST(result_id AS BLOB),
    sampled_ns, arrived_ns, measured, predicted, CAST(features AS BLOB), CAST(product AS BLOB)) AS holds
FROM feedback;

-- Which version of each model people have put into service, one row for each act; the newest that was not rolled back
-- holds, and without any the configured bundle. Folders stay where they are: that is what is rolled back to.
CREATE TABLE version_change (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    model          TEXT NOT NULL,
    act            TEXT NOT NULL,
    version        TEXT NOT NULL,
    bundle_sha256  TEXT NOT NULL,
    folder         TEXT NOT NULL,
    at_ns          INTEGER NOT NULL,
    person         TEXT NOT NULL,
    reason         TEXT NOT NULL,
    hash           TEXT
) STRICT;
CREATE TRIGGER version_change_hashed AFTER INSERT ON version_change BEGIN
    UPDATE version_change SET hash =
        evidence_hash('version_change', NEW.seq, CAST(NEW.model AS BLOB), CAST(NEW.act AS BLOB),
        CAST(NEW.version AS BLOB), CAST(NEW.bundle_sha256 AS BLOB), CAST(NEW.folder AS BLOB), NEW.at_ns,
        CAST(NEW.person AS BLOB), CAST(NEW.reason AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW version_change_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('version_change', seq, CAST(model AS BLOB), CAST(act AS BLOB), CAST(version AS BLOB),
    CAST(bundle_sha256 AS BLOB), CAST(folder AS BLOB), at_ns, CAST(person AS BLOB), CAST(reason AS BLOB)) AS holds
FROM version_change;

-- The corrections of models that people have signed, one row for each act: where [[model]] bias = "signed", the newest
-- one holds, and the laboratory's results only propose the next.
CREATE TABLE signed_bias (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    bundle_sha256  TEXT NOT NULL,
    analyte        TEXT NOT NULL,
    bias           REAL NOT NULL,
    newest_ns      INTEGER NOT NULL,
    signed_ns      INTEGER NOT NULL,
    approver       TEXT NOT NULL,
    meaning        TEXT NOT NULL,
    public_key     TEXT NOT NULL,
    signature      TEXT NOT NULL,
    hash           TEXT
) STRICT;
CREATE INDEX signed_bias_of ON signed_bias (bundle_sha256, analyte, seq);
CREATE TRIGGER signed_bias_hashed AFTER INSERT ON signed_bias BEGIN
    UPDATE signed_bias SET hash =
        evidence_hash('signed_bias', NEW.seq, CAST(NEW.bundle_sha256 AS BLOB), CAST(NEW.analyte AS BLOB), NEW.bias,
        NEW.newest_ns, NEW.signed_ns, CAST(NEW.approver AS BLOB), CAST(NEW.meaning AS BLOB),
        CAST(NEW.public_key AS BLOB), CAST(NEW.signature AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW signed_bias_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('signed_bias', seq, CAST(bundle_sha256 AS BLOB), CAST(analyte AS BLOB), bias, newest_ns, signed_ns,
    CAST(approver AS BLOB), CAST(meaning AS BLOB), CAST(public_key AS BLOB), CAST(signature AS BLOB)) AS holds
FROM signed_bias;

-- What master data has stated: each version of a specification once, and once its withdrawal. Without a date they hold
-- from when they came.
CREATE TABLE specification_stated (
    event_id   TEXT PRIMARY KEY REFERENCES event,
    product    TEXT NOT NULL,
    analyte    TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    version    TEXT NOT NULL,
    withdrawn  INTEGER NOT NULL,
    at_ns      INTEGER NOT NULL,
    body       TEXT NOT NULL,
    hash       TEXT,
    UNIQUE (product, analyte, client_id, version, withdrawn)
) STRICT;
CREATE TRIGGER specification_stated_hashed AFTER INSERT ON specification_stated BEGIN
    UPDATE specification_stated SET hash =
        evidence_hash('specification_stated', CAST(NEW.event_id AS BLOB), CAST(NEW.product AS BLOB),
        CAST(NEW.analyte AS BLOB), CAST(NEW.client_id AS BLOB), CAST(NEW.version AS BLOB), NEW.withdrawn, NEW.at_ns,
        CAST(NEW.body AS BLOB))
    WHERE event_id = NEW.event_id;
END;
CREATE VIEW specification_stated_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('specification_stated', CAST(event_id AS BLOB), CAST(product AS BLOB), CAST(analyte AS BLOB),
    CAST(client_id AS BLOB), CAST(version AS BLOB), withdrawn, at_ns, CAST(body AS BLOB)) AS holds
FROM specification_stated;

-- Holds that were recommended before the laboratory's result, after a prediction; the result settles them.
CREATE TABLE provisional_hold (
    material_lot_id  TEXT NOT NULL,
    analyte          TEXT NOT NULL,
    prediction_id    TEXT NOT NULL,
    since_ns         INTEGER NOT NULL,
    settled_by       TEXT,
    hash             TEXT,
    PRIMARY KEY (material_lot_id, analyte)
) STRICT;
CREATE TRIGGER provisional_hold_hashed AFTER INSERT ON provisional_hold BEGIN
    UPDATE provisional_hold SET hash =
        evidence_hash('provisional_hold', CAST(NEW.material_lot_id AS BLOB), CAST(NEW.analyte AS BLOB),
        CAST(NEW.prediction_id AS BLOB), NEW.since_ns, CAST(NEW.settled_by AS BLOB))
    WHERE material_lot_id = NEW.material_lot_id AND analyte = NEW.analyte;
END;
CREATE VIEW provisional_hold_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('provisional_hold', CAST(material_lot_id AS BLOB), CAST(analyte AS BLOB),
    CAST(prediction_id AS BLOB), since_ns, CAST(settled_by AS BLOB)) AS holds
FROM provisional_hold;

-- Results of the laboratory's control materials, in standard deviations from what is known of them. Rules look back
-- over each material, however often the others are measured.
CREATE TABLE control_point (
    result_id      TEXT PRIMARY KEY,
    material       TEXT NOT NULL,
    analyte        TEXT NOT NULL,
    instrument_id  TEXT,
    run_id         TEXT,
    at_ns          INTEGER NOT NULL,
    arrived_ns     INTEGER NOT NULL,
    deviations     REAL NOT NULL,
    rejected       INTEGER NOT NULL,
    hash           TEXT
) STRICT;
CREATE INDEX control_point_in_order ON control_point (analyte, at_ns);
CREATE INDEX control_point_of_material ON control_point (analyte, material, at_ns);
CREATE TRIGGER control_point_hashed AFTER INSERT ON control_point BEGIN
    UPDATE control_point SET hash =
        evidence_hash('control_point', CAST(NEW.result_id AS BLOB), CAST(NEW.material AS BLOB),
        CAST(NEW.analyte AS BLOB), CAST(NEW.instrument_id AS BLOB), CAST(NEW.run_id AS BLOB), NEW.at_ns,
        NEW.arrived_ns, NEW.deviations, NEW.rejected)
    WHERE result_id = NEW.result_id;
END;
CREATE VIEW control_point_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('control_point', CAST(result_id AS BLOB), CAST(material AS BLOB), CAST(analyte AS BLOB),
    CAST(instrument_id AS BLOB), CAST(run_id AS BLOB), at_ns, arrived_ns, deviations, rejected) AS holds
FROM control_point;

-- Which material went into which lot.
CREATE TABLE material_use (
    material_lot_id         TEXT NOT NULL,
    consumed_lot_id         TEXT NOT NULL,
    consumed_definition_id  TEXT,
    supplier                TEXT,
    at_ns                   INTEGER NOT NULL,
    hash                    TEXT,
    PRIMARY KEY (material_lot_id, consumed_lot_id)
) STRICT;
CREATE INDEX material_use_of ON material_use (consumed_lot_id);
CREATE INDEX material_use_with_bar ON material_use (material_lot_id) WHERE instr(material_lot_id, '|') > 0;
CREATE INDEX material_consumed_with_bar ON material_use (consumed_lot_id) WHERE instr(consumed_lot_id, '|') > 0;
CREATE TRIGGER material_use_hashed AFTER INSERT ON material_use BEGIN
    UPDATE material_use SET hash =
        evidence_hash('material_use', CAST(NEW.material_lot_id AS BLOB), CAST(NEW.consumed_lot_id AS BLOB),
        CAST(NEW.consumed_definition_id AS BLOB), CAST(NEW.supplier AS BLOB), NEW.at_ns)
    WHERE material_lot_id = NEW.material_lot_id AND consumed_lot_id = NEW.consumed_lot_id;
END;
CREATE VIEW material_use_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('material_use', CAST(material_lot_id AS BLOB), CAST(consumed_lot_id AS BLOB),
    CAST(consumed_definition_id AS BLOB), CAST(supplier AS BLOB), at_ns) AS holds
FROM material_use;

-- What each lot was made by.
CREATE TABLE lot_fingerprint (
    material_lot_id  TEXT PRIMARY KEY,
    product          TEXT,
    until_ns         INTEGER NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX lot_fingerprint_of_product ON lot_fingerprint (product, until_ns);
CREATE TRIGGER lot_fingerprint_hashed AFTER INSERT ON lot_fingerprint BEGIN
    UPDATE lot_fingerprint SET hash =
        evidence_hash('lot_fingerprint', CAST(NEW.material_lot_id AS BLOB), CAST(NEW.product AS BLOB), NEW.until_ns,
        CAST(NEW.body AS BLOB))
    WHERE material_lot_id = NEW.material_lot_id;
END;
CREATE VIEW lot_fingerprint_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('lot_fingerprint', CAST(material_lot_id AS BLOB), CAST(product AS BLOB), until_ns,
    CAST(body AS BLOB)) AS holds
FROM lot_fingerprint;

-- How the equipment ran while each lot was made, by tag: what the review of its record looks at.
CREATE TABLE lot_process (
    material_lot_id  TEXT PRIMARY KEY,
    until_ns         INTEGER NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE TRIGGER lot_process_hashed AFTER INSERT ON lot_process BEGIN
    UPDATE lot_process SET hash =
        evidence_hash('lot_process', CAST(NEW.material_lot_id AS BLOB), NEW.until_ns, CAST(NEW.body AS BLOB))
    WHERE material_lot_id = NEW.material_lot_id;
END;
CREATE VIEW lot_process_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('lot_process', CAST(material_lot_id AS BLOB), until_ns, CAST(body AS BLOB)) AS holds
FROM lot_process;

-- Results of incoming material, by supplier, and for which client and study it was bought ('': for all).
CREATE TABLE incoming_result (
    result_id  TEXT PRIMARY KEY,
    client_id  TEXT NOT NULL DEFAULT '',
    study_id   TEXT NOT NULL DEFAULT '',
    supplier   TEXT NOT NULL,
    material   TEXT NOT NULL,
    analyte    TEXT NOT NULL,
    failed     INTEGER NOT NULL,
    hash       TEXT
) STRICT;
CREATE INDEX incoming_result_of ON incoming_result (supplier, material, analyte);
CREATE TRIGGER incoming_result_hashed AFTER INSERT ON incoming_result BEGIN
    UPDATE incoming_result SET hash =
        evidence_hash('incoming_result', CAST(NEW.result_id AS BLOB), CAST(NEW.client_id AS BLOB),
        CAST(NEW.study_id AS BLOB), CAST(NEW.supplier AS BLOB),
        CAST(NEW.material AS BLOB), CAST(NEW.analyte AS BLOB), NEW.failed)
    WHERE result_id = NEW.result_id;
END;
CREATE VIEW incoming_result_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('incoming_result', CAST(result_id AS BLOB), CAST(client_id AS BLOB), CAST(study_id AS BLOB),
    CAST(supplier AS BLOB), CAST(material AS BLOB),
    CAST(analyte AS BLOB), failed) AS holds
FROM incoming_result;

-- Drafts of deviations. Each row is one version, with the result that joined: deviation_id is the version's own id.
-- Which deviation and version it is, whether it is about a lot or a series, and for whom the result was measured, is
-- taken from the body, which the hash covers.
CREATE TABLE deviation (
    deviation_id     TEXT PRIMARY KEY,
    result_id        TEXT NOT NULL,
    sample_id        TEXT NOT NULL,
    material_lot_id  TEXT,
    product          TEXT,
    analyte          TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT,
    grown_from       TEXT AS (
        CASE WHEN json_valid(body) THEN coalesce(json_extract(body, '$.deviation_id'), deviation_id)
             ELSE deviation_id END
    ) VIRTUAL,
    version          INTEGER AS (
        CASE WHEN json_valid(body) THEN coalesce(json_extract(body, '$.version'), 1) ELSE 1 END
    ) VIRTUAL,
    scope            TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.scope') END,
                 CASE WHEN material_lot_id IS NULL THEN 'series' ELSE 'lot' END)
    ) VIRTUAL,
    client_id        TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.result.client_id') END, '')
    ) VIRTUAL,
    study_id         TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.result.study_id') END, '')
    ) VIRTUAL
) STRICT;
CREATE INDEX deviation_of_lot ON deviation (material_lot_id);
CREATE INDEX sample_by_name ON deviation (sample_id);
CREATE INDEX deviation_of_product ON deviation (product, analyte, client_id, study_id, at_ns);
CREATE INDEX deviation_versions ON deviation (grown_from, version);
CREATE TRIGGER deviation_hashed AFTER INSERT ON deviation BEGIN
    UPDATE deviation SET hash =
        evidence_hash('deviation', CAST(NEW.deviation_id AS BLOB), CAST(NEW.result_id AS BLOB),
        CAST(NEW.sample_id AS BLOB), CAST(NEW.material_lot_id AS BLOB), CAST(NEW.product AS BLOB),
        CAST(NEW.analyte AS BLOB), NEW.at_ns, CAST(NEW.body AS BLOB))
    WHERE deviation_id = NEW.deviation_id;
END;
CREATE VIEW deviation_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('deviation', CAST(deviation_id AS BLOB), CAST(result_id AS BLOB), CAST(sample_id AS BLOB),
    CAST(material_lot_id AS BLOB), CAST(product AS BLOB), CAST(analyte AS BLOB), at_ns, CAST(body AS BLOB)) AS holds
FROM deviation;

-- Corrective and preventive actions against deviations, and when each was done. Against which failure, and for whom its
-- result was measured, is in the body, which the hash covers.
CREATE TABLE corrective_action (
    action_id     TEXT PRIMARY KEY,
    deviation_id  TEXT NOT NULL,
    at_ns         INTEGER NOT NULL,
    body          TEXT NOT NULL,
    hash          TEXT,
    client_id     TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.client_id') END, '')
    ) VIRTUAL,
    study_id      TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.study_id') END, '')
    ) VIRTUAL
) STRICT;
CREATE INDEX corrective_action_of ON corrective_action (deviation_id, at_ns);
CREATE INDEX corrective_action_by_time ON corrective_action (at_ns);
CREATE TRIGGER corrective_action_hashed AFTER INSERT ON corrective_action BEGIN
    UPDATE corrective_action SET hash =
        evidence_hash('corrective_action', CAST(NEW.action_id AS BLOB), CAST(NEW.deviation_id AS BLOB), NEW.at_ns,
        CAST(NEW.body AS BLOB))
    WHERE action_id = NEW.action_id;
END;
CREATE VIEW corrective_action_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('corrective_action', CAST(action_id AS BLOB), CAST(deviation_id AS BLOB), at_ns,
    CAST(body AS BLOB)) AS holds
FROM corrective_action;
CREATE TABLE corrective_action_done (
    action_id  TEXT PRIMARY KEY,
    at_ns      INTEGER NOT NULL,
    person     TEXT NOT NULL,
    note       TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    hash       TEXT
) STRICT;
CREATE TRIGGER corrective_action_done_hashed AFTER INSERT ON corrective_action_done BEGIN
    UPDATE corrective_action_done SET hash =
        evidence_hash('corrective_action_done', CAST(NEW.action_id AS BLOB), NEW.at_ns, CAST(NEW.person AS BLOB),
        CAST(NEW.note AS BLOB), CAST(NEW.event_id AS BLOB))
    WHERE action_id = NEW.action_id;
END;
CREATE VIEW corrective_action_done_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('corrective_action_done', CAST(action_id AS BLOB), at_ns, CAST(person AS BLOB), CAST(note AS BLOB),
    CAST(event_id AS BLOB)) AS holds
FROM corrective_action_done;
-- Deviations that were closed with a signature, and where new facts have opened one again; the newest row counts, for the
-- version that it names.
CREATE TABLE deviation_state (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    deviation_id  TEXT NOT NULL,
    version       INTEGER NOT NULL,
    state         TEXT NOT NULL,
    at_ns         INTEGER NOT NULL,
    body          TEXT NOT NULL,
    hash          TEXT
) STRICT;
CREATE INDEX deviation_state_of ON deviation_state (deviation_id, seq);
CREATE TRIGGER deviation_state_hashed AFTER INSERT ON deviation_state BEGIN
    UPDATE deviation_state SET hash =
        evidence_hash('deviation_state', NEW.seq, CAST(NEW.deviation_id AS BLOB), NEW.version,
        CAST(NEW.state AS BLOB), NEW.at_ns, CAST(NEW.body AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW deviation_state_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('deviation_state', seq, CAST(deviation_id AS BLOB), version,
    CAST(state AS BLOB), at_ns, CAST(body AS BLOB)) AS holds
FROM deviation_state;

-- Assessments of each lot, one row for each result version, refused message or parent that concerns it: a
-- lot is recommended for release where one row asks for it and none asks for more care. Rows are derived from evidence
-- and are written again whenever what they follow from changes. subject: a result's id, or what else it is about by its
-- kind and key; awaited_order_id: whose product is not known yet. The indexes answer what each result asks at the same
-- cost in a lot of thousands. of_hash: of one of a part that is copied of its lot, the hash of what it was copied of, so
-- that only what has changed is copied again; it is no evidence.
CREATE TABLE assessment (
    material_lot_id   TEXT NOT NULL,
    subject           TEXT NOT NULL,
    kind              TEXT NOT NULL,
    source            TEXT,
    sample_id         TEXT,
    analyte           TEXT,
    product           TEXT,
    awaited_order_id  TEXT,
    at_ns             INTEGER NOT NULL,
    states_lot        INTEGER NOT NULL,
    retest            INTEGER NOT NULL,
    approved          INTEGER NOT NULL,
    failed            INTEGER NOT NULL,
    asks              TEXT NOT NULL,
    body              TEXT NOT NULL,
    hash              TEXT,
    of_hash           TEXT,
    PRIMARY KEY (material_lot_id, subject)
) STRICT;
CREATE INDEX assessment_of_subject ON assessment (subject);
CREATE INDEX assessment_of_sample ON assessment (sample_id, source) WHERE states_lot = 1;
CREATE INDEX assessment_by_specification ON assessment (product, analyte, at_ns) WHERE product IS NOT NULL;
CREATE INDEX assessment_awaiting_order ON assessment (awaited_order_id) WHERE awaited_order_id IS NOT NULL;
CREATE INDEX assessment_of_retests ON assessment (material_lot_id) WHERE retest = 1;
CREATE INDEX assessment_naming_product ON assessment (material_lot_id, json_extract(body, '$.own_product'))
WHERE json_extract(body, '$.own_product') IS NOT NULL;
CREATE INDEX assessment_naming_client ON assessment (material_lot_id, json_extract(body, '$.own_client'))
WHERE json_extract(body, '$.own_client') IS NOT NULL;
CREATE INDEX assessment_of_any_sample ON assessment (sample_id, source) WHERE sample_id IS NOT NULL;
CREATE INDEX assessment_counted ON assessment (material_lot_id, asks, failed, subject, approved, analyte, product);
CREATE INDEX assessment_asking ON assessment (material_lot_id, asks);
CREATE INDEX assessment_copied ON assessment (material_lot_id, subject, of_hash) WHERE of_hash IS NOT NULL;
CREATE TRIGGER assessment_hashed AFTER INSERT ON assessment WHEN NEW.hash IS NULL BEGIN
    UPDATE assessment SET hash =
        evidence_hash('assessment', CAST(NEW.material_lot_id AS BLOB), CAST(NEW.subject AS BLOB),
        CAST(NEW.kind AS BLOB), CAST(NEW.source AS BLOB), CAST(NEW.sample_id AS BLOB),
        CAST(NEW.analyte AS BLOB), CAST(NEW.product AS BLOB), CAST(NEW.awaited_order_id AS BLOB), NEW.at_ns,
        NEW.states_lot, NEW.retest, NEW.approved, NEW.failed, CAST(NEW.asks AS BLOB), CAST(NEW.body AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW assessment_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('assessment', CAST(material_lot_id AS BLOB), CAST(subject AS BLOB), CAST(kind AS BLOB),
        CAST(source AS BLOB), CAST(sample_id AS BLOB), CAST(analyte AS BLOB), CAST(product AS BLOB),
        CAST(awaited_order_id AS BLOB), at_ns, states_lot, retest, approved, failed, CAST(asks AS BLOB),
        CAST(body AS BLOB)) AS holds
FROM assessment;

-- Points against a lot's release that people have settled.
CREATE TABLE settlement (
    point_id         TEXT,
    material_lot_id  TEXT NOT NULL,
    person           TEXT NOT NULL,
    reason           TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    event_id         TEXT NOT NULL,
    hash             TEXT,
    PRIMARY KEY (point_id)
) STRICT;
CREATE INDEX settlement_of_lot ON settlement (material_lot_id);
CREATE TRIGGER settlement_hashed AFTER INSERT ON settlement WHEN NEW.hash IS NULL BEGIN
    UPDATE settlement SET hash =
        evidence_hash('settlement', CAST(NEW.point_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        CAST(NEW.person AS BLOB), CAST(NEW.reason AS BLOB), NEW.at_ns, CAST(NEW.event_id AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW settlement_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('settlement', CAST(point_id AS BLOB), CAST(material_lot_id AS BLOB),
        CAST(person AS BLOB), CAST(reason AS BLOB), at_ns, CAST(event_id AS BLOB)) AS holds
FROM settlement;

-- The users of the line, one row for each change of one: the newest row of a user holds.
CREATE TABLE user_version (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     TEXT NOT NULL,
    full_name   TEXT NOT NULL,
    roles       TEXT NOT NULL,
    os_user     TEXT,
    disabled    INTEGER NOT NULL,
    at_ns       INTEGER NOT NULL,
    changed_by  TEXT NOT NULL,
    hash        TEXT
) STRICT;
CREATE INDEX user_version_of ON user_version (user_id, seq);
CREATE TRIGGER user_version_hashed AFTER INSERT ON user_version BEGIN
    UPDATE user_version SET hash =
        evidence_hash('user_version', NEW.seq, CAST(NEW.user_id AS BLOB), CAST(NEW.full_name AS BLOB),
        CAST(NEW.roles AS BLOB), CAST(NEW.os_user AS BLOB), NEW.disabled, NEW.at_ns, CAST(NEW.changed_by AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW user_version_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('user_version', seq, CAST(user_id AS BLOB), CAST(full_name AS BLOB), CAST(roles AS BLOB),
    CAST(os_user AS BLOB), disabled, at_ns, CAST(changed_by AS BLOB)) AS holds
FROM user_version;

-- The passwords of users as argon2id hashes; the newest row of a user holds.
CREATE TABLE user_password (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id        TEXT NOT NULL,
    password_hash  TEXT NOT NULL,
    totp_secret    TEXT,
    must_change    INTEGER NOT NULL,
    issued_by      TEXT,  -- who made the first one or the link, until a third person has confirmed it
    at_ns          INTEGER NOT NULL,
    hash           TEXT
) STRICT;
CREATE INDEX user_password_of ON user_password (user_id, seq);
CREATE TRIGGER user_password_hashed AFTER INSERT ON user_password BEGIN
    UPDATE user_password SET hash =
        evidence_hash('user_password', NEW.seq, CAST(NEW.user_id AS BLOB), CAST(NEW.password_hash AS BLOB),
        CAST(NEW.totp_secret AS BLOB), NEW.must_change, CAST(NEW.issued_by AS BLOB), NEW.at_ns)
    WHERE seq = NEW.seq;
END;
CREATE VIEW user_password_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('user_password', seq, CAST(user_id AS BLOB), CAST(password_hash AS BLOB),
    CAST(totp_secret AS BLOB), must_change, CAST(issued_by AS BLOB), at_ns) AS holds
FROM user_password;

-- The keys by which terminals sign for users, one row for each change of one; the newest row of a key holds.
CREATE TABLE user_key (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    key_id      TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    public_key  TEXT NOT NULL,
    label       TEXT NOT NULL,
    revoked     INTEGER NOT NULL,
    at_ns       INTEGER NOT NULL,
    hash        TEXT
) STRICT;
CREATE INDEX user_key_of ON user_key (key_id, seq);
CREATE TRIGGER user_key_hashed AFTER INSERT ON user_key BEGIN
    UPDATE user_key SET hash =
        evidence_hash('user_key', NEW.seq, CAST(NEW.key_id AS BLOB), CAST(NEW.user_id AS BLOB),
        CAST(NEW.public_key AS BLOB), CAST(NEW.label AS BLOB), NEW.revoked, NEW.at_ns)
    WHERE seq = NEW.seq;
END;
CREATE VIEW user_key_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('user_key', seq, CAST(key_id AS BLOB), CAST(user_id AS BLOB), CAST(public_key AS BLOB),
    CAST(label AS BLOB), revoked, at_ns) AS holds
FROM user_key;

-- What people sign: an act with what it rests on, as canonical JSON and its SHA-256. It is written once.
CREATE TABLE signed_record (
    record_id        TEXT NOT NULL,
    kind             TEXT NOT NULL,
    subject          TEXT NOT NULL,
    version          INTEGER NOT NULL,
    body             TEXT NOT NULL,
    sha256           TEXT NOT NULL,
    author_id        TEXT NOT NULL,
    author_name      TEXT NOT NULL,
    made_ns          INTEGER NOT NULL,
    expires_wall_ns  INTEGER NOT NULL,
    expires_boot_ns  INTEGER NOT NULL,
    expires_boot_id  TEXT NOT NULL,
    hash             TEXT,
    PRIMARY KEY (record_id)
) STRICT;
CREATE INDEX signed_record_of ON signed_record (kind, subject);
CREATE TRIGGER signed_record_hashed AFTER INSERT ON signed_record WHEN NEW.hash IS NULL BEGIN
    UPDATE signed_record SET hash =
        evidence_hash('signed_record', CAST(NEW.record_id AS BLOB), CAST(NEW.kind AS BLOB),
        CAST(NEW.subject AS BLOB), NEW.version, CAST(NEW.body AS BLOB), CAST(NEW.sha256 AS BLOB),
        CAST(NEW.author_id AS BLOB), CAST(NEW.author_name AS BLOB), NEW.made_ns, NEW.expires_wall_ns,
        NEW.expires_boot_ns, CAST(NEW.expires_boot_id AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW signed_record_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('signed_record', CAST(record_id AS BLOB), CAST(kind AS BLOB), CAST(subject AS BLOB), version,
    CAST(body AS BLOB), CAST(sha256 AS BLOB), CAST(author_id AS BLOB), CAST(author_name AS BLOB), made_ns,
    expires_wall_ns, expires_boot_ns, CAST(expires_boot_id AS BLOB)) AS holds
FROM signed_record;

-- The signatures on them: each over one version of one record, by its SHA-256. Rows are written once and never change.
CREATE TABLE signature (
    signature_id    TEXT NOT NULL,
    record_kind     TEXT NOT NULL,
    record_id       TEXT NOT NULL,
    record_version  INTEGER NOT NULL,
    record_sha256   TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    printed_name    TEXT NOT NULL,
    role            TEXT NOT NULL,
    meaning         TEXT NOT NULL,
    signed_ns       INTEGER NOT NULL,
    event_id        TEXT NOT NULL,
    hash            TEXT,
    PRIMARY KEY (signature_id)
) STRICT;
CREATE UNIQUE INDEX signature_once ON signature (record_id, user_id);
CREATE TRIGGER signature_hashed AFTER INSERT ON signature WHEN NEW.hash IS NULL BEGIN
    UPDATE signature SET hash =
        evidence_hash('signature', CAST(NEW.signature_id AS BLOB), CAST(NEW.record_kind AS BLOB),
        CAST(NEW.record_id AS BLOB), NEW.record_version, CAST(NEW.record_sha256 AS BLOB),
        CAST(NEW.user_id AS BLOB), CAST(NEW.printed_name AS BLOB), CAST(NEW.role AS BLOB),
        CAST(NEW.meaning AS BLOB), NEW.signed_ns, CAST(NEW.event_id AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW signature_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('signature', CAST(signature_id AS BLOB), CAST(record_kind AS BLOB), CAST(record_id AS BLOB),
    record_version, CAST(record_sha256 AS BLOB), CAST(user_id AS BLOB), CAST(printed_name AS BLOB),
    CAST(role AS BLOB), CAST(meaning AS BLOB), signed_ns, CAST(event_id AS BLOB)) AS holds
FROM signature;

-- What has become of acts that need signatures, one row for each change; the newest row of a record holds.
CREATE TABLE signing_state (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    record_id  TEXT NOT NULL,
    state      TEXT NOT NULL,
    at_ns      INTEGER NOT NULL,
    person     TEXT NOT NULL,
    why        TEXT NOT NULL,
    hash       TEXT
) STRICT;
CREATE INDEX signing_state_of ON signing_state (record_id, seq);
CREATE TRIGGER signing_state_hashed AFTER INSERT ON signing_state BEGIN
    UPDATE signing_state SET hash =
        evidence_hash('signing_state', NEW.seq, CAST(NEW.record_id AS BLOB), CAST(NEW.state AS BLOB), NEW.at_ns,
        CAST(NEW.person AS BLOB), CAST(NEW.why AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW signing_state_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('signing_state', seq, CAST(record_id AS BLOB), CAST(state AS BLOB), at_ns,
    CAST(person AS BLOB), CAST(why AS BLOB)) AS holds
FROM signing_state;

-- People's decisions on lots, one row for each and one where it has lapsed; the newest row of a lot holds.
CREATE TABLE lot_decision (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    record_id        TEXT NOT NULL,
    material_lot_id  TEXT NOT NULL,
    verdict          TEXT NOT NULL,
    state            TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX lot_decision_of ON lot_decision (material_lot_id, seq);
CREATE TRIGGER lot_decision_hashed AFTER INSERT ON lot_decision BEGIN
    UPDATE lot_decision SET hash =
        evidence_hash('lot_decision', NEW.seq, CAST(NEW.record_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        CAST(NEW.verdict AS BLOB), CAST(NEW.state AS BLOB), NEW.at_ns, CAST(NEW.body AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW lot_decision_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('lot_decision', seq, CAST(record_id AS BLOB), CAST(material_lot_id AS BLOB),
    CAST(verdict AS BLOB), CAST(state AS BLOB), at_ns, CAST(body AS BLOB)) AS holds
FROM lot_decision;

-- Parts of lots as people have declared them; of a part the newest row holds. part_id: by which messages call it.
-- undone: it was put back into its lot.
CREATE TABLE lot_part (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    part_id          TEXT NOT NULL,
    material_lot_id  TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    undone           INTEGER NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX lot_part_by_id ON lot_part (part_id, seq);
CREATE INDEX lot_part_of ON lot_part (material_lot_id, part_id, seq);
CREATE TRIGGER lot_part_hashed AFTER INSERT ON lot_part BEGIN
    UPDATE lot_part SET hash =
        evidence_hash('lot_part', NEW.seq, CAST(NEW.part_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        NEW.at_ns, NEW.undone, CAST(NEW.body AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW lot_part_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('lot_part', seq, CAST(part_id AS BLOB), CAST(material_lot_id AS BLOB),
    at_ns, undone, CAST(body AS BLOB)) AS holds
FROM lot_part;

-- What people have said of exceptions in the review of a lot's record; settled: with it the exception is settled.
CREATE TABLE review_answer (
    event_id         TEXT PRIMARY KEY,
    exception_id     TEXT NOT NULL,
    material_lot_id  TEXT NOT NULL,
    code             TEXT NOT NULL,
    settled          INTEGER NOT NULL,
    person           TEXT NOT NULL,
    role             TEXT NOT NULL,
    comment          TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX review_answer_of_lot ON review_answer (material_lot_id, at_ns);
CREATE INDEX review_answer_of ON review_answer (exception_id);
CREATE TRIGGER review_answer_hashed AFTER INSERT ON review_answer BEGIN
    UPDATE review_answer SET hash =
        evidence_hash('review_answer', CAST(NEW.event_id AS BLOB), CAST(NEW.exception_id AS BLOB),
        CAST(NEW.material_lot_id AS BLOB), CAST(NEW.code AS BLOB), NEW.settled, CAST(NEW.person AS BLOB),
        CAST(NEW.role AS BLOB), CAST(NEW.comment AS BLOB), NEW.at_ns)
    WHERE event_id = NEW.event_id;
END;
CREATE VIEW review_answer_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('review_answer', CAST(event_id AS BLOB), CAST(exception_id AS BLOB),
    CAST(material_lot_id AS BLOB), CAST(code AS BLOB), settled, CAST(person AS BLOB), CAST(role AS BLOB),
    CAST(comment AS BLOB), at_ns) AS holds
FROM review_answer;

-- Signed reviews of lots' records, one row for each and one where it has lapsed; the newest row of a lot holds.
CREATE TABLE lot_review (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    record_id        TEXT NOT NULL,
    material_lot_id  TEXT NOT NULL,
    state            TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX lot_review_of ON lot_review (material_lot_id, seq);
CREATE TRIGGER lot_review_hashed AFTER INSERT ON lot_review BEGIN
    UPDATE lot_review SET hash =
        evidence_hash('lot_review', NEW.seq, CAST(NEW.record_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        CAST(NEW.state AS BLOB), NEW.at_ns, CAST(NEW.body AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW lot_review_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('lot_review', seq, CAST(record_id AS BLOB), CAST(material_lot_id AS BLOB),
    CAST(state AS BLOB), at_ns, CAST(body AS BLOB)) AS holds
FROM lot_review;

-- Certificates of analysis: each draft of each version, as it was made. words: what a search finds it by.
CREATE TABLE certificate (
    draft_id         TEXT PRIMARY KEY,
    certificate_id   TEXT NOT NULL,
    version          INTEGER NOT NULL,
    draft            INTEGER NOT NULL,
    material_lot_id  TEXT NOT NULL,
    customer         TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    sha256           TEXT NOT NULL,
    words            TEXT NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX certificate_of_lot ON certificate (material_lot_id, certificate_id, version, draft);
CREATE INDEX certificate_versions ON certificate (certificate_id, version, draft);
CREATE TRIGGER certificate_hashed AFTER INSERT ON certificate BEGIN
    UPDATE certificate SET hash =
        evidence_hash('certificate', CAST(NEW.draft_id AS BLOB), CAST(NEW.certificate_id AS BLOB), NEW.version,
        NEW.draft, CAST(NEW.material_lot_id AS BLOB), CAST(NEW.customer AS BLOB), NEW.at_ns, CAST(NEW.sha256 AS BLOB),
        CAST(NEW.words AS BLOB), CAST(NEW.body AS BLOB))
    WHERE draft_id = NEW.draft_id;
END;
CREATE VIEW certificate_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('certificate', CAST(draft_id AS BLOB), CAST(certificate_id AS BLOB), version, draft,
    CAST(material_lot_id AS BLOB), CAST(customer AS BLOB), at_ns, CAST(sha256 AS BLOB), CAST(words AS BLOB),
    CAST(body AS BLOB)) AS holds
FROM certificate;

-- What has become of each version of a certificate that was signed; the newest row of a version holds.
CREATE TABLE certificate_state (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id       TEXT NOT NULL,
    certificate_id   TEXT NOT NULL,
    version          INTEGER NOT NULL,
    material_lot_id  TEXT NOT NULL,
    state            TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX certificate_state_of ON certificate_state (version_id, seq);
CREATE INDEX certificate_state_of_lot ON certificate_state (material_lot_id, seq);
CREATE TRIGGER certificate_state_hashed AFTER INSERT ON certificate_state BEGIN
    UPDATE certificate_state SET hash =
        evidence_hash('certificate_state', NEW.seq, CAST(NEW.version_id AS BLOB), CAST(NEW.certificate_id AS BLOB),
        NEW.version, CAST(NEW.material_lot_id AS BLOB), CAST(NEW.state AS BLOB), NEW.at_ns, CAST(NEW.body AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW certificate_state_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('certificate_state', seq, CAST(version_id AS BLOB), CAST(certificate_id AS BLOB), version,
    CAST(material_lot_id AS BLOB), CAST(state AS BLOB), at_ns, CAST(body AS BLOB)) AS holds
FROM certificate_state;

-- The document of each version that was signed, as it was issued: the bytes that customers have.
CREATE TABLE certificate_document (
    version_id       TEXT PRIMARY KEY,
    certificate_id   TEXT NOT NULL,
    version          INTEGER NOT NULL,
    media_type       TEXT NOT NULL,
    sha256           TEXT NOT NULL,
    content          BLOB NOT NULL,
    problem          TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    hash             TEXT
) STRICT;
CREATE TRIGGER certificate_document_hashed AFTER INSERT ON certificate_document BEGIN
    UPDATE certificate_document SET hash =
        evidence_hash('certificate_document', CAST(NEW.version_id AS BLOB), CAST(NEW.certificate_id AS BLOB),
        NEW.version, CAST(NEW.media_type AS BLOB), CAST(NEW.sha256 AS BLOB), NEW.content, CAST(NEW.problem AS BLOB),
        NEW.at_ns)
    WHERE version_id = NEW.version_id;
END;
CREATE VIEW certificate_document_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('certificate_document', CAST(version_id AS BLOB), CAST(certificate_id AS BLOB), version,
    CAST(media_type AS BLOB), CAST(sha256 AS BLOB), content, CAST(problem AS BLOB), at_ns) AS holds
FROM certificate_document;

-- Which versions were mailed to their customer, or never will be.
CREATE TABLE certificate_sent (
    version_id       TEXT PRIMARY KEY,
    at_ns            INTEGER NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE TRIGGER certificate_sent_hashed AFTER INSERT ON certificate_sent BEGIN
    UPDATE certificate_sent SET hash =
        evidence_hash('certificate_sent', CAST(NEW.version_id AS BLOB), NEW.at_ns, CAST(NEW.body AS BLOB))
    WHERE version_id = NEW.version_id;
END;
CREATE VIEW certificate_sent_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('certificate_sent', CAST(version_id AS BLOB), at_ns, CAST(body AS BLOB)) AS holds
FROM certificate_sent;

-- How far people have let each model go, by a signed act, one row for each; the newest row of a model holds.
CREATE TABLE stage_change (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    model      TEXT NOT NULL,
    stage      TEXT NOT NULL,
    record_id  TEXT NOT NULL,
    at_ns      INTEGER NOT NULL,
    body       TEXT NOT NULL,
    hash       TEXT
) STRICT;
CREATE INDEX stage_change_of ON stage_change (model, seq);
CREATE TRIGGER stage_change_hashed AFTER INSERT ON stage_change BEGIN
    UPDATE stage_change SET hash =
        evidence_hash('stage_change', NEW.seq, CAST(NEW.model AS BLOB), CAST(NEW.stage AS BLOB),
        CAST(NEW.record_id AS BLOB), NEW.at_ns, CAST(NEW.body AS BLOB))
    WHERE seq = NEW.seq;
END;
CREATE VIEW stage_change_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('stage_change', seq, CAST(model AS BLOB), CAST(stage AS BLOB), CAST(record_id AS BLOB), at_ns,
    CAST(body AS BLOB)) AS holds
FROM stage_change;

-- Plans of the laboratory's coming days as they were drafted, and who has approved them.
CREATE TABLE laboratory_plan (
    plan_id  TEXT PRIMARY KEY,
    day      TEXT NOT NULL,
    at_ns    INTEGER NOT NULL,
    body     TEXT NOT NULL,
    hash     TEXT
) STRICT;
CREATE INDEX laboratory_plan_newest ON laboratory_plan (at_ns);
CREATE TRIGGER laboratory_plan_hashed AFTER INSERT ON laboratory_plan BEGIN
    UPDATE laboratory_plan SET hash =
        evidence_hash('laboratory_plan', CAST(NEW.plan_id AS BLOB), CAST(NEW.day AS BLOB), NEW.at_ns,
        CAST(NEW.body AS BLOB))
    WHERE plan_id = NEW.plan_id;
END;
CREATE VIEW laboratory_plan_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('laboratory_plan', CAST(plan_id AS BLOB), CAST(day AS BLOB), at_ns, CAST(body AS BLOB)) AS holds
FROM laboratory_plan;
CREATE TABLE laboratory_plan_approval (
    plan_id  TEXT PRIMARY KEY REFERENCES laboratory_plan,
    at_ns    INTEGER NOT NULL,
    body     TEXT NOT NULL,
    hash     TEXT
) STRICT;
CREATE TRIGGER laboratory_plan_approval_hashed AFTER INSERT ON laboratory_plan_approval BEGIN
    UPDATE laboratory_plan_approval SET hash =
        evidence_hash('laboratory_plan_approval', CAST(NEW.plan_id AS BLOB), NEW.at_ns, CAST(NEW.body AS BLOB))
    WHERE plan_id = NEW.plan_id;
END;
CREATE VIEW laboratory_plan_approval_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('laboratory_plan_approval', CAST(plan_id AS BLOB), at_ns, CAST(body AS BLOB)) AS holds
FROM laboratory_plan_approval;

-- How often in a row a user's password was wrong, by the address that it came from; origin '': all of them together from
-- where the user has not signed in yet. known: the user has signed in from there.
CREATE TABLE sign_in (
    user_id         TEXT NOT NULL,
    origin          TEXT NOT NULL,
    failures        INTEGER NOT NULL,
    last_failed_ns  INTEGER,
    known           INTEGER NOT NULL,
    at_ns           INTEGER NOT NULL,
    PRIMARY KEY (user_id, origin)
) STRICT, WITHOUT ROWID;

-- The newest code of each user's second device that was used, as its step in time.
CREATE TABLE code_used (
    user_id  TEXT PRIMARY KEY,
    step     INTEGER NOT NULL
) STRICT;

-- Refused messages that concern a lot, or a sample ('' for the lot); result: the content of one that contradicts.
CREATE TABLE refused_result (
    dead_letter_id   TEXT NOT NULL,
    material_lot_id  TEXT NOT NULL,
    event_id         TEXT NOT NULL,
    source           TEXT NOT NULL,
    sample_id        TEXT,
    test_id          TEXT,
    at_ns            INTEGER NOT NULL,
    reasons          TEXT NOT NULL,
    result           TEXT,
    hash             TEXT,
    PRIMARY KEY (dead_letter_id, material_lot_id)
) STRICT;
CREATE INDEX refused_result_of_lot ON refused_result (material_lot_id);
CREATE INDEX refused_result_of_sample ON refused_result (sample_id, source);
CREATE INDEX refused_result_of_event ON refused_result (event_id);
CREATE TRIGGER refused_result_hashed AFTER INSERT ON refused_result WHEN NEW.hash IS NULL BEGIN
    UPDATE refused_result SET hash =
        evidence_hash('refused_result', CAST(NEW.dead_letter_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        CAST(NEW.event_id AS BLOB), CAST(NEW.source AS BLOB), CAST(NEW.sample_id AS BLOB),
        CAST(NEW.test_id AS BLOB), NEW.at_ns, CAST(NEW.reasons AS BLOB), CAST(NEW.result AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW refused_result_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('refused_result', CAST(dead_letter_id AS BLOB), CAST(material_lot_id AS BLOB),
        CAST(event_id AS BLOB), CAST(source AS BLOB), CAST(sample_id AS BLOB), CAST(test_id AS BLOB), at_ns,
        CAST(reasons AS BLOB), CAST(result AS BLOB)) AS holds
FROM refused_result;

-- Refused messages that name an order or an equipment: which lots they concern is looked up each time, as production
-- may state it later. timed: whether the sample's own instant is known; else drawn_ns is when the message came.
CREATE TABLE refused_in_place (
    dead_letter_id  TEXT PRIMARY KEY,
    event_id        TEXT NOT NULL,
    source          TEXT NOT NULL,
    sample_id       TEXT,
    test_id         TEXT,
    equipment_id    TEXT,
    job_order_id    TEXT,
    drawn_ns        INTEGER NOT NULL,
    timed           INTEGER NOT NULL,
    at_ns           INTEGER NOT NULL,
    reasons         TEXT NOT NULL,
    result          TEXT,
    hash            TEXT
) STRICT;
CREATE INDEX refused_on_equipment ON refused_in_place (equipment_id, drawn_ns) WHERE equipment_id IS NOT NULL;
CREATE INDEX refused_of_order ON refused_in_place (job_order_id) WHERE job_order_id IS NOT NULL;
CREATE INDEX refused_in_place_of_event ON refused_in_place (event_id);
CREATE INDEX refused_in_place_of_sample ON refused_in_place (sample_id, source) WHERE sample_id IS NOT NULL;
CREATE TRIGGER refused_in_place_hashed AFTER INSERT ON refused_in_place WHEN NEW.hash IS NULL BEGIN
    UPDATE refused_in_place SET hash =
        evidence_hash('refused_in_place', CAST(NEW.dead_letter_id AS BLOB), CAST(NEW.event_id AS BLOB),
        CAST(NEW.source AS BLOB), CAST(NEW.sample_id AS BLOB), CAST(NEW.test_id AS BLOB),
        CAST(NEW.equipment_id AS BLOB), CAST(NEW.job_order_id AS BLOB), NEW.drawn_ns, NEW.timed, NEW.at_ns,
        CAST(NEW.reasons AS BLOB), CAST(NEW.result AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW refused_in_place_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('refused_in_place', CAST(dead_letter_id AS BLOB), CAST(event_id AS BLOB), CAST(source AS
        BLOB), CAST(sample_id AS BLOB), CAST(test_id AS BLOB), CAST(equipment_id AS BLOB), CAST(job_order_id
        AS BLOB), drawn_ns, timed, at_ns, CAST(reasons AS BLOB), CAST(result AS BLOB)) AS holds
FROM refused_in_place;

-- Refused messages that name a product ('' for any) or an analyte: mostly specifications. The same message once.
CREATE TABLE refused_of_product (
    payload_sha256  TEXT NOT NULL,
    product         TEXT NOT NULL,
    dead_letter_id  TEXT NOT NULL,
    event_id        TEXT NOT NULL,
    source          TEXT NOT NULL,
    analyte         TEXT,
    client_id       TEXT,
    version         TEXT,
    from_ns         INTEGER,
    states_limits   INTEGER NOT NULL,
    may_require     INTEGER NOT NULL,
    at_ns           INTEGER NOT NULL,
    reasons         TEXT NOT NULL,
    hash            TEXT,
    PRIMARY KEY (payload_sha256, product)
) STRICT;
CREATE INDEX refused_of_product_by_name ON refused_of_product (product);
CREATE INDEX refused_of_product_of_event ON refused_of_product (event_id);
CREATE TRIGGER refused_of_product_hashed AFTER INSERT ON refused_of_product WHEN NEW.hash IS NULL BEGIN
    UPDATE refused_of_product SET hash =
        evidence_hash('refused_of_product', CAST(NEW.payload_sha256 AS BLOB), CAST(NEW.product AS BLOB),
        CAST(NEW.dead_letter_id AS BLOB), CAST(NEW.event_id AS BLOB), CAST(NEW.source AS BLOB),
        CAST(NEW.analyte AS BLOB), CAST(NEW.client_id AS BLOB), CAST(NEW.version AS BLOB), NEW.from_ns,
        NEW.states_limits, NEW.may_require, NEW.at_ns, CAST(NEW.reasons AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW refused_of_product_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('refused_of_product', CAST(payload_sha256 AS BLOB), CAST(product AS BLOB),
        CAST(dead_letter_id AS BLOB), CAST(event_id AS BLOB), CAST(source AS BLOB), CAST(analyte AS BLOB),
        CAST(client_id AS BLOB), CAST(version AS BLOB), from_ns, states_limits, may_require, at_ns,
        CAST(reasons AS BLOB)) AS holds
FROM refused_of_product;

-- Refused messages with the lots that are assessed by them: those that name only an equipment, an order or a sample,
-- and those about a product.
CREATE VIEW refused_in_place_assessed AS
SELECT r.*, a.material_lot_id FROM refused_in_place AS r JOIN assessment AS a ON a.subject = 'refused ' || r.dead_letter_id;
CREATE VIEW refused_of_product_assessed AS
SELECT r.*, a.material_lot_id, a.body FROM refused_of_product AS r
JOIN assessment AS a ON a.subject = 'specification ' || r.dead_letter_id;

-- Where each series of results stands. A series is of one product and analyte, for one client and study ('': none is
-- known).
CREATE TABLE series (
    client_id  TEXT NOT NULL DEFAULT '',
    study_id   TEXT NOT NULL DEFAULT '',
    product    TEXT NOT NULL,
    analyte    TEXT NOT NULL,
    body       TEXT NOT NULL,
    hash       TEXT,
    PRIMARY KEY (client_id, product, analyte, study_id)
) STRICT;
CREATE TRIGGER series_hashed AFTER INSERT ON series WHEN NEW.hash IS NULL BEGIN
    UPDATE series SET hash =
        evidence_hash('series', CAST(NEW.client_id AS BLOB), CAST(NEW.study_id AS BLOB), CAST(NEW.product AS BLOB),
        CAST(NEW.analyte AS BLOB), CAST(NEW.body AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW series_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('series', CAST(client_id AS BLOB), CAST(study_id AS BLOB), CAST(product AS BLOB),
    CAST(analyte AS BLOB), CAST(body AS BLOB)) AS holds,
    'series ' || ltrim(client_id || ' ' || ltrim(study_id || ' ' || product || ' ' || analyte)) AS record
FROM series;

-- The points of series, one for each sample: the mean of its replicates, or the limit that all of them lie beyond.
CREATE TABLE series_sample (
    client_id  TEXT NOT NULL DEFAULT '',
    study_id   TEXT NOT NULL DEFAULT '',
    product    TEXT NOT NULL,
    analyte    TEXT NOT NULL,
    sample_id  TEXT NOT NULL,
    at_ns      INTEGER NOT NULL,
    value      REAL NOT NULL,
    qualifier  TEXT,
    results    TEXT NOT NULL,
    hash       TEXT,
    PRIMARY KEY (client_id, product, analyte, study_id, sample_id)
) STRICT;
CREATE INDEX series_sample_in_order ON series_sample (client_id, product, analyte, study_id, at_ns, sample_id);
CREATE INDEX series_sample_by_id ON series_sample (client_id, product, study_id, sample_id);
CREATE TRIGGER series_sample_hashed AFTER INSERT ON series_sample WHEN NEW.hash IS NULL BEGIN
    UPDATE series_sample SET hash =
        evidence_hash('series_sample', CAST(NEW.client_id AS BLOB), CAST(NEW.study_id AS BLOB),
        CAST(NEW.product AS BLOB), CAST(NEW.analyte AS BLOB), CAST(NEW.sample_id AS BLOB), NEW.at_ns, NEW.value,
        CAST(NEW.qualifier AS BLOB), CAST(NEW.results AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW series_sample_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('series_sample', CAST(client_id AS BLOB), CAST(study_id AS BLOB), CAST(product AS BLOB),
    CAST(analyte AS BLOB), CAST(sample_id AS BLOB), at_ns,
    value, CAST(qualifier AS BLOB), CAST(results AS BLOB)) AS holds,
    'series_sample ' || ltrim(client_id || ' ' || ltrim(study_id || ' ' || product || ' ' || analyte || ' ' || sample_id))
    AS record
FROM series_sample;

-- Frozen references of several analytes of one sample, by client and study as series are.
CREATE TABLE analytes_together (
    client_id  TEXT NOT NULL DEFAULT '',
    study_id   TEXT NOT NULL DEFAULT '',
    product    TEXT NOT NULL,
    analytes   TEXT NOT NULL,
    body       TEXT NOT NULL,
    hash       TEXT,
    PRIMARY KEY (client_id, study_id, product, analytes)
) STRICT;
CREATE TRIGGER analytes_together_hashed AFTER INSERT ON analytes_together BEGIN
    UPDATE analytes_together SET hash =
        evidence_hash('analytes_together', CAST(NEW.client_id AS BLOB), CAST(NEW.study_id AS BLOB),
        CAST(NEW.product AS BLOB), CAST(NEW.analytes AS BLOB),
        CAST(NEW.body AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW analytes_together_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('analytes_together', CAST(client_id AS BLOB), CAST(study_id AS BLOB), CAST(product AS BLOB),
    CAST(analytes AS BLOB), CAST(body AS BLOB)) AS holds,
    'analytes_together ' || ltrim(client_id || ' ' || ltrim(study_id || ' ' || product || ' ' || analytes)) AS record
FROM analytes_together;

-- What follows from the feedback of each model and analyte.
CREATE TABLE model_learned (
    bundle_sha256   TEXT NOT NULL,
    analyte         TEXT NOT NULL,
    charts_from_ns  INTEGER NOT NULL,
    body            TEXT NOT NULL,
    hash            TEXT,
    PRIMARY KEY (bundle_sha256, analyte)
) STRICT;
CREATE TRIGGER model_learned_hashed AFTER INSERT ON model_learned BEGIN
    UPDATE model_learned SET hash =
        evidence_hash('model_learned', CAST(NEW.bundle_sha256 AS BLOB), CAST(NEW.analyte AS BLOB),
        NEW.charts_from_ns, CAST(NEW.body AS BLOB))
    WHERE bundle_sha256 = NEW.bundle_sha256 AND analyte = NEW.analyte;
END;
CREATE VIEW model_learned_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('model_learned', CAST(bundle_sha256 AS BLOB), CAST(analyte AS BLOB), charts_from_ns,
    CAST(body AS BLOB)) AS holds
FROM model_learned;

-- Work that decisions have left for later, until it is done.
CREATE TABLE follow_up (
    event_id  TEXT PRIMARY KEY,
    at_ns     INTEGER NOT NULL,
    body      TEXT NOT NULL
) STRICT;

-- Samples that were requested, until they are measured.
CREATE TABLE sample_request (
    material_lot_id  TEXT PRIMARY KEY,
    request_id       TEXT NOT NULL,
    since_ns         INTEGER NOT NULL,
    probability      REAL NOT NULL,
    tests            TEXT NOT NULL,
    done             INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sample_request_waits ON sample_request (since_ns) WHERE done = 0;

-- Lots that are to be judged again, since what they are judged by has changed.
CREATE TABLE lot_to_judge (
    material_lot_id  TEXT PRIMARY KEY,
    cause            TEXT NOT NULL,
    at_ns            INTEGER NOT NULL
) STRICT;
CREATE INDEX lot_to_judge_by_cause ON lot_to_judge (cause);

-- Results whose message names no lot: which one they belong to is looked for whenever context arrives. timed: whether
-- the sample's own instant is known; else at_ns is when the result came.
CREATE TABLE result_without_lot (
    result_id     TEXT PRIMARY KEY,
    source        TEXT NOT NULL,
    sample_id     TEXT NOT NULL,
    equipment_id  TEXT,
    job_order_id  TEXT,
    at_ns         INTEGER NOT NULL,
    timed         INTEGER NOT NULL
) STRICT;
CREATE INDEX result_without_lot_of_sample ON result_without_lot (sample_id, source);
CREATE INDEX result_without_lot_on_equipment ON result_without_lot (equipment_id, at_ns) WHERE equipment_id IS NOT NULL;
CREATE INDEX result_without_lot_of_order ON result_without_lot (job_order_id) WHERE job_order_id IS NOT NULL;

-- Messages without a version that say again what a later one had replaced: a resend, unless nothing follows.
CREATE TABLE restated_result (
    source     TEXT NOT NULL,
    sample_id  TEXT NOT NULL,
    test_id    TEXT NOT NULL,
    replicate  INTEGER NOT NULL,
    result_id  TEXT NOT NULL,
    since_ns   INTEGER NOT NULL,
    PRIMARY KEY (source, sample_id, test_id, replicate)
) STRICT, WITHOUT ROWID;
CREATE INDEX restated_result_since ON restated_result (since_ns);

-- Alarms that stand until a person takes them down; while one stands, every model is in shadow.
CREATE TABLE latch (
    code   TEXT PRIMARY KEY,
    at_ns  INTEGER NOT NULL,
    body   TEXT NOT NULL
) STRICT;

-- Alarms that are not normal, after ISA-18.2: what stands, what nobody has acknowledged, what calls nobody for a time.
CREATE TABLE alarm (
    alarm_id      TEXT PRIMARY KEY,
    title         TEXT NOT NULL,
    severity      TEXT NOT NULL,
    position      TEXT NOT NULL,
    active        INTEGER NOT NULL,
    acknowledged  INTEGER NOT NULL,
    latched       INTEGER NOT NULL,
    suppression   TEXT NOT NULL,
    until_ns      INTEGER,
    reason        TEXT NOT NULL,
    person        TEXT NOT NULL,
    since_ns      INTEGER NOT NULL,
    guidance_id   TEXT,
    group_id      TEXT  -- the alarm below which it stands
) STRICT;
CREATE INDEX alarm_suppressed ON alarm (until_ns) WHERE suppression <> 'none';

-- Warnings and suggestions that a person has rejected and whose condition stands: they are not asked again.
CREATE TABLE rejected_advice (
    name         TEXT PRIMARY KEY,
    model        TEXT NOT NULL,
    guidance_id  TEXT NOT NULL,
    at_ns        INTEGER NOT NULL
) STRICT;
CREATE INDEX rejected_advice_by_model ON rejected_advice (model);

-- Rules by which alarms are suppressed by design, whose condition holds; used_up: for longer than it may.
CREATE TABLE alarm_suppression (
    name      TEXT PRIMARY KEY,
    since_ns  INTEGER NOT NULL,
    used_up   INTEGER NOT NULL
) STRICT;

-- What happened to alarms, for figures and notifications; it goes by age.
CREATE TABLE alarm_event (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ns        INTEGER NOT NULL,
    alarm_id     TEXT NOT NULL,
    change       TEXT NOT NULL,
    title        TEXT NOT NULL,
    severity     TEXT NOT NULL,
    position     TEXT NOT NULL,
    person       TEXT NOT NULL,
    reason       TEXT NOT NULL,
    guidance_id  TEXT,
    group_id     TEXT
) STRICT;
CREATE INDEX alarm_event_by_time ON alarm_event (at_ns);
CREATE INDEX alarm_event_raised ON alarm_event (at_ns) WHERE change = 'raised';

-- Up to which entry of alarm_event each target of notifications has come, what it is told of only after its quiet
-- hours, and what it has refused.
CREATE TABLE notify_target (
    target  TEXT PRIMARY KEY,
    seq     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE notify_put_off (
    target  TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (target, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE notify_parked (
    target  TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    at_ns   INTEGER NOT NULL,
    why     TEXT NOT NULL,
    PRIMARY KEY (target, seq)
) STRICT, WITHOUT ROWID;

-- What systems are told over HTTP: one row for each message and sink, written with its cause. It keeps what was sent and
-- what was answered, until it is too old.
CREATE TABLE delivery (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id      TEXT NOT NULL UNIQUE,
    sink             TEXT NOT NULL,
    message_id       TEXT NOT NULL,
    kind             TEXT NOT NULL,
    material_lot_id  TEXT,
    ordered_by       TEXT NOT NULL,
    path             TEXT NOT NULL,
    body             BLOB NOT NULL,
    created_ns       INTEGER NOT NULL,
    state            TEXT NOT NULL DEFAULT 'waiting',
    attempts         INTEGER NOT NULL DEFAULT 0,
    first_ns         INTEGER,
    due_ns           INTEGER NOT NULL DEFAULT 0,
    answer           TEXT NOT NULL DEFAULT '',
    answered_ns      INTEGER,
    hash             TEXT
) STRICT;
CREATE INDEX delivery_waiting ON delivery (sink, ordered_by, seq) WHERE state = 'waiting';
CREATE INDEX delivery_refused ON delivery (sink, seq) WHERE state = 'refused';
CREATE INDEX delivery_of_lot ON delivery (sink, ordered_by, material_lot_id, seq);
CREATE INDEX delivery_about_lot ON delivery (material_lot_id) WHERE material_lot_id IS NOT NULL;
CREATE INDEX delivery_by_time ON delivery (created_ns) WHERE state <> 'waiting';
CREATE TRIGGER delivery_hashed AFTER INSERT ON delivery BEGIN
    UPDATE delivery SET hash =
        evidence_hash('delivery', CAST(NEW.delivery_id AS BLOB), CAST(NEW.sink AS BLOB), CAST(NEW.message_id AS BLOB),
        CAST(NEW.kind AS BLOB), CAST(NEW.material_lot_id AS BLOB), CAST(NEW.ordered_by AS BLOB),
        CAST(NEW.path AS BLOB), NEW.body, NEW.created_ns)
    WHERE seq = NEW.seq;
END;
CREATE VIEW delivery_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('delivery', CAST(delivery_id AS BLOB), CAST(sink AS BLOB), CAST(message_id AS BLOB),
    CAST(kind AS BLOB), CAST(material_lot_id AS BLOB), CAST(ordered_by AS BLOB), CAST(path AS BLOB), body,
    created_ns) AS holds
FROM delivery;

-- What an edge node of Sparkplug reports: values of metrics by name, written with their cause. Of each subject the newest
-- row stays, for the next birth; the others go once they are sent.
CREATE TABLE sparkplug_report (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    device           TEXT NOT NULL,
    subject          TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    body             TEXT NOT NULL,
    expires_ns       INTEGER,
    expires_boot_ns  INTEGER,
    boot_id          TEXT,
    sent             INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sparkplug_report_newest ON sparkplug_report (device, subject, seq);
CREATE INDEX sparkplug_report_waiting ON sparkplug_report (seq) WHERE sent = 0;

-- The number of the edge node's last connection, so that a death is never taken for that of another one.
CREATE TABLE sparkplug_session (
    only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
    bd_seq    INTEGER NOT NULL
) STRICT;

-- Why a message left the outbox without an acknowledgement.
CREATE TABLE departure (
    seq         INTEGER PRIMARY KEY,
    message_id  TEXT NOT NULL,
    lane        INTEGER NOT NULL,
    topic       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    at_ns       INTEGER NOT NULL
) STRICT;
CREATE INDEX departure_by_time ON departure (at_ns);

-- Who is signed in at the console: the hash of the token, which only the browser has, and by which password. Times as
-- deadlines are kept (gateway/deadlines.py).
CREATE TABLE console_session (
    token_sha256     TEXT PRIMARY KEY,
    user_id          TEXT NOT NULL,
    password_seq     INTEGER NOT NULL,
    opened_ns        INTEGER NOT NULL,
    used_ns          INTEGER NOT NULL,
    expires_ns       INTEGER NOT NULL,
    expires_boot_ns  INTEGER NOT NULL,
    boot_id          TEXT NOT NULL,
    hash             TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX console_session_of_user ON console_session (user_id, opened_ns);
CREATE TRIGGER console_session_hashed AFTER INSERT ON console_session BEGIN
    UPDATE console_session SET hash =
        evidence_hash('console_session', CAST(NEW.token_sha256 AS BLOB), CAST(NEW.user_id AS BLOB),
        NEW.password_seq, NEW.opened_ns, NEW.expires_ns, NEW.expires_boot_ns, CAST(NEW.boot_id AS BLOB))
    WHERE token_sha256 = NEW.token_sha256;
END;
CREATE VIEW console_session_checked AS SELECT *, hash IS
    evidence_hash('console_session', CAST(token_sha256 AS BLOB), CAST(user_id AS BLOB), password_seq, opened_ns,
    expires_ns, expires_boot_ns, CAST(boot_id AS BLOB)) AS holds
FROM console_session;

-- Dead letters that a person wants tried again.
CREATE TABLE retry (
    dead_letter_id  TEXT PRIMARY KEY REFERENCES dead_letter,
    asked_ns        INTEGER NOT NULL,
    person          TEXT NOT NULL,
    tried_ns        INTEGER
) STRICT;

-- The audit trail: a chain of lines, each with the hash of the one before. Which client and study a line concerns is
-- taken from its body, which the hash covers.
CREATE TABLE audit (
    seq       INTEGER PRIMARY KEY,
    at_ns     INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    body      TEXT NOT NULL,
    previous  TEXT NOT NULL,
    hash      TEXT NOT NULL,
    client_id TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.client_id') END, '')
    ) VIRTUAL,
    study_id  TEXT AS (
        coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.study_id') END, '')
    ) VIRTUAL
) STRICT;
CREATE INDEX audit_by_kind ON audit (kind, seq);
CREATE INDEX audit_by_subject ON audit (subject);
CREATE INDEX audit_about_lot
    ON audit (CAST(CASE WHEN json_valid(body) THEN json_extract(body, '$.lot') END AS TEXT), seq) WHERE kind = 'disposition';
CREATE INDEX audit_that_authorises ON audit (seq) WHERE instr(body, '"authorises":true') > 0;
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

-- Which line says what was recommended for a lot; the newest is the last of a lot's.
CREATE VIEW line_about_lot AS SELECT
    CAST(CASE WHEN json_valid(body) THEN json_extract(body, '$.lot') END AS TEXT) AS material_lot_id, seq,
    CASE WHEN json_valid(body) THEN json_extract(body, '$.recommendation') END AS recommendation
FROM audit WHERE kind = 'disposition';

-- What was exported, verified and then taken out of the audit trail.
CREATE TABLE audit_archive (
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER PRIMARY KEY,
    last_hash    TEXT NOT NULL,
    file_sha256  TEXT NOT NULL
) STRICT;

-- The audit trail's head as signed and published. line: which line it was signed for, so that a line that was renamed
-- since is no wrong signature (NULL: not on record).
CREATE TABLE signed_head (
    seq         INTEGER PRIMARY KEY,
    hash        TEXT NOT NULL,
    at_ns       INTEGER NOT NULL,
    public_key  TEXT NOT NULL,
    signature   TEXT NOT NULL,
    line        TEXT
) STRICT;

-- One row: how many bytes of payloads there are, so that nobody has to count.
CREATE TABLE dead_letter_payloads (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER NOT NULL) STRICT;
INSERT INTO dead_letter_payloads VALUES (1, 0);

-- One row: which store this is, what its ids are salted with after a restore, how late it has ever been, and up to
-- which schema the audit trail vouches for every row.
CREATE TABLE store (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    epoch           TEXT NOT NULL,
    latest_wall_ns  INTEGER NOT NULL,
    stopped_clean   INTEGER NOT NULL,
    checked_ns      INTEGER,
    vouched_schema  INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO store (one, epoch, latest_wall_ns, stopped_clean) VALUES (1, '', 0, 1);
