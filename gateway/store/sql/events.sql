-- A message that told several things is of one moment.
-- name: was_in_last_delivery
SELECT 1 FROM event_checked
WHERE holds AND session = :session AND message_number = :message_number AND payload_sha256 = :payload_sha256
  AND at_ns = (
    SELECT at_ns FROM event_checked WHERE holds AND session = :session AND message_number = :message_number
    ORDER BY row_number DESC LIMIT 1
  );

-- name: payload_of_event
SELECT payload_sha256, holds FROM event_checked WHERE event_id = :event_id;

-- name: count_deliveries
SELECT count(*) FROM event WHERE payload_sha256 = :payload_sha256 AND topic = :topic;

-- name: insert_event
INSERT INTO event (event_id, kind, at_ns, session, topic, message_number, payload_sha256, hash)
VALUES (:event_id, :kind, :at_ns, :session, :topic, :message_number, :payload_sha256, :hash);

-- name: insert_dead_letter
INSERT INTO dead_letter (dead_letter_id, at_ns, topic, reasons, payload)
VALUES (:dead_letter_id, :at_ns, :topic, :reasons, :payload);
