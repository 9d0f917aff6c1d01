-- Certificates of analysis, as they were drafted, and what has become of them.

-- name: insert_certificate
INSERT INTO certificate
    (draft_id, certificate_id, version, draft, material_lot_id, customer, at_ns, sha256, words, body)
VALUES (:draft_id, :certificate_id, :version, :draft, :material_lot_id, :customer, :at_ns, :sha256, :words, :body);

-- name: insert_certificate_state
INSERT INTO certificate_state (version_id, certificate_id, version, material_lot_id, state, at_ns, body)
VALUES (:version_id, :certificate_id, :version, :material_lot_id, :state, :at_ns, :body);

-- the first document of a version is the one that was issued
-- name: insert_certificate_document
INSERT INTO certificate_document
    (version_id, certificate_id, version, media_type, sha256, content, problem, at_ns)
VALUES (:version_id, :certificate_id, :version, :media_type, :sha256, :content, :problem, :at_ns);

-- name: insert_certificate_sent
INSERT INTO certificate_sent (version_id, at_ns, body) VALUES (:version_id, :at_ns, :body);

-- name: lot_of_certificate
SELECT material_lot_id FROM certificate WHERE certificate_id = :certificate_id LIMIT 1;

-- of each version the newest draft, which is the one that was signed, if any was
-- name: certificates_of_lot
SELECT c.body, c.sha256, c.holds, 'certificate ' || c.draft_id AS record
FROM certificate_checked AS c
WHERE c.material_lot_id = :material_lot_id AND c.draft = (
    SELECT max(draft) FROM certificate WHERE certificate_id = c.certificate_id AND version = c.version
)
ORDER BY c.certificate_id, c.version LIMIT :most;

-- name: certificate_draft
SELECT body, sha256, holds, 'certificate ' || draft_id AS record FROM certificate_checked
WHERE certificate_id = :certificate_id AND version = :version ORDER BY draft DESC LIMIT 1;

-- name: newest_certificate_state
SELECT body, holds AND in_force('certificate_state ' || json_array(version_id, seq), hash) AS holds,
       'certificate_state ' || seq AS record
FROM certificate_state_checked WHERE version_id = :version_id ORDER BY seq DESC LIMIT 1;

-- a state that was taken out by hand
-- name: certificate_state_is_missing
SELECT has_rows('certificate_state ' || :version_id);

-- name: certificate_document
SELECT media_type, sha256, content, problem, holds, 'certificate_document ' || version_id AS record
FROM certificate_document_checked WHERE version_id = :version_id;

-- signed versions without a document, the oldest first
-- name: certificates_to_print
SELECT s.seq, s.certificate_id, s.version FROM certificate_state AS s
WHERE s.seq > :after AND s.state = 'signed'
  AND s.seq = (SELECT max(seq) FROM certificate_state WHERE version_id = s.version_id)
  AND NOT EXISTS (SELECT 1 FROM certificate_document WHERE version_id = s.version_id)
ORDER BY s.seq LIMIT :most;

-- signed versions with a document that nobody was sent yet, by when the document was made: that of an earlier signature may be later
-- name: certificates_to_mail
SELECT d.rowid, s.certificate_id, s.version FROM certificate_state AS s
JOIN certificate_document AS d ON d.version_id = s.version_id
WHERE d.rowid > :after AND s.state = 'signed' AND s.seq = (SELECT max(seq) FROM certificate_state WHERE version_id = s.version_id)
  AND NOT EXISTS (SELECT 1 FROM certificate_sent WHERE version_id = s.version_id)
  AND d.at_ns > :since_ns
ORDER BY d.rowid LIMIT :most;

-- name: certificate_sent
SELECT body, holds, 'certificate_sent ' || version_id AS record FROM certificate_sent_checked
WHERE version_id = :version_id;

-- of each certificate the newest draft of the newest version, the newest first
-- name: certificates_found
SELECT c.row_number AS place, c.certificate_id, c.version, c.body, c.sha256, c.holds,
       'certificate ' || c.draft_id AS record
FROM certificate_checked AS c
WHERE c.row_number < :before AND (:query = '' OR instr(c.words, :query) > 0)
  AND NOT EXISTS (SELECT 1 FROM certificate AS later WHERE later.certificate_id = c.certificate_id
                  AND (later.version, later.draft) > (c.version, c.draft))
ORDER BY c.row_number DESC LIMIT :most;

-- name: versions_of_certificate
SELECT c.body, c.sha256, c.holds, 'certificate ' || c.draft_id AS record FROM certificate_checked AS c
WHERE c.certificate_id = :certificate_id AND c.draft = (
    SELECT max(draft) FROM certificate WHERE certificate_id = c.certificate_id AND version = c.version
)
ORDER BY c.version DESC LIMIT :most;

-- name: certificate_by_number
SELECT DISTINCT certificate_id FROM certificate WHERE certificate_id LIKE :prefix || '%' LIMIT 2;

-- name: lot_begun_again_since
-- when production has begun a lot once more after its end, said or heard at a time or later (NULL: at any)
SELECT max(c.at_ns) FROM context_change AS c LEFT JOIN event AS e ON e.event_id = c.event_id
WHERE c.material_lot_id = :material_lot_id AND c.kind = 'lot_started'
    AND (:since_ns IS NULL OR max(c.at_ns, ifnull(e.at_ns, c.at_ns)) >= :since_ns)
    AND c.at_ns > (SELECT max(at_ns) FROM context_change
                   WHERE material_lot_id = :material_lot_id AND kind IN ('lot_ended', 'lot_closed'));

-- name: lot_begun_again
-- whether production has begun a lot once more since it ended or was closed: it is not complete
SELECT max(CASE WHEN kind = 'lot_started' THEN at_ns END) > max(CASE WHEN kind <> 'lot_started' THEN at_ns END)
FROM context_change WHERE material_lot_id = :material_lot_id AND kind IN ('lot_started', 'lot_ended', 'lot_closed');
