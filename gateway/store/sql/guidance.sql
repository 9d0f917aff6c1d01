-- name: upsert_guidance
INSERT INTO guidance (guidance_id, kind, state, open, moved_tag, moved_ns, moved_boot_ns, moved_boot_id, issued_ns, body)
VALUES (:guidance_id, :kind, :state, :open, :moved_tag, :at_ns, :boot_ns, :boot_id, :issued_ns, :body)
ON CONFLICT (guidance_id) DO UPDATE SET
    state = excluded.state,
    open = excluded.open,
    moved_ns = CASE WHEN excluded.state = 'applied' THEN excluded.moved_ns ELSE moved_ns END,
    moved_boot_ns = CASE WHEN excluded.state = 'applied' THEN excluded.moved_boot_ns ELSE moved_boot_ns END,
    moved_boot_id = CASE WHEN excluded.state = 'applied' THEN excluded.moved_boot_id ELSE moved_boot_id END,
    body = excluded.body;

-- name: insert_guidance_state
INSERT OR IGNORE INTO guidance_state (guidance_id, state, at_ns, event_id)
VALUES (:guidance_id, :state, :at_ns, :event_id);

-- name: newest_open_guidance
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE open = 1 ORDER BY issued_ns DESC, guidance_id LIMIT :most;

-- name: open_guidance_of_lot
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE open = 1 AND CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END = :material_lot_id ORDER BY issued_ns;

-- name: open_guidance_of_sample
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE open = 1 AND CASE WHEN json_valid(body) THEN json_extract(body, '$.measured.sample_id') END = :sample_id ORDER BY issued_ns;

-- name: open_guidance_of_model
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE open = 1 AND CASE WHEN json_valid(body) THEN json_extract(body, '$.predicted.model.name') END = :model ORDER BY issued_ns;

-- name: open_warnings_of_equipment
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE open = 1 AND kind = 'warning'
  AND CASE WHEN json_valid(body) THEN json_extract(body, '$.equipment_id') END = :equipment_id ORDER BY issued_ns;

-- name: open_suggestions
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE open = 1 AND kind = 'setpoint' ORDER BY issued_ns;

-- name: open_guidance_that_expires
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE open = 1 AND CASE WHEN json_valid(body) THEN json_extract(body, '$.expires.wall_ns') END > 0
ORDER BY +issued_ns;

-- name: announced_of_equipment
SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.announced_ns') END AS announced_ns FROM guidance
WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.equipment_id') END = :equipment_id
  AND CASE WHEN json_valid(body) THEN json_extract(body, '$.announced_ns') END > :after_ns
  AND kind IN ('warning', 'setpoint')
ORDER BY announced_ns DESC LIMIT :most;

-- name: guidance_by_id
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked WHERE guidance_id = :guidance_id;

-- name: newest_moves
SELECT moved_ns, moved_boot_ns, moved_boot_id FROM guidance WHERE moved_tag = :tag ORDER BY rowid DESC LIMIT :most;

-- name: insert_response
INSERT INTO response (event_id, guidance_id, act, person, user_id, credential, key_id, nonce, outcome, at_ns, body)
VALUES (:event_id, :guidance_id, :act, :person, :user_id, :credential, :key_id, :nonce, :outcome, :at_ns, :body);

-- name: answer_that_changed
SELECT act, person, user_id, at_ns FROM response_checked
WHERE guidance_id = :guidance_id AND outcome IN ('ACKNOWLEDGED', 'APPROVED', 'REJECTED') AND holds
ORDER BY row_number DESC LIMIT 1;

-- name: answers_to_guidance
SELECT act, person, user_id, at_ns, outcome,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.reason') END AS reason
FROM response_checked WHERE guidance_id = :guidance_id AND holds ORDER BY row_number DESC LIMIT :most;

-- name: identified_answers
SELECT guidance_id, act, at_ns, event_id FROM response_checked
WHERE user_id IS NOT NULL AND outcome IN ('ACKNOWLEDGED', 'APPROVED', 'REJECTED') AND holds ORDER BY row_number;

-- name: nonce_used
SELECT 1 FROM response WHERE key_id = :key_id AND nonce = :nonce;

-- name: answers_of_key
SELECT count(*) FROM response WHERE key_id = :key_id AND at_ns > :since_ns;

-- name: refused_responses
SELECT begun_ns, recorded, counted FROM refused_responses;

-- name: count_refused_responses
INSERT INTO refused_responses (one, begun_ns, recorded, counted) VALUES (1, :begun_ns, :recorded, :counted)
ON CONFLICT (one) DO UPDATE SET
    begun_ns = excluded.begun_ns, recorded = excluded.recorded, counted = excluded.counted;

-- name: keep_rejection
INSERT OR REPLACE INTO rejected_advice (name, model, guidance_id, at_ns) VALUES (:name, :model, :guidance_id, :at_ns);

-- name: delete_rejection
DELETE FROM rejected_advice WHERE name = :name;

-- name: rejections_of_model
SELECT name, guidance_id, at_ns FROM rejected_advice WHERE model = :model ORDER BY name;

-- name: rejections_before
SELECT name FROM rejected_advice WHERE at_ns < :before_ns ORDER BY name;

-- name: rejection_of_guidance
SELECT person, CASE WHEN json_valid(body) THEN json_extract(body, '$.reason') END AS reason
FROM response_checked WHERE guidance_id = :guidance_id AND outcome = 'REJECTED' AND holds
ORDER BY row_number DESC LIMIT 1;
