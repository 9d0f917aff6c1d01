-- name: insert_setpoint_intent
INSERT INTO setpoint_intent (intent_id, guidance_id, tag, state, open, automatic, issued_ns, body, event_id)
VALUES (:intent_id, :guidance_id, :tag, :state, :open, :automatic, :issued_ns, :body, :event_id);

-- name: setpoint_intent_is_there
SELECT 1 FROM setpoint_intent WHERE intent_id = :intent_id;

-- name: open_intent_of_tag
SELECT intent_id FROM setpoint_intent WHERE tag = :tag AND open = 1;

-- name: move_setpoint_intent
UPDATE setpoint_intent SET state = :state, open = :open, written_ns = ifnull(written_ns, :written_ns),
    written_boot_ns = ifnull(written_boot_ns, :written_boot_ns), written_boot_id = ifnull(written_boot_id, :written_boot_id)
WHERE intent_id = :intent_id;

-- name: insert_setpoint_intent_state
INSERT OR IGNORE INTO setpoint_intent_state (intent_id, state, at_ns, body, event_id)
VALUES (:intent_id, :state, :at_ns, :body, :event_id);

-- name: setpoint_intent
SELECT state, body, holds AND vouched('setpoint_intent ' || intent_id, hash) AS holds, 'setpoint_intent ' || intent_id AS record
FROM setpoint_intent_checked WHERE intent_id = :intent_id;

-- name: open_setpoint_intents
SELECT state, body, holds AND vouched('setpoint_intent ' || intent_id, hash) AS holds, 'setpoint_intent ' || intent_id AS record
FROM setpoint_intent_checked WHERE open = 1 ORDER BY issued_ns, intent_id;

-- name: newest_setpoint_intent_of_tag
SELECT intent_id, state, open, body, holds AND vouched('setpoint_intent ' || intent_id, hash) AS holds,
       'setpoint_intent ' || intent_id AS record
FROM setpoint_intent_checked WHERE tag = :tag ORDER BY issued_ns DESC, row_number DESC LIMIT 1;

-- name: newest_setpoint_intents
SELECT intent_id, state, issued_ns, body, holds FROM setpoint_intent_checked ORDER BY issued_ns DESC, intent_id LIMIT :most;

-- name: setpoint_intent_of_guidance
SELECT intent_id, state, issued_ns, body, holds FROM setpoint_intent_checked
WHERE guidance_id = :guidance_id ORDER BY issued_ns DESC LIMIT 1;

-- name: newest_move_of_tag
SELECT intent_id, state, issued_ns, body, holds FROM setpoint_intent_checked
WHERE tag = :tag ORDER BY issued_ns DESC, row_number DESC LIMIT 1;

-- name: states_of_setpoint_intent
SELECT state, at_ns, body, holds FROM setpoint_intent_state_checked WHERE intent_id = :intent_id ORDER BY at_ns;

-- name: outcomes_of_setpoint_intent
SELECT followed, expected, value, as_expected, by, at_ns, holds
FROM setpoint_outcome_checked WHERE intent_id = :intent_id ORDER BY at_ns;

-- since the newest write of a tag: within one boot by the clock that never steps, across boots by wall time
-- name: since_setpoint_write
SELECT min(CASE WHEN NOT vouched('setpoint_intent ' || intent_id, hash) THEN 0  -- nobody knows: as if just now
                WHEN written_boot_id = :boot_id THEN :boot_ns - written_boot_ns ELSE :wall_ns - written_ns END) FROM (
    SELECT intent_id, hash, written_ns, written_boot_ns, written_boot_id FROM setpoint_intent
    WHERE tag = :tag AND written_ns IS NOT NULL ORDER BY rowid DESC LIMIT :most
);

-- name: automatic_setpoint_writes
SELECT count(*) FROM (
    SELECT written_ns, written_boot_ns, written_boot_id FROM setpoint_intent
    WHERE tag = :tag AND written_ns IS NOT NULL AND automatic = 1 ORDER BY rowid DESC LIMIT :most
)
WHERE CASE WHEN written_boot_id = :boot_id THEN :boot_ns - written_boot_ns ELSE :wall_ns - written_ns END < :within_ns;

-- name: newest_setpoint_stop
SELECT stopped, person, reason, at_ns, holds AND in_force('setpoint_stop ' || seq, hash) AS holds, 'setpoint_stop ' || seq AS record
FROM setpoint_stop_checked ORDER BY seq DESC LIMIT 1;

-- a stop that was taken out by hand
-- name: setpoint_stop_is_missing
SELECT has_rows('setpoint_stop ');

-- name: insert_setpoint_stop
INSERT INTO setpoint_stop (stopped, at_ns, person, reason, event_id)
VALUES (:stopped, :at_ns, :person, :reason, :event_id);

-- name: insert_setpoint_outcome
INSERT OR IGNORE INTO setpoint_outcome (intent_id, followed, at_ns, by, expected, value, as_expected)
VALUES (:intent_id, :followed, :at_ns, :by, :expected, :value, :as_expected);

-- the laboratory's result before the prediction
-- name: outcomes_of_move
SELECT o.as_expected, o.holds, 'setpoint_outcome ' || o.intent_id AS record
FROM setpoint_intent AS i JOIN setpoint_outcome_checked AS o ON o.intent_id = i.intent_id
WHERE i.guidance_id = :guidance_id ORDER BY o.followed = 'measured' DESC, o.at_ns DESC;

-- name: setpoint_writes_to_follow
SELECT i.intent_id, i.written_ns, i.body, i.holds, 'setpoint_intent ' || i.intent_id AS record,
       EXISTS (SELECT 1 FROM setpoint_outcome WHERE intent_id = i.intent_id AND followed = 'predicted') AS predicted,
       EXISTS (SELECT 1 FROM setpoint_outcome WHERE intent_id = i.intent_id AND followed = 'measured') AS measured
FROM setpoint_intent_checked AS i
WHERE i.state = 'written' AND i.issued_ns > :since_ns
  AND 2 > (SELECT count(*) FROM setpoint_outcome WHERE intent_id = i.intent_id)
ORDER BY i.issued_ns DESC LIMIT :most;

-- name: next_setpoint_write
SELECT min(written_ns) FROM setpoint_intent WHERE tag = :tag AND written_ns > :after_ns;

-- name: prediction_after
SELECT prediction_id, value FROM prediction
WHERE model = :model AND analyte = :analyte AND accepted = 1 AND value IS NOT NULL AND sample_result_id IS NULL
  AND at_ns >= :from_ns AND at_ns < :until_ns
ORDER BY at_ns LIMIT 1;

-- name: results_after
SELECT r.result_id, r.body, r.holds, 'lab_result ' || r.result_id AS record
FROM prediction AS p JOIN lab_result_checked AS r ON r.result_id = p.sample_result_id
WHERE p.model = :model AND p.sample_result_id IS NOT NULL AND p.at_ns >= :from_ns AND p.analyte = :analyte
  AND r.current = 1 AND r.sampled_ns >= :from_ns AND r.sampled_ns < :until_ns
ORDER BY r.sampled_ns LIMIT 20;

-- name: setpoint_writes_on_record
SELECT t.at_ns, t.event_id, t.body, i.guidance_id, g.state AS guidance_state
FROM setpoint_intent_state_checked AS t JOIN setpoint_intent AS i ON i.intent_id = t.intent_id
LEFT JOIN guidance_state AS g ON g.guidance_id = i.guidance_id AND g.event_id = t.event_id
WHERE t.holds AND t.event_id <> i.event_id ORDER BY t.at_ns;

-- name: setpoint_stops_on_record
SELECT at_ns, event_id, stopped, person, reason FROM setpoint_stop_checked WHERE holds ORDER BY seq;
