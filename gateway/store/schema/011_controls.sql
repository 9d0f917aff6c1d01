-- Results of the laboratory's control materials, in standard deviations from what is known of them.
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
