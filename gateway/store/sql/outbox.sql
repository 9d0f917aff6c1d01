-- name: depart_replaced
INSERT INTO departure (seq, message_id, lane, topic, reason, at_ns)
SELECT seq, message_id, lane, topic, 'superseded', :at_ns FROM outbox
WHERE topic = :topic AND lane = :lane AND parked IS NULL AND acknowledged = 0;

-- name: delete_replaced
DELETE FROM outbox WHERE topic = :topic AND lane = :lane AND parked IS NULL;

-- name: enqueue
INSERT OR IGNORE INTO outbox
    (message_id, lane, topic, payload, retain, expires_ns, created_ns, expires_boot_ns, boot_id, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: first_waiting
-- where nothing waits, the next one that will
SELECT coalesce(min(seq), (SELECT seq + 1 FROM sqlite_sequence WHERE name = 'outbox'), 0) FROM outbox;

-- name: newest_seq
SELECT coalesce(max(seq), 0) FROM outbox;

-- name: waiting
-- in the order of sending: of each lane what is live before the backlog, but telemetry, of which there is one a topic
SELECT * FROM (
    SELECT seq, message_id, lane, topic, payload, retain, expires_ns, expires_boot_ns, boot_id, acknowledged, holds
    FROM outbox_checked WHERE parked IS NULL AND acknowledged <> :connection AND lane = 0 AND seq > :guidance_live ORDER BY seq LIMIT :most
) UNION ALL SELECT * FROM (
    SELECT seq, message_id, lane, topic, payload, retain, expires_ns, expires_boot_ns, boot_id, acknowledged, holds
    FROM outbox_checked WHERE parked IS NULL AND acknowledged <> :connection AND lane = 0 AND seq > :guidance_sent AND seq <= :backlog
    ORDER BY seq LIMIT :most
) UNION ALL SELECT * FROM (
    SELECT seq, message_id, lane, topic, payload, retain, expires_ns, expires_boot_ns, boot_id, acknowledged, holds
    FROM outbox_checked WHERE parked IS NULL AND acknowledged <> :connection AND lane = 1 AND seq > :evidence_live ORDER BY seq LIMIT :most
) UNION ALL SELECT * FROM (
    SELECT seq, message_id, lane, topic, payload, retain, expires_ns, expires_boot_ns, boot_id, acknowledged, holds
    FROM outbox_checked WHERE parked IS NULL AND acknowledged <> :connection AND lane = 1 AND seq > :evidence_sent AND seq <= :backlog
    ORDER BY seq LIMIT :most
) UNION ALL SELECT * FROM (
    SELECT seq, message_id, lane, topic, payload, retain, expires_ns, expires_boot_ns, boot_id, acknowledged, holds
    FROM outbox_checked WHERE parked IS NULL AND acknowledged <> :connection AND lane = 2 AND seq > :telemetry_sent ORDER BY seq LIMIT :most
) LIMIT :most;

-- name: older_of_topic
SELECT seq, message_id, lane, topic, payload, retain, expires_ns, expires_boot_ns, boot_id, acknowledged, holds
FROM outbox_checked WHERE topic = :topic AND lane = :lane AND seq > :sent AND seq <= :backlog
  AND parked IS NULL AND acknowledged <> :connection
ORDER BY seq LIMIT :most;

-- name: acknowledged
UPDATE outbox SET acknowledged = :connection WHERE seq IN (SELECT value FROM json_each(:seqs));

-- name: gone
DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each(:seqs));

-- name: acknowledged_gone
DELETE FROM outbox WHERE acknowledged <> 0;

-- name: depart
INSERT OR IGNORE INTO departure (seq, message_id, lane, topic, reason, at_ns)
SELECT seq, message_id, lane, topic, :reason, :at_ns FROM outbox WHERE seq = :seq AND acknowledged = 0;

-- name: park
UPDATE outbox SET parked = :reason, acknowledged = 0 WHERE seq = :seq;

-- name: unpark
UPDATE outbox SET parked = NULL WHERE message_id = :message_id AND parked IS NOT NULL;

-- name: unretain_overtaken
-- of a lot that is closed, or of a topic with a newer message, which must stay at the broker; a damaged row gets no new
-- hash
UPDATE outbox SET retain = 0, hash =
    evidence_hash('outbox', CAST(message_id AS BLOB), lane, CAST(topic AS BLOB), payload, 0, expires_ns,
    created_ns, expires_boot_ns, CAST(boot_id AS BLOB))
WHERE seq = (
    SELECT o.seq FROM outbox_checked AS o JOIN disposition AS said ON said.disposition_id = o.message_id
    LEFT JOIN lot USING (material_lot_id)
    WHERE o.message_id = :message_id AND o.parked IS NOT NULL AND o.retain AND o.holds AND (
        lot.closed_ns IS NOT NULL OR EXISTS (
            SELECT 1 FROM disposition AS later
            WHERE later.material_lot_id = said.material_lot_id AND later.rowid > said.rowid
        )
    )
);

-- name: parked
SELECT message_id, lane, topic, created_ns, length(payload) AS bytes, parked FROM outbox
WHERE parked IS NOT NULL ORDER BY seq DESC LIMIT :most;

-- name: depths
-- lane by lane: together they would be sorted, with all their bytes, in a file on a disk that may be full
SELECT lane, count(*), min(created_ns), sum(parked IS NOT NULL), sum(length(payload)) FROM outbox
WHERE lane = 0 AND acknowledged = 0 GROUP BY lane
UNION ALL
SELECT lane, count(*), min(created_ns), sum(parked IS NOT NULL), sum(length(payload)) FROM outbox
WHERE lane = 1 AND acknowledged = 0 GROUP BY lane
UNION ALL
SELECT lane, count(*), min(created_ns), sum(parked IS NOT NULL), sum(length(payload)) FROM outbox
WHERE lane = 2 AND acknowledged = 0 GROUP BY lane;

-- name: whole_outbox
SELECT seq, message_id, lane, topic, payload, retain, expires_ns, created_ns, parked, holds FROM outbox_checked
ORDER BY seq;

-- name: departures
SELECT reason, count(*) FROM departure GROUP BY reason ORDER BY reason;

-- name: dead_letter_count
SELECT count(*) FROM dead_letter;
