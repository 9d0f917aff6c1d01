-- Several events of one message have one time.
-- name: was_in_last_delivery
SELECT 1 FROM event_checked
WHERE holds AND session = :session AND message_number = :message_number AND payload_sha256 = :payload_sha256
  AND at_ns = (
    SELECT at_ns FROM event_checked WHERE holds AND session = :session AND message_number = :message_number
    ORDER BY row_number DESC LIMIT 1
  );

-- name: payloads_under_id
-- of an event under its id in this epoch, of one under its own id, and of a result
SELECT 1 AS place, 'event' AS kept_in, payload_sha256, holds FROM event_checked WHERE event_id = :event_id
UNION ALL SELECT 2, 'event', payload_sha256, holds FROM event_checked WHERE event_id = :own_id
UNION ALL SELECT 3, 'lab_result', payload_sha256, holds FROM lab_result_checked WHERE result_id = :own_id;

-- name: count_deliveries
SELECT count(*) FROM event WHERE payload_sha256 = :payload_sha256 AND topic = :topic;

-- name: insert_event
INSERT INTO event (event_id, kind, at_ns, session, topic, message_number, payload_sha256, hash)
VALUES (:event_id, :kind, :at_ns, :session, :topic, :message_number, :payload_sha256, :hash);

-- name: keep_dead_letter_payload
INSERT OR IGNORE INTO dead_letter_payload (payload_sha256, bytes, payload) VALUES (:payload_sha256, :bytes, :payload);

-- name: dead_letter_payload_bytes
SELECT bytes FROM dead_letter_payloads;

-- name: drop_oldest_dead_letter_payload
DELETE FROM dead_letter_payload
WHERE rowid = (SELECT min(rowid) FROM dead_letter_payload WHERE payload_sha256 <> :payload_sha256);

-- name: insert_dead_letter
INSERT INTO dead_letter (dead_letter_id, at_ns, topic, reasons, payload)
VALUES (:dead_letter_id, :at_ns, :topic, :reasons, :payload);
