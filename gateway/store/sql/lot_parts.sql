-- Parts of lots, as people have declared them.

-- name: insert_lot_part
INSERT INTO lot_part (part_id, material_lot_id, at_ns, undone, body)
VALUES (:part_id, :material_lot_id, :at_ns, :undone, :body);

-- name: part_on_record
SELECT body, holds AND in_force('lot_part ' || json_array(part_id, seq), hash) AS holds, 'lot_part ' || seq AS record
FROM lot_part_checked WHERE part_id = :part_id ORDER BY seq DESC LIMIT 1;

-- name: part_is_missing
-- whether the trail knows of a part of which nothing is there: it was taken out by hand
SELECT has_rows('lot_part ' || :part_id);

-- name: parts_in_doubt
-- whose newest declaration does not hold, or of which the trail knows and nothing is there
SELECT part_id FROM (
    SELECT value AS part_id FROM json_each(all_parts_in_trail()) UNION SELECT part_id FROM lot_part
) AS known
WHERE NOT EXISTS (
    SELECT 1 FROM lot_part_checked AS p
    WHERE p.part_id = known.part_id AND p.holds
      AND p.seq = (SELECT max(newest.seq) FROM lot_part AS newest WHERE newest.part_id = known.part_id)
      AND in_force('lot_part ' || json_array(p.part_id, p.seq), p.hash)
)
ORDER BY part_id LIMIT 1000;

-- name: parts_of_lot
-- the newest declaration of each, with what is recommended for it; set_back: it is put back into the lot, and nothing was
-- reported for it since: what is makes it a part again, on which nobody has decided
SELECT CASE WHEN p.undone = 1 THEN NOT EXISTS (
           SELECT 1 FROM assessment AS a
           WHERE a.material_lot_id = p.part_id AND a.subject NOT LIKE 'lot %' AND a.kind NOT IN ('part', 'decision', 'specification')
       ) AND NOT EXISTS (SELECT 1 FROM provisional_hold AS h WHERE h.material_lot_id = p.part_id) ELSE 0 END AS set_back, p.body, p.holds AND in_force('lot_part ' || json_array(p.part_id, p.seq), p.hash) AND coalesce(l.holds, 1) AS holds,
       'lot_part ' || p.seq AS record, coalesce(l.recommendation, 'pending') AS recommendation
FROM lot_part_checked AS p LEFT JOIN lot_checked AS l ON l.material_lot_id = p.part_id
WHERE p.material_lot_id = :material_lot_id
  AND p.seq = (SELECT max(newest.seq) FROM lot_part AS newest WHERE newest.part_id = p.part_id)
ORDER BY p.part_id;

-- name: parts_undone
-- also those for which something was reported since
SELECT DISTINCT part_id FROM lot_part WHERE material_lot_id = :material_lot_id AND undone = 1 ORDER BY part_id;

-- name: missing_parts_of_lot
-- parts of which the trail knows and nothing is there: they were taken out by hand
SELECT value AS part_id FROM json_each(parts_in_trail(:material_lot_id))
WHERE CASE WHEN EXISTS (SELECT 1 FROM lot_part WHERE part_id = value AND material_lot_id = :material_lot_id) THEN 0
    ELSE has_rows('lot_part ' || value) END;

-- name: judge_parts_again
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT DISTINCT part_id, :cause, :at_ns FROM lot_part WHERE material_lot_id = :material_lot_id
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lot_of_part_again
-- others are told of its release only once that of its parts stands
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT DISTINCT material_lot_id, :cause, :at_ns FROM lot_part WHERE part_id = :part_id
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: has_decision_of_its_own
-- whether people have decided on a part, or a decision on it waits for another signature; also where that was taken out
SELECT 1 FROM lot_decision WHERE material_lot_id = :material_lot_id
UNION SELECT 1 FROM signed_record WHERE subject = :material_lot_id
UNION SELECT 1 WHERE has_rows('lot_decision ' || :material_lot_id) LIMIT 1;

-- name: is_looked_at_by_itself
-- whether people have settled or answered anything about a part by itself, or signed a review of it
SELECT 1 FROM settlement WHERE material_lot_id = :material_lot_id
UNION SELECT 1 FROM review_answer WHERE material_lot_id = :material_lot_id
UNION SELECT 1 FROM lot_review WHERE material_lot_id = :material_lot_id LIMIT 1;

-- name: is_reported_by_itself
-- whether anything was reported for a part, or went into it, or it into anything
SELECT 1 FROM lab_result WHERE material_lot_id = :material_lot_id
UNION SELECT 1 FROM assessment
WHERE material_lot_id = :material_lot_id AND subject NOT LIKE 'lot %' AND kind NOT IN ('part', 'decision', 'specification')
UNION SELECT 1 FROM refused_result WHERE material_lot_id = :material_lot_id
UNION SELECT 1 FROM provisional_hold WHERE material_lot_id = :material_lot_id
UNION SELECT 1 FROM material_use WHERE :material_lot_id IN (material_lot_id, consumed_lot_id)
UNION SELECT 1 FROM context_change WHERE material_lot_id = :material_lot_id LIMIT 1;

-- name: judge_divided_lot_again
-- where a certificate changes that a part of it, or it itself, waits for, or what production says of its quantity
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT DISTINCT material_lot_id, :cause, :at_ns FROM lot_part WHERE material_lot_id = :material_lot_id
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: quantities_of_lot
-- that production has stated of a lot, the latest first; a message that does not hold may have stated any
SELECT at_ns, read ->> '$.quantity.number' AS number, read ->> '$.quantity.unit' AS unit,
       read ->> '$.quantity_unclear' AS unclear, holds,
       'context_change ' || event_id AS record
FROM (SELECT *, CASE WHEN json_valid(body) THEN body ELSE '{}' END AS read FROM context_change_checked)
WHERE material_lot_id = :material_lot_id AND kind IN ('lot_started', 'lot_ended', 'lot_closed')
  AND (NOT holds OR coalesce(read ->> '$.quantity.number', read ->> '$.quantity_unclear') IS NOT NULL)
ORDER BY at_ns DESC LIMIT 50;

-- name: is_lot_of_production
SELECT 1 FROM lot WHERE material_lot_id = :material_lot_id AND coalesce(started_ns, ended_ns, closed_ns) IS NOT NULL
UNION SELECT 1 FROM material_use WHERE material_lot_id = :material_lot_id LIMIT 1;

-- name: is_decided_as_lot
-- whether people have decided on a name, or certified it, before it was one of a part
SELECT 1 FROM lot_decision WHERE material_lot_id = :material_lot_id
  AND NOT EXISTS (SELECT 1 FROM lot_part WHERE part_id = :material_lot_id)
UNION SELECT 1 FROM certificate WHERE material_lot_id = :material_lot_id LIMIT 1;

-- name: has_record_of_its_own
-- whether anything that is assessed of a part names the part itself
SELECT 1 FROM assessment
WHERE material_lot_id = :material_lot_id AND subject NOT LIKE 'lot %' AND kind NOT IN ('part', 'decision') LIMIT 1;

-- name: all_lot_parts
SELECT body, holds FROM lot_part_checked ORDER BY seq;

-- name: originals_to_copy
-- by hash; what concerns every lot alike is not copied as one of this lot
SELECT subject, hash FROM assessment WHERE material_lot_id = :material_lot_id AND kind <> 'specification';

-- name: copies_of_part
-- each copy has one, if only an empty one
SELECT substr(subject, 5), of_hash FROM assessment INDEXED BY assessment_copied
WHERE material_lot_id = :part_id AND subject >= 'lot ' AND subject < 'lot!' AND of_hash IS NOT NULL;

-- name: own_subjects_of_part
SELECT subject FROM assessment
WHERE material_lot_id = :part_id AND subject < 'lot ' UNION ALL SELECT subject FROM assessment
WHERE material_lot_id = :part_id AND subject >= 'lot!';

-- name: note_copied
UPDATE assessment SET of_hash = :of_hash WHERE material_lot_id = :material_lot_id AND subject = :subject;

-- name: lot_to_be_copied
-- whether what is known of a lot is uniform, so that a part is judged by what has changed of it
SELECT (SELECT count(*) FROM (SELECT 1 FROM assessment WHERE material_lot_id = :material_lot_id LIMIT :most)) AS assessments,
       EXISTS (SELECT 1 FROM assessment WHERE material_lot_id = :material_lot_id AND kind = 'specification'
                 AND subject >= 'specification ' AND subject < 'specification!') AS of_specification,
       (SELECT json_group_array(DISTINCT product) FROM assessment
        WHERE material_lot_id = :material_lot_id AND product IS NOT NULL) AS products,
       (SELECT min(json_extract(body, '$.own_client')) FROM assessment
        WHERE material_lot_id = :material_lot_id AND json_extract(body, '$.own_client') IS NOT NULL) AS first_client,
       (SELECT max(json_extract(body, '$.own_client')) FROM assessment
        WHERE material_lot_id = :material_lot_id AND json_extract(body, '$.own_client') IS NOT NULL) AS last_client;
