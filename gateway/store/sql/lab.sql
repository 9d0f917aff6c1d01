-- name: versions_of_result
SELECT result_id, result_version, current, payload_sha256, body, holds, 'lab_result ' || result_id AS record
FROM lab_result_checked
WHERE source = :source AND sample_id = :sample_id AND test_id = :test_id AND replicate = :replicate
ORDER BY result_version, row_number;

-- name: messages_of_version
SELECT body, holds FROM lab_result_checked
WHERE source = :source AND sample_id = :sample_id AND test_id = :test_id AND replicate = :replicate
  AND result_version = :result_version
ORDER BY row_number;

-- name: other_results_of_lot
SELECT body, holds, 'lab_result ' || result_id AS record FROM lab_result_checked
WHERE material_lot_id = :material_lot_id AND current = 1
  AND NOT (source = :source AND sample_id = :sample_id AND test_id = :test_id AND replicate = :replicate)
ORDER BY row_number;

-- name: retire_result
UPDATE lab_result SET current = 0 WHERE result_id = :result_id;

-- name: make_newest_versions_current
UPDATE lab_result SET current = NOT current WHERE current IS NOT (
    rowid = (
        SELECT other.rowid FROM lab_result AS other
        WHERE other.source = lab_result.source AND other.sample_id = lab_result.sample_id
          AND other.test_id = lab_result.test_id AND other.replicate = lab_result.replicate
        ORDER BY other.result_version DESC, other.rowid DESC LIMIT 1
    )
);

-- name: insert_result
INSERT INTO lab_result (result_id, source, sample_id, test_id, replicate, result_version, current, analyte,
                        material_lot_id, sampled_ns, payload_sha256, payload, body, event_id, hash)
VALUES (:result_id, :source, :sample_id, :test_id, :replicate, :result_version, :current, :analyte,
        :material_lot_id, :sampled_ns, :payload_sha256, :payload, :body, :event_id, :hash);

-- name: insert_prediction
INSERT OR IGNORE INTO prediction (prediction_id, at_ns, model, equipment_id, analyte, material_lot_id,
                                  sample_result_id, value, low, high, accepted, body, after_event)
VALUES (:prediction_id, :at_ns, :model, :equipment_id, :analyte, :material_lot_id,
        :sample_result_id, :value, :low, :high, :accepted, :body,
        coalesce((SELECT event_id FROM event ORDER BY rowid DESC LIMIT 1), ''));

-- name: newest_predictions
SELECT body, holds, 'prediction ' || prediction_id AS record FROM prediction_checked
WHERE model = :model AND at_ns > :after_ns AND at_ns <= :until_ns AND sample_result_id IS NULL
ORDER BY at_ns DESC, row_number DESC LIMIT :most;

-- name: insert_disposition
INSERT INTO disposition (disposition_id, material_lot_id, recommendation, at_ns, event_id, body, hash)
VALUES (:disposition_id, :material_lot_id, :recommendation, :at_ns, :event_id, :body, :hash);

-- name: recent_sample_predictions
SELECT p.value, p.low, p.high, r.body FROM prediction_checked AS p
JOIN lab_result_checked AS r ON r.result_id = p.sample_result_id AND r.current = 1
WHERE p.model = :model AND p.sample_result_id IS NOT NULL AND p.accepted = 1 AND p.holds AND r.holds
ORDER BY p.at_ns DESC LIMIT :most;

-- name: recent_acceptance
SELECT count(*), sum(accepted) FROM (
    SELECT accepted FROM prediction WHERE model = :model ORDER BY at_ns DESC LIMIT :most
);

-- name: provisional_holds
SELECT material_lot_id, analyte, prediction_id, since_ns, settled_by, holds, 'provisional_hold ' || material_lot_id AS record
FROM provisional_hold_checked WHERE material_lot_id = :material_lot_id;

-- name: held_by_a_model
SELECT 1 FROM provisional_hold AS p
WHERE p.material_lot_id IN (:material_lot_id, (SELECT material_lot_id FROM lot_part WHERE part_id = :material_lot_id))
AND NOT EXISTS (
    SELECT 1 FROM lab_result_checked AS r WHERE r.result_id = p.settled_by AND r.current = 1 AND r.holds
        AND json_extract(r.body, '$.status') IN ('validated', 'approved')
) LIMIT 1;

-- name: insert_provisional_hold
INSERT OR REPLACE INTO provisional_hold (material_lot_id, analyte, prediction_id, since_ns, settled_by)
VALUES (:material_lot_id, :analyte, :prediction_id, :since_ns, :settled_by);

-- name: predictions_of_lot
SELECT analyte, at_ns, low, high FROM prediction
WHERE model = :model AND material_lot_id = :material_lot_id AND sample_result_id IS NULL AND at_ns > :after_ns
ORDER BY at_ns DESC LIMIT :most;

-- name: recent_predictions
SELECT analyte, at_ns, low, high, CASE WHEN json_valid(body) THEN json_extract(body, '$.probability') END AS probability,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.outlook.low') END AS heading_low,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.outlook.high') END AS heading_high
FROM prediction WHERE model = :model AND sample_result_id IS NULL AND at_ns > :after_ns AND at_ns < :before_ns
ORDER BY at_ns DESC LIMIT :most;

-- name: recent_reasons
-- of accepted predictions the body is not looked at: most are
SELECT accepted, CASE WHEN NOT accepted AND json_valid(body) THEN
         (SELECT json_group_array(json_extract(value, '$.code')) FROM json_each(body, '$.verdict.reasons')) END AS codes
FROM prediction WHERE model = :model AND analyte = :analyte AND sample_result_id IS NULL
  AND at_ns > :after_ns AND at_ns < :before_ns
ORDER BY at_ns DESC LIMIT :most;

-- name: recent_inputs
SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.features.values') END AS inputs
FROM prediction WHERE model = :model AND analyte = :analyte AND sample_result_id IS NULL
  AND at_ns > :after_ns AND at_ns < :before_ns
ORDER BY at_ns DESC LIMIT :most;

-- name: outside_since
-- by the predictions in which the state stands, back to the newest in which it does not
WITH recent AS (
    SELECT at_ns, NOT accepted AND json_valid(body) AND EXISTS (
        SELECT 1 FROM json_each(body, '$.verdict.reasons') WHERE json_extract(value, '$.code') = 'PROCESS_OUTSIDE'
    ) AS stands
    FROM prediction WHERE model = :model AND analyte = :analyte AND sample_result_id IS NULL
      AND at_ns > :after_ns AND at_ns <= :now_ns
    ORDER BY at_ns DESC LIMIT :most
)
SELECT min(at_ns) FROM recent WHERE at_ns > coalesce((SELECT max(at_ns) FROM recent WHERE NOT stands), 0)
  AND (SELECT max(at_ns) FROM recent) > :alive_ns;

-- name: gaps_between
SELECT gap_id FROM gap
WHERE subject IN (SELECT value FROM json_each(:subjects)) AND from_ns < :until_ns AND coalesce(until_ns, :until_ns) > :from_ns
ORDER BY from_ns LIMIT 50;

-- name: any_gap_between
-- of whatever: mostly there is none, and the many names of an equipment's tags need not be looked up
SELECT 1 FROM gap WHERE ifnull(until_ns, 9223372036854775807) > :from_ns AND from_ns < :until_ns LIMIT 1;
