-- What is written with every result comes with its hash; the triggers are for rows that come without (salvaged ones).
DROP TRIGGER event_hashed;
CREATE TRIGGER event_hashed AFTER INSERT ON event WHEN NEW.hash IS NULL BEGIN
    UPDATE event SET hash =
        evidence_hash('event', CAST(NEW.event_id AS BLOB), CAST(NEW.kind AS BLOB), NEW.at_ns,
        CAST(NEW.session AS BLOB), CAST(NEW.topic AS BLOB), NEW.message_number,
        CAST(NEW.payload_sha256 AS BLOB))
    WHERE rowid = NEW.rowid;
END;
DROP TRIGGER lab_result_hashed;
CREATE TRIGGER lab_result_hashed AFTER INSERT ON lab_result WHEN NEW.hash IS NULL BEGIN
    UPDATE lab_result SET hash =
        evidence_hash('lab_result', CAST(NEW.result_id AS BLOB), CAST(NEW.source AS BLOB),
        CAST(NEW.sample_id AS BLOB), CAST(NEW.test_id AS BLOB), NEW.replicate, NEW.result_version,
        NEW.current, CAST(NEW.analyte AS BLOB), CAST(NEW.material_lot_id AS BLOB), NEW.sampled_ns,
        CAST(NEW.payload_sha256 AS BLOB), NEW.payload, CAST(NEW.body AS BLOB),
        CAST(NEW.event_id AS BLOB))
    WHERE rowid = NEW.rowid;
END;
DROP TRIGGER disposition_hashed;
CREATE TRIGGER disposition_hashed AFTER INSERT ON disposition WHEN NEW.hash IS NULL BEGIN
    UPDATE disposition SET hash =
        evidence_hash('disposition', CAST(NEW.disposition_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        CAST(NEW.recommendation AS BLOB), NEW.at_ns, CAST(NEW.event_id AS BLOB),
        CAST(NEW.body AS BLOB))
    WHERE rowid = NEW.rowid;
END;
DROP TRIGGER series_point_hashed;
CREATE TRIGGER series_point_hashed AFTER INSERT ON series_point WHEN NEW.hash IS NULL BEGIN
    UPDATE series_point SET hash =
        evidence_hash('series_point', CAST(NEW.result_id AS BLOB), CAST(NEW.product AS BLOB),
        CAST(NEW.analyte AS BLOB), CAST(NEW.sample_id AS BLOB), NEW.at_ns, NEW.value)
    WHERE rowid = NEW.rowid;
END;
DROP TRIGGER series_hashed;
CREATE TRIGGER series_hashed AFTER INSERT ON series WHEN NEW.hash IS NULL BEGIN
    UPDATE series SET hash =
        evidence_hash('series', CAST(NEW.client_id AS BLOB), CAST(NEW.study_id AS BLOB), CAST(NEW.product AS BLOB), CAST(NEW.analyte AS BLOB), CAST(NEW.body AS BLOB))
    WHERE rowid = NEW.rowid;
END;
