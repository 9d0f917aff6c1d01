-- name: insert_signed_record
INSERT INTO signed_record (record_id, kind, subject, version, body, sha256, author_id, author_name, made_ns,
                           expires_wall_ns, expires_boot_ns, expires_boot_id)
VALUES (:record_id, :kind, :subject, :version, :body, :sha256, :author_id, :author_name, :made_ns,
        :expires_wall_ns, :expires_boot_ns, :expires_boot_id);

-- name: insert_signature
INSERT INTO signature (signature_id, record_kind, record_id, record_version, record_sha256, user_id, printed_name,
                       role, meaning, signed_ns, event_id)
VALUES (:signature_id, :record_kind, :record_id, :record_version, :record_sha256, :user_id, :printed_name,
        :role, :meaning, :signed_ns, :event_id);

-- name: insert_signing_state
INSERT INTO signing_state (record_id, state, at_ns, person, why) VALUES (:record_id, :state, :at_ns, :person, :why);

-- name: signed_record
SELECT * FROM signed_record_checked WHERE record_id = :record_id;

-- name: signed_records
SELECT * FROM signed_record_checked ORDER BY made_ns DESC, record_id LIMIT :most;

-- name: signed_records_waiting
SELECT record.* FROM signed_record_checked AS record
WHERE 'waiting' = (
    SELECT state FROM signing_state WHERE record_id = record.record_id ORDER BY seq DESC LIMIT 1
)
ORDER BY made_ns, record_id LIMIT :most;

-- name: signed_records_of
SELECT * FROM signed_record_checked WHERE kind = :kind AND subject = :subject ORDER BY made_ns DESC, record_id
LIMIT :most;

-- name: signatures_of_record
SELECT * FROM signature_checked WHERE record_id = :record_id ORDER BY signed_ns, signature_id;

-- name: signing_state_of_record
SELECT state, at_ns, person, why, holds FROM signing_state_checked WHERE record_id = :record_id
ORDER BY seq DESC LIMIT 1;

-- name: number_of_signed_acts
SELECT count(*) FROM signed_record AS record
WHERE kind = :kind AND subject = :subject AND EXISTS (
    SELECT 1 FROM signing_state WHERE record_id = record.record_id AND state = 'done'
);

-- name: insert_lot_decision
INSERT INTO lot_decision (record_id, material_lot_id, verdict, state, at_ns, body)
VALUES (:record_id, :material_lot_id, :verdict, :state, :at_ns, :body);

-- name: newest_decision_of_lot
SELECT body, holds, 'lot_decision ' || seq AS record FROM lot_decision_checked
WHERE material_lot_id = :material_lot_id ORDER BY seq DESC LIMIT 1;

-- name: assessments_by_hash
SELECT subject, kind, asks, hash FROM assessment WHERE material_lot_id = :material_lot_id ORDER BY subject;
