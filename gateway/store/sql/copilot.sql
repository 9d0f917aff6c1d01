-- What questions are answered from (gateway/copilot), besides what other views read.

-- name: insert_phrasing
INSERT INTO phrasing (event_id, at_ns, model, prompt_version, outcome, prompt, reply, why, question_id)
VALUES (:event_id, :at_ns, :model, :prompt_version, :outcome, :prompt, :reply, :why, :question_id);

-- name: prune_phrasings
DELETE FROM phrasing WHERE event_id IN (SELECT event_id FROM phrasing WHERE at_ns < :before_ns LIMIT :most);

-- name: copilot_equipment
SELECT DISTINCT equipment_id FROM lot WHERE equipment_id IS NOT NULL LIMIT :most;

-- name: copilot_products
SELECT DISTINCT product FROM series LIMIT :most;

-- name: copilot_analytes
SELECT DISTINCT analyte FROM series LIMIT :most;

-- name: copilot_suppliers
SELECT supplier FROM incoming_result UNION SELECT supplier FROM material_use WHERE supplier IS NOT NULL LIMIT :most;

-- name: copilot_samples_named
SELECT DISTINCT sample_id FROM assessment WHERE sample_id IN (SELECT value FROM json_each(:names));

-- name: copilot_orders_named
SELECT job_order_id FROM job_order WHERE job_order_id IN (SELECT value FROM json_each(:names));

-- name: copilot_materials_named
SELECT DISTINCT consumed_lot_id FROM material_use WHERE consumed_lot_id IN (SELECT value FROM json_each(:names));

-- name: copilot_lots_named
SELECT material_lot_id FROM lot WHERE material_lot_id IN (SELECT value FROM json_each(:names));

-- name: copilot_lots_alike
SELECT n.material_lot_id FROM lot_name AS n WHERE n.likeness IN (SELECT value FROM json_each(:names))
ORDER BY n.material_lot_id LIMIT :most;

-- name: copilot_lots_with
SELECT material_lot_id FROM lot WHERE instr(lower(material_lot_id), :part) > 0 ORDER BY rowid DESC LIMIT :most;

-- name: copilot_assessment
SELECT asks, failed, holds FROM assessment_checked WHERE material_lot_id = :material_lot_id AND subject = :subject;

-- name: copilot_lots_of_material
SELECT material_lot_id, consumed_definition_id, supplier, holds FROM material_use_checked
WHERE consumed_lot_id = :consumed_lot_id ORDER BY row_number LIMIT 1000;

-- name: copilot_results_of_sample
SELECT r.body, r.holds, 'lab_result ' || r.result_id AS record FROM lab_result_checked AS r
WHERE r.current = 1 AND r.sample_id = :sample_id AND r.source IN (SELECT source FROM assessment WHERE sample_id = :sample_id)
ORDER BY r.row_number LIMIT 50;

-- of the newest rows only: what is asked for is what was measured last
-- name: copilot_last_results
SELECT r.body, r.holds, 'lab_result ' || r.result_id AS record FROM lab_result_checked AS r
WHERE r.row_number IN (
    SELECT newest.rowid FROM (SELECT rowid, analyte, current FROM lab_result ORDER BY rowid DESC LIMIT 5000) AS newest
    WHERE newest.analyte = :analyte AND newest.current = 1 LIMIT :most
) ORDER BY r.row_number DESC;

-- name: copilot_stated_products
SELECT DISTINCT product FROM specification_stated LIMIT :most;

-- name: copilot_moves
SELECT state, body, holds FROM setpoint_intent_checked WHERE :tag IS NULL OR tag = :tag ORDER BY issued_ns DESC LIMIT :most;

-- name: copilot_deviation_of_lot
SELECT grown_from FROM deviation WHERE material_lot_id = :material_lot_id ORDER BY at_ns DESC LIMIT 1;

-- name: copilot_deviations_of_analyte
SELECT grown_from, material_lot_id, client_id, study_id FROM deviation WHERE analyte = :analyte AND version = 1 ORDER BY at_ns DESC LIMIT :most;

-- name: copilot_deviations_between
SELECT grown_from, analyte, material_lot_id, sample_id, client_id, study_id, at_ns AS opened_ns, holds FROM deviation_checked
WHERE version = 1 AND at_ns BETWEEN :from_ns AND :until_ns ORDER BY at_ns DESC LIMIT :most;

-- a name begins so: as material lots' names do, or as those of what went into them
-- name: copilot_lot_begins
SELECT 1 FROM (SELECT material_lot_id AS name FROM lot ORDER BY rowid DESC LIMIT 2000)
WHERE substr(lower(name), 1, length(:begin)) = :begin LIMIT 1;

-- name: copilot_material_begins
SELECT 1 FROM (SELECT consumed_lot_id AS name FROM material_use ORDER BY rowid DESC LIMIT 2000)
WHERE substr(lower(name), 1, length(:begin)) = :begin LIMIT 1;

-- name: copilot_newest_lots
SELECT l.material_lot_id, l.client_id, l.recommendation, l.holds, (
    SELECT recommendation FROM line_about_lot WHERE material_lot_id = l.material_lot_id ORDER BY seq DESC LIMIT 1
) AS in_trail
FROM lot_checked AS l ORDER BY l.row_number DESC LIMIT :most;

-- of each lot the newest decision, where it stands
-- name: copilot_lots_decided
SELECT d.material_lot_id, d.verdict, d.holds FROM lot_decision_checked AS d
WHERE d.state <> 'lapsed' AND d.at_ns BETWEEN :from_ns AND :until_ns
  AND d.seq = (SELECT max(seq) FROM lot_decision WHERE material_lot_id = d.material_lot_id)
ORDER BY d.seq DESC LIMIT :most;
