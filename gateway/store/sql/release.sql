-- name: lot_at_a_glance
-- what is on record of a lot, and of a sample that concerns it; mostly it is little, and other statements are spared
SELECT EXISTS (SELECT 1 FROM lot_to_judge WHERE material_lot_id = :material_lot_id) AS waits,
       EXISTS (
           SELECT 1 FROM assessment AS a JOIN lab_result AS r ON r.result_id = a.subject
           WHERE a.material_lot_id = :material_lot_id AND a.retest = 1 AND CASE WHEN json_valid(r.body)
               THEN json_extract(r.body, '$.retest_of') IN (SELECT value FROM json_each(:names)) ELSE 1 END
       ) AS retested,
       EXISTS (SELECT 1 FROM result_without_lot
               WHERE sample_id = :sample_id AND source = :source AND result_id <> :besides) AS sample_without_lot,
       EXISTS (SELECT 1 FROM refused_result WHERE sample_id = :sample_id AND source = :source) AS sample_refused,
       :lots IS NOT NULL AND EXISTS (
           SELECT 1 FROM assessment WHERE sample_id = :sample_id AND source = :source AND states_lot = 1
               AND material_lot_id NOT IN (SELECT value FROM json_each(:lots))
       ) AS sample_elsewhere,
       EXISTS (SELECT 1 FROM assessment WHERE material_lot_id = :material_lot_id
                   AND subject = 'sample ' || :source || ' ' || :sample_id) AS sample_in_doubt,
       EXISTS (SELECT 1 FROM lab_result WHERE material_lot_id = :material_lot_id)
           OR EXISTS (SELECT 1 FROM refused_result WHERE material_lot_id = :material_lot_id) AS spoken_of,
       EXISTS (SELECT 1 FROM refused_of_product) AS product_refused,
       EXISTS (SELECT 1 FROM lot WHERE instr(material_lot_id, '|') > 0)
           OR EXISTS (SELECT 1 FROM material_use WHERE instr(material_lot_id, '|') > 0)
           OR EXISTS (SELECT 1 FROM material_use WHERE instr(consumed_lot_id, '|') > 0) AS names_with_bars,
       EXISTS (SELECT 1 FROM lot_name WHERE material_lot_id = :material_lot_id) AS name_known,
       EXISTS (SELECT 1 FROM lot_name WHERE likeness = :likeness AND material_lot_id <> :material_lot_id) AS named_alike,
       EXISTS (SELECT 1 FROM disposition WHERE material_lot_id = :material_lot_id AND recommendation = 'hold') AS held,
       EXISTS (SELECT 1 FROM settlement WHERE material_lot_id IN (:material_lot_id, '')) AS settled,
       EXISTS (SELECT 1 FROM provisional_hold WHERE material_lot_id = :material_lot_id) AS provisional,
       EXISTS (SELECT 1 FROM lot_decision WHERE material_lot_id = :material_lot_id) AS decided,
       EXISTS (SELECT 1 FROM lot_review WHERE material_lot_id = :material_lot_id) AS reviewed,
       -- also where it was taken out by hand; only where nothing is there it is asked whether something should be
       CASE WHEN EXISTS (SELECT 1 FROM lot_part WHERE part_id = :material_lot_id) THEN 1
            ELSE has_rows('lot_part ' || :material_lot_id) END AS is_part,
       CASE WHEN EXISTS (SELECT 1 FROM lot_part WHERE material_lot_id = :material_lot_id) THEN 1
            ELSE parts_in_trail(:material_lot_id) <> '[]' END AS divided,
       EXISTS (SELECT 1 FROM certificate WHERE material_lot_id = :material_lot_id) AS certified,
       EXISTS (SELECT 1 FROM material_use WHERE consumed_lot_id = :material_lot_id) OR EXISTS (
           SELECT 1 FROM lot_part AS p JOIN material_use AS u ON u.consumed_lot_id = p.material_lot_id
           WHERE p.part_id = :material_lot_id
       ) AS is_parent,
       EXISTS (
           SELECT 1 FROM guidance WHERE open = 1
               AND CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END = :material_lot_id
       ) AS guided,
       EXISTS (
           SELECT 1 FROM gap WHERE ifnull(until_ns, 9223372036854775807) > +(  -- without its type, as the index has none
               SELECT started_ns FROM lot WHERE material_lot_id = :material_lot_id
           ) AND from_ns < :at_ns
       ) AS gap,
       (SELECT until_ns FROM lot_fingerprint WHERE material_lot_id = :material_lot_id) AS made_known_until_ns,
       (SELECT count(*) FROM (SELECT 1 FROM assessment WHERE material_lot_id = :material_lot_id LIMIT :most)) AS assessments,
       -- the first and the last of the products, and of the clients, that its results name: alike where all name one
       (SELECT json_extract(body, '$.own_product') FROM assessment
        WHERE material_lot_id = :material_lot_id AND json_extract(body, '$.own_product') IS NOT NULL
        ORDER BY json_extract(body, '$.own_product') LIMIT 1) AS first_product,
       (SELECT json_extract(body, '$.own_product') FROM assessment
        WHERE material_lot_id = :material_lot_id AND json_extract(body, '$.own_product') IS NOT NULL
        ORDER BY json_extract(body, '$.own_product') DESC LIMIT 1) AS last_product,
       (SELECT json_extract(body, '$.own_client') FROM assessment
        WHERE material_lot_id = :material_lot_id AND json_extract(body, '$.own_client') IS NOT NULL
        ORDER BY json_extract(body, '$.own_client') LIMIT 1) AS first_client,
       (SELECT json_extract(body, '$.own_client') FROM assessment
        WHERE material_lot_id = :material_lot_id AND json_extract(body, '$.own_client') IS NOT NULL
        ORDER BY json_extract(body, '$.own_client') DESC LIMIT 1) AS last_client;

-- name: results_of_key
SELECT body, current, holds, arrived_ns, record FROM lab_result_version
WHERE source = :source AND sample_id = :sample_id AND test_id = :test_id AND replicate = :replicate
ORDER BY result_version, row_number;

-- name: results_speaking_of_lot
-- by what they were known to belong to when they came, by what they were last assessed for, and by what may have made
-- them this lot's since: its equipment in its time, its order, and its samples
SELECT body, current, holds, arrived_ns, record FROM lab_result_version
WHERE result_id IN (
    SELECT result_id FROM lab_result WHERE material_lot_id = :material_lot_id
    UNION SELECT subject FROM assessment WHERE material_lot_id = :material_lot_id AND kind = 'result'
    UNION SELECT result_id FROM result_without_lot
          WHERE equipment_id = :equipment_id AND at_ns >= :from_ns AND at_ns < ifnull((
              SELECT min(started_ns) FROM lot WHERE equipment_id = :equipment_id AND started_ns > :from_ns
          ), 9223372036854775807)
    UNION SELECT result_id FROM result_without_lot WHERE job_order_id = :job_order_id
    UNION SELECT w.result_id FROM assessment AS a
          JOIN result_without_lot AS w ON w.sample_id = a.sample_id AND w.source = a.source
          WHERE a.material_lot_id = :material_lot_id AND a.states_lot = 1
    UNION SELECT w.result_id FROM refused_result AS f
          JOIN result_without_lot AS w ON w.sample_id = f.sample_id AND w.source = f.source
          WHERE f.material_lot_id = :material_lot_id
    UNION SELECT result_id FROM result_without_lot WHERE sample_id = :sample_id AND source = :source
)
ORDER BY row_number DESC LIMIT :most;

-- name: count_results_of_lot
SELECT count(*) FROM assessment WHERE material_lot_id = :material_lot_id AND kind = 'result';

-- name: result_if_current
SELECT body, holds, 'lab_result ' || result_id AS record FROM lab_result_checked
WHERE result_id = :result_id AND current = 1;

-- name: lots_of_sample
SELECT material_lot_id FROM assessment WHERE sample_id = :sample_id AND source = :source AND states_lot = 1
UNION SELECT material_lot_id FROM refused_result
WHERE sample_id = :sample_id AND source = :source AND material_lot_id <> ''
ORDER BY material_lot_id;

-- name: lots_on_equipment
-- the newest one: its start ended any lot before it; where several started at the same instant, all of them; ended_too:
-- also where it has ended
SELECT material_lot_id, holds, 'lot ' || material_lot_id AS record FROM lot_checked
WHERE equipment_id = :equipment_id AND (:ended_too OR ended_ns IS NULL OR ended_ns > :at_ns) AND started_ns = (
    SELECT max(started_ns) FROM lot WHERE equipment_id = :equipment_id AND started_ns <= :at_ns
)
ORDER BY material_lot_id;

-- name: lots_of_order
SELECT material_lot_id FROM lot WHERE job_order_id = :job_order_id ORDER BY material_lot_id LIMIT 100;

-- name: refused_of_lot
-- that name the lot, or a sample of it; a contradicting message is judged only for the lots that it names itself
SELECT dead_letter_id, sample_id, test_id, at_ns, reasons,
       CASE WHEN material_lot_id IN (:material_lot_id, '') THEN result END AS result,
       holds, 'refused_result ' || dead_letter_id AS record
FROM refused_result_checked
WHERE row_number IN (
    SELECT rowid FROM refused_result WHERE material_lot_id = :material_lot_id
    UNION SELECT r.rowid FROM json_each(:samples) AS s JOIN refused_result AS r
          ON r.sample_id = json_extract(s.value, '$[1]') AND r.source = json_extract(s.value, '$[0]')
    UNION SELECT r.rowid FROM refused_result AS own JOIN refused_result AS r
          ON r.sample_id = own.sample_id AND r.source = own.source
          WHERE own.material_lot_id = :material_lot_id
)
ORDER BY material_lot_id = :material_lot_id DESC, material_lot_id = '' DESC, row_number LIMIT 200;

-- name: refused_in_place
-- that may concern a lot by its equipment, until another lot began there, or by its order
SELECT dead_letter_id, source, sample_id, test_id, equipment_id, job_order_id, drawn_ns, timed, at_ns, reasons, result,
       holds, 'refused_in_place ' || dead_letter_id AS record
FROM refused_in_place_checked
WHERE (equipment_id = :equipment_id AND drawn_ns >= :from_ns AND drawn_ns < ifnull((
    SELECT min(started_ns) FROM lot WHERE equipment_id = :equipment_id AND started_ns > :from_ns
), 9223372036854775807)) OR job_order_id = :job_order_id
ORDER BY row_number LIMIT 200;

-- name: names_with_bars
-- by which production calls lots
SELECT material_lot_id FROM lot
WHERE instr(material_lot_id, '|') > 0 AND coalesce(started_ns, ended_ns, closed_ns) IS NOT NULL
UNION SELECT material_lot_id FROM material_use WHERE instr(material_lot_id, '|') > 0
UNION SELECT consumed_lot_id FROM material_use WHERE instr(consumed_lot_id, '|') > 0;

-- name: known_parts
-- lots that production, or a result that does not name the whole, calls by a part of a name
SELECT p.value FROM json_each(:parts) AS p
WHERE EXISTS (SELECT 1 FROM lot WHERE material_lot_id = p.value AND coalesce(started_ns, ended_ns, closed_ns) IS NOT NULL)
    OR EXISTS (SELECT 1 FROM material_use WHERE material_lot_id = p.value)
    OR EXISTS (SELECT 1 FROM material_use WHERE consumed_lot_id = p.value)
    OR EXISTS (
        SELECT 1 FROM assessment AS a JOIN lab_result AS r ON r.result_id = a.subject
        WHERE a.material_lot_id = p.value AND a.states_lot = 1 AND r.material_lot_id <> :material_lot_id
    );

-- name: lots_named_alike
-- lots whose names only look like this one
SELECT material_lot_id FROM lot_name WHERE likeness = :likeness ORDER BY material_lot_id LIMIT :most;

-- name: count_lots_named_alike
SELECT count(*) FROM lot_name WHERE likeness = :likeness;

-- name: holding_of_lots
-- the assessments that ask for a hold of lots
SELECT material_lot_id || ' ' || subject FROM assessment
WHERE material_lot_id IN (SELECT value FROM json_each(:lots)) AND asks = 'hold'
ORDER BY material_lot_id, subject;

-- name: holding_of_lot
SELECT json_group_array(subject) FROM (
    SELECT subject FROM assessment WHERE material_lot_id = :material_lot_id AND asks = 'hold' ORDER BY subject
);

-- name: insert_lot_name
INSERT OR IGNORE INTO lot_name (material_lot_id, likeness) VALUES (:material_lot_id, :likeness);

-- name: judge_lots_named_alike_again
-- a lot whose name is like no other one has nothing to be judged by it
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT material_lot_id, :cause, :at_ns FROM (
    SELECT material_lot_id FROM lot_name
    WHERE likeness = :likeness AND (
        SELECT count(*) FROM (SELECT 1 FROM lot_name WHERE likeness = :likeness LIMIT 2)
    ) = 2
    LIMIT :most
) WHERE true
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: is_started_lot
SELECT 1 FROM lot WHERE material_lot_id = :material_lot_id AND started_ns IS NOT NULL;

-- name: samples_of_several_lots
-- of a lot: those of which results name, or named, other lots
SELECT DISTINCT o.source, o.sample_id FROM assessment AS a
JOIN assessment AS o ON o.sample_id = a.sample_id AND o.source = a.source AND o.states_lot = 1
    AND o.material_lot_id <> a.material_lot_id
WHERE a.material_lot_id = :material_lot_id AND a.states_lot = 1 AND a.sample_id IS NOT NULL
LIMIT 200;

-- name: current_of_sample
SELECT body, holds, 'lab_result ' || result_id AS record FROM lab_result_checked
WHERE source = :source AND sample_id = :sample_id AND current = 1;

-- name: refused_of_sample
-- what contradicts a version that is on record
SELECT result, holds, 'refused_result ' || dead_letter_id AS record FROM refused_result_checked
WHERE sample_id = :sample_id AND source = :source AND result IS NOT NULL LIMIT 200;

-- name: lots_naming_sample
SELECT DISTINCT material_lot_id FROM assessment
WHERE sample_id = :sample_id AND source = :source AND states_lot = 1;

-- name: refused_of_product
SELECT r.dead_letter_id, r.product, r.analyte, r.client_id, r.version, r.from_ns, r.states_limits, r.may_require,
       r.at_ns, r.reasons, e.rowid AS place, r.holds, 'refused_of_product ' || r.dead_letter_id AS record
FROM refused_of_product_checked AS r JOIN event AS e ON e.event_id = r.event_id
WHERE r.product = '' OR r.product IN (SELECT value FROM json_each(:products))
ORDER BY r.row_number LIMIT 200;

-- name: is_refused_of_product
SELECT 1 FROM refused_of_product WHERE product = '' OR product IN (SELECT value FROM json_each(:products)) LIMIT 1;

-- name: specification_messages
-- each message about a specification of products, with its place in the order of arrival
SELECT s.product, s.analyte, s.client_id, s.version, s.withdrawn, s.at_ns, s.body, e.rowid AS place, s.holds,
       'specification_stated ' || s.event_id AS record
FROM specification_stated_checked AS s JOIN event AS e ON e.event_id = s.event_id
WHERE s.product IN (SELECT value FROM json_each(:products));

-- name: refused_of_event
SELECT material_lot_id, source, sample_id, test_id, reasons, result FROM refused_result_checked
WHERE event_id = :event_id AND holds ORDER BY row_number;

-- name: refused_in_place_of_event
SELECT equipment_id, job_order_id, drawn_ns, timed FROM refused_in_place_checked WHERE event_id = :event_id AND holds;

-- name: refused_of_product_of_event
SELECT nullif(product, '') AS product, analyte, client_id, version, from_ns, states_limits, may_require
FROM refused_of_product_checked WHERE event_id = :event_id AND holds ORDER BY row_number;

-- name: last_hold_of_lot
SELECT at_ns, json_extract(body, '$.reasons') AS reasons, holds, 'disposition ' || disposition_id AS record
FROM disposition_checked
WHERE material_lot_id = :material_lot_id AND recommendation = 'hold' AND json_valid(body)
    AND NOT json_extract(body, '$.provisional')
ORDER BY row_number DESC LIMIT 1;

-- name: has_later_version
SELECT 1 FROM lab_result
WHERE source = :source AND sample_id = :sample_id AND test_id = :test_id AND replicate = :replicate
  AND result_version > :result_version LIMIT 1;

-- name: settled_of_lots
SELECT point_id, holds AND vouched('settlement ' || point_id, hash) AS holds, 'settlement ' || point_id AS record
FROM settlement_checked
WHERE material_lot_id IN (SELECT value FROM json_each(:lots));

-- name: settled_of_lot
-- '': of a message, for every lot that it concerns
SELECT point_id, holds AND vouched('settlement ' || point_id, hash) AS holds, 'settlement ' || point_id AS record
FROM settlement_checked
WHERE material_lot_id IN (:material_lot_id, '');

-- name: parents_in_question
-- lots that went into this one, directly or not, of which an assessment other than of their own parents asks for care;
-- a part is made of what its lot is made of, and who used a lot may have used any part of it
WITH RECURSIVE above (lot, depth) AS (
    SELECT consumed_lot_id, 1 FROM material_use
    WHERE material_lot_id IN (:material_lot_id, (SELECT material_lot_id FROM lot_part WHERE part_id = :material_lot_id))
    UNION SELECT use.consumed_lot_id, above.depth + 1 FROM above JOIN material_use AS use
    ON use.material_lot_id IN (above.lot, (SELECT material_lot_id FROM lot_part WHERE part_id = above.lot))
    WHERE above.depth < 30
    LIMIT 2000
)
SELECT a.material_lot_id, max(a.asks = 'hold') AS on_hold,
       json_group_array(a.subject) FILTER (WHERE a.asks = 'hold') AS holding
FROM assessment AS a
WHERE (a.material_lot_id IN (SELECT lot FROM above WHERE lot <> :material_lot_id) OR (
    a.material_lot_id IN (SELECT p.part_id FROM lot_part AS p JOIN above ON p.material_lot_id = above.lot)
    AND a.subject NOT LIKE 'lot %'  -- what is of the whole lot is counted with the lot
)) AND a.kind <> 'parent' AND a.asks IN ('review', 'hold')
GROUP BY a.material_lot_id ORDER BY a.material_lot_id LIMIT 20;

-- name: in_question
-- for the lots made of it, without reading the assessments: how many ask for care
SELECT CASE WHEN sum(asks = 'hold') THEN 'hold ' || sum(asks = 'hold') WHEN count(*) THEN 'review' END FROM assessment
WHERE material_lot_id = :material_lot_id AND kind <> 'parent' AND asks IN ('review', 'hold');

-- name: lot_messages
SELECT at_ns, json_extract(body, '$.material_definition_id') AS material_definition_id,
       json_extract(body, '$.client_id') AS client_id, json_extract(body, '$.job_order_id') AS job_order_id,
       json_extract(body, '$.equipment_id') AS equipment_id, holds, 'context_change ' || event_id AS record
FROM context_change_checked
WHERE material_lot_id = :material_lot_id AND kind = 'lot_started' AND json_valid(body)
ORDER BY at_ns DESC LIMIT 50;

-- name: order_messages
SELECT at_ns, json_extract(body, '$.material_definition_id') AS material_definition_id,
       json_extract(body, '$.client_id') AS client_id, holds, 'context_change ' || event_id AS record
FROM context_change_checked
WHERE (CASE WHEN json_valid(body) THEN json_extract(body, '$.job_order_id') END) = :job_order_id
  AND kind = 'order_started'
ORDER BY at_ns DESC LIMIT 50;

-- name: assessments_of_lot
SELECT subject, asks, failed, approved, analyte, body, holds, 'assessment ' || material_lot_id || ' ' || subject AS record
FROM assessment_checked WHERE material_lot_id = :material_lot_id ORDER BY row_number;

-- name: assessments_of_subjects
SELECT body, holds, 'assessment ' || material_lot_id || ' ' || subject AS record FROM assessment_checked
WHERE material_lot_id = :material_lot_id AND subject IN (SELECT value FROM json_each(:subjects));

-- name: tally_of_others
SELECT asks, failed, CASE WHEN approved = 1 THEN analyte END AS approved, count(*) AS count
FROM assessment INDEXED BY assessment_counted
WHERE material_lot_id = :material_lot_id AND subject NOT IN (SELECT value FROM json_each(:subjects))
GROUP BY 1, 2, 3;

-- name: worst_of_others
SELECT body, holds, 'assessment ' || material_lot_id || ' ' || subject AS record FROM assessment_checked
WHERE row_number IN (
    SELECT rowid FROM assessment INDEXED BY assessment_asking
    WHERE material_lot_id = :material_lot_id AND asks = :asks
      AND subject NOT IN (SELECT value FROM json_each(:subjects))
    ORDER BY rowid LIMIT :most
)
ORDER BY row_number;

-- name: insert_assessment
INSERT OR REPLACE INTO assessment (material_lot_id, subject, kind, source, sample_id, analyte, product, awaited_order_id,
                                   at_ns, states_lot, retest, approved, failed, asks, body, hash, of_hash)
VALUES (:material_lot_id, :subject, :kind, :source, :sample_id, :analyte, :product, :awaited_order_id,
        :at_ns, :states_lot, :retest, :approved, :failed, :asks, :body, :hash, :of_hash);

-- name: delete_assessment
DELETE FROM assessment WHERE material_lot_id = :material_lot_id AND subject = :subject;

-- name: lot_is_judged
-- what the same event has marked stays: another lot of it has changed since this one was read
DELETE FROM lot_to_judge WHERE material_lot_id = :material_lot_id AND cause <> :cause;

-- name: lots_to_judge_by_cause
SELECT material_lot_id FROM lot_to_judge WHERE cause = :cause LIMIT :most;

-- name: lots_to_judge
SELECT material_lot_id FROM lot_to_judge ORDER BY at_ns, material_lot_id LIMIT :most;

-- name: judge_lot_again
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT :material_lot_id, :cause, :at_ns WHERE :material_lot_id IS NOT NULL
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_started_lot_again
-- a new lot of which nothing is known yet has nothing to be judged
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT :material_lot_id, :cause, :at_ns
WHERE EXISTS (SELECT 1 FROM assessment WHERE material_lot_id = :material_lot_id)
    OR EXISTS (SELECT 1 FROM lab_result WHERE material_lot_id = :material_lot_id)
    OR EXISTS (SELECT 1 FROM refused_result WHERE material_lot_id = :material_lot_id)
    OR EXISTS (SELECT 1 FROM material_use WHERE material_lot_id = :material_lot_id)
    OR EXISTS (SELECT 1 FROM result_without_lot WHERE equipment_id = :equipment_id AND at_ns >= :from_ns)
    OR EXISTS (SELECT 1 FROM result_without_lot WHERE job_order_id = :job_order_id)
    OR EXISTS (SELECT 1 FROM refused_in_place WHERE equipment_id = :equipment_id AND drawn_ns >= :from_ns)
    OR EXISTS (SELECT 1 FROM refused_in_place WHERE job_order_id = :job_order_id)
    OR EXISTS (SELECT 1 FROM context_change WHERE material_lot_id = :material_lot_id AND event_id <> :cause)
    OR EXISTS (SELECT 1 FROM job_order WHERE job_order_id = :job_order_id)  -- which may be of another product
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_ended_lot_again
-- by its end it is known which results of its equipment are its own, and that it is in production no longer
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT l.material_lot_id, :cause, :at_ns FROM lot AS l
WHERE l.material_lot_id = :material_lot_id AND (
    EXISTS (SELECT 1 FROM result_without_lot AS w WHERE w.equipment_id = l.equipment_id AND w.at_ns >= l.started_ns)
    OR EXISTS (SELECT 1 FROM refused_in_place AS r WHERE r.equipment_id = l.equipment_id AND r.drawn_ns >= l.started_ns)
    OR EXISTS (SELECT 1 FROM assessment WHERE material_lot_id = :material_lot_id AND subject = 'production')
)
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lots_of_subject_again
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT DISTINCT material_lot_id, :cause, :at_ns FROM assessment WHERE subject = :subject
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: lots_of_sample_without_lot
-- to which belongs, until now, what is known of a sample and names no lot
SELECT a.material_lot_id FROM result_without_lot AS w JOIN assessment AS a ON a.subject = w.result_id
WHERE w.sample_id = :sample_id AND w.source = :source
UNION ALL SELECT material_lot_id FROM refused_in_place_assessed WHERE sample_id = :sample_id AND source = :source;

-- name: judge_lots_of_named_sample_again
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT material_lot_id, :cause, :at_ns FROM (
    SELECT material_lot_id FROM assessment WHERE sample_id = :sample_id AND source = :source
    UNION SELECT material_lot_id FROM refused_result
          WHERE sample_id = :sample_id AND source = :source AND material_lot_id <> ''
) WHERE true
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lots_on_equipment_again
-- what names no lot and was drawn there since, or is of its order: it may have been another lot's until now
WITH here (equipment_id) AS (
    SELECT coalesce(:equipment_id, (SELECT equipment_id FROM lot WHERE material_lot_id = :material_lot_id))
)
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT material_lot_id, :cause, :at_ns FROM (
    SELECT a.material_lot_id FROM result_without_lot AS w JOIN assessment AS a ON a.subject = w.result_id
    WHERE w.at_ns >= :from_ns AND w.equipment_id = (SELECT equipment_id FROM here)
    UNION SELECT material_lot_id FROM refused_in_place_assessed
    WHERE drawn_ns >= :from_ns AND equipment_id = (SELECT equipment_id FROM here)
    UNION SELECT material_lot_id FROM refused_in_place_assessed WHERE job_order_id = :job_order_id
) WHERE true
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lots_of_order_again
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT material_lot_id, :cause, :at_ns FROM (
    SELECT material_lot_id FROM lot WHERE job_order_id = :job_order_id
    UNION SELECT material_lot_id FROM assessment WHERE awaited_order_id = :job_order_id
) WHERE true
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lots_of_product_again
-- a required test is missing in lots of which no result of it is known
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT DISTINCT material_lot_id, :cause, :at_ns FROM assessment
WHERE product IN (:product, '*') AND (analyte = :analyte COLLATE NOCASE OR :required) AND at_ns >= :from_ns
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lots_in_place_again
-- that a message may concern which names only an equipment or an order
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT material_lot_id, :cause, :at_ns FROM (
    SELECT material_lot_id FROM lot
    WHERE equipment_id = :equipment_id AND started_ns = (
        SELECT max(started_ns) FROM lot WHERE equipment_id = :equipment_id AND started_ns <= :drawn_ns
    )
    UNION SELECT material_lot_id FROM lot
    WHERE equipment_id = :equipment_id AND started_ns = (
        SELECT max(started_ns) FROM lot WHERE equipment_id = :equipment_id AND started_ns <= :arrived_ns
    )
    UNION SELECT material_lot_id FROM (SELECT material_lot_id FROM lot WHERE job_order_id = :job_order_id LIMIT 100)
) WHERE true
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lots_named_by_product_again
-- of a product that a refused message names ('' for any: then those with its test), unless they are closed
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT DISTINCT a.material_lot_id, :cause, :at_ns FROM assessment AS a
JOIN lot AS l ON l.material_lot_id = a.material_lot_id
WHERE l.closed_ns IS NULL
  AND ((:product <> '' AND a.product IN (:product, '*')) OR (:product = '' AND a.analyte = :analyte COLLATE NOCASE))
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lots_of_refused_product_again
-- that a refused message about a product concerns
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT DISTINCT material_lot_id, :cause, :at_ns FROM refused_of_product_assessed WHERE product IN (:product, '')
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lots_of_point_again
-- that have the point, of a message that concerns many lots
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT DISTINCT material_lot_id, :cause, :at_ns FROM refused_of_product_assessed WHERE instr(body, :point_id)
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: judge_lots_made_of_it_again
WITH RECURSIVE below (lot, depth) AS (
    SELECT material_lot_id, 1 FROM material_use
    WHERE consumed_lot_id IN (:material_lot_id, (SELECT material_lot_id FROM lot_part WHERE part_id = :material_lot_id))
    UNION SELECT use.material_lot_id, below.depth + 1 FROM below JOIN material_use AS use
    ON use.consumed_lot_id IN (
        SELECT below.lot UNION ALL SELECT part_id FROM lot_part WHERE material_lot_id = below.lot
    )
    WHERE below.depth < 30
    LIMIT 20000
)
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT DISTINCT lot, :cause, :at_ns FROM below WHERE lot <> :material_lot_id
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: insert_result_without_lot
INSERT OR REPLACE INTO result_without_lot (result_id, source, sample_id, equipment_id, job_order_id, at_ns, timed)
VALUES (:result_id, :source, :sample_id, :equipment_id, :job_order_id, :at_ns, :timed);

-- name: insert_refused_result
INSERT OR IGNORE INTO refused_result (dead_letter_id, material_lot_id, event_id, source, sample_id, test_id, at_ns,
                                      reasons, result)
VALUES (:dead_letter_id, :material_lot_id, :event_id, :source, :sample_id, :test_id, :at_ns, :reasons, :result);

-- name: insert_refused_in_place
INSERT OR IGNORE INTO refused_in_place (dead_letter_id, event_id, source, sample_id, test_id, equipment_id, job_order_id,
                                        drawn_ns, timed, at_ns, reasons, result)
VALUES (:dead_letter_id, :event_id, :source, :sample_id, :test_id, :equipment_id, :job_order_id,
        :drawn_ns, :timed, :at_ns, :reasons, :result);

-- name: insert_refused_of_product
INSERT OR IGNORE INTO refused_of_product (payload_sha256, product, dead_letter_id, event_id, source, analyte, client_id,
                                          version, from_ns, states_limits, may_require, at_ns, reasons)
VALUES (:payload_sha256, :product, :dead_letter_id, :event_id, :source, :analyte, :client_id,
        :version, :from_ns, :states_limits, :may_require, :at_ns, :reasons);

-- name: insert_restated
INSERT INTO restated_result (source, sample_id, test_id, replicate, result_id, since_ns)
VALUES (:source, :sample_id, :test_id, :replicate, :result_id, :since_ns)
ON CONFLICT (source, sample_id, test_id, replicate) DO UPDATE SET result_id = excluded.result_id;

-- name: delete_restated
DELETE FROM restated_result
WHERE source = :source AND sample_id = :sample_id AND test_id = :test_id AND replicate = :replicate;

-- name: restated_since
SELECT r.payload, r.body, r.payload_sha256, e.topic, r.holds
FROM restated_result AS s JOIN lab_result_checked AS r ON r.result_id = s.result_id
JOIN event AS e ON e.event_id = r.event_id
WHERE s.since_ns <= :until_ns ORDER BY s.since_ns LIMIT :most;

-- name: insert_settlement
INSERT OR IGNORE INTO settlement (point_id, material_lot_id, person, reason, at_ns, event_id)
VALUES (:point_id, :material_lot_id, :person, :reason, :at_ns, :event_id);

-- name: settlements_of_lot
SELECT point_id, material_lot_id, person, reason, at_ns, event_id,
       holds AND vouched('settlement ' || point_id, hash) AS holds,
       'settlement ' || point_id AS record
FROM settlement_checked
WHERE material_lot_id IN (:material_lot_id, '') OR material_lot_id IN (  -- what is settled for it and a lot named alike
    SELECT other.material_lot_id FROM lot_name AS own JOIN lot_name AS other ON other.likeness = own.likeness
    WHERE own.material_lot_id = :material_lot_id
)
ORDER BY at_ns;

-- name: judge_open_lots_again
INSERT INTO lot_to_judge (material_lot_id, cause, at_ns)
SELECT material_lot_id, :cause, :at_ns FROM (
    SELECT material_lot_id FROM lot WHERE closed_ns IS NULL ORDER BY rowid DESC LIMIT :most
) WHERE true
ON CONFLICT (material_lot_id) DO UPDATE SET cause = excluded.cause;

-- name: count_specifications
SELECT count(*) FROM specification_stated
WHERE product = :product AND analyte = :analyte AND client_id = :client_id AND withdrawn = 0;

-- name: named_by_results
SELECT source, sample_id, json_extract(body, '$.test_id') AS test_id, json_extract(body, '$.result_version') AS version,
       json_extract(body, '$.own_product') AS material_definition_id, json_extract(body, '$.own_client') AS client_id
FROM assessment
WHERE material_lot_id = :material_lot_id AND kind IN ('result', 'refused')
  AND coalesce(json_extract(body, '$.own_product'), json_extract(body, '$.own_client')) IS NOT NULL;

-- name: lot_waits_to_be_judged
SELECT 1 FROM lot_to_judge WHERE material_lot_id = :material_lot_id;
