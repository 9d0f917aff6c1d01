-- What an edge node of Sparkplug reports.

-- name: newest_sparkplug_report
SELECT seq, body FROM sparkplug_report WHERE device = :device AND subject = :subject ORDER BY seq DESC LIMIT 1;

-- name: insert_sparkplug_report
INSERT INTO sparkplug_report (device, subject, at_ns, body, expires_ns, expires_boot_ns, boot_id)
VALUES (:device, :subject, :at_ns, :body, :expires_ns, :expires_boot_ns, :boot_id);

-- name: sparkplug_report_holds_longer
UPDATE sparkplug_report SET expires_ns = :expires_ns, expires_boot_ns = :expires_boot_ns, boot_id = :boot_id
WHERE seq = :seq;

-- name: drop_sent_sparkplug_reports
-- that a newer one of the subject has followed
DELETE FROM sparkplug_report WHERE device = :device AND subject = :subject AND seq < :seq AND sent = 1;

-- name: sparkplug_reports_sent
UPDATE sparkplug_report SET sent = 1 WHERE seq IN (SELECT value FROM json_each(:seqs));

-- name: drop_followed_sparkplug_reports
DELETE FROM sparkplug_report WHERE seq IN (SELECT value FROM json_each(:seqs)) AND EXISTS (
    SELECT 1 FROM sparkplug_report AS later WHERE later.device = sparkplug_report.device
    AND later.subject = sparkplug_report.subject AND later.seq > sparkplug_report.seq
);

-- name: newest_sparkplug_reports
SELECT seq, device, subject, at_ns, body, expires_ns, expires_boot_ns, boot_id, sent FROM sparkplug_report
WHERE seq IN (SELECT max(seq) FROM sparkplug_report GROUP BY device, subject) ORDER BY seq;

-- name: sparkplug_reports_waiting
SELECT seq, device, subject, at_ns, body, expires_ns, expires_boot_ns, boot_id, sent FROM sparkplug_report
WHERE sent = 0 AND device NOT IN (SELECT value FROM json_each(:without)) ORDER BY seq LIMIT :most;

-- name: count_sparkplug_reports
SELECT count(*) FROM sparkplug_report WHERE sent = 0;

-- name: drop_oldest_sparkplug_reports
-- all that wait but the newest ones, and those that are not too old; the newest of each subject stays
DELETE FROM sparkplug_report WHERE sent = 0
AND (at_ns < :before_ns OR seq <= coalesce((SELECT seq FROM sparkplug_report WHERE sent = 0 ORDER BY seq DESC LIMIT 1 OFFSET :most), 0))
AND EXISTS (
    SELECT 1 FROM sparkplug_report AS later WHERE later.device = sparkplug_report.device
    AND later.subject = sparkplug_report.subject AND later.seq > sparkplug_report.seq
);

-- name: forget_sparkplug_reports
DELETE FROM sparkplug_report;

-- name: forget_sparkplug_dispositions
DELETE FROM sparkplug_report WHERE subject = 'disposition';

-- name: next_bd_seq
INSERT INTO sparkplug_session (only_row, bd_seq) VALUES (1, 0)
ON CONFLICT (only_row) DO UPDATE SET bd_seq = (bd_seq + 1) % 256 RETURNING bd_seq;
