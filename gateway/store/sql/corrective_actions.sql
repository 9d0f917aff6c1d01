-- Corrective and preventive actions, and how often the failure that they are against comes back.

-- name: insert_corrective_action
INSERT INTO corrective_action (action_id, deviation_id, at_ns, body) VALUES (:action_id, :deviation_id, :at_ns, :body);

-- name: insert_corrective_action_done
INSERT INTO corrective_action_done (action_id, at_ns, person, note, event_id)
VALUES (:action_id, :at_ns, :person, :note, :event_id);

-- name: corrective_action
SELECT action_id, body, client_id, study_id, holds FROM corrective_action_checked WHERE action_id = :key;

-- name: corrective_action_is_done
SELECT 1 FROM corrective_action_done WHERE action_id = :key;

-- name: corrective_action_done
SELECT action_id, at_ns, person, note, holds FROM corrective_action_done_checked WHERE action_id = :key;

-- name: corrective_actions_of
SELECT a.action_id, a.body, a.client_id, a.study_id, a.holds, d.at_ns AS done_ns, d.person AS done_by, d.note,
       coalesce(d.holds, 1) AS done_holds
FROM corrective_action_checked AS a LEFT JOIN corrective_action_done_checked AS d ON d.action_id = a.action_id
WHERE a.deviation_id = :deviation_id ORDER BY a.at_ns LIMIT :most;

-- name: corrective_actions
SELECT a.action_id, a.body, a.client_id, a.study_id, a.holds, d.at_ns AS done_ns, d.person AS done_by, d.note,
       coalesce(d.holds, 1) AS done_holds
FROM corrective_action_checked AS a LEFT JOIN corrective_action_done_checked AS d ON d.action_id = a.action_id
ORDER BY a.at_ns DESC LIMIT :most;

-- How many lots were measured in a series in a time, of one equipment or of all; a sample without a lot stands for one.
-- name: lots_of_series_between
SELECT count(DISTINCT coalesce(r.material_lot_id, s.sample_id)) AS lots, count(DISTINCT s.sample_id) AS samples
FROM (
    SELECT sample_id, CASE WHEN json_valid(results) THEN results ->> '$[0].result_id' END AS result_id FROM series_sample
    WHERE client_id = :client_id AND study_id = :study_id AND product IS :product AND analyte = :analyte
      AND at_ns > :after_ns AND at_ns <= :until_ns
    ORDER BY at_ns LIMIT :most
) AS s
LEFT JOIN lab_result AS r ON r.result_id = s.result_id
LEFT JOIN lot AS l ON l.material_lot_id = r.material_lot_id
LEFT JOIN job_order AS o ON o.job_order_id = l.job_order_id
WHERE :equipment_id IS NULL OR coalesce(l.equipment_id, o.equipment_id) = :equipment_id;

-- Where the samples before an instant begin of which so many are looked at.
-- name: instant_of_sample_before
SELECT min(at_ns) FROM (
    SELECT at_ns FROM series_sample
    WHERE client_id = :client_id AND study_id = :study_id AND product IS :product AND analyte = :analyte AND at_ns <= :until_ns
    ORDER BY at_ns DESC LIMIT :most
);

-- name: instant_of_sample_after
SELECT max(at_ns) FROM (
    SELECT at_ns FROM series_sample
    WHERE client_id = :client_id AND study_id = :study_id AND product IS :product AND analyte = :analyte AND at_ns > :after_ns
    ORDER BY at_ns LIMIT :most
);

-- The results in the deviations of a series since an instant: of which lot, when the sample was drawn, and why it failed.
-- A deviation that was opened before may have grown since. What was corrected into its limits has no code any more.
-- name: failures_between
SELECT d.grown_from, CAST(json_extract(d.body, '$.equipment_id') AS TEXT) AS equipment_id,
       json_extract(r.value, '$.sample_id') AS sample_id,
       coalesce(json_extract(r.value, '$.material_lot_id'), json_extract(r.value, '$.sample_id')) AS lot,
       coalesce(json_extract(r.value, '$.sampled_ns'), json_extract(r.value, '$.joined_ns')) AS failed_ns,
       (SELECT group_concat(json_extract(value, '$.code'), ' ') FROM json_each(r.value, '$.reasons')) AS codes
FROM (
    SELECT grown_from, body FROM deviation AS newest
    WHERE client_id = :client_id AND study_id = :study_id AND product IS :product AND analyte = :analyte
      AND at_ns > :after_ns AND json_valid(body) AND version = (
          SELECT max(version) FROM deviation WHERE grown_from = newest.grown_from AND analyte = :analyte
      )
    ORDER BY at_ns LIMIT 1000
) AS d, json_each(d.body, '$.results') AS r
WHERE json_extract(r.value, '$.analyte') = :analyte;

-- Results of incoming material in their order, each with the lot that was tested.
-- name: supplier_results
SELECT i.supplier, i.material, i.analyte, i.client_id, i.failed, coalesce(r.material_lot_id, r.sample_id) AS lot
FROM incoming_result_checked AS i JOIN lab_result AS r ON r.result_id = i.result_id
WHERE (:supplier IS NULL OR i.supplier = :supplier) AND i.holds ORDER BY r.rowid LIMIT :most;

-- Lots that were made with a supplier's material, and their deviations.
-- name: supplier_uses
SELECT u.supplier, coalesce(u.consumed_definition_id, '') AS material, s.client_id,
       count(DISTINCT u.material_lot_id) AS lots, count(DISTINCT d.grown_from) AS deviations,
       count(DISTINCT CASE WHEN l.closed_ns IS NULL AND l.recommendation IN ('hold', 'review') THEN d.grown_from END)
           AS open_deviations
FROM material_use_checked AS u JOIN lot AS l ON l.material_lot_id = u.material_lot_id
JOIN lot_scope AS s ON s.material_lot_id = u.material_lot_id
LEFT JOIN deviation AS d ON d.material_lot_id = u.material_lot_id
WHERE u.row_number IN (
    SELECT rowid FROM material_use WHERE supplier IS NOT NULL AND (:supplier IS NULL OR supplier = :supplier)
) AND u.holds GROUP BY u.supplier, material, s.client_id;
