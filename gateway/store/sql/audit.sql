-- name: last_audit
SELECT seq, hash FROM (
    SELECT seq, hash FROM audit
    UNION ALL
    SELECT last_seq, last_hash FROM audit_archive
) ORDER BY seq DESC LIMIT 1;

-- name: append_audit
INSERT INTO audit (seq, at_ns, kind, subject, body, previous, hash)
VALUES (:seq, :at_ns, :kind, :subject, :body, :previous, :hash);

-- name: audit_from
SELECT seq, at_ns, kind, subject, body, previous, hash FROM audit WHERE seq >= :seq ORDER BY seq;

-- name: first_audit_seq
SELECT min(seq) FROM audit;

-- name: audit_hash
SELECT hash FROM audit WHERE seq = :seq;

-- name: lines_that_authorise
SELECT seq, at_ns, kind, subject, body, previous, hash, (
    SELECT previous FROM audit AS following WHERE following.seq = line.seq + 1
) AS following
FROM audit AS line INDEXED BY audit_that_authorises WHERE instr(body, '"authorises":true') > 0 ORDER BY seq;

-- name: authorises_after
SELECT seq FROM audit INDEXED BY audit_that_authorises
WHERE instr(body, '"authorises":true') > 0 AND seq > :seq AND kind <> 'trail_not_ours' LIMIT 1;

-- name: lines_not_ours
SELECT seq, subject FROM audit INDEXED BY audit_that_authorises
WHERE instr(body, '"authorises":true') > 0 AND kind = 'trail_not_ours' ORDER BY seq;

-- name: audit_before
SELECT max(seq) FROM audit WHERE at_ns < :before_ns;

-- name: archived_until
SELECT max(last_seq) FROM audit_archive;

-- name: archives
SELECT first_seq, last_seq, last_hash, file_sha256 FROM audit_archive ORDER BY last_seq;

-- name: archived_line
SELECT body FROM audit WHERE kind = 'audit_archived' AND subject = :subject ORDER BY seq DESC LIMIT 1;

-- name: last_line_of_archive
SELECT body FROM audit WHERE kind = 'audit_archived' ORDER BY seq DESC LIMIT 1;

-- name: lot_recommendation
SELECT recommendation FROM lot WHERE material_lot_id = :material_lot_id;

-- name: insert_archive
INSERT INTO audit_archive (first_seq, last_seq, last_hash, file_sha256)
VALUES (:first_seq, :last_seq, :last_hash, :file_sha256);

-- name: prune_audit
DELETE FROM audit WHERE seq <= :last_seq;

-- name: audit_delete_trigger
SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'audit_is_append_only_delete';

-- name: drop_audit_delete_trigger
DROP TRIGGER audit_is_append_only_delete;

-- name: last_configuration
SELECT subject FROM audit WHERE kind = 'gateway_started' ORDER BY seq DESC LIMIT 1;

-- name: language_of_start
SELECT json_extract(body, '$.language') AS language FROM audit
WHERE kind = 'gateway_started' AND at_ns < :until_ns AND json_valid(body) ORDER BY seq DESC LIMIT 1;

-- name: newest_signed_head
SELECT seq, at_ns FROM signed_head ORDER BY seq DESC LIMIT 1;

-- name: signed_heads
SELECT seq, hash, at_ns, public_key, signature, line FROM signed_head ORDER BY seq;

-- name: last_signed_head
SELECT seq, hash, at_ns, public_key, signature, line FROM signed_head ORDER BY seq DESC LIMIT 1;

-- name: insert_signed_head
INSERT OR REPLACE INTO signed_head (seq, hash, at_ns, public_key, signature, line)
VALUES (:seq, :hash, :at_ns, :public_key, :signature, :line);

-- name: keys_of_heads
SELECT DISTINCT public_key FROM signed_head;
