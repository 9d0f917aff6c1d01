-- What master data has stated: each version of a specification once, and once its withdrawal. Bodies as they were stated;
-- without a date they hold from when they came.
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

-- Series of results: the numbers that are charted, where each series stands, and references of several analytes at once.
CREATE TABLE series_point (
    result_id  TEXT PRIMARY KEY,
    product    TEXT NOT NULL,
    analyte    TEXT NOT NULL,
    sample_id  TEXT NOT NULL,
    at_ns      INTEGER NOT NULL,
    value      REAL NOT NULL,
    hash       TEXT
) STRICT;
CREATE INDEX series_point_in_order ON series_point (product, analyte, at_ns);
CREATE INDEX series_point_of_sample ON series_point (product, sample_id);

CREATE TABLE series (
    client_id  TEXT NOT NULL DEFAULT '',
    study_id   TEXT NOT NULL DEFAULT '',
    product    TEXT NOT NULL,
    analyte    TEXT NOT NULL,
    body       TEXT NOT NULL,
    hash       TEXT,
    PRIMARY KEY (client_id, product, analyte, study_id)
) STRICT;

CREATE TABLE analytes_together (
    client_id  TEXT NOT NULL DEFAULT '',
    study_id   TEXT NOT NULL DEFAULT '',
    product    TEXT NOT NULL,
    analytes   TEXT NOT NULL,
    body       TEXT NOT NULL,
    hash       TEXT,
    PRIMARY KEY (client_id, study_id, product, analytes)
) STRICT;

CREATE TRIGGER series_point_hashed AFTER INSERT ON series_point BEGIN
    UPDATE series_point SET hash =
        evidence_hash('series_point', CAST(NEW.result_id AS BLOB), CAST(NEW.product AS BLOB),
        CAST(NEW.analyte AS BLOB), CAST(NEW.sample_id AS BLOB), NEW.at_ns, NEW.value)
    WHERE result_id = NEW.result_id;
END;
CREATE VIEW series_point_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('series_point', CAST(result_id AS BLOB), CAST(product AS BLOB), CAST(analyte AS BLOB),
    CAST(sample_id AS BLOB), at_ns, value) AS holds
FROM series_point;

CREATE TRIGGER series_hashed AFTER INSERT ON series BEGIN
    UPDATE series SET hash =
        evidence_hash('series', CAST(NEW.client_id AS BLOB), CAST(NEW.study_id AS BLOB), CAST(NEW.product AS BLOB), CAST(NEW.analyte AS BLOB), CAST(NEW.body AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW series_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('series', CAST(client_id AS BLOB), CAST(study_id AS BLOB), CAST(product AS BLOB), CAST(analyte AS BLOB), CAST(body AS BLOB)) AS holds
FROM series;

CREATE TRIGGER analytes_together_hashed AFTER INSERT ON analytes_together BEGIN
    UPDATE analytes_together SET hash =
        evidence_hash('analytes_together', CAST(NEW.client_id AS BLOB), CAST(NEW.study_id AS BLOB), CAST(NEW.product AS BLOB), CAST(NEW.analytes AS BLOB),
        CAST(NEW.body AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW analytes_together_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('analytes_together', CAST(client_id AS BLOB), CAST(study_id AS BLOB), CAST(product AS BLOB), CAST(analytes AS BLOB), CAST(body AS BLOB)) AS holds
FROM analytes_together;

-- Holds that were recommended before the laboratory's result, by what a model said; settled by the result that has come.
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

-- Work that decisions have left for later, until it is done.
CREATE TABLE follow_up (
    event_id  TEXT PRIMARY KEY,
    at_ns     INTEGER NOT NULL,
    body      TEXT NOT NULL
) STRICT;

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
INSERT OR IGNORE INTO material_use (material_lot_id, consumed_lot_id, consumed_definition_id, supplier, at_ns)
SELECT json_extract(body, '$.material_lot_id'), json_extract(body, '$.consumed_lot_id'),
       json_extract(body, '$.consumed_definition_id'), json_extract(body, '$.supplier'), at_ns
FROM context_change WHERE kind = 'material_consumed' AND json_valid(body);

-- What each lot was made by, and the drafts of investigations.
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

CREATE TABLE deviation (
    deviation_id     TEXT PRIMARY KEY,
    result_id        TEXT NOT NULL,
    sample_id        TEXT NOT NULL,
    material_lot_id  TEXT,
    product          TEXT,
    analyte          TEXT NOT NULL,
    at_ns            INTEGER NOT NULL,
    body             TEXT NOT NULL,
    hash             TEXT
) STRICT;
CREATE INDEX deviation_of_product ON deviation (product, analyte, at_ns);
CREATE INDEX deviation_of_lot ON deviation (material_lot_id);
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
CREATE INDEX guidance_in_time ON guidance (issued_ns);

-- Results of incoming material, by supplier; and the samples that were asked for, until they are measured.
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
    evidence_hash('incoming_result', CAST(result_id AS BLOB), CAST(client_id AS BLOB), CAST(study_id AS BLOB), CAST(supplier AS BLOB), CAST(material AS BLOB),
    CAST(analyte AS BLOB), failed) AS holds
FROM incoming_result;

CREATE TABLE sample_request (
    material_lot_id  TEXT PRIMARY KEY,
    request_id       TEXT NOT NULL,
    since_ns         INTEGER NOT NULL,
    probability      REAL NOT NULL,
    tests            TEXT NOT NULL,
    done             INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sample_request_waits ON sample_request (since_ns) WHERE done = 0;
CREATE INDEX sample_by_name ON deviation (sample_id);
CREATE INDEX disposition_of_event ON disposition (event_id);
CREATE INDEX prediction_of_lot ON prediction (material_lot_id, at_ns) WHERE sample_result_id IS NULL;
