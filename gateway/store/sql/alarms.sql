-- name: alarm
SELECT * FROM alarm WHERE alarm_id = :alarm_id;

-- name: alarms
SELECT * FROM alarm ORDER BY since_ns DESC, alarm_id LIMIT :most;

-- name: write_alarm
INSERT OR REPLACE INTO alarm (alarm_id, title, severity, position, active, acknowledged, latched, suppression, until_ns,
    reason, person, since_ns, guidance_id, group_id)
VALUES (:alarm_id, :title, :severity, :position, :active, :acknowledged, :latched, :suppression, :until_ns,
    :reason, :person, :since_ns, :guidance_id, :group_id);

-- name: delete_alarm
DELETE FROM alarm WHERE alarm_id = :alarm_id;

-- name: insert_alarm_event
INSERT INTO alarm_event (at_ns, alarm_id, change, title, severity, position, person, reason, guidance_id, group_id)
VALUES (:at_ns, :alarm_id, :change, :title, :severity, :position, :person, :reason, :guidance_id, :group_id);

-- name: prune_alarm_events
DELETE FROM alarm_event WHERE at_ns < :before_ns;

-- name: shelves_that_end
SELECT * FROM alarm WHERE suppression <> 'none' AND until_ns <= :at_ns;

-- name: silenced_alarms
SELECT alarm_id FROM alarm WHERE suppression <> 'none';

-- name: active_gateway_alarms
SELECT alarm_id FROM alarm WHERE active = 1 AND alarm_id >= 'gateway/' AND alarm_id < 'gateway0';

-- name: gateway_alarms
SELECT * FROM alarm WHERE alarm_id >= 'gateway/' AND alarm_id < 'gateway0' ORDER BY alarm_id;

-- name: alarms_below
SELECT * FROM alarm WHERE group_id = :alarm_id ORDER BY alarm_id;

-- what stands below an alarm that no longer calls for it
-- name: alarms_left_alone
SELECT part.alarm_id FROM alarm AS part LEFT JOIN alarm AS head ON head.alarm_id = part.group_id
WHERE part.group_id IS NOT NULL AND part.active = 1 AND part.suppression = 'none'
  AND NOT coalesce(head.active = 1 AND head.suppression = 'none' AND head.group_id IS NULL, 0);

-- name: first_line_of_trail_ns
SELECT CASE WHEN EXISTS (SELECT 1 FROM audit_archive) THEN NULL
            ELSE (SELECT at_ns FROM audit ORDER BY seq LIMIT 1) END;

-- name: raised_alarms
SELECT at_ns, alarm_id, severity, position FROM alarm_event
WHERE change = 'raised' AND at_ns > :from_ns AND at_ns <= :until_ns ORDER BY at_ns;

-- name: alarm_events_after
SELECT seq, at_ns, alarm_id, change, title, severity, position, person, reason, guidance_id, group_id FROM alarm_event
WHERE seq > :seq ORDER BY seq LIMIT :most;

-- name: newest_alarm_event
SELECT max(seq) FROM alarm_event;

-- name: alarm_counts
SELECT coalesce(sum(active), 0), coalesce(sum(active = 1 AND acknowledged = 0), 0),
    coalesce(sum(suppression <> 'none'), 0),
    (SELECT count(*) FROM alarm_event WHERE change = 'raised' AND at_ns > :from_ns)
FROM alarm;

-- name: notified_up_to
SELECT seq FROM notify_target WHERE target = :target;

-- name: first_notified
INSERT OR IGNORE INTO notify_target (target, seq) VALUES (:target, (SELECT coalesce(max(seq), 0) FROM alarm_event));

-- name: notified
UPDATE notify_target SET seq = :seq WHERE target = :target AND seq < :seq;

-- name: park_notice
INSERT OR REPLACE INTO notify_parked (target, seq, at_ns, why) VALUES (:target, :seq, :at_ns, :why);

-- name: prune_parked_notices
DELETE FROM notify_parked WHERE target = :target AND seq NOT IN (
    SELECT seq FROM notify_parked WHERE target = :target ORDER BY seq DESC LIMIT :most
);

-- name: parked_notices
SELECT p.target, p.at_ns, p.why, e.alarm_id, e.change, e.title
FROM notify_parked AS p LEFT JOIN alarm_event AS e ON e.seq = p.seq ORDER BY p.target, p.seq;

-- name: notify_targets
SELECT target, (SELECT count(*) FROM alarm_event AS e WHERE e.seq > t.seq) AS waiting,
    (SELECT count(*) FROM notify_put_off AS p WHERE p.target = t.target) AS put_off FROM notify_target AS t
ORDER BY target;

-- name: put_off_notice
INSERT OR IGNORE INTO notify_put_off (target, seq) VALUES (:target, :seq);

-- name: told_of_put_off
DELETE FROM notify_put_off WHERE target = :target AND seq <= :upto;

-- name: put_off_events
SELECT e.seq, e.at_ns, e.alarm_id, e.change, e.title, e.severity, e.position, e.person, e.reason, e.guidance_id, e.group_id
FROM notify_put_off AS p JOIN alarm_event AS e ON e.seq = p.seq WHERE p.target = :target ORDER BY e.seq LIMIT :most;

-- name: suppressions_held
SELECT name, since_ns, used_up FROM alarm_suppression ORDER BY name;

-- name: write_suppression
INSERT OR REPLACE INTO alarm_suppression (name, since_ns, used_up) VALUES (:name, :since_ns, :used_up);

-- name: delete_suppression
DELETE FROM alarm_suppression WHERE name = :name;

-- name: newest_lot_of_equipment
SELECT ended_ns IS NULL OR ended_ns > :at_ns AS runs, holds, 'lot ' || material_lot_id AS record FROM lot_checked
WHERE equipment_id = :equipment_id AND started_ns <= :at_ns ORDER BY started_ns DESC, row_number DESC LIMIT 1;

-- name: newest_state_of_equipment
SELECT body, holds, 'context_change ' || event_id AS record FROM context_change_checked
WHERE kind = 'equipment_state' AND equipment_id = :equipment_id AND at_ns <= :at_ns
ORDER BY at_ns DESC, row_number DESC LIMIT 1;
