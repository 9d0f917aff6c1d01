-- What the index of all records reads (gateway/knowledge): records one by one, and names of records in the order in
-- which they were written, for building it.

-- name: knowledge_store
SELECT epoch, (SELECT coalesce(max(seq), 0) FROM audit) AS last_seq, (SELECT min(seq) FROM audit) AS first_seq,
       (SELECT coalesce(max(last_seq), 0) FROM audit_archive) AS archived_seq,
       (SELECT hash FROM audit WHERE seq = :seq) AS hash_at, (SELECT hash FROM audit ORDER BY seq DESC LIMIT 1) AS last_hash
FROM store;

-- name: knowledge_lines
SELECT seq, CASE WHEN json_valid(body) THEN body ELSE '{}' END AS body, hash FROM audit
WHERE seq > :seq ORDER BY seq LIMIT :most;

-- name: knowledge_scan_lot
SELECT rowid AS place, material_lot_id AS name FROM lot WHERE rowid > :place ORDER BY rowid LIMIT :most;

-- name: knowledge_scan_lab_result
SELECT rowid AS place, result_id AS name FROM lab_result WHERE rowid > :place ORDER BY rowid LIMIT :most;

-- name: knowledge_scan_deviation
SELECT rowid AS place, deviation_id AS name FROM deviation WHERE rowid > :place ORDER BY rowid LIMIT :most;

-- name: knowledge_scan_guidance
SELECT rowid AS place, guidance_id AS name FROM guidance WHERE rowid > :place ORDER BY rowid LIMIT :most;

-- name: knowledge_scan_settlement
SELECT rowid AS place, point_id AS name FROM settlement WHERE rowid > :place ORDER BY rowid LIMIT :most;

-- name: knowledge_scan_specification_stated
SELECT rowid AS place, event_id AS name FROM specification_stated WHERE rowid > :place ORDER BY rowid LIMIT :most;

-- name: knowledge_scan_corrective_action
SELECT rowid AS place, action_id AS name FROM corrective_action WHERE rowid > :place ORDER BY rowid LIMIT :most;

-- name: knowledge_scan_certificate
SELECT rowid AS place, draft_id AS name FROM certificate WHERE rowid > :place ORDER BY rowid LIMIT :most;

-- name: knowledge_certificate_of_draft
SELECT certificate_id FROM certificate WHERE draft_id = :name;

-- name: knowledge_certificate_of_state
SELECT DISTINCT certificate_id FROM certificate_state WHERE version_id = :name;

-- name: knowledge_grown_from
SELECT grown_from FROM deviation WHERE deviation_id = :name;

-- name: knowledge_guidance_of_response
SELECT guidance_id FROM response WHERE event_id = :name;

-- name: knowledge_lot_of_disposition
SELECT material_lot_id FROM disposition WHERE disposition_id = :name AND material_lot_id IS NOT NULL;

-- name: knowledge_result
SELECT result_id, current, body, client_id, study_id, holds FROM lab_result_checked WHERE result_id = :key;

-- name: knowledge_lot
-- a part is found by what is known of its lot
SELECT l.material_lot_id, coalesce(l.job_order_id, w.job_order_id) AS job_order_id,
       coalesce(l.material_definition_id, w.material_definition_id) AS product,
       coalesce(l.equipment_id, w.equipment_id) AS equipment_id, l.started_ns, l.ended_ns,
       l.closed_ns, l.recommendation, l.latched, l.holds, s.client_id, (
           SELECT recommendation FROM line_about_lot WHERE material_lot_id = l.material_lot_id ORDER BY seq DESC LIMIT 1
       ) AS in_trail
FROM lot_checked AS l JOIN lot_scope AS s ON s.material_lot_id = l.material_lot_id
LEFT JOIN lot AS w ON w.material_lot_id = (
    SELECT p.material_lot_id FROM lot_part AS p WHERE p.part_id = l.material_lot_id LIMIT 1
)
WHERE l.material_lot_id = :key;

-- name: knowledge_decisions_of_lot
SELECT verdict, state, at_ns, body, holds FROM lot_decision_checked WHERE material_lot_id = :key ORDER BY seq DESC LIMIT 10;

-- name: knowledge_guidance
SELECT body, state, client_id, study_id, holds FROM guidance_checked WHERE guidance_id = :key;

-- name: knowledge_responses
SELECT act, person, user_id, outcome, at_ns, body, holds FROM response_checked
WHERE guidance_id = :key ORDER BY at_ns LIMIT 20;

-- name: knowledge_deviation
SELECT grown_from, body, client_id, study_id, holds FROM deviation_checked
WHERE grown_from = :key ORDER BY version DESC LIMIT 1;

-- name: knowledge_settlement
SELECT s.point_id, s.material_lot_id, s.person, s.reason, s.at_ns, s.holds, coalesce((
           SELECT client_id FROM lot_scope WHERE material_lot_id = s.material_lot_id
       ), '') AS client_id
FROM settlement_checked AS s WHERE s.point_id = :key;

-- name: knowledge_specification
SELECT event_id, product, analyte, client_id, version, withdrawn, at_ns, body, holds
FROM specification_stated_checked WHERE event_id = :key;

-- name: knowledge_deviation_of_state
SELECT CAST(:name ->> '$[0]' AS TEXT) WHERE json_valid(:name);
