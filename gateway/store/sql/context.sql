-- name: insert_context_change
INSERT INTO context_change (event_id, kind, at_ns, equipment_id, material_lot_id, body)
VALUES (:event_id, :kind, :at_ns, :equipment_id, :material_lot_id, :body);

-- name: order_started
INSERT INTO job_order (job_order_id, material_definition_id, client_id, equipment_id, started_ns)
VALUES (:job_order_id, :material_definition_id, :client_id, :equipment_id, :at_ns)
ON CONFLICT (job_order_id) DO UPDATE SET
    material_definition_id = coalesce(excluded.material_definition_id, material_definition_id),
    client_id = coalesce(excluded.client_id, client_id),
    equipment_id = coalesce(excluded.equipment_id, equipment_id),
    started_ns = min(coalesce(started_ns, excluded.started_ns), excluded.started_ns);

-- name: order_ended
INSERT INTO job_order (job_order_id, ended_ns) VALUES (:job_order_id, :at_ns)
ON CONFLICT (job_order_id) DO UPDATE SET ended_ns = max(coalesce(ended_ns, excluded.ended_ns), excluded.ended_ns);

-- name: lot_started
INSERT INTO lot (material_lot_id, job_order_id, material_definition_id, client_id, equipment_id, started_ns)
VALUES (:material_lot_id, :job_order_id, :material_definition_id, :client_id, :equipment_id, :at_ns)
ON CONFLICT (material_lot_id) DO UPDATE SET
    job_order_id = coalesce(excluded.job_order_id, job_order_id),
    material_definition_id = coalesce(excluded.material_definition_id, material_definition_id),
    client_id = coalesce(excluded.client_id, client_id),
    equipment_id = coalesce(excluded.equipment_id, equipment_id),
    started_ns = min(coalesce(started_ns, excluded.started_ns), excluded.started_ns);

-- name: lot_ended
-- of several ends the last holds, in whatever order they came: samples drawn until then are of this lot
INSERT INTO lot (material_lot_id, ended_ns) VALUES (:material_lot_id, :at_ns)
ON CONFLICT (material_lot_id) DO UPDATE SET ended_ns = max(coalesce(ended_ns, excluded.ended_ns), excluded.ended_ns);

-- name: lot_closed
INSERT INTO lot (material_lot_id, closed_ns) VALUES (:material_lot_id, :at_ns)
ON CONFLICT (material_lot_id) DO UPDATE SET closed_ns = coalesce(closed_ns, excluded.closed_ns);

-- name: lot_judged
INSERT INTO lot (material_lot_id, recommendation, latched) VALUES (:material_lot_id, :recommendation, :latched)
ON CONFLICT (material_lot_id) DO UPDATE SET recommendation = excluded.recommendation, latched = excluded.latched
WHERE recommendation IS NOT excluded.recommendation OR latched IS NOT excluded.latched;

-- name: lot_state
SELECT recommendation, latched, started_ns, ended_ns, closed_ns, holds, 'lot ' || material_lot_id AS record
FROM lot_checked WHERE material_lot_id = :material_lot_id;

-- name: lot_with_order
SELECT l.recommendation, l.latched, l.started_ns, l.ended_ns, l.closed_ns, l.equipment_id, l.material_lot_id, l.job_order_id,
       coalesce(l.material_definition_id, o.material_definition_id) AS material_definition_id,
       coalesce(l.client_id, o.client_id) AS client_id,
       l.holds, coalesce(o.holds, 1) AS order_holds, 'lot ' || l.material_lot_id AS record
FROM lot_checked AS l LEFT JOIN job_order_checked AS o ON o.job_order_id = l.job_order_id
WHERE l.material_lot_id = :material_lot_id;

-- name: context_of_lot
SELECT l.equipment_id, l.material_lot_id, l.job_order_id,
       coalesce(l.material_definition_id, o.material_definition_id) AS material_definition_id,
       coalesce(l.client_id, o.client_id) AS client_id,
       l.holds AND coalesce(o.holds, 1) AS holds, 'lot or order of ' || l.material_lot_id AS record
FROM lot_checked AS l LEFT JOIN job_order_checked AS o ON o.job_order_id = l.job_order_id
WHERE l.material_lot_id = :material_lot_id;

-- name: context_of_order
SELECT equipment_id, NULL AS material_lot_id, job_order_id, material_definition_id, client_id,
       holds, 'job_order ' || job_order_id AS record
FROM job_order_checked WHERE job_order_id = :job_order_id;

-- name: lot_on_equipment
SELECT material_lot_id, holds, record FROM (
    SELECT material_lot_id, ended_ns, holds, 'lot ' || material_lot_id AS record FROM lot_checked
    WHERE equipment_id = :equipment_id AND started_ns <= :at_ns
    ORDER BY started_ns DESC, row_number DESC LIMIT 1  -- the newest: its start ended any lot before it
) WHERE ended_ns IS NULL OR ended_ns > :at_ns;

-- name: order_on_equipment
SELECT job_order_id, holds, record FROM (
    SELECT job_order_id, ended_ns, holds, 'job_order ' || job_order_id AS record FROM job_order_checked
    WHERE equipment_id = :equipment_id AND started_ns <= :at_ns
    ORDER BY started_ns DESC, row_number DESC LIMIT 1
) WHERE ended_ns IS NULL OR ended_ns > :at_ns;

-- name: batch_on_equipment
-- at the instant of its end a batch still counts, at that of its start not yet: then nothing of it has been seen
SELECT material_lot_id, started_ns, holds, record FROM (
    SELECT material_lot_id, started_ns, ended_ns, holds, 'lot ' || material_lot_id AS record FROM lot_checked
    WHERE equipment_id = :equipment_id AND started_ns < :at_ns
    ORDER BY started_ns DESC, row_number DESC LIMIT 1
) WHERE ended_ns IS NULL OR ended_ns >= :at_ns;

-- name: phases_of_batch
SELECT kind, at_ns, CASE WHEN json_valid(body) THEN json_extract(body, '$.phase') END AS phase,
       holds, 'context_change ' || event_id AS record
FROM context_change_checked
WHERE equipment_id = :equipment_id AND kind IN ('phase_started', 'phase_ended')
  AND at_ns BETWEEN :started_ns AND :at_ns AND (material_lot_id IS NULL OR material_lot_id = :material_lot_id)
ORDER BY at_ns, row_number;
