-- name: insert_incoming_result
INSERT OR REPLACE INTO incoming_result (result_id, client_id, study_id, supplier, material, analyte, failed)
VALUES (:result_id, :client_id, :study_id, :supplier, :material, :analyte, :failed);

-- name: withdraw_incoming_result
DELETE FROM incoming_result WHERE result_id = :result_id;

-- What was bought for a client, and what was bought for all.
-- name: material_counts
SELECT supplier, material, analyte, sum(failed) AS failed, count(*) AS tested, 1 AS holds FROM incoming_result_checked
WHERE holds AND supplier = :supplier AND material = :material AND client_id IN ('', :client_id) GROUP BY analyte;

-- name: all_material_counts
SELECT client_id, study_id, supplier, material, analyte, sum(failed) AS failed, count(*) AS tested
FROM incoming_result_checked
WHERE holds GROUP BY supplier, material, analyte, client_id, study_id
ORDER BY supplier, material, analyte, client_id, study_id;

-- Production names the client of a lot, and no study: all studies of the client count.
-- name: tested_of_product
SELECT count(*) AS tested, max(at_ns) AS newest_ns, 1 AS holds FROM series_sample
WHERE client_id = :client_id AND product = :product AND analyte = :analyte;

-- name: failed_of_product
SELECT count(DISTINCT sample_id) AS failed, 1 AS holds FROM deviation
WHERE client_id = :client_id AND product = :product AND analyte = :analyte;

-- name: series_of_client
SELECT body, holds, record
FROM series_checked WHERE client_id = :client_id AND product = :product AND analyte = :analyte;

-- name: newest_predictions_of_lot
SELECT analyte, body, holds, 'prediction ' || prediction_id AS record FROM prediction_checked
WHERE material_lot_id = :material_lot_id AND sample_result_id IS NULL AND accepted = 1
ORDER BY at_ns DESC LIMIT 20;

-- name: fingerprint_of_lot
SELECT body, holds, 'lot_fingerprint ' || material_lot_id AS record FROM lot_fingerprint_checked
WHERE material_lot_id = :material_lot_id;

-- name: insert_sample_request
INSERT OR REPLACE INTO sample_request (material_lot_id, request_id, since_ns, probability, tests)
VALUES (:material_lot_id, :request_id, :since_ns, :probability, :tests);

-- name: sample_requests
SELECT material_lot_id, request_id, since_ns, probability, tests, 1 AS holds FROM sample_request WHERE done = 0
ORDER BY since_ns LIMIT 500;

-- name: sample_measured
UPDATE sample_request SET done = 1 WHERE material_lot_id = :material_lot_id AND done = 0 AND json_valid(tests) AND NOT EXISTS (
    SELECT 1 FROM json_each(sample_request.tests) AS test WHERE NOT EXISTS (
        SELECT 1 FROM lab_result AS r
        WHERE r.material_lot_id = :material_lot_id AND r.current = 1 AND r.analyte = test.value
          AND CASE WHEN json_valid(r.body) THEN json_extract(r.body, '$.status') END NOT IN ('rejected', 'superseded')
    )
);

-- name: lot_needs_no_sample
UPDATE sample_request SET done = 1 WHERE material_lot_id = :material_lot_id;
