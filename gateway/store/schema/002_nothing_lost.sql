-- Hashes of evidence: a trigger sets them, so that no way of writing can forget it (of the outbox, which is written
-- most, the statement that enqueues does), and the views named *_checked say whether each row still holds. A row that
-- no longer holds stays so: no later change hashes damage into it. Then gaps, signed heads, latched alarms, deadlines that survive a stepped clock.
-- evidence_hash is the gateway's own function: without it nobody writes to these tables. Text goes in as bytes, so that
-- damaged characters are told, not stumbled over.

ALTER TABLE outbox ADD COLUMN expires_boot_ns INTEGER;
ALTER TABLE outbox ADD COLUMN boot_id TEXT;

-- a known hole in data
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

-- the audit chain's head as signed and published off the box
CREATE TABLE signed_head (
    seq         INTEGER PRIMARY KEY,
    hash        TEXT NOT NULL,
    at_ns       INTEGER NOT NULL,
    public_key  TEXT NOT NULL,
    signature   TEXT NOT NULL
) STRICT;

-- what was exported, verified and then taken out of the audit trail
CREATE TABLE audit_archive (
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER PRIMARY KEY,
    last_hash    TEXT NOT NULL,
    file_sha256  TEXT NOT NULL
) STRICT;

-- alarms that stand until a person takes them down; while one stands, every model is in shadow
CREATE TABLE latch (
    code   TEXT PRIMARY KEY,
    at_ns  INTEGER NOT NULL,
    body   TEXT NOT NULL
) STRICT;

-- dead letters that a person wants tried again
CREATE TABLE retry (
    dead_letter_id  TEXT PRIMARY KEY REFERENCES dead_letter,
    asked_ns        INTEGER NOT NULL,
    person          TEXT NOT NULL,
    tried_ns        INTEGER
) STRICT;

-- one row: which store this is, what its ids are salted with after a restore, how late it has ever been
CREATE TABLE store (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    epoch           TEXT NOT NULL,
    latest_wall_ns  INTEGER NOT NULL,
    stopped_clean   INTEGER NOT NULL,
    checked_ns      INTEGER
) STRICT;
INSERT INTO store (one, epoch, latest_wall_ns, stopped_clean) VALUES (1, '', 0, 1);

-- a guidance's deadline, which was wall time only
UPDATE guidance SET body = json_remove(
    CASE WHEN json_extract(body, '$.expires_ns') IS NULL THEN json_set(body, '$.expires', NULL)
    ELSE json_set(body, '$.expires', json_object('wall_ns', json_extract(body, '$.expires_ns'), 'boot_ns', 0, 'boot_id', ''))
    END, '$.expires_ns');


ALTER TABLE event ADD COLUMN hash TEXT;
UPDATE event SET hash =
    evidence_hash('event', CAST(event_id AS BLOB), CAST(kind AS BLOB), at_ns, CAST(session AS BLOB),
    CAST(topic AS BLOB), message_number, CAST(payload_sha256 AS BLOB));
CREATE TRIGGER event_hashed AFTER INSERT ON event BEGIN
    UPDATE event SET hash =
        evidence_hash('event', CAST(NEW.event_id AS BLOB), CAST(NEW.kind AS BLOB), NEW.at_ns,
        CAST(NEW.session AS BLOB), CAST(NEW.topic AS BLOB), NEW.message_number,
        CAST(NEW.payload_sha256 AS BLOB))
    WHERE event_id = NEW.event_id;
END;
CREATE VIEW event_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('event', CAST(event_id AS BLOB), CAST(kind AS BLOB), at_ns, CAST(session AS BLOB),
    CAST(topic AS BLOB), message_number, CAST(payload_sha256 AS BLOB)) AS holds
FROM event;

ALTER TABLE job_order ADD COLUMN hash TEXT;
UPDATE job_order SET hash =
    evidence_hash('job_order', CAST(job_order_id AS BLOB), CAST(material_definition_id AS BLOB),
    CAST(client_id AS BLOB), CAST(equipment_id AS BLOB), started_ns, ended_ns);
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

ALTER TABLE lot ADD COLUMN hash TEXT;
UPDATE lot SET hash =
    evidence_hash('lot', CAST(material_lot_id AS BLOB), CAST(job_order_id AS BLOB),
    CAST(material_definition_id AS BLOB), CAST(client_id AS BLOB), CAST(equipment_id AS BLOB),
    started_ns, ended_ns, closed_ns, CAST(recommendation AS BLOB), latched);
CREATE TRIGGER lot_hashed AFTER INSERT ON lot BEGIN
    UPDATE lot SET hash =
        evidence_hash('lot', CAST(NEW.material_lot_id AS BLOB), CAST(NEW.job_order_id AS BLOB),
        CAST(NEW.material_definition_id AS BLOB), CAST(NEW.client_id AS BLOB),
        CAST(NEW.equipment_id AS BLOB), NEW.started_ns, NEW.ended_ns, NEW.closed_ns,
        CAST(NEW.recommendation AS BLOB), NEW.latched)
    WHERE material_lot_id = NEW.material_lot_id;
END;
CREATE TRIGGER lot_rehashed AFTER UPDATE OF
    job_order_id, material_definition_id, client_id, equipment_id, started_ns, ended_ns, closed_ns, recommendation, latched
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

ALTER TABLE context_change ADD COLUMN hash TEXT;
UPDATE context_change SET hash =
    evidence_hash('context_change', CAST(event_id AS BLOB), CAST(kind AS BLOB), at_ns,
    CAST(equipment_id AS BLOB), CAST(material_lot_id AS BLOB), CAST(body AS BLOB));
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

ALTER TABLE lab_result ADD COLUMN hash TEXT;
UPDATE lab_result SET hash =
    evidence_hash('lab_result', CAST(result_id AS BLOB), CAST(source AS BLOB), CAST(sample_id AS BLOB),
    CAST(test_id AS BLOB), replicate, result_version, current, CAST(analyte AS BLOB),
    CAST(material_lot_id AS BLOB), sampled_ns, CAST(payload_sha256 AS BLOB), payload,
    CAST(body AS BLOB), CAST(event_id AS BLOB));
CREATE TRIGGER lab_result_hashed AFTER INSERT ON lab_result BEGIN
    UPDATE lab_result SET hash =
        evidence_hash('lab_result', CAST(NEW.result_id AS BLOB), CAST(NEW.source AS BLOB),
        CAST(NEW.sample_id AS BLOB), CAST(NEW.test_id AS BLOB), NEW.replicate, NEW.result_version,
        NEW.current, CAST(NEW.analyte AS BLOB), CAST(NEW.material_lot_id AS BLOB), NEW.sampled_ns,
        CAST(NEW.payload_sha256 AS BLOB), NEW.payload, CAST(NEW.body AS BLOB),
        CAST(NEW.event_id AS BLOB))
    WHERE result_id = NEW.result_id;
END;
CREATE TRIGGER lab_result_rehashed AFTER UPDATE OF
    current
ON lab_result BEGIN
    UPDATE lab_result SET hash = CASE WHEN OLD.hash IS
        evidence_hash('lab_result', CAST(OLD.result_id AS BLOB), CAST(OLD.source AS BLOB),
        CAST(OLD.sample_id AS BLOB), CAST(OLD.test_id AS BLOB), OLD.replicate, OLD.result_version,
        OLD.current, CAST(OLD.analyte AS BLOB), CAST(OLD.material_lot_id AS BLOB), OLD.sampled_ns,
        CAST(OLD.payload_sha256 AS BLOB), OLD.payload, CAST(OLD.body AS BLOB),
        CAST(OLD.event_id AS BLOB))
    THEN
        evidence_hash('lab_result', CAST(NEW.result_id AS BLOB), CAST(NEW.source AS BLOB),
        CAST(NEW.sample_id AS BLOB), CAST(NEW.test_id AS BLOB), NEW.replicate, NEW.result_version,
        NEW.current, CAST(NEW.analyte AS BLOB), CAST(NEW.material_lot_id AS BLOB), NEW.sampled_ns,
        CAST(NEW.payload_sha256 AS BLOB), NEW.payload, CAST(NEW.body AS BLOB),
        CAST(NEW.event_id AS BLOB))
    ELSE OLD.hash END
    WHERE result_id = NEW.result_id;
END;
CREATE VIEW lab_result_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('lab_result', CAST(result_id AS BLOB), CAST(source AS BLOB), CAST(sample_id AS BLOB),
    CAST(test_id AS BLOB), replicate, result_version, current, CAST(analyte AS BLOB),
    CAST(material_lot_id AS BLOB), sampled_ns, CAST(payload_sha256 AS BLOB), payload,
    CAST(body AS BLOB), CAST(event_id AS BLOB)) AS holds
FROM lab_result;

ALTER TABLE prediction ADD COLUMN hash TEXT;
UPDATE prediction SET hash =
    evidence_hash('prediction', CAST(prediction_id AS BLOB), at_ns, CAST(model AS BLOB),
    CAST(equipment_id AS BLOB), CAST(analyte AS BLOB), CAST(material_lot_id AS BLOB),
    CAST(sample_result_id AS BLOB), value, low, high, accepted, CAST(body AS BLOB));
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

ALTER TABLE disposition ADD COLUMN hash TEXT;
UPDATE disposition SET hash =
    evidence_hash('disposition', CAST(disposition_id AS BLOB), CAST(material_lot_id AS BLOB),
    CAST(recommendation AS BLOB), at_ns, CAST(event_id AS BLOB), CAST(body AS BLOB));
CREATE TRIGGER disposition_hashed AFTER INSERT ON disposition BEGIN
    UPDATE disposition SET hash =
        evidence_hash('disposition', CAST(NEW.disposition_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        CAST(NEW.recommendation AS BLOB), NEW.at_ns, CAST(NEW.event_id AS BLOB),
        CAST(NEW.body AS BLOB))
    WHERE disposition_id = NEW.disposition_id;
END;
CREATE VIEW disposition_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('disposition', CAST(disposition_id AS BLOB), CAST(material_lot_id AS BLOB),
    CAST(recommendation AS BLOB), at_ns, CAST(event_id AS BLOB), CAST(body AS BLOB)) AS holds
FROM disposition;

ALTER TABLE guidance ADD COLUMN hash TEXT;
UPDATE guidance SET hash =
    evidence_hash('guidance', CAST(guidance_id AS BLOB), CAST(kind AS BLOB), CAST(state AS BLOB), open,
    CAST(moved_tag AS BLOB), moved_ns, issued_ns, CAST(body AS BLOB));
CREATE TRIGGER guidance_hashed AFTER INSERT ON guidance BEGIN
    UPDATE guidance SET hash =
        evidence_hash('guidance', CAST(NEW.guidance_id AS BLOB), CAST(NEW.kind AS BLOB), CAST(NEW.state AS BLOB),
        NEW.open, CAST(NEW.moved_tag AS BLOB), NEW.moved_ns, NEW.issued_ns, CAST(NEW.body AS BLOB))
    WHERE guidance_id = NEW.guidance_id;
END;
CREATE TRIGGER guidance_rehashed AFTER UPDATE OF
    kind, state, open, moved_tag, moved_ns, issued_ns, body
ON guidance BEGIN
    UPDATE guidance SET hash = CASE WHEN OLD.hash IS
        evidence_hash('guidance', CAST(OLD.guidance_id AS BLOB), CAST(OLD.kind AS BLOB), CAST(OLD.state AS BLOB),
        OLD.open, CAST(OLD.moved_tag AS BLOB), OLD.moved_ns, OLD.issued_ns, CAST(OLD.body AS BLOB))
    THEN
        evidence_hash('guidance', CAST(NEW.guidance_id AS BLOB), CAST(NEW.kind AS BLOB), CAST(NEW.state AS BLOB),
        NEW.open, CAST(NEW.moved_tag AS BLOB), NEW.moved_ns, NEW.issued_ns, CAST(NEW.body AS BLOB))
    ELSE OLD.hash END
    WHERE guidance_id = NEW.guidance_id;
END;
CREATE VIEW guidance_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('guidance', CAST(guidance_id AS BLOB), CAST(kind AS BLOB), CAST(state AS BLOB), open,
    CAST(moved_tag AS BLOB), moved_ns, issued_ns, CAST(body AS BLOB)) AS holds
FROM guidance;

ALTER TABLE guidance_state ADD COLUMN hash TEXT;
UPDATE guidance_state SET hash =
    evidence_hash('guidance_state', CAST(guidance_id AS BLOB), CAST(state AS BLOB), at_ns,
    CAST(event_id AS BLOB));
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

ALTER TABLE response ADD COLUMN hash TEXT;
UPDATE response SET hash =
    evidence_hash('response', CAST(event_id AS BLOB), CAST(guidance_id AS BLOB), CAST(act AS BLOB),
    CAST(person AS BLOB), CAST(outcome AS BLOB), CAST(body AS BLOB));
CREATE TRIGGER response_hashed AFTER INSERT ON response BEGIN
    UPDATE response SET hash =
        evidence_hash('response', CAST(NEW.event_id AS BLOB), CAST(NEW.guidance_id AS BLOB),
        CAST(NEW.act AS BLOB), CAST(NEW.person AS BLOB), CAST(NEW.outcome AS BLOB),
        CAST(NEW.body AS BLOB))
    WHERE event_id = NEW.event_id;
END;
CREATE VIEW response_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('response', CAST(event_id AS BLOB), CAST(guidance_id AS BLOB), CAST(act AS BLOB),
    CAST(person AS BLOB), CAST(outcome AS BLOB), CAST(body AS BLOB)) AS holds
FROM response;

ALTER TABLE dead_letter ADD COLUMN hash TEXT;
UPDATE dead_letter SET hash =
    evidence_hash('dead_letter', CAST(dead_letter_id AS BLOB), at_ns, CAST(topic AS BLOB), CAST(reasons AS BLOB),
    payload);
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

ALTER TABLE outbox ADD COLUMN hash TEXT;
UPDATE outbox SET hash =
    evidence_hash('outbox', CAST(message_id AS BLOB), lane, CAST(topic AS BLOB), payload, retain, expires_ns,
    created_ns, expires_boot_ns, CAST(boot_id AS BLOB));
CREATE VIEW outbox_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('outbox', CAST(message_id AS BLOB), lane, CAST(topic AS BLOB), payload, retain, expires_ns,
    created_ns, expires_boot_ns, CAST(boot_id AS BLOB)) AS holds
FROM outbox;

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
