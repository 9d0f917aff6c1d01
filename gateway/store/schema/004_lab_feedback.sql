-- What the laboratory teaches of models in service: results beside what the model says of their sample's drawn time, by
-- bundle and analyte, and what follows from them. A bundle of another version begins anew.
CREATE TABLE feedback (
    bundle_sha256  TEXT NOT NULL,
    analyte        TEXT NOT NULL,
    result_id      TEXT NOT NULL,
    sampled_ns     INTEGER NOT NULL,
    arrived_ns     INTEGER NOT NULL,
    measured       REAL NOT NULL,
    predicted      REAL NOT NULL,
    hash           TEXT,
    PRIMARY KEY (bundle_sha256, analyte, result_id)
) STRICT;
CREATE INDEX feedback_by_arrival ON feedback (bundle_sha256, analyte, arrived_ns);

CREATE TABLE model_learned (
    bundle_sha256   TEXT NOT NULL,
    analyte         TEXT NOT NULL,
    charts_from_ns  INTEGER NOT NULL,
    body            TEXT NOT NULL,
    hash            TEXT,
    PRIMARY KEY (bundle_sha256, analyte)
) STRICT;

CREATE TRIGGER feedback_hashed AFTER INSERT ON feedback BEGIN
    UPDATE feedback SET hash =
        evidence_hash('feedback', CAST(NEW.bundle_sha256 AS BLOB), CAST(NEW.analyte AS BLOB),
        CAST(NEW.result_id AS BLOB), NEW.sampled_ns, NEW.arrived_ns, NEW.measured, NEW.predicted)
    WHERE bundle_sha256 = NEW.bundle_sha256 AND analyte = NEW.analyte AND result_id = NEW.result_id;
END;
CREATE VIEW feedback_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('feedback', CAST(bundle_sha256 AS BLOB), CAST(analyte AS BLOB), CAST(result_id AS BLOB),
    sampled_ns, arrived_ns, measured, predicted) AS holds
FROM feedback;

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
