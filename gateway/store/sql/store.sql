-- name: latches
SELECT code FROM latch ORDER BY code;

-- name: latches_with_bodies
SELECT code, at_ns, body FROM latch ORDER BY code;

-- name: latch
INSERT INTO latch (code, at_ns, body) VALUES (:code, :at_ns, :body)
ON CONFLICT (code) DO NOTHING;

-- name: latch_of_code
SELECT body FROM latch WHERE code = :code;

-- name: latch_again
INSERT INTO latch (code, at_ns, body) VALUES (:code, :at_ns, :body)
ON CONFLICT (code) DO UPDATE SET body = excluded.body;

-- name: unlatch
DELETE FROM latch WHERE code = :code;

-- name: store
SELECT epoch, latest_wall_ns, stopped_clean, checked_ns, vouched_schema FROM store;

-- name: see_wall_time
UPDATE store SET latest_wall_ns = max(latest_wall_ns, :wall_ns);

-- name: started
UPDATE store SET stopped_clean = 0;

-- name: stopped_clean
UPDATE store SET stopped_clean = 1;

-- name: checked
UPDATE store SET checked_ns = :at_ns;

-- name: new_epoch
UPDATE store SET epoch = :epoch;

-- name: vouched_for_schema
UPDATE store SET vouched_schema = :schema;

-- name: insert_gap
INSERT OR IGNORE INTO gap (gap_id, kind, subject, from_ns, until_ns, at_ns, body)
VALUES (:gap_id, :kind, :subject, :from_ns, :until_ns, :at_ns, :body);

-- name: gap_counts
SELECT kind, count(*) FROM gap GROUP BY kind ORDER BY kind;

-- name: schema
SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%';

-- name: checked_views
SELECT name FROM sqlite_master WHERE type = 'view' AND name LIKE '%\_checked' ESCAPE '\' ORDER BY name;

-- name: tables
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name;

-- name: prune_predictions
DELETE FROM prediction WHERE prediction_id IN (
    SELECT prediction_id FROM prediction WHERE at_ns < :before_ns AND sample_result_id IS NULL LIMIT :most
);

-- name: prune_departures
DELETE FROM departure WHERE seq IN (SELECT seq FROM departure WHERE at_ns < :before_ns LIMIT :most);

-- name: lane_bytes
-- lane by lane: together they would be sorted, with all their bytes
SELECT lane, sum(length(payload)) FROM outbox WHERE lane = 0 AND acknowledged = 0 GROUP BY lane
UNION ALL SELECT lane, sum(length(payload)) FROM outbox WHERE lane = 2 AND acknowledged = 0 GROUP BY lane;

-- name: oldest_of_lane
SELECT seq, created_ns FROM outbox WHERE lane = :lane AND acknowledged = 0 ORDER BY seq LIMIT :most;

-- name: size
SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size();

-- name: retries
SELECT r.dead_letter_id, d.topic, d.payload, r.person, d.holds FROM retry AS r
JOIN dead_letter_whole AS d USING (dead_letter_id)
WHERE r.tried_ns IS NULL AND d.payload IS NOT NULL ORDER BY r.asked_ns LIMIT 20;

-- name: ask_retry
INSERT INTO retry (dead_letter_id, asked_ns, person) VALUES (:dead_letter_id, :asked_ns, :person)
ON CONFLICT (dead_letter_id) DO UPDATE SET asked_ns = excluded.asked_ns, person = excluded.person, tried_ns = NULL;

-- name: retried
UPDATE retry SET tried_ns = :tried_ns WHERE dead_letter_id = :dead_letter_id;

-- The same message, refused for the same reasons, is one line: how often, since when, and when last.
-- name: dead_letters
WITH told AS (
    SELECT max(d.rowid) AS newest, min(d.at_ns) AS first_ns, count(DISTINCT d.rowid) AS times,
           max(r.asked_ns IS NOT NULL AND r.tried_ns IS NULL) AS waits, max(r.tried_ns) AS tried_ns
    FROM dead_letter AS d LEFT JOIN retry AS r USING (dead_letter_id)
    GROUP BY d.topic, d.reasons,
             CASE WHEN substr(d.payload, 1, 7) = x'7368613235363a' THEN d.payload ELSE d.dead_letter_id END
    ORDER BY newest DESC LIMIT :most
)
SELECT d.dead_letter_id, d.at_ns, told.first_ns, told.times, d.topic, d.reasons, length(d.payload) AS bytes,
       told.waits, told.tried_ns, d.holds
FROM told JOIN dead_letter_whole AS d ON d.row_number = told.newest ORDER BY d.row_number DESC;

-- name: dead_letter
SELECT dead_letter_id, at_ns, topic, reasons, payload, holds FROM dead_letter_whole
WHERE dead_letter_id = :dead_letter_id;
