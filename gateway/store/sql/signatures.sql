-- name: insert_signed_record
INSERT INTO signed_record (record_id, kind, subject, version, body, sha256, author_id, author_name, made_ns,
                           expires_wall_ns, expires_boot_ns, expires_boot_id)
VALUES (:record_id, :kind, :subject, :version, :body, :sha256, :author_id, :author_name, :made_ns,
        :expires_wall_ns, :expires_boot_ns, :expires_boot_id);

-- name: insert_signature
INSERT INTO signature (signature_id, record_kind, record_id, record_version, record_sha256, user_id, printed_name,
                       role, meaning, signed_ns, event_id)
VALUES (:signature_id, :record_kind, :record_id, :record_version, :record_sha256, :user_id, :printed_name,
        :role, :meaning, :signed_ns, :event_id);

-- name: insert_signing_state
INSERT INTO signing_state (record_id, state, at_ns, person, why) VALUES (:record_id, :state, :at_ns, :person, :why);

-- name: signed_record
SELECT *, vouched('signed_record ' || record_id, hash) AS vouched FROM signed_record_checked WHERE record_id = :record_id;

-- name: signed_records
SELECT *, vouched('signed_record ' || record_id, hash) AS vouched FROM signed_record_checked ORDER BY made_ns DESC, record_id LIMIT :most;

-- name: signed_records_waiting
SELECT record.*, vouched('signed_record ' || record_id, hash) AS vouched FROM signed_record_checked AS record
WHERE 'waiting' = (
    SELECT state FROM signing_state WHERE record_id = record.record_id ORDER BY seq DESC LIMIT 1
)
ORDER BY made_ns, record_id LIMIT :most;

-- name: signed_records_waiting_of
SELECT record.*, vouched('signed_record ' || record_id, hash) AS vouched FROM signed_record_checked AS record
WHERE kind = :kind AND subject = :subject AND author_id = :author_id AND 'waiting' = (
    SELECT state FROM signing_state WHERE record_id = record.record_id ORDER BY seq DESC LIMIT 1
)
ORDER BY made_ns DESC LIMIT 100;

-- name: signed_records_of
SELECT *, vouched('signed_record ' || record_id, hash) AS vouched FROM signed_record_checked WHERE kind = :kind AND subject = :subject ORDER BY made_ns DESC, record_id
LIMIT :most;

-- name: signatures_of_record
SELECT *, vouched('signature ' || signature_id, hash) AS vouched FROM signature_checked WHERE record_id = :record_id ORDER BY signed_ns, signature_id;

-- name: signing_state_of_record
SELECT state, at_ns, person, why, holds AND in_force('signing_state ' || json_array(record_id, seq), hash) AS holds
FROM signing_state_checked WHERE record_id = :record_id
ORDER BY seq DESC LIMIT 1;

-- name: number_of_signed_acts
SELECT count(*) FROM signed_record AS record
WHERE kind = :kind AND subject = :subject AND EXISTS (
    SELECT 1 FROM signing_state WHERE record_id = record.record_id AND state = 'done'
);

-- name: insert_lot_decision
INSERT INTO lot_decision (record_id, material_lot_id, verdict, state, at_ns, body)
VALUES (:record_id, :material_lot_id, :verdict, :state, :at_ns, :body);

-- name: newest_decision_of_lot
SELECT body, holds AND in_force('lot_decision ' || json_array(material_lot_id, seq), hash) AS holds,
       'lot_decision ' || seq AS record FROM lot_decision_checked
WHERE material_lot_id = :material_lot_id ORDER BY seq DESC LIMIT 1;

-- name: newest_row_of_decision
SELECT * FROM lot_decision WHERE material_lot_id = :material_lot_id ORDER BY seq DESC LIMIT 1;

-- a decision that was taken out by hand
-- name: decision_of_lot_is_missing
SELECT has_rows('lot_decision ' || :material_lot_id);

-- name: assessments_by_hash
SELECT subject, kind, asks, hash FROM assessment WHERE material_lot_id = :material_lot_id ORDER BY subject;

-- name: insert_stage_change
INSERT INTO stage_change (model, stage, record_id, at_ns, body) VALUES (:model, :stage, :record_id, :at_ns, :body);

-- name: newest_stage_changes
SELECT model, body, holds AND in_force('stage_change ' || json_array(model, seq), hash) AS holds
FROM stage_change_checked AS newest
WHERE seq = (SELECT max(seq) FROM stage_change WHERE model = newest.model);

-- name: stage_changes_on_record
SELECT model, at_ns, body, holds AND vouched('stage_change ' || json_array(model, seq), hash) AS holds
FROM stage_change_checked ORDER BY seq;

-- stages that were taken out by hand: the models that lines name, and no row
-- name: models_without_their_stage
SELECT model FROM (
    SELECT DISTINCT subject AS model FROM audit WHERE kind = 'stage_changed'
) AS changed
WHERE CASE WHEN EXISTS (SELECT 1 FROM stage_change WHERE model = changed.model) THEN 0
           ELSE has_rows('stage_change ' || model) END;

-- name: predicted_at_samples
SELECT count(*), min(at_ns) FROM prediction WHERE model = :model AND sample_result_id IS NOT NULL
    AND CAST(CASE WHEN json_valid(body) THEN json_extract(body, '$.model.sha256') END AS TEXT) = :bundle_sha256;

-- name: abstained_at_samples
SELECT ifnull(CASE WHEN json_valid(body) THEN json_extract(body, '$.verdict.reasons[0].code') END, 'UNKNOWN') AS code,
       count(*)
FROM prediction WHERE model = :model AND sample_result_id IS NOT NULL
    AND CAST(CASE WHEN json_valid(body) THEN json_extract(body, '$.model.sha256') END AS TEXT) = :bundle_sha256
    AND accepted = 0
GROUP BY code ORDER BY count(*) DESC, code;

-- name: beside_the_laboratory
SELECT count(*), sum(f.measured BETWEEN p.low AND p.high), avg(abs(f.measured - f.predicted))
FROM feedback_checked AS f
JOIN prediction AS p ON p.sample_result_id = f.result_id AND p.model = :model AND p.analyte = f.analyte
WHERE f.bundle_sha256 = :bundle_sha256 AND f.holds AND p.low IS NOT NULL;

-- name: all_lot_decisions
SELECT body, holds AND vouched('lot_decision ' || json_array(material_lot_id, seq), hash) AS holds
FROM lot_decision_checked WHERE state = 'made' ORDER BY seq;
