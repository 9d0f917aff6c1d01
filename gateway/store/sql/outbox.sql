-- name: depart_replaced
INSERT INTO departure (seq, message_id, lane, topic, reason, at_ns)
SELECT seq, message_id, lane, topic, 'superseded', :at_ns FROM outbox WHERE topic = :topic AND lane = :lane AND parked IS NULL;

-- name: delete_replaced
DELETE FROM outbox WHERE topic = :topic AND lane = :lane AND parked IS NULL;

-- name: enqueue
INSERT OR IGNORE INTO outbox (message_id, lane, topic, payload, retain, expires_ns, expires_boot_ns, boot_id, created_ns)
VALUES (:message_id, :lane, :topic, :payload, :retain, :expires_ns, :expires_boot_ns, :boot_id, :created_ns);

-- name: peek
SELECT seq, message_id, lane, topic, payload, retain, expires_ns, expires_boot_ns, boot_id, holds FROM outbox_checked
WHERE parked IS NULL ORDER BY lane, seq LIMIT :most;

-- name: acknowledged
DELETE FROM outbox WHERE seq = :seq;

-- name: depart
INSERT OR IGNORE INTO departure (seq, message_id, lane, topic, reason, at_ns)
SELECT seq, message_id, lane, topic, :reason, :at_ns FROM outbox WHERE seq = :seq;

-- name: park
UPDATE outbox SET parked = :reason WHERE seq = :seq;

-- name: depths
SELECT lane, count(*), min(created_ns), sum(parked IS NOT NULL), sum(length(payload)) FROM outbox GROUP BY lane;

-- name: departures
SELECT reason, count(*) FROM departure GROUP BY reason ORDER BY reason;

-- name: dead_letter_count
SELECT count(*) FROM dead_letter;
