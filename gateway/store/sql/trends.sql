-- name: series
SELECT body, holds, record FROM series_checked
WHERE client_id = :client_id AND study_id = :study_id
  AND product = :product AND analyte = :analyte;

-- name: all_series
SELECT client_id, study_id, product, analyte, body, holds FROM series_checked
ORDER BY product, analyte, client_id, study_id;

-- each sample is one point; all but one sample
-- name: newest_points
SELECT sample_id, at_ns, value, qualifier, results, holds,
       record
FROM series_sample_checked
WHERE client_id = :client_id AND study_id = :study_id
  AND product = :product AND analyte = :analyte AND sample_id IS NOT :besides
ORDER BY at_ns DESC, sample_id DESC LIMIT :most;

-- those without a qualifier
-- name: newest_numbers
SELECT sample_id, at_ns, value, holds, record
FROM series_sample_checked
WHERE client_id = :client_id AND study_id = :study_id
  AND product = :product AND analyte = :analyte AND qualifier IS NULL AND sample_id IS NOT :besides
ORDER BY at_ns DESC, sample_id DESC LIMIT :most;

-- name: point_of_sample
SELECT results, holds, record
FROM series_sample_checked
WHERE client_id = :client_id AND study_id = :study_id
  AND product = :product AND analyte = :analyte AND sample_id = :sample_id;

-- name: numbers_of_sample
SELECT analyte, value, holds, record
FROM series_sample_checked
WHERE client_id = :client_id AND study_id = :study_id
  AND product = :product AND sample_id = :sample_id AND qualifier IS NULL AND analyte IS NOT :besides;

-- name: analytes_together
SELECT body, holds, record FROM analytes_together_checked
WHERE client_id = :client_id AND study_id = :study_id
  AND product = :product AND analytes = :analytes;

-- name: insert_series
INSERT OR REPLACE INTO series (client_id, study_id, product, analyte, body, hash)
VALUES (:client_id, :study_id, :product, :analyte, :body, :hash);

-- name: insert_sample
INSERT OR REPLACE INTO series_sample (client_id, study_id, product, analyte, sample_id, at_ns, value, qualifier, results, hash)
VALUES (:client_id, :study_id, :product, :analyte, :sample_id, :at_ns, :value, :qualifier, :results, :hash);

-- name: withdraw_sample
DELETE FROM series_sample WHERE client_id = :client_id AND study_id = :study_id
  AND product = :product AND analyte = :analyte AND sample_id = :sample_id;

-- name: count_of_samples
SELECT count(*) FROM series_sample WHERE client_id = :client_id AND study_id = :study_id
  AND product = :product AND analyte = :analyte;

-- name: insert_analytes_together
INSERT OR REPLACE INTO analytes_together (client_id, study_id, product, analytes, body)
VALUES (:client_id, :study_id, :product, :analytes, :body);
