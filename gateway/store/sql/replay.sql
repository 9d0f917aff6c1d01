-- name: changes_of_alarms
SELECT at_ns, alarm_id, change FROM alarm_event ORDER BY seq;

-- name: suppressions_on_record
SELECT at_ns, subject, kind FROM audit
WHERE kind IN ('alarm_suppression_begun', 'alarm_suppression_ended') ORDER BY seq;

-- name: recorded_messages
SELECT e.row_number, e.event_id, e.kind, e.at_ns, e.session, e.topic, e.message_number, e.payload_sha256,
       r.payload AS result, c.body AS change, p.body AS response, s.body AS specification, s.withdrawn
FROM event_checked AS e
LEFT JOIN lab_result_checked AS r ON r.event_id = e.event_id AND r.holds
LEFT JOIN context_change_checked AS c ON c.event_id = e.event_id AND c.holds
LEFT JOIN response_checked AS p ON p.event_id = e.event_id AND p.holds AND p.user_id IS NULL
LEFT JOIN specification_stated_checked AS s ON s.event_id = e.event_id AND s.holds
WHERE e.holds AND e.at_ns < :until_ns
ORDER BY e.row_number;

-- name: recorded_predictions
SELECT body FROM prediction_checked
WHERE holds AND at_ns >= :from_ns AND at_ns < :until_ns
ORDER BY row_number;

-- name: recorded_occasions
SELECT p.body, CASE p.after_event WHEN '' THEN 0 ELSE e.rowid END AS after_row FROM prediction_checked AS p
LEFT JOIN event AS e ON e.event_id = p.after_event
WHERE p.holds AND p.at_ns < :until_ns
ORDER BY p.row_number;

-- name: times_salvaged
SELECT count(*) FROM audit WHERE kind = 'salvaged';

-- name: recorded_times
SELECT row_number, at_ns FROM event_checked WHERE holds AND at_ns < :until_ns ORDER BY row_number;

-- name: recorded_guidance
SELECT kind, issued_ns, body FROM guidance_checked
WHERE holds AND issued_ns >= :from_ns AND issued_ns < :until_ns
ORDER BY row_number;

-- name: recorded_dispositions
SELECT event_id, recommendation FROM disposition_checked
WHERE holds AND at_ns >= :from_ns AND at_ns < :until_ns
ORDER BY row_number;

-- name: recorded_stretch
SELECT min(at_ns), max(at_ns) FROM (SELECT at_ns FROM prediction UNION ALL SELECT at_ns FROM event);

-- name: outbox_messages
SELECT topic, payload FROM outbox ORDER BY seq;

-- name: expiring_guidance
SELECT EXISTS (
    SELECT 1 FROM guidance
    WHERE open = 1 AND CASE WHEN json_valid(body) THEN json_extract(body, '$.expires.wall_ns') END > 0
);

-- name: results_to_learn_from
SELECT r.body, e.at_ns AS arrived_ns, l.equipment_id FROM lab_result_checked AS r
JOIN event AS e ON e.event_id = r.event_id
LEFT JOIN lot AS l ON l.material_lot_id = r.material_lot_id
WHERE r.holds AND r.current = 1 AND r.analyte = :analyte AND json_extract(r.body, '$.control_id') IS NULL
  AND r.sampled_ns IS NOT NULL AND r.sampled_ns >= :since_ns AND r.sampled_ns < :until_ns
ORDER BY r.sampled_ns, r.result_id;

-- name: all_results
SELECT body FROM lab_result_checked WHERE holds ORDER BY row_number;
