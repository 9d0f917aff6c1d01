-- name: series
SELECT body, holds, 'series ' || product || ' ' || analyte AS record FROM series_checked
WHERE product = :product AND analyte = :analyte;

-- name: all_series
SELECT product, analyte, body, holds FROM series_checked ORDER BY product, analyte;

-- each sample is one point; all but one sample
-- name: newest_points
SELECT sample_id, at_ns, value, qualifier, results, holds,
       'series_sample ' || product || ' ' || analyte || ' ' || sample_id AS record
FROM series_sample_checked
WHERE product = :product AND analyte = :analyte AND sample_id IS NOT :besides
ORDER BY at_ns DESC, sample_id DESC LIMIT :most;

-- those without a qualifier
-- name: newest_numbers
SELECT sample_id, at_ns, value, holds, 'series_sample ' || product || ' ' || analyte || ' ' || sample_id AS record
FROM series_sample_checked
WHERE product = :product AND analyte = :analyte AND qualifier IS NULL AND sample_id IS NOT :besides
ORDER BY at_ns DESC, sample_id DESC LIMIT :most;

-- name: point_of_sample
SELECT results, holds, 'series_sample ' || product || ' ' || analyte || ' ' || sample_id AS record
FROM series_sample_checked
WHERE product = :product AND analyte = :analyte AND sample_id = :sample_id;

-- name: numbers_of_sample
SELECT analyte, value, holds, 'series_sample ' || product || ' ' || analyte || ' ' || sample_id AS record
FROM series_sample_checked
WHERE product = :product AND sample_id = :sample_id AND qualifier IS NULL AND analyte IS NOT :besides;

-- name: analytes_together
SELECT body, holds, 'analytes_together ' || product || ' ' || analytes AS record FROM analytes_together_checked
WHERE product = :product AND analytes = :analytes;

-- name: insert_series
INSERT OR REPLACE INTO series (product, analyte, body, hash) VALUES (:product, :analyte, :body, :hash);

-- name: insert_sample
INSERT OR REPLACE INTO series_sample (product, analyte, sample_id, at_ns, value, qualifier, results, hash)
VALUES (:product, :analyte, :sample_id, :at_ns, :value, :qualifier, :results, :hash);

-- name: withdraw_sample
DELETE FROM series_sample WHERE product = :product AND analyte = :analyte AND sample_id = :sample_id;

-- name: count_of_samples
SELECT count(*) FROM series_sample WHERE product = :product AND analyte = :analyte;

-- name: insert_analytes_together
INSERT OR REPLACE INTO analytes_together (product, analytes, body) VALUES (:product, :analytes, :body);
