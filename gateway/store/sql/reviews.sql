-- What the review of a lot's record looks at: one statement for each kind of rows, bounded by :most.

-- name: review_lot
SELECT l.material_lot_id, l.material_definition_id, l.client_id, l.job_order_id, coalesce(l.equipment_id, o.equipment_id),
       l.started_ns, l.ended_ns, l.closed_ns, l.recommendation, o.material_definition_id, o.client_id, o.equipment_id,
       l.holds AND coalesce(o.holds, 1) AS holds, 'lot ' || l.material_lot_id AS record
FROM lot_checked AS l LEFT JOIN job_order_checked AS o ON o.job_order_id = l.job_order_id
WHERE l.material_lot_id = :lot;

-- name: review_results
-- its own, and those of other lots that speak of it, too: composites, and what was corrected to another lot
SELECT r.result_id, r.sample_id, r.test_id, r.analyte, r.replicate, r.result_version, r.current,
       r.read ->> '$.value', r.read ->> '$.value_text', r.read ->> '$.qualifier', r.read ->> '$.censored_at',
       r.read ->> '$.unit', r.read ->> '$.status', r.sampled_ns, r.read ->> '$.analysed_ns',
       r.read ->> '$.approved_ns', e.at_ns, r.read ->> '$.retest_of', r.read ->> '$.material_definition_id',
       r.read ->> '$.client_id', r.read ->> '$.instrument_id', r.holds, 'lab_result ' || r.result_id AS record
FROM (SELECT *, CASE WHEN json_valid(body) THEN body ELSE '{}' END AS read FROM lab_result_checked) AS r
JOIN event AS e ON e.event_id = r.event_id
WHERE r.material_lot_id = :lot
   OR r.result_id IN (SELECT subject FROM assessment WHERE material_lot_id = :lot AND kind = 'result')
ORDER BY r.row_number LIMIT :most;

-- name: review_results_denied
-- Results that count, and of which the newest line of the trail that names them says another hash. A result's row changes
-- with lines about a version of the same measurement only, by index, or with what names many rows at once (a salvage, a
-- migration: read once for all results). What archived lines alone know is taken as it is.
WITH in_bulk AS MATERIALIZED (
    SELECT a.seq, named.key AS name, named.value AS hash
    FROM audit AS a, json_each(CASE WHEN json_valid(a.body) THEN a.body ELSE '{}' END, '$.vouched') AS named
    WHERE a.subject IN (SELECT subject FROM audit WHERE kind IN ('salvaged', 'records_migrated'))
      AND named.key IN (SELECT 'lab_result ' || value FROM json_each(:results))
)
SELECT 'lab_result ' || r.result_id FROM json_each(:results) AS wanted
JOIN lab_result AS r ON r.result_id = wanted.value AND r.current = 1
WHERE r.hash IS NOT coalesce((
    SELECT line.hash FROM (
        SELECT a.seq, CASE WHEN json_valid(a.body) THEN a.body ->> ('$.vouched."lab_result ' || r.result_id || '"') END AS hash
        FROM lab_result AS version CROSS JOIN audit AS a ON a.subject = version.result_id
        WHERE version.source = r.source AND version.sample_id = r.sample_id AND version.test_id = r.test_id
          AND version.replicate = r.replicate
        UNION ALL SELECT seq, hash FROM in_bulk WHERE name = 'lab_result ' || r.result_id
    ) AS line WHERE line.hash IS NOT NULL ORDER BY line.seq DESC LIMIT 1
), CASE WHEN EXISTS (SELECT 1 FROM audit_archive) THEN r.hash END) LIMIT :most;

-- name: review_points
-- the points of each assessment, open and settled; what a person has decided on the lot is looked at by itself
SELECT p.value ->> '$.point_id', p.value ->> '$.code', p.value ->> '$.reason.text', p.value ->> '$.asks', p.settled,
       p.subject, p.kind, p.sample_id, p.analyte, p.value ->> '$.reason.parameters.parent', p.at_ns, p.holds,
       'assessment ' || p.subject AS record
FROM (
    SELECT a.subject, a.kind, a.sample_id, a.analyte, a.at_ns, a.holds, q.value, 0 AS settled
    FROM assessment_checked AS a, json_each(CASE WHEN json_valid(a.body) THEN a.body ELSE '{}' END, '$.points') AS q
    WHERE a.material_lot_id = :lot AND a.kind <> 'decision' AND a.asks <> 'release'
    UNION ALL
    SELECT a.subject, a.kind, a.sample_id, a.analyte, a.at_ns, a.holds, q.value, 1
    FROM assessment_checked AS a, json_each(CASE WHEN json_valid(a.body) THEN a.body ELSE '{}' END, '$.settled') AS q
    WHERE a.material_lot_id = :lot AND a.kind <> 'decision'
) AS p ORDER BY p.at_ns, p.subject LIMIT :most;

-- name: review_controls
SELECT result_id, material, analyte, instrument_id, at_ns, rejected, holds, 'control_point ' || result_id AS record
FROM control_point_checked
WHERE analyte IN (SELECT value FROM json_each(:analytes)) AND at_ns BETWEEN :from_ns AND :until_ns
ORDER BY at_ns, row_number LIMIT :most;

-- name: review_stated
SELECT event_id, product, analyte, version, withdrawn, at_ns, holds, 'specification_stated ' || event_id AS record
FROM specification_stated_checked
WHERE product IN (SELECT value FROM json_each(:products)) AND at_ns BETWEEN :from_ns AND :until_ns
ORDER BY at_ns, row_number LIMIT :most;

-- name: review_process
SELECT body, holds, 'lot_process ' || material_lot_id AS record FROM lot_process_checked WHERE material_lot_id = :lot;

-- name: review_gaps
SELECT gap_id, kind, subject, from_ns, until_ns, holds, 'gap ' || gap_id AS record FROM gap_checked
WHERE ifnull(until_ns, 9223372036854775807) >= :from_ns AND from_ns <= :until_ns
  AND (kind = 'clock_set' OR subject IN (SELECT value FROM json_each(:subjects)))
ORDER BY from_ns, gap_id LIMIT :most;

-- name: review_alarms
-- what happened to the alarms of the equipment, the lot and the gateway from then on, until they were answered
SELECT seq, at_ns, alarm_id, change, title, severity, person, reason FROM alarm_event
WHERE at_ns BETWEEN :from_ns AND :answered_until_ns AND (
    alarm_id BETWEEN 'gateway/' AND 'gateway0' OR substr(alarm_id, 1, length(:of_equipment)) = :of_equipment
    OR substr(alarm_id, 1, length(:of_lot)) = :of_lot
) ORDER BY seq LIMIT :most;

-- name: review_guidance
SELECT g.guidance_id, g.kind, g.state, g.body ->> '$.severity', g.body ->> '$.title', g.issued_ns, (
           SELECT count(*) FROM guidance_state AS s
           WHERE s.guidance_id = g.guidance_id AND s.state IN ('acknowledged', 'approved', 'rejected', 'applied')
       ), (
           SELECT CASE WHEN json_valid(r.body) THEN r.body ->> '$.reason' END FROM response AS r
           WHERE r.guidance_id = g.guidance_id AND r.outcome = 'REJECTED' ORDER BY r.at_ns DESC LIMIT 1
       ), g.holds, 'guidance ' || g.guidance_id AS record
FROM guidance_checked AS g
WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END = :lot AND g.issued_ns <= :known_ns
  AND json_valid(g.body)
ORDER BY g.issued_ns, g.guidance_id LIMIT :most;

-- name: review_dispositions
-- those by which something else was recommended than before
SELECT disposition_id, recommendation, at_ns, holds, 'disposition ' || disposition_id AS record
FROM disposition_checked WHERE row_number IN (
    SELECT place FROM (
        SELECT rowid AS place, recommendation IS NOT lag(recommendation) OVER (ORDER BY at_ns, rowid) AS changed
        FROM disposition WHERE material_lot_id = :lot AND at_ns <= :known_ns
    ) WHERE changed
) ORDER BY at_ns, row_number LIMIT :most;

-- name: review_writes
SELECT intent_id, tag, state, automatic, issued_ns, body ->> '$.from_value', body ->> '$.to_value', holds,
       'setpoint_intent ' || intent_id AS record
FROM setpoint_intent_checked
WHERE issued_ns BETWEEN :from_ns AND :until_ns AND tag IN (SELECT value FROM json_each(:tags)) AND json_valid(body)
ORDER BY issued_ns, intent_id LIMIT :most;

-- name: review_stops
SELECT seq, at_ns, person, reason, holds, 'setpoint_stop ' || seq AS record FROM setpoint_stop_checked
WHERE stopped = 1 AND at_ns BETWEEN :from_ns AND :until_ns ORDER BY seq LIMIT :most;

-- name: review_lines
SELECT seq, at_ns, kind, subject, CASE WHEN json_valid(body) THEN body ->> '$.changed' END FROM audit
WHERE kind IN ('gateway_started', 'gateway_stopped', 'configuration_reloaded', 'evidence_damaged', 'store_quarantined',
               'salvaged', 'decision_failed', 'audit_behind_witness', 'version_taken', 'stage_changed', 'model_drift')
  AND at_ns BETWEEN :from_ns AND :until_ns
ORDER BY seq LIMIT :most;

-- name: review_messages
SELECT message_id, topic, created_ns, parked FROM outbox
WHERE topic IN (SELECT value FROM json_each(:topics)) AND acknowledged = 0 AND created_ns <= :known_ns
ORDER BY seq LIMIT :most;

-- name: review_deliveries
SELECT delivery_id, sink, kind, state, created_ns, answer, holds, 'delivery ' || delivery_id AS record
FROM delivery_checked WHERE material_lot_id = :lot AND created_ns <= :known_ns ORDER BY seq LIMIT :most;

-- name: review_signed
SELECT s.record_id, s.kind, (
           SELECT state FROM signing_state WHERE record_id = s.record_id ORDER BY seq DESC LIMIT 1
       ), s.made_ns, coalesce(CASE WHEN json_valid(s.body) THEN s.body ->> '$.act.over_open_points' END, 0),
       g.user_id, g.printed_name, g.signed_ns, s.holds AND coalesce(g.holds, 1) AS holds,
       'signed_record ' || s.record_id AS record
FROM signed_record_checked AS s LEFT JOIN signature_checked AS g ON g.record_id = s.record_id
WHERE s.made_ns <= :known_ns AND (
    (s.kind IN ('decide_lot', 'settle_point') AND s.subject = :lot)
    OR (s.kind IN ('sign_certificate', 'withdraw_certificate') AND s.subject IN (
        SELECT certificate_id FROM certificate WHERE material_lot_id = :lot
        UNION SELECT c.certificate_id FROM lot_part AS p JOIN certificate AS c ON c.material_lot_id = p.material_lot_id
        WHERE p.part_id = :lot AND json_valid(c.body) AND json_valid(p.body)
            AND c.body ->> '$.content.part.name' = p.body ->> '$.name'
    ))
    OR (s.kind = 'close_deviation' AND s.subject IN (SELECT grown_from FROM deviation WHERE material_lot_id = :lot))
)
ORDER BY s.made_ns, s.record_id, g.signed_ns LIMIT :most;

-- name: review_decisions
SELECT seq, record_id, verdict, state, at_ns, CASE WHEN json_valid(body) THEN body ->> '$.printed_name' ELSE '' END,
       holds, 'lot_decision ' || seq AS record
FROM lot_decision_checked AS d
WHERE material_lot_id = :lot AND at_ns <= :known_ns
  AND seq = (SELECT max(seq) FROM lot_decision WHERE record_id = d.record_id AND at_ns <= :known_ns)
ORDER BY seq LIMIT :most;

-- name: review_certificates
-- each version that was issued, as it stood then; of a part its own, which are of its lot
SELECT s.certificate_id, s.version, (
           SELECT customer FROM certificate WHERE certificate_id = s.certificate_id LIMIT 1
       ), s.state, s.at_ns, CASE WHEN json_valid(s.body) THEN s.body ->> '$.person' ELSE '' END,
       CASE WHEN json_valid(s.body) THEN coalesce(s.body ->> '$.questions[0].text', s.body ->> '$.why', '') ELSE '' END,
       s.holds, 'certificate_state ' || s.seq AS record
FROM certificate_state_checked AS s
WHERE s.material_lot_id IN (
    SELECT :lot UNION SELECT material_lot_id FROM lot_part WHERE part_id = :lot
) AND (s.material_lot_id = :lot OR s.certificate_id IN (
    SELECT c.certificate_id FROM lot_part AS p JOIN certificate AS c ON c.material_lot_id = p.material_lot_id
    WHERE p.part_id = :lot AND json_valid(c.body) AND json_valid(p.body)
        AND c.body ->> '$.content.part.name' = p.body ->> '$.name'
)) AND s.at_ns <= :known_ns AND s.seq = (
    SELECT max(seq) FROM certificate_state WHERE version_id = s.version_id AND at_ns <= :known_ns
)
ORDER BY s.seq LIMIT :most;

-- name: review_settlements
SELECT point_id, person, at_ns, holds AND vouched('settlement ' || point_id, hash) AS holds,
       'settlement ' || point_id AS record
FROM settlement_checked WHERE material_lot_id = :lot ORDER BY at_ns, point_id LIMIT :most;

-- name: review_context
SELECT event_id, kind, at_ns, equipment_id, body ->> '$.job_order_id', body ->> '$.material_definition_id',
       body ->> '$.client_id', body ->> '$.phase', holds, 'context_change ' || event_id AS record
FROM context_change_checked WHERE material_lot_id = :lot AND json_valid(body) ORDER BY at_ns, row_number LIMIT :most;

-- name: review_phases
SELECT event_id, kind, at_ns, equipment_id, body ->> '$.job_order_id', body ->> '$.material_definition_id',
       body ->> '$.client_id', body ->> '$.phase', holds, 'context_change ' || event_id AS record
FROM context_change_checked
WHERE kind IN ('phase_started', 'phase_ended') AND equipment_id = :equipment AND at_ns BETWEEN :from_ns AND :until_ns
  AND json_valid(body)
ORDER BY at_ns, row_number LIMIT :most;

-- name: review_uses
SELECT u.consumed_lot_id, u.consumed_definition_id, u.supplier, u.at_ns, l.recommendation,
       u.holds AND coalesce(l.holds, 1) AS holds, 'material_use ' || u.consumed_lot_id AS record
FROM material_use_checked AS u LEFT JOIN lot_checked AS l ON l.material_lot_id = u.consumed_lot_id
WHERE u.material_lot_id = :lot ORDER BY u.at_ns, u.consumed_lot_id LIMIT :most;

-- name: review_deviations
SELECT d.grown_from, d.analyte, d.sample_id, d.at_ns, d.version, NULL, d.holds, 'deviation ' || d.deviation_id AS record
FROM deviation_checked AS d
WHERE d.material_lot_id = :lot
  AND d.version = (SELECT max(version) FROM deviation WHERE grown_from = d.grown_from)
ORDER BY d.at_ns, d.deviation_id LIMIT :most;

-- name: review_damaged_assessments
SELECT 'assessment ' || subject AS record FROM assessment_checked WHERE material_lot_id = :lot AND NOT holds LIMIT :most;

-- name: review_missing_tests
SELECT t.value FROM (
    SELECT CASE WHEN json_valid(body) THEN body ELSE '{}' END AS body FROM disposition
    WHERE material_lot_id = :lot ORDER BY at_ns DESC, rowid DESC LIMIT 1
) AS d, json_each(d.body, '$.missing_tests') AS t;

-- name: predictions_of_run
SELECT model, count(*), count(*) - sum(accepted) FROM prediction
WHERE material_lot_id = :lot AND sample_result_id IS NULL GROUP BY model ORDER BY model;

-- name: insert_lot_process
INSERT OR REPLACE INTO lot_process (material_lot_id, until_ns, body) VALUES (:material_lot_id, :until_ns, :body);

-- name: insert_review_answer
INSERT INTO review_answer (event_id, exception_id, material_lot_id, code, settled, person, role, comment, at_ns)
VALUES (:event_id, :exception_id, :material_lot_id, :code, :settled, :person, :role, :comment, :at_ns);

-- name: review_answers_of_lot
SELECT event_id, exception_id, material_lot_id, code, settled, person, role, comment, at_ns,
       holds AND vouched('review_answer ' || event_id, hash) AS holds, 'review_answer ' || event_id AS record
FROM review_answer_checked WHERE material_lot_id = :lot ORDER BY at_ns, row_number LIMIT :most;

-- name: insert_lot_review
INSERT INTO lot_review (record_id, material_lot_id, state, at_ns, body)
VALUES (:record_id, :material_lot_id, :state, :at_ns, :body);

-- name: newest_review_of_lot
SELECT body, holds AND in_force('lot_review ' || json_array(material_lot_id, seq), hash) AS holds,
       'lot_review ' || seq AS record
FROM lot_review_checked WHERE material_lot_id = :lot ORDER BY seq DESC LIMIT 1;

-- name: review_of_lot_is_missing
-- whether a signed review of the lot is on record whose row is not there any more
SELECT 1 FROM signed_record AS record
WHERE kind = 'sign_review' AND subject = :lot AND EXISTS (
    SELECT 1 FROM signing_state WHERE record_id = record.record_id AND state = 'done'
) LIMIT 1;
