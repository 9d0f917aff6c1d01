-- What systems are told over HTTP.

-- name: insert_delivery
INSERT OR IGNORE INTO delivery
    (delivery_id, sink, message_id, kind, material_lot_id, ordered_by, path, body, created_ns, state, answer)
VALUES (:delivery_id, :sink, :message_id, :kind, :material_lot_id, :ordered_by, :path, :body, :created_ns, :state,
        :answer);

-- name: deliveries_due
-- of each order the oldest, where it is due; a time far ahead is one of a clock that was set back since
SELECT d.seq, d.delivery_id, d.kind, d.message_id, d.material_lot_id, d.ordered_by, d.path, d.body, d.attempts,
       d.first_ns, d.holds
FROM delivery_checked AS d WHERE d.seq IN (
    SELECT w.seq FROM delivery AS w
    WHERE w.sink = :sink AND w.state = 'waiting' AND (w.due_ns <= :now_ns OR w.due_ns > :latest_ns) AND NOT EXISTS (
        SELECT 1 FROM delivery AS e WHERE e.sink = w.sink AND e.state = 'waiting' AND e.ordered_by = w.ordered_by
        AND e.seq < w.seq
    )
    ORDER BY w.seq LIMIT :most
) ORDER BY d.seq;

-- name: supersede_releases
-- that a hold of the lot has overtaken: it must not wait behind one that is tried again
UPDATE delivery SET state = 'superseded', answer = :why, answered_ns = :at_ns
WHERE sink = :sink AND ordered_by = :ordered_by AND material_lot_id IS :material_lot_id AND kind = 'release'
  AND state = 'waiting';

-- name: delivery_tried
UPDATE delivery SET state = :state, attempts = attempts + 1, first_ns = coalesce(first_ns, :at_ns), due_ns = :due_ns,
    answer = :answer, answered_ns = :at_ns
WHERE seq = :seq AND state = 'waiting';

-- name: delivery_not_sent
UPDATE delivery SET state = :state, answer = :answer, answered_ns = :at_ns WHERE seq = :seq AND state = 'waiting';

-- name: put_delivery_off
UPDATE delivery SET due_ns = :due_ns, answer = :answer WHERE seq = :seq AND state = 'waiting';

-- name: hasten_deliveries
UPDATE delivery SET due_ns = 0 WHERE sink = :sink AND state = 'waiting' AND due_ns > :now_ns;

-- name: may_release
-- whether a disposition is the newest of its lot and intact, so that nothing has been decided on the lot since
SELECT disposition_id = :message_id AND holds FROM disposition_checked WHERE material_lot_id = :material_lot_id
ORDER BY at_ns DESC, row_number DESC LIMIT 1;

-- name: others_on_hold
-- other lots in the same order of a sink that it was told a hold of, and no release since
SELECT count(*) FROM (
    SELECT d.kind, max(d.seq) FROM delivery AS d
    WHERE d.sink = :sink AND d.ordered_by = :ordered_by AND d.kind IN ('hold', 'release') AND d.state <> 'superseded'
      AND d.material_lot_id IS NOT :material_lot_id
    GROUP BY d.material_lot_id
) WHERE kind = 'hold';

-- name: other_lots_on_hold
-- other lots of the lot's job order that stand on hold, and that no sink of this name was told a release of since
SELECT count(*) FROM lot AS other JOIN lot AS own ON own.material_lot_id = :material_lot_id
WHERE other.job_order_id = own.job_order_id AND other.material_lot_id <> own.material_lot_id
  AND other.recommendation = 'hold' AND coalesce((
    SELECT kind FROM delivery WHERE sink = :sink AND ordered_by = :ordered_by
      AND material_lot_id = other.material_lot_id AND kind IN ('hold', 'release') AND state <> 'superseded'
    ORDER BY seq DESC LIMIT 1
), 'hold') = 'hold';

-- name: delivery_counts
SELECT sink, 'waiting', count(*), min(created_ns) FROM delivery WHERE state = 'waiting' GROUP BY sink
UNION ALL
SELECT sink, 'refused', count(*), min(created_ns) FROM delivery WHERE state = 'refused' GROUP BY sink ORDER BY 1, 2;

-- name: delivery_log
SELECT delivery_id, sink, kind, material_lot_id, state, attempts, created_ns, answered_ns, answer, length(body) AS bytes
FROM delivery WHERE :state = '' OR state = :state ORDER BY seq DESC LIMIT :most;

-- name: refused_deliveries
-- the oldest first; without those that a later one of their order has overtaken
SELECT d.delivery_id FROM delivery AS d WHERE d.state = 'refused' AND length(d.path) + length(d.body) > 0 AND NOT EXISTS (
    SELECT 1 FROM delivery AS later WHERE later.sink = d.sink AND later.ordered_by = d.ordered_by AND later.seq > d.seq
    AND later.state IN ('waiting', 'delivered')
) ORDER BY d.seq;

-- name: delivery_on_record
SELECT state, holds, length(path) + length(body) > 0 AS fits, EXISTS (
    SELECT 1 FROM delivery AS later WHERE later.sink = d.sink AND later.ordered_by = d.ordered_by AND later.seq > d.seq
    AND later.state IN ('waiting', 'delivered')
) AS overtaken FROM delivery_checked AS d WHERE delivery_id = :delivery_id;

-- name: retry_delivery
UPDATE delivery SET state = 'waiting', attempts = 0, first_ns = NULL, due_ns = 0
WHERE delivery_id = :delivery_id AND state = 'refused';

-- name: prune_deliveries
DELETE FROM delivery WHERE seq IN (
    SELECT seq FROM delivery WHERE state <> 'waiting' AND created_ns < :before_ns LIMIT :most
);
