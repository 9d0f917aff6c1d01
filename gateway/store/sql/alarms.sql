-- name: alarm
SELECT * FROM alarm WHERE alarm_id = :alarm_id;

-- name: alarms
SELECT * FROM alarm ORDER BY since_ns DESC, alarm_id LIMIT :most;

-- name: write_alarm
INSERT OR REPLACE INTO alarm (alarm_id, title, severity, position, active, acknowledged, latched, suppression, until_ns,
    reason, person, since_ns, guidance_id)
VALUES (:alarm_id, :title, :severity, :position, :active, :acknowledged, :latched, :suppression, :until_ns,
    :reason, :person, :since_ns, :guidance_id);

-- name: delete_alarm
DELETE FROM alarm WHERE alarm_id = :alarm_id;

-- name: insert_alarm_event
INSERT INTO alarm_event (at_ns, alarm_id, change, title, severity, position, person, reason, guidance_id)
VALUES (:at_ns, :alarm_id, :change, :title, :severity, :position, :person, :reason, :guidance_id);

-- name: prune_alarm_events
DELETE FROM alarm_event WHERE at_ns < :before_ns;

-- name: shelves_that_end
SELECT * FROM alarm WHERE suppression <> 'none' AND until_ns <= :at_ns;

-- name: silenced_alarms
SELECT alarm_id FROM alarm WHERE suppression <> 'none';

-- name: active_gateway_alarms
SELECT alarm_id FROM alarm WHERE active = 1 AND alarm_id >= 'gateway/' AND alarm_id < 'gateway0';

-- name: raised_alarms
SELECT at_ns, alarm_id, severity, position FROM alarm_event
WHERE change = 'raised' AND at_ns > :from_ns AND at_ns <= :until_ns ORDER BY at_ns;

-- name: alarm_events_after
SELECT seq, at_ns, alarm_id, change, title, severity, position, person, reason, guidance_id FROM alarm_event
WHERE seq > :seq ORDER BY seq LIMIT :most;

-- name: newest_alarm_event
SELECT max(seq) FROM alarm_event;
