-- Which version of each model people have put into service, one line for each act; the newest that was not rolled back
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
