-- What the console reads for its views, and who is signed in there.

-- name: console_session
SELECT s.user_id, s.password_seq, s.used_ns, s.expires_ns, s.expires_boot_ns, s.boot_id,
       s.holds AND vouched('console_session ' || s.token_sha256, s.hash) AS holds,
       coalesce((SELECT max(seq) FROM user_password WHERE user_id = s.user_id), 0) AS newest_password_seq
FROM console_session_checked AS s WHERE s.token_sha256 = :token_sha256;

-- name: newest_password_seq
SELECT coalesce(max(seq), 0) FROM user_password WHERE user_id = :user_id;

-- name: user
SELECT user_id, full_name, roles, os_user, disabled,
       holds AND in_force('user_version ' || json_array(user_id, seq), hash) AS holds
FROM user_version_checked WHERE user_id = :user_id ORDER BY seq DESC LIMIT 1;

-- name: open_console_session
INSERT INTO console_session
    (token_sha256, user_id, password_seq, opened_ns, used_ns, expires_ns, expires_boot_ns, boot_id)
VALUES (:token_sha256, :user_id, :password_seq, :at_ns, :at_ns, :expires_ns, :expires_boot_ns, :boot_id);

-- name: use_console_session
UPDATE console_session SET used_ns = :at_ns WHERE token_sha256 = :token_sha256;

-- name: end_console_session
DELETE FROM console_session WHERE token_sha256 = :token_sha256;

-- name: end_sessions_of_user
DELETE FROM console_session WHERE user_id = :user_id AND token_sha256 IS NOT :kept;

-- name: sessions_of_user
SELECT s.token_sha256, s.opened_ns, s.used_ns, s.expires_ns FROM console_session_checked AS s
WHERE s.user_id = :user_id AND s.holds AND s.expires_ns > :now_ns AND s.used_ns > :idle_since_ns
  AND s.password_seq = coalesce((SELECT max(seq) FROM user_password WHERE user_id = s.user_id), 0)
ORDER BY s.opened_ns DESC;

-- name: end_console_sessions
DELETE FROM console_session;

-- the newest of a user stay; those that nobody has used for longer than any may last go
-- name: prune_console_sessions
DELETE FROM console_session WHERE opened_ns < :before_ns OR token_sha256 IN (
    SELECT token_sha256 FROM console_session WHERE user_id = :user_id ORDER BY opened_ns DESC LIMIT -1 OFFSET :most
);

-- name: console_lots
SELECT l.row_number AS place, l.material_lot_id, l.material_definition_id AS product, l.job_order_id, l.equipment_id,
       l.client_id, l.started_ns, l.ended_ns, l.closed_ns, l.recommendation, l.latched, l.holds, (
           SELECT recommendation FROM line_about_lot WHERE material_lot_id = l.material_lot_id ORDER BY seq DESC LIMIT 1
       ) AS in_trail, (
           SELECT count(*) FROM lab_result AS r WHERE r.material_lot_id = l.material_lot_id AND r.current = 1
       ) AS results, (SELECT material_lot_id FROM lot_part WHERE part_id = l.material_lot_id LIMIT 1) AS part_of
FROM lot_checked AS l
WHERE l.row_number < :before AND (:query = '' OR instr(lower(l.material_lot_id), :query) > 0)
  AND (:with_parts OR NOT EXISTS (SELECT 1 FROM lot_part AS p WHERE p.part_id = l.material_lot_id))
ORDER BY l.row_number DESC LIMIT :most;

-- name: console_lot_in_progress
SELECT material_lot_id, job_order_id, material_definition_id AS product, client_id, started_ns, recommendation, holds,
       'lot ' || material_lot_id AS record, (
           SELECT recommendation FROM line_about_lot WHERE material_lot_id = l.material_lot_id ORDER BY seq DESC LIMIT 1
       ) AS in_trail
FROM lot_checked AS l WHERE material_lot_id = :material_lot_id;

-- name: console_count_of_results
SELECT count(*) FROM lab_result WHERE material_lot_id = :material_lot_id AND current = 1;

-- name: console_newest_predictions
SELECT body, holds, 'prediction ' || prediction_id AS record FROM prediction_checked
WHERE model = :model AND sample_result_id IS NULL ORDER BY at_ns DESC LIMIT :most;

-- name: predictions_between
SELECT at_ns, body, holds, 'prediction ' || prediction_id AS record FROM prediction_checked
WHERE model = :model AND analyte = :analyte AND sample_result_id IS NULL AND at_ns BETWEEN :start_ns AND :end_ns
ORDER BY at_ns LIMIT :most;

-- name: console_trend
SELECT at_ns, value, low, high, material_lot_id, CASE WHEN :limited AND material_lot_id IS NULL AND json_valid(body)
       THEN json_extract(body, '$.material_definition_id') END AS product FROM prediction
WHERE model = :model AND at_ns >= :from_ns AND analyte = :analyte AND sample_result_id IS NULL
ORDER BY at_ns DESC LIMIT :most;

-- name: console_results_between
SELECT r.sample_id, r.sampled_ns, r.body, r.holds, 'lab_result ' || r.result_id AS record
FROM lab_result_checked AS r JOIN lot AS l ON l.material_lot_id = r.material_lot_id
WHERE l.equipment_id = :equipment_id AND r.analyte = :analyte AND r.current = 1 AND r.sampled_ns >= :from_ns
ORDER BY r.row_number DESC LIMIT :most;

-- name: console_results_of_lot
SELECT r.result_id, r.sample_id, r.analyte, r.result_version, r.current, r.sampled_ns, r.body, r.holds, e.at_ns,
       'lab_result ' || r.result_id AS record, (
           SELECT value FROM prediction WHERE sample_result_id = r.result_id ORDER BY rowid LIMIT 1
       ) AS predicted
FROM lab_result_checked AS r JOIN event AS e ON e.event_id = r.event_id
WHERE r.material_lot_id = :material_lot_id ORDER BY r.row_number LIMIT :most;

-- name: console_guidance_of_lot
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END = :material_lot_id
ORDER BY issued_ns LIMIT :most;

-- name: console_ended_guidance
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked
WHERE open = 0 AND issued_ns >= :issued_ns AND EXISTS (
    SELECT 1 FROM guidance_state AS s WHERE s.guidance_id = guidance_checked.guidance_id AND s.at_ns >= :since_ns
) ORDER BY issued_ns DESC, guidance_id LIMIT :most;

-- name: console_guidance_states
SELECT state, at_ns FROM guidance_state WHERE guidance_id = :guidance_id ORDER BY at_ns;

-- name: console_dispositions_of_lot
SELECT disposition_id, recommendation, at_ns FROM disposition
WHERE material_lot_id = :material_lot_id ORDER BY at_ns, rowid LIMIT :most;

-- name: console_context_of_lot
SELECT event_id, kind, at_ns FROM context_change WHERE material_lot_id = :material_lot_id ORDER BY at_ns LIMIT :most;

-- name: console_deviations_of_lot
SELECT grown_from, version, analyte, at_ns, body, holds, 'deviation ' || deviation_id AS record FROM deviation_checked
WHERE material_lot_id = :material_lot_id ORDER BY at_ns LIMIT :most;

-- name: console_series_of_product
SELECT DISTINCT analyte, client_id, study_id FROM series WHERE product = :product ORDER BY analyte;

-- name: console_series_of_analyte
SELECT client_id, study_id, body, holds FROM series_checked
WHERE product = :product AND analyte = :analyte ORDER BY client_id = :client_id DESC, study_id LIMIT 1;

-- name: console_lots_of_samples
SELECT sample_id, material_lot_id FROM lab_result
WHERE current = 1 AND analyte = :analyte AND sample_id IN (SELECT value FROM json_each(:sample_ids));

-- name: console_sample_requests
SELECT s.request_id, s.material_lot_id, s.since_ns, s.probability, s.tests, l.material_definition_id AS product,
       l.equipment_id
FROM sample_request AS s LEFT JOIN lot AS l ON l.material_lot_id = s.material_lot_id
WHERE s.done = 0 ORDER BY s.probability DESC, s.since_ns LIMIT 500;

-- name: console_abstentions
SELECT json_extract(body, '$.verdict.reasons[0].code') AS code, json_extract(body, '$.verdict.reasons[0].text') AS text
FROM (
    SELECT CASE WHEN json_valid(body) THEN body ELSE '{}' END AS body, accepted FROM prediction
    WHERE model = :model AND sample_result_id IS NULL ORDER BY at_ns DESC LIMIT :most
) WHERE accepted = 0;

-- name: console_residuals
SELECT sampled_ns, measured, predicted FROM feedback_checked
WHERE holds AND bundle_sha256 = :bundle_sha256 AND analyte = :analyte ORDER BY arrived_ns DESC LIMIT :most;

-- name: console_audit
SELECT seq, at_ns, kind, subject, body, hash FROM audit
WHERE seq < :before AND (:query = '' OR instr(lower(subject), :query) > 0 OR instr(lower(kind), :query) > 0
                         OR instr(lower(body), :query) > 0)
  AND (:clients IS NULL OR CASE WHEN json_valid(body) THEN json_extract(body, '$.client_id') END IN (
      SELECT value FROM json_each(:clients)))
ORDER BY seq DESC LIMIT :most;

-- name: console_missed_alarms
-- what has called since an instant; returned_ns: when it ended, where it does not stand any more
SELECT alarm_id, max(title) AS title, min(severity) AS severity, min(at_ns) AS first_ns, count(*) AS calls,
       CASE WHEN EXISTS (SELECT 1 FROM alarm WHERE alarm_id = e.alarm_id AND active = 1) THEN NULL
            ELSE (SELECT max(at_ns) FROM alarm_event WHERE alarm_id = e.alarm_id AND at_ns > :since_ns
                  AND change = 'returned') END AS returned_ns
FROM alarm_event AS e
WHERE change = 'raised' AND at_ns > :since_ns AND alarm_id >= 'gateway/' AND alarm_id < 'gateway0'
GROUP BY alarm_id ORDER BY first_ns DESC LIMIT :most;
