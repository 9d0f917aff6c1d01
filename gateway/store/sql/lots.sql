-- What is on record of one lot, for a person who asks why it is not released.

-- name: lot_on_record
SELECT recommendation, latched, job_order_id, material_definition_id AS product, equipment_id, client_id, started_ns,
       ended_ns, closed_ns, holds, 'lot ' || material_lot_id AS record
FROM lot_checked WHERE material_lot_id = :material_lot_id;

-- name: newest_line_about_lot
SELECT seq, recommendation FROM line_about_lot WHERE material_lot_id = :material_lot_id ORDER BY seq DESC LIMIT 1;

-- name: client_of_lot
SELECT client_id FROM lot_scope WHERE material_lot_id = :material_lot_id;

-- name: whose_lot
SELECT s.client_id, l.holds FROM lot_checked AS l JOIN lot_scope AS s ON s.material_lot_id = l.material_lot_id
WHERE l.material_lot_id = :material_lot_id;

-- name: whose_order
-- the client of the order, and of each lot that was made for it
SELECT client_id, holds FROM job_order_checked WHERE job_order_id = :job_order_id
UNION
SELECT s.client_id, 1 FROM lot AS l JOIN lot_scope AS s ON s.material_lot_id = l.material_lot_id
WHERE l.job_order_id = :job_order_id;

-- name: newest_disposition_of_lot
SELECT body, holds, at_ns, 'disposition ' || disposition_id AS record FROM disposition_checked
WHERE material_lot_id = :material_lot_id ORDER BY at_ns DESC, row_number DESC LIMIT 1;

-- name: newest_disposition_at
SELECT max(at_ns) FROM disposition WHERE material_lot_id = :material_lot_id;

-- name: recommendations_of_lot
SELECT at_ns, recommendation FROM disposition WHERE material_lot_id = :material_lot_id
ORDER BY at_ns DESC, rowid DESC;

-- name: children_in_question
-- lots that it went into, directly or not, of which something is against a release
WITH RECURSIVE below (lot, depth) AS (
    SELECT material_lot_id, 1 FROM material_use WHERE consumed_lot_id = :material_lot_id
        OR consumed_lot_id IN (SELECT material_lot_id FROM lot_part WHERE part_id = :material_lot_id)
    UNION SELECT use.material_lot_id, below.depth + 1 FROM below JOIN material_use AS use
    ON use.consumed_lot_id IN (
        SELECT below.lot UNION ALL SELECT part_id FROM lot_part WHERE material_lot_id = below.lot
    )
    WHERE below.depth < 30
    LIMIT 2000
)
SELECT material_lot_id, recommendation, holds, 'lot ' || material_lot_id AS record FROM lot_checked
WHERE material_lot_id IN (SELECT lot FROM below WHERE lot <> :material_lot_id) AND recommendation IN ('review', 'hold')
ORDER BY recommendation, material_lot_id LIMIT 200;

-- name: newest_lots
SELECT material_lot_id FROM lot ORDER BY rowid DESC LIMIT :most;

-- name: settlement
SELECT point_id, material_lot_id, person, reason, at_ns, event_id,
       holds AND vouched('settlement ' || point_id, hash) AS holds,
       'settlement ' || point_id AS record
FROM settlement_checked WHERE point_id = :point_id;

-- name: all_settlements
SELECT point_id, material_lot_id, person, reason, at_ns, event_id FROM settlement_checked WHERE holds ORDER BY at_ns, row_number;

-- name: lots_of_dead_letter
-- that it names, and others of which it is a point against the release
SELECT material_lot_id FROM (
    SELECT material_lot_id, rowid AS place FROM refused_result
    WHERE dead_letter_id = :dead_letter_id AND material_lot_id <> ''
    UNION ALL SELECT material_lot_id, 9223372036854775807 FROM assessment
    WHERE subject IN ('refused ' || :dead_letter_id, 'specification ' || :dead_letter_id)
)
GROUP BY material_lot_id ORDER BY min(place), material_lot_id LIMIT 1000;
