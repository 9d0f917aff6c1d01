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
