-- name: insert_laboratory_plan
INSERT INTO laboratory_plan (plan_id, day, at_ns, body) VALUES (:plan_id, :day, :at_ns, :body);

-- name: insert_laboratory_plan_approval
INSERT INTO laboratory_plan_approval (plan_id, at_ns, body) VALUES (:plan_id, :at_ns, :body);

-- name: newest_laboratory_plan
SELECT plan_id, day, at_ns, body, holds, 'laboratory_plan ' || plan_id AS record
FROM laboratory_plan_checked ORDER BY at_ns DESC, row_number DESC LIMIT 1;

-- name: approval_of_laboratory_plan
SELECT body, holds, 'laboratory_plan_approval ' || plan_id AS record
FROM laboratory_plan_approval_checked WHERE plan_id = :plan_id;

-- name: newest_order_plan
SELECT max(at_ns) FROM context_change WHERE kind IN ('order_planned', 'order_cancelled');

-- name: order_plans
SELECT body, at_ns, holds, 'context_change ' || event_id AS record FROM context_change_checked
WHERE kind IN ('order_planned', 'order_cancelled') AND at_ns >= :from_ns ORDER BY at_ns, row_number LIMIT :most;

-- name: orders_run
SELECT o.job_order_id, o.material_definition_id AS product, o.started_ns, o.ended_ns,
       (SELECT count(*) FROM lot AS l WHERE l.job_order_id = o.job_order_id AND l.ended_ns IS NOT NULL) AS ended_lots,
       1 AS holds
FROM job_order AS o WHERE o.started_ns >= :from_ns ORDER BY o.started_ns DESC LIMIT :most;

-- Figures for a forecast; nothing is released by them.
-- name: lots_ended_since
SELECT l.material_lot_id, coalesce(l.material_definition_id, o.material_definition_id) AS product, l.job_order_id,
       l.ended_ns, 1 AS holds
FROM lot AS l LEFT JOIN job_order AS o ON o.job_order_id = l.job_order_id
WHERE l.ended_ns BETWEEN :from_ns AND :until_ns ORDER BY l.ended_ns DESC LIMIT :most;

-- name: tests_of_lots
SELECT r.material_lot_id, r.analyte, r.sample_id, r.replicate,
       min(coalesce(r.sampled_ns, e.at_ns)) AS at_ns, 1 AS holds
FROM json_each(:lots) AS wanted
JOIN lab_result AS r ON r.material_lot_id = wanted.value AND r.current = 1
JOIN event AS e ON e.event_id = r.event_id
GROUP BY r.material_lot_id, r.sample_id, r.test_id, r.replicate ORDER BY r.material_lot_id, 5;

-- name: requests_with_products
SELECT s.material_lot_id, s.since_ns, s.probability, s.tests,
       coalesce(l.material_definition_id, o.material_definition_id) AS product, 1 AS holds
FROM sample_request AS s
LEFT JOIN lot AS l ON l.material_lot_id = s.material_lot_id
LEFT JOIN job_order AS o ON o.job_order_id = l.job_order_id
WHERE s.done = 0 ORDER BY s.since_ns LIMIT 500;

-- name: tested_by_product
SELECT product, analyte, count(*) AS tested, 1 AS holds FROM series_sample GROUP BY product, analyte;

-- name: failed_by_product
SELECT product, analyte, count(DISTINCT sample_id) AS failed, 1 AS holds FROM deviation GROUP BY product, analyte;

-- name: series_of_product
SELECT body, holds, record FROM series_checked WHERE product = :product AND analyte = :analyte;
