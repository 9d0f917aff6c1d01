-- name: insert_follow_up
INSERT OR IGNORE INTO follow_up (event_id, at_ns, body) VALUES (:event_id, :at_ns, :body);

-- name: follow_up_waits
SELECT 1 FROM follow_up WHERE event_id = :event_id;

-- name: delete_follow_up
DELETE FROM follow_up WHERE event_id = :event_id;

-- name: follow_ups
SELECT event_id, body FROM follow_up ORDER BY at_ns, rowid LIMIT :most;

-- name: insert_material_use
INSERT OR IGNORE INTO material_use (material_lot_id, consumed_lot_id, consumed_definition_id, supplier, at_ns)
VALUES (:material_lot_id, :consumed_lot_id, :consumed_definition_id, :supplier, :at_ns);

-- name: uses_of_lot
SELECT material_lot_id, consumed_lot_id, consumed_definition_id, supplier, holds, 'material_use ' || material_lot_id AS record
FROM material_use_checked WHERE material_lot_id = :material_lot_id ORDER BY row_number;

-- Everything that shares a material with a lot, or that it went into; UNION ends loops.
-- name: genealogy
WITH RECURSIVE around (lot) AS (
    SELECT :material_lot_id
    UNION SELECT consumed_lot_id FROM material_use WHERE material_lot_id = :material_lot_id
    UNION SELECT use.material_lot_id FROM material_use AS use JOIN around ON use.consumed_lot_id = around.lot
    LIMIT 1000
)
SELECT material_lot_id, consumed_lot_id, consumed_definition_id, supplier, holds, 'material_use ' || material_lot_id AS record
FROM material_use_checked WHERE consumed_lot_id IN (SELECT lot FROM around) OR material_lot_id = :material_lot_id;

-- name: insert_fingerprint
INSERT OR REPLACE INTO lot_fingerprint (material_lot_id, product, until_ns, body)
VALUES (:material_lot_id, :product, :until_ns, :body);

-- name: insert_fingerprint_if_none
INSERT OR IGNORE INTO lot_fingerprint (material_lot_id, product, until_ns, body)
VALUES (:material_lot_id, :product, :until_ns, :body);

-- Lots of one client.
-- name: fingerprints_in_control
SELECT f.body, f.holds, 'lot_fingerprint ' || f.material_lot_id AS record FROM lot_fingerprint_checked AS f
JOIN lot_scope AS l ON l.material_lot_id = f.material_lot_id
WHERE f.product IS :product AND f.material_lot_id IS NOT :besides AND l.recommendation IN ('release', 'pending') AND l.latched = 0
  AND l.client_id = :client_id
ORDER BY f.until_ns DESC LIMIT :most;

-- Of the newest deviations of a product's analyte, so that it costs no more where there are many.
-- name: fingerprints_alike
WITH newest AS MATERIALIZED (
    SELECT material_lot_id, at_ns FROM deviation
    WHERE client_id = :client_id AND study_id = :study_id
      AND product IS :product AND analyte = :analyte AND material_lot_id IS NOT :besides AND at_ns >= :after_ns
    ORDER BY at_ns DESC LIMIT 20 * :most
), alike AS MATERIALIZED (
    SELECT material_lot_id, max(at_ns) AS newest_ns FROM newest JOIN lot_fingerprint USING (material_lot_id)
    GROUP BY material_lot_id ORDER BY newest_ns DESC LIMIT :most
)
SELECT f.body, f.holds, 'lot_fingerprint ' || f.material_lot_id AS record FROM alike
JOIN lot_fingerprint_checked AS f USING (material_lot_id) ORDER BY newest_ns DESC;

-- name: insert_deviation
INSERT OR IGNORE INTO deviation (deviation_id, result_id, sample_id, material_lot_id, product, analyte, at_ns, body)
VALUES (:deviation_id, :result_id, :sample_id, :material_lot_id, :product, :analyte, :at_ns, :body);

-- The newest version of each.
-- name: earlier_deviations
WITH newest AS MATERIALIZED (
    SELECT grown_from, max(version) AS version FROM deviation
    WHERE client_id = :client_id AND study_id = :study_id
      AND product IS :product AND analyte = :analyte AND at_ns < :before_ns AND sample_id IS NOT :besides
      AND material_lot_id IS NOT :besides_lot
    GROUP BY grown_from ORDER BY max(at_ns) DESC LIMIT :most
)
SELECT d.body, d.holds, 'deviation ' || d.deviation_id AS record FROM newest
JOIN deviation_checked AS d USING (grown_from, version) ORDER BY d.at_ns DESC;

-- name: standing_of_lot
SELECT body, holds, 'deviation ' || deviation_id AS record FROM deviation_checked
WHERE material_lot_id = :material_lot_id AND scope = 'lot' ORDER BY row_number DESC LIMIT 1;

-- name: deviations_of_lot
SELECT DISTINCT grown_from FROM deviation WHERE material_lot_id = :lot AND scope = 'lot' LIMIT 100;

-- name: standing_of_series
SELECT body, holds, 'deviation ' || deviation_id AS record FROM deviation_checked
WHERE client_id = :client_id AND study_id = :study_id
  AND product IS :product AND analyte = :analyte AND at_ns >= :after_ns AND scope = 'series'
ORDER BY row_number DESC LIMIT 1;

-- name: results_of_series_between
SELECT count(*) AS results, 1 AS holds FROM series_sample
WHERE client_id = :client_id AND study_id = :study_id
  AND product IS :product AND analyte = :analyte AND at_ns > :after_ns AND at_ns < :before_ns;

-- name: insert_deviation_state
INSERT INTO deviation_state (deviation_id, version, state, at_ns, body)
VALUES (:deviation_id, :version, :state, :at_ns, :body);

-- Whether a deviation is closed, and of which version; newest: its newest version.
-- name: newest_deviation_state
SELECT deviation_id, version, state, at_ns, body,
       (SELECT max(version) FROM deviation AS d WHERE d.grown_from = s.deviation_id) AS newest,
       holds AND in_force('deviation_state ' || json_array(deviation_id, seq), hash) AS holds,
       'deviation_state ' || seq AS record
FROM deviation_state_checked AS s WHERE deviation_id = :deviation_id ORDER BY seq DESC LIMIT 1;

-- name: deviations_to_check
-- The newest closings that name a day that has come.
SELECT deviation_id FROM deviation_state
WHERE state = 'closed' AND CASE WHEN json_valid(body) THEN body ->> '$.check_by' END <= :today
GROUP BY deviation_id ORDER BY max(seq) DESC LIMIT :most;

-- name: actions_that_do_not_hold
SELECT 'corrective_action ' || a.action_id FROM corrective_action_checked AS a
LEFT JOIN corrective_action_done_checked AS d ON d.action_id = a.action_id
WHERE a.deviation_id = :deviation_id AND NOT (a.holds AND coalesce(d.holds, 1)) LIMIT 10;

-- name: deviation
SELECT body, holds FROM deviation_checked WHERE grown_from = :deviation_id ORDER BY version DESC LIMIT 1;

-- name: all_deviations
SELECT d.grown_from AS deviation_id, d.version, d.scope, o.opened_ns, d.at_ns, d.material_lot_id, d.analyte, d.product,
       CASE WHEN json_valid(d.body) THEN coalesce(json_extract(d.body, '$.result_count'), 1) END AS results,
       CASE WHEN json_valid(d.body) THEN json_extract(d.body, '$.results[0].test_id') END AS first_test,
       CASE WHEN json_valid(d.body) THEN json_extract(d.body, '$.results[0].value_text') END AS first_value,
       d.sample_id
FROM (SELECT grown_from, max(version) AS version, min(at_ns) AS opened_ns FROM deviation GROUP BY grown_from) AS o
JOIN deviation AS d USING (grown_from, version) ORDER BY d.at_ns DESC LIMIT :most;

-- name: result_by_id
SELECT body, holds, 'lab_result ' || result_id AS record FROM lab_result_checked WHERE result_id = :result_id;

-- name: disposition_of_event
SELECT d.body, d.holds, 'disposition ' || d.disposition_id AS record FROM disposition_checked AS d
JOIN lab_result AS r ON r.event_id = d.event_id WHERE r.result_id = :result_id ORDER BY d.row_number LIMIT 1;

-- name: changes_of_lot
SELECT at_ns, kind, body, holds, 'context_change ' || event_id AS record FROM context_change_checked
WHERE material_lot_id = :material_lot_id ORDER BY at_ns LIMIT 200;

-- name: results_of_lot
SELECT body, holds, 'lab_result ' || result_id AS record FROM lab_result_checked
WHERE material_lot_id = :material_lot_id AND current = 1 ORDER BY row_number LIMIT 200;

-- name: guidance_of_lot
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE issued_ns BETWEEN :from_ns AND :until_ns
  AND CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END = :material_lot_id
ORDER BY issued_ns LIMIT 200;

-- name: lot_times
SELECT started_ns, ended_ns FROM lot WHERE material_lot_id = :material_lot_id;

-- The value of a measurement as its lot's deviation, or its series', last had it.
-- name: drafted_already
SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.result.value_text') END AS value_text, 1 AS holds
FROM deviation
WHERE sample_id = :sample_id AND analyte = :analyte AND material_lot_id IS :material_lot_id
  AND CASE WHEN json_valid(body) THEN json_extract(body, '$.result.replicate') END = :replicate
ORDER BY rowid DESC LIMIT 1;
