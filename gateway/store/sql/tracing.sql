-- Each kind of record by its id, and the ids of other kinds that it leads to; read by store/queries/tracing.py.

-- name: trace_lot
SELECT job_order_id, material_definition_id AS product, equipment_id, started_ns AS started_ns, ended_ns,
       closed_ns, recommendation, latched, holds
FROM lot_checked
WHERE material_lot_id = :id;

-- name: trace_lot_to_order
SELECT job_order_id
FROM lot
WHERE material_lot_id = :id
LIMIT 1000;

-- name: trace_lot_to_material
SELECT consumed_lot_id
FROM material_use
WHERE material_lot_id = :id
LIMIT 1000;

-- name: trace_lot_to_result
SELECT result_id
FROM lab_result
WHERE result_id IN (
    SELECT result_id FROM lab_result WHERE material_lot_id = :id
    UNION SELECT subject FROM assessment WHERE material_lot_id = :id AND kind = 'result'
)
ORDER BY rowid
LIMIT 1000;

-- name: trace_lot_to_dead_letter
SELECT dead_letter_id
FROM (
    SELECT dead_letter_id, at_ns FROM refused_result WHERE material_lot_id = :id
    UNION SELECT dead_letter_id, at_ns FROM refused_in_place_assessed WHERE material_lot_id = :id
    UNION SELECT dead_letter_id, at_ns FROM refused_of_product_assessed WHERE material_lot_id = :id
)
ORDER BY at_ns, dead_letter_id
LIMIT 1000;

-- name: trace_lot_to_settlement
SELECT point_id
FROM settlement
WHERE material_lot_id = :id
ORDER BY rowid
LIMIT 1000;

-- name: trace_lot_to_review_answer
SELECT event_id
FROM review_answer
WHERE material_lot_id = :id
ORDER BY at_ns, rowid
LIMIT 1000;

-- name: trace_review_answer
-- by the act's event, or by the exception that it is about
SELECT exception_id AS exception, code, settled, person, role, comment, at_ns, material_lot_id AS lot, holds
FROM review_answer_checked
WHERE event_id = :id OR row_number = (
    SELECT max(rowid) FROM review_answer WHERE exception_id = :id
) LIMIT 1;

-- name: trace_review_answer_to_lot
SELECT material_lot_id
FROM review_answer
WHERE event_id = :id OR exception_id = :id LIMIT 1;

-- name: trace_lot_to_guidance
SELECT guidance_id
FROM guidance
WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END = :id
ORDER BY issued_ns
LIMIT 1000;

-- name: trace_lot_to_disposition
SELECT disposition_id
FROM disposition
WHERE material_lot_id = :id
ORDER BY at_ns
LIMIT 1000;

-- name: trace_lot_to_deviation
SELECT DISTINCT grown_from
FROM deviation
WHERE material_lot_id = :id
ORDER BY at_ns
LIMIT 1000;

-- name: trace_lot_to_part
SELECT DISTINCT part_id
FROM lot_part
WHERE material_lot_id = :id OR part_id = :id
ORDER BY part_id
LIMIT 1000;

-- name: trace_part
SELECT material_lot_id AS lot, CASE WHEN json_valid(body) THEN json_extract(body, '$.quantity') || ' ' || json_extract(body, '$.unit') END AS quantity,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.person') END AS person,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.reason') END AS reason, undone, at_ns, holds
FROM lot_part_checked
WHERE part_id = :id
ORDER BY seq DESC
LIMIT 1;

-- name: trace_part_to_lot
SELECT material_lot_id
FROM lot_part
WHERE part_id = :id
UNION SELECT part_id FROM lot_part WHERE part_id = :id;

-- name: trace_lot_to_lot_went_into
SELECT material_lot_id
FROM material_use
WHERE consumed_lot_id = :id
LIMIT 1000;

-- name: trace_lot_to_audit
SELECT seq
FROM audit
WHERE subject = :id
ORDER BY seq
LIMIT 1000;

-- name: trace_settlement
SELECT person, reason, at_ns, material_lot_id AS lot, holds
FROM settlement_checked
WHERE point_id = :id;

-- name: trace_settlement_to_lot
SELECT material_lot_id
FROM settlement
WHERE point_id = :id;

-- name: trace_material
SELECT consumed_definition_id AS material, supplier, at_ns, holds
FROM material_use_checked
WHERE consumed_lot_id = :id LIMIT 1;

-- name: trace_material_to_lot
SELECT material_lot_id
FROM material_use
WHERE consumed_lot_id = :id
LIMIT 1000;

-- name: trace_order
SELECT material_definition_id AS product, client_id, equipment_id, started_ns, ended_ns, holds
FROM job_order_checked
WHERE job_order_id = :id;

-- name: trace_sample
SELECT count(*) AS results, min(holds) AS holds
FROM lab_result_checked
WHERE sample_id = :id HAVING count(*) > 0;

-- name: trace_sample_to_result
SELECT result_id
FROM lab_result
WHERE sample_id = :id
ORDER BY rowid
LIMIT 1000;

-- name: trace_result
SELECT sample_id, test_id, result_version, CASE WHEN json_valid(body) THEN json_extract(body,
       '$.value_text') END AS value, CASE WHEN json_valid(body) THEN json_extract(body, '$.unit') END AS unit,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.status') END AS status, material_lot_id AS lot,
       sampled_ns, current, holds
FROM lab_result_checked
WHERE result_id = :id;

-- name: trace_result_to_event
SELECT event_id
FROM lab_result
WHERE result_id = :id
LIMIT 1000;

-- name: trace_result_to_disposition
SELECT d.disposition_id
FROM disposition AS d
JOIN lab_result AS r ON r.event_id = d.event_id
WHERE r.result_id = :id
LIMIT 1000;

-- name: trace_result_to_prediction
SELECT prediction_id
FROM prediction
WHERE sample_result_id = :id
LIMIT 1000;

-- name: trace_result_to_guidance
SELECT guidance_id
FROM guidance
WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.measured.result_id') END = :id
LIMIT 1000;

-- name: trace_result_to_deviation
SELECT DISTINCT grown_from
FROM deviation
WHERE result_id = :id
LIMIT 1000;

-- name: trace_result_to_audit
SELECT seq
FROM audit
WHERE subject = :id
ORDER BY seq
LIMIT 1000;

-- name: trace_disposition
SELECT material_lot_id AS lot, recommendation, at_ns, CASE WHEN json_valid(body) THEN json_extract(body,
       '$.latched') END AS latched, CASE WHEN json_valid(body) THEN json_extract(body,
       '$.reasons') END AS reasons_json, holds
FROM disposition_checked
WHERE disposition_id = :id;

-- name: trace_disposition_to_event
SELECT event_id
FROM disposition
WHERE disposition_id = :id
LIMIT 1000;

-- name: trace_disposition_to_result
SELECT json_extract(entry.value, '$.result_id')
FROM disposition, json_each(CASE WHEN json_valid(disposition.body) THEN disposition.body ELSE '{}' END, '$.rests_on_results') AS entry
WHERE disposition_id = :id
LIMIT 1000;

-- name: trace_disposition_to_prediction
SELECT json_extract(entry.value, '$.prediction_id')
FROM disposition, json_each(CASE WHEN json_valid(disposition.body) THEN disposition.body ELSE '{}' END, '$.rests_on_predictions') AS entry
WHERE disposition_id = :id
LIMIT 1000;

-- name: trace_disposition_to_lot
SELECT material_lot_id
FROM disposition
WHERE disposition_id = :id
LIMIT 1000;

-- name: trace_disposition_to_audit
SELECT seq
FROM audit
WHERE subject = :id
ORDER BY seq
LIMIT 1000;

-- name: trace_guidance
SELECT kind, state, CASE WHEN json_valid(body) THEN json_extract(body, '$.title') END AS title, issued_ns,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.reasons') END AS reasons_json,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.suggestion') END AS suggestion_json, holds
FROM guidance_checked
WHERE guidance_id = :id;

-- name: trace_guidance_to_state
SELECT guidance_id || ' ' || state
FROM guidance_state
WHERE guidance_id = :id
ORDER BY at_ns
LIMIT 1000;

-- name: trace_guidance_to_response
SELECT event_id
FROM response
WHERE guidance_id = :id
ORDER BY rowid
LIMIT 1000;

-- name: trace_guidance_to_setpoint_write
SELECT intent_id
FROM setpoint_intent
WHERE guidance_id = :id
LIMIT 1000;

-- name: trace_guidance_to_prediction
SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.predicted.prediction_id') END
FROM guidance
WHERE guidance_id = :id
LIMIT 1000;

-- name: trace_guidance_to_result
SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.measured.result_id') END
FROM guidance
WHERE guidance_id = :id
LIMIT 1000;

-- name: trace_guidance_to_lot
SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END
FROM guidance
WHERE guidance_id = :id
LIMIT 1000;

-- name: trace_guidance_to_guidance
SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.supersedes') END
FROM guidance
WHERE guidance_id = :id
LIMIT 1000;

-- name: trace_setpoint_write
SELECT tag, state, issued_ns, written_ns,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.from_value') END AS "from",
       CASE WHEN json_valid(body) THEN json_extract(body, '$.to_value') END AS "to",
       CASE WHEN json_valid(body) THEN json_extract(body, '$.approved_by') END AS approved_by, holds
FROM setpoint_intent_checked
WHERE intent_id = :id;

-- name: trace_setpoint_write_to_setpoint_state
SELECT intent_id || ' ' || state
FROM setpoint_intent_state
WHERE intent_id = :id
ORDER BY at_ns
LIMIT 1000;

-- name: trace_setpoint_write_to_setpoint_outcome
SELECT intent_id || ' ' || followed
FROM setpoint_outcome
WHERE intent_id = :id
ORDER BY at_ns
LIMIT 1000;

-- name: trace_setpoint_write_to_guidance
SELECT guidance_id
FROM setpoint_intent
WHERE intent_id = :id
LIMIT 1000;

-- name: trace_setpoint_write_to_audit
SELECT seq
FROM audit
WHERE subject = :id
ORDER BY seq
LIMIT 1000;

-- name: trace_setpoint_state
SELECT state, at_ns, CASE WHEN json_valid(body) THEN json_extract(body, '$.before') END AS "before",
       CASE WHEN json_valid(body) THEN json_extract(body, '$.written') END AS written,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.read_back') END AS read_back,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.feedback') END AS feedback,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.reason.text') END AS reason, holds
FROM setpoint_intent_state_checked
WHERE intent_id = substr(:id, 1, instr(:id, ' ') - 1) AND state = substr(:id, instr(:id, ' ') + 1);

-- name: trace_setpoint_outcome
SELECT followed, at_ns, by, expected, value, as_expected, holds
FROM setpoint_outcome_checked
WHERE intent_id = substr(:id, 1, instr(:id, ' ') - 1) AND followed = substr(:id, instr(:id, ' ') + 1);

-- name: trace_state
SELECT state, at_ns, event_id AS cause, holds
FROM guidance_state_checked
WHERE guidance_id || ' ' || state = :id;

-- name: trace_phrasing
SELECT model, prompt_version, outcome, why, prompt, reply, at_ns, holds
FROM phrasing_checked
WHERE event_id = :id OR question_id = :id ORDER BY outcome = 'asked', at_ns DESC LIMIT 1;

-- name: trace_response
SELECT act, person, CASE WHEN user_id IS NULL THEN 'no' ELSE 'yes' END AS identified, user_id AS user, credential,
       key_id AS "key", outcome, at_ns, holds
FROM response_checked
WHERE event_id = :id;

-- name: trace_prediction
SELECT model, CASE WHEN json_valid(body) THEN json_extract(body, '$.model.version') END AS version,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.model.sha256') END AS sha256, analyte, at_ns,
       value, low, high, accepted, CASE WHEN json_valid(body) THEN json_extract(body,
       '$.verdict.reasons') END AS reasons_json, CASE WHEN json_valid(body) THEN json_extract(body,
       '$.features.sha256') END AS features_sha256, CASE WHEN json_valid(body) THEN json_extract(body,
       '$.features.evidence') END AS windows_json, CASE WHEN json_valid(body) THEN json_extract(body,
       '$.bias_version') END AS bias_version,
       -- the results that a correction in function space stands on: the newest samples known then, as many as it says
       (SELECT json_group_array(result_id) FROM (
            SELECT result_id, row_number() OVER (ORDER BY sampled_ns DESC, result_id DESC) AS nth FROM feedback
            WHERE bundle_sha256 = CASE WHEN json_valid(prediction_checked.body)
                  THEN json_extract(prediction_checked.body, '$.model.sha256') END
              AND analyte = prediction_checked.analyte AND features <> '[]'
              AND arrived_ns <= CASE WHEN prediction_checked.sample_result_id IS NULL THEN prediction_checked.at_ns
                  WHEN json_valid(prediction_checked.body)
                  THEN json_extract(prediction_checked.body, '$.features.end_ns') END)
        WHERE nth <= CASE WHEN json_valid(prediction_checked.body)
            THEN json_extract(prediction_checked.body, '$.bias_version') END HAVING count(*) > 0) AS corrected_by_json,
       holds
FROM prediction_checked
WHERE prediction_id = :id;

-- name: trace_deviation
SELECT analyte, sample_id AS sample, material_lot_id AS lot, version, coalesce((
           SELECT state FROM deviation_state WHERE deviation_id = :id ORDER BY seq DESC LIMIT 1
       ), 'open') AS state, at_ns, holds
FROM deviation_checked
WHERE grown_from = :id
ORDER BY version DESC
LIMIT 1;

-- name: trace_deviation_to_result
SELECT result_id
FROM deviation
WHERE grown_from = :id
ORDER BY version
LIMIT 1000;

-- name: trace_deviation_to_action
SELECT action_id FROM corrective_action WHERE deviation_id = :id ORDER BY at_ns LIMIT 1000;

-- name: trace_deviation_to_signed_record
SELECT record_id FROM signed_record WHERE subject = :id AND kind = 'close_deviation' ORDER BY made_ns LIMIT 1000;

-- name: trace_action
SELECT json_extract(body, '$.kind') AS what, json_extract(body, '$.action') AS action, json_extract(body, '$.owner') AS owner,
       json_extract(body, '$.person') AS person, at_ns,
       (SELECT at_ns FROM corrective_action_done AS d WHERE d.action_id = corrective_action_checked.action_id) AS done_ns, holds
FROM corrective_action_checked WHERE action_id = :id AND json_valid(body);

-- name: trace_action_to_deviation
SELECT deviation_id FROM corrective_action WHERE action_id = :id;

-- name: trace_action_to_audit
SELECT seq FROM audit WHERE subject = :id ORDER BY seq LIMIT 1000;

-- name: trace_deviation_to_lot
SELECT DISTINCT material_lot_id
FROM deviation
WHERE grown_from = :id
LIMIT 1000;

-- name: trace_deviation_to_deviation
SELECT DISTINCT json_extract(entry.value, '$.deviation_id')
FROM deviation, json_each(CASE WHEN json_valid(deviation.body) THEN deviation.body ELSE '{}' END, '$.similar') AS entry
WHERE deviation.grown_from = :id
LIMIT 1000;

-- name: trace_deviation_to_audit
SELECT seq
FROM audit
WHERE subject = :id
ORDER BY seq
LIMIT 1000;

-- name: trace_event
SELECT kind AS what, at_ns, topic, payload_sha256, holds
FROM event_checked
WHERE event_id = :id;

-- name: trace_event_to_dead_letter
SELECT dead_letter_id
FROM dead_letter
WHERE dead_letter_id = identity_of('dead-letter', :id)
LIMIT 1000;

-- name: trace_dead_letter_to_event
SELECT event_id
FROM dead_letter AS d
JOIN event AS e ON e.at_ns = d.at_ns
WHERE dead_letter_id = :id AND identity_of('dead-letter', event_id) = :id
LIMIT 1000;

-- name: trace_dead_letter
SELECT topic, at_ns, reasons AS reasons_json, holds
FROM dead_letter_checked
WHERE dead_letter_id = :id;

-- name: trace_audit
SELECT kind AS what, at_ns, hash, 1 AS holds
FROM audit
WHERE seq = CAST(:id AS INTEGER) AND CAST(seq AS TEXT) = :id;

-- name: trace_guidance_to_signed_record
SELECT record_id
FROM signed_record
WHERE kind = 'answer_guidance' AND subject = :id
ORDER BY made_ns
LIMIT 1000;

-- name: trace_lot_to_signed_record
SELECT record_id
FROM signed_record
WHERE subject = :id AND kind IN ('decide_lot', 'settle_point', 'sign_review')
ORDER BY made_ns
LIMIT 1000;

-- name: trace_signed_record
SELECT kind AS act, subject, version, sha256, author_name AS asked_by, made_ns,
       (SELECT state FROM signing_state AS s WHERE s.record_id = r.record_id ORDER BY seq DESC LIMIT 1) AS state, holds
FROM signed_record_checked AS r
WHERE record_id = :id;

-- name: trace_signed_record_to_signature
SELECT signature_id
FROM signature
WHERE record_id = :id
ORDER BY signed_ns
LIMIT 1000;

-- name: trace_signed_record_to_audit
SELECT seq
FROM audit
WHERE subject = :id
ORDER BY seq
LIMIT 1000;

-- name: trace_signature
SELECT printed_name, role, meaning, signed_ns, record_sha256, holds
FROM signature_checked
WHERE signature_id = :id;

-- name: trace_signature_to_signed_record
SELECT record_id
FROM signature
WHERE signature_id = :id;

-- name: trace_lot_to_certificate
SELECT DISTINCT certificate_id
FROM certificate
WHERE material_lot_id = :id
ORDER BY certificate_id
LIMIT 1000;

-- name: trace_certificate
SELECT c.material_lot_id, c.customer, c.version, c.draft, c.at_ns AS drafted_ns, c.sha256, coalesce((
    SELECT state FROM certificate_state WHERE version_id = c.certificate_id || '/' || c.version ORDER BY seq DESC LIMIT 1
), 'draft') AS state, c.holds
FROM certificate_checked AS c
WHERE c.certificate_id = :id
ORDER BY c.version DESC, c.draft DESC LIMIT 1;

-- name: trace_certificate_to_lot
SELECT material_lot_id
FROM certificate
WHERE certificate_id = :id
LIMIT 1;

-- name: trace_certificate_to_result
SELECT DISTINCT json_extract(result.value, '$.result_id')
FROM certificate AS c, json_each(c.body, '$.content.rows') AS row, json_each(row.value, '$.results') AS result
WHERE c.certificate_id = :id AND json_valid(c.body)
LIMIT 1000;

-- name: trace_certificate_to_signed_record
SELECT record_id
FROM signed_record
WHERE subject = :id
ORDER BY made_ns
LIMIT 1000;

-- name: trace_certificate_to_audit
SELECT seq
FROM audit
WHERE subject = :id
ORDER BY seq
LIMIT 1000;
