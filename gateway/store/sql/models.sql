-- name: newest_feedback
SELECT result_id, sampled_ns, arrived_ns, measured, predicted, features, product, holds, 'feedback ' || result_id AS record
FROM feedback_checked WHERE bundle_sha256 = :bundle_sha256 AND analyte = :analyte
ORDER BY arrived_ns DESC LIMIT :most;

-- name: feedback_of_result
SELECT result_id, sampled_ns, arrived_ns, measured, predicted, features, product, holds, 'feedback ' || result_id AS record
FROM feedback_checked WHERE bundle_sha256 = :bundle_sha256 AND analyte = :analyte AND result_id = :result_id;

-- name: insert_feedback
INSERT OR REPLACE INTO feedback
    (bundle_sha256, analyte, result_id, sampled_ns, arrived_ns, measured, predicted, features, product)
VALUES
    (:bundle_sha256, :analyte, :result_id, :sampled_ns, :arrived_ns, :measured, :predicted, :features, :product);

-- name: withdraw_feedback
DELETE FROM feedback WHERE bundle_sha256 = :bundle_sha256 AND analyte = :analyte AND result_id = :result_id;

-- name: learned
SELECT charts_from_ns, body, holds, 'model_learned ' || bundle_sha256 || ' ' || analyte AS record
FROM model_learned_checked WHERE bundle_sha256 = :bundle_sha256 AND analyte = :analyte;

-- name: learned_by_name
SELECT analyte, body, holds FROM model_learned_checked WHERE bundle_sha256 = :bundle_sha256 ORDER BY analyte;

-- name: insert_learned
INSERT OR REPLACE INTO model_learned (bundle_sha256, analyte, charts_from_ns, body)
VALUES (:bundle_sha256, :analyte, :charts_from_ns, :body);

-- name: signed_biases
SELECT bundle_sha256, analyte, bias, newest_ns, signed_ns, approver, meaning, public_key, signature, holds,
       'signed_bias ' || seq AS record
FROM signed_bias_checked WHERE bundle_sha256 = :bundle_sha256 AND analyte = :analyte AND signed_ns <= :at_ns
ORDER BY signed_ns DESC, seq DESC LIMIT :most;

-- name: newest_signed_ns
SELECT max(signed_ns) FROM signed_bias;

-- name: signed_bias_in_force
SELECT bias FROM signed_bias_checked WHERE holds AND bundle_sha256 = :bundle_sha256 AND analyte = :analyte
ORDER BY signed_ns DESC, seq DESC LIMIT 1;

-- name: all_signed_biases
SELECT bundle_sha256, analyte, bias, newest_ns, signed_ns, approver, meaning, public_key, signature
FROM signed_bias_checked WHERE holds ORDER BY seq;

-- name: insert_signed_bias
INSERT INTO signed_bias
    (bundle_sha256, analyte, bias, newest_ns, signed_ns, approver, meaning, public_key, signature)
VALUES
    (:bundle_sha256, :analyte, :bias, :newest_ns, :signed_ns, :approver, :meaning, :public_key, :signature);
