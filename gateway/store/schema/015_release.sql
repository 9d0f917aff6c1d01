-- What speaks for and against each lot, one row for each result version, refused message or parent that concerns it: a
-- lot is recommended for release where one row asks for it and none asks for more care. Rows are derived from evidence
-- and are written anew whenever what they follow from changes.

-- A version of a result may come in several messages: its status advances. So its number is not unique any more.
DROP VIEW lab_result_checked;
CREATE TABLE lab_result_new (
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
    hash             TEXT
) STRICT;
INSERT INTO lab_result_new SELECT result_id, source, sample_id, test_id, replicate, result_version, current, analyte,
    material_lot_id, sampled_ns, payload_sha256, payload, body, event_id, hash FROM lab_result ORDER BY rowid;
DROP TABLE lab_result;
ALTER TABLE lab_result_new RENAME TO lab_result;
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
CREATE VIEW lab_result_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('lab_result', CAST(result_id AS BLOB), CAST(source AS BLOB), CAST(sample_id AS BLOB),
        CAST(test_id AS BLOB), replicate, result_version, current, CAST(analyte AS BLOB),
        CAST(material_lot_id AS BLOB), sampled_ns, CAST(payload_sha256 AS BLOB), payload, CAST(body AS BLOB),
        CAST(event_id AS BLOB)) AS holds
FROM lab_result;
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

-- subject: a result's id, or what else it is about by its kind and key; awaited_order_id: whose product is not known yet
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
    PRIMARY KEY (material_lot_id, subject)
) STRICT;
CREATE INDEX assessment_of_subject ON assessment (subject);
CREATE INDEX assessment_of_sample ON assessment (sample_id, source) WHERE states_lot = 1;
CREATE INDEX assessment_by_specification ON assessment (product, analyte, at_ns) WHERE product IS NOT NULL;
CREATE INDEX assessment_awaiting_order ON assessment (awaited_order_id) WHERE awaited_order_id IS NOT NULL;
CREATE INDEX assessment_of_retests ON assessment (material_lot_id) WHERE retest = 1;
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

-- What people have settled of what speaks against a lot.
CREATE TABLE settlement (
    point_id         TEXT,
    material_lot_id  TEXT NOT NULL,
    person           TEXT NOT NULL,
    reason           TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    hash             TEXT,
    PRIMARY KEY (point_id)
) STRICT;
CREATE INDEX settlement_of_lot ON settlement (material_lot_id);
CREATE TRIGGER settlement_hashed AFTER INSERT ON settlement WHEN NEW.hash IS NULL BEGIN
    UPDATE settlement SET hash =
        evidence_hash('settlement', CAST(NEW.point_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        CAST(NEW.person AS BLOB), CAST(NEW.reason AS BLOB), NEW.at_ns)
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW settlement_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('settlement', CAST(point_id AS BLOB), CAST(material_lot_id AS BLOB),
        CAST(person AS BLOB), CAST(reason AS BLOB), at_ns) AS holds
FROM settlement;

-- Refused messages that speak of a lot, or of a sample ('' for the lot): result is what a contradiction said.
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

-- Results whose message names no lot: which one they belong to is found anew whenever context arrives. timed: whether
-- the sample's own instant is known, else at_ns is when the result came.
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

-- Lots that are to be judged again, since what they are judged by has changed.
CREATE TABLE lot_to_judge (
    material_lot_id  TEXT PRIMARY KEY,
    cause            TEXT NOT NULL,
    at_ns            INTEGER NOT NULL
) STRICT;
CREATE INDEX lot_to_judge_by_cause ON lot_to_judge (cause);

-- Unversioned messages that say again what a later one had replaced: a resend, unless nothing follows.
CREATE TABLE restated_result (
    source      TEXT NOT NULL,
    sample_id   TEXT NOT NULL,
    test_id     TEXT NOT NULL,
    replicate   INTEGER NOT NULL,
    result_id   TEXT NOT NULL,
    since_ns    INTEGER NOT NULL,
    PRIMARY KEY (source, sample_id, test_id, replicate)
) STRICT, WITHOUT ROWID;
CREATE INDEX restated_result_since ON restated_result (since_ns);

CREATE INDEX lot_by_order ON lot (job_order_id) WHERE job_order_id IS NOT NULL;
CREATE INDEX context_change_by_order ON context_change
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.job_order_id') END);

-- of a store from before: every lot that is not closed
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns) SELECT material_lot_id, 'migration', 0 FROM lot WHERE closed_ns IS NULL;
