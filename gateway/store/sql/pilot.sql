-- Figures of a stage's period, by which a pilot is compared with the time before; read by store/queries/pilot.py.

-- name: stage_changes_of_model
SELECT stage, at_ns, holds FROM stage_change_checked WHERE model = :model ORDER BY seq;

-- name: first_prediction_of_model
SELECT min(at_ns) FROM prediction WHERE model = :model;

-- name: results_of_period
SELECT count(*), sum(failed) FROM assessment
WHERE kind = 'result' AND analyte IN (SELECT value FROM json_each(:analytes))
    AND at_ns >= :from_ns AND at_ns < :until_ns;

-- name: lot_decisions_of_period
-- the first word of a person on a lot, and the newest disposition before it, which each accepted result has
SELECT decision.at_ns - (
    SELECT max(at_ns) FROM disposition
    WHERE material_lot_id = decision.material_lot_id AND at_ns < decision.at_ns
) AS waited_ns
FROM lot_decision AS decision
WHERE decision.state = 'made' AND decision.at_ns >= :from_ns AND decision.at_ns < :until_ns
ORDER BY waited_ns;

-- name: suggestions_of_period
SELECT guidance_id, state FROM guidance
WHERE kind = 'setpoint' AND issued_ns >= :from_ns AND issued_ns < :until_ns
    AND CASE WHEN json_valid(body) THEN json_extract(body, '$.predicted.model.name') END = :model;

-- name: rejections_of_period
SELECT ifnull(CASE WHEN json_valid(response.body) THEN json_extract(response.body, '$.reason') END, '') AS reason,
       count(*)
FROM response JOIN guidance ON guidance.guidance_id = response.guidance_id
WHERE response.act = 'reject' AND guidance.state = 'rejected' AND guidance.kind = 'setpoint'
    AND guidance.issued_ns >= :from_ns AND guidance.issued_ns < :until_ns
    AND CASE WHEN json_valid(guidance.body) THEN json_extract(guidance.body, '$.predicted.model.name') END = :model
GROUP BY reason ORDER BY count(*) DESC, reason LIMIT 20;

-- name: accepted_of_period
SELECT count(DISTINCT guidance.guidance_id)
FROM guidance JOIN guidance_state AS state ON state.guidance_id = guidance.guidance_id AND state.state = 'approved'
WHERE guidance.kind = 'setpoint' AND guidance.issued_ns >= :from_ns AND guidance.issued_ns < :until_ns
    AND CASE WHEN json_valid(guidance.body) THEN json_extract(guidance.body, '$.predicted.model.name') END = :model;
