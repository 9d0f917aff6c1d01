-- The corrections of models that people have signed, one line for each act: where [[model]] bias = "signed", the newest one
-- holds, and the laboratory's results only propose the next.
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
