-- of one material and the same instrument, where both say one: the newest until an instant, and the oldest after it; those of one
-- instant in the order in which they came
-- name: controls_until
SELECT result_id, material, analyte, instrument_id, run_id, at_ns, arrived_ns, deviations, rejected, row_number, holds,
       'control_point ' || result_id AS record
FROM control_point_checked
WHERE analyte = :analyte AND material = :material AND at_ns <= :at_ns AND result_id IS NOT :besides
  AND (instrument_id IS :instrument_id OR instrument_id IS NULL OR :instrument_id IS NULL)
ORDER BY at_ns DESC, row_number DESC LIMIT :most;

-- name: controls_after
SELECT result_id, material, analyte, instrument_id, run_id, at_ns, arrived_ns, deviations, rejected, row_number, holds,
       'control_point ' || result_id AS record
FROM control_point_checked
WHERE analyte = :analyte AND material = :material AND at_ns > :at_ns AND result_id IS NOT :besides
  AND (instrument_id IS :instrument_id OR instrument_id IS NULL OR :instrument_id IS NULL)
ORDER BY at_ns, row_number LIMIT :most;

-- name: newest_controls
SELECT result_id, material, analyte, instrument_id, run_id, at_ns, arrived_ns, deviations, rejected
FROM control_point_checked WHERE holds ORDER BY at_ns DESC, row_number DESC LIMIT :most;

-- looks at the newest results only: a control is measured every day
-- name: lots_measured_since
SELECT newest.material_lot_id FROM (
    SELECT event_id, analyte, material_lot_id, current, body FROM lab_result ORDER BY rowid DESC LIMIT 2000
) AS newest JOIN event USING (event_id)
WHERE event.at_ns > :since_ns AND newest.analyte = :analyte AND newest.current AND newest.material_lot_id IS NOT NULL
  AND (:instrument_id IS NULL OR coalesce(json_extract(newest.body, '$.instrument_id'), :instrument_id) = :instrument_id)
GROUP BY newest.material_lot_id
ORDER BY max(event.at_ns) DESC LIMIT 100;

-- one that is judged again keeps its place
-- name: insert_control_point
INSERT OR REPLACE INTO control_point
    (rowid, result_id, material, analyte, instrument_id, run_id, at_ns, arrived_ns, deviations, rejected)
VALUES ((SELECT rowid FROM control_point WHERE result_id = :result_id),
        :result_id, :material, :analyte, :instrument_id, :run_id, :at_ns, :arrived_ns, :deviations, :rejected);

-- name: withdraw_control_point
DELETE FROM control_point WHERE result_id = :result_id;
