-- name: series
SELECT body, holds, 'series ' || product || ' ' || analyte AS record FROM series_checked
WHERE product = :product AND analyte = :analyte;

-- name: all_series
SELECT product, analyte, body, holds FROM series_checked ORDER BY product, analyte;

-- name: newest_points
SELECT result_id, sample_id, at_ns, value, holds, 'series_point ' || result_id AS record FROM series_point_checked
WHERE product = :product AND analyte = :analyte AND result_id IS NOT :besides
ORDER BY at_ns DESC, row_number DESC LIMIT :most;

-- name: points_of_sample
SELECT analyte, value, holds, 'series_point ' || result_id AS record FROM series_point_checked
WHERE product = :product AND sample_id = :sample_id AND result_id IS NOT :besides;

-- name: time_of_point
SELECT at_ns FROM series_point WHERE result_id = :result_id;

-- name: analytes_together
SELECT body, holds, 'analytes_together ' || product || ' ' || analytes AS record FROM analytes_together_checked
WHERE product = :product AND analytes = :analytes;

-- name: insert_series
INSERT OR REPLACE INTO series (product, analyte, body, hash) VALUES (:product, :analyte, :body, :hash);

-- name: insert_point
INSERT OR REPLACE INTO series_point (result_id, product, analyte, sample_id, at_ns, value, hash)
VALUES (:result_id, :product, :analyte, :sample_id, :at_ns, :value, :hash);

-- name: withdraw_point
DELETE FROM series_point WHERE result_id = :result_id;

-- name: insert_analytes_together
INSERT OR REPLACE INTO analytes_together (product, analytes, body) VALUES (:product, :analytes, :body);
