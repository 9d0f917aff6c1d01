-- Payloads of refused messages, each once, however often it was sent; bounded by a quota, the oldest goes first. A dead letter
-- names it in its own payload as 'sha256:' and the hash; one from before this schema holds its payload itself.
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
CREATE VIEW dead_letter_payload_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('dead_letter_payload', CAST(payload_sha256 AS BLOB), bytes, payload) AS holds
FROM dead_letter_payload;

-- How much of them there is, so that nobody has to count.
CREATE TABLE dead_letter_payloads (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER NOT NULL) STRICT;
INSERT INTO dead_letter_payloads (one, bytes) VALUES (1, 0);
CREATE TRIGGER dead_letter_payload_counted AFTER INSERT ON dead_letter_payload BEGIN
    UPDATE dead_letter_payloads SET bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER dead_letter_payload_uncounted AFTER DELETE ON dead_letter_payload BEGIN
    UPDATE dead_letter_payloads SET bytes = bytes - OLD.bytes;
END;

-- A dead letter with the payload that is kept of it; NULL where the quota has taken it.
CREATE VIEW dead_letter_whole AS
SELECT d.row_number, d.dead_letter_id, d.at_ns, d.topic, d.reasons,
       CASE WHEN d.kept_sha256 IS NULL THEN d.payload ELSE k.payload END AS payload,
       d.holds AND ifnull(k.holds, 1) AS holds
FROM (SELECT *, CASE WHEN substr(payload, 1, 7) = x'7368613235363a' THEN CAST(substr(payload, 8) AS TEXT) END AS kept_sha256
      FROM dead_letter_checked) AS d
LEFT JOIN dead_letter_payload_checked AS k ON k.payload_sha256 = d.kept_sha256;
