-- once there was one: who takes all users out by hand does not become the first one
-- name: any_user
SELECT 1 FROM user_version UNION ALL SELECT 1 FROM audit WHERE kind = 'user_added' LIMIT 1;

-- name: users
SELECT user_id, full_name, roles, os_user, disabled,
       holds AND in_force('user_version ' || json_array(user_id, seq), hash) AS holds
FROM user_version_checked AS newest
WHERE seq = (SELECT max(seq) FROM user_version WHERE user_id = newest.user_id)
ORDER BY user_id;

-- who has a password and is or was of a role that confirms changes of users: disabling them takes nothing away
-- name: confirmers
SELECT DISTINCT user_id FROM user_version
WHERE (instr(roles, 'quality') OR instr(roles, 'administrator'))
    AND user_id IN (SELECT user_id FROM user_password);

-- name: insert_user_version
INSERT INTO user_version (user_id, full_name, roles, os_user, disabled, at_ns, changed_by)
VALUES (:user_id, :full_name, :roles, :os_user, :disabled, :at_ns, :changed_by);

-- name: newest_password
SELECT password_hash, totp_secret, must_change, issued_by,
       holds AND in_force('user_password ' || json_array(user_id, seq), hash) AS holds
FROM user_password_checked WHERE user_id = :user_id ORDER BY seq DESC LIMIT 1;

-- name: passwords_to_confirm
SELECT user_id FROM user_password AS newest
WHERE issued_by IS NOT NULL AND seq = (SELECT max(seq) FROM user_password WHERE user_id = newest.user_id)
ORDER BY seq;

-- name: insert_user_password
INSERT INTO user_password (user_id, password_hash, totp_secret, must_change, issued_by, at_ns)
VALUES (:user_id, :password_hash, :totp_secret, :must_change, :issued_by, :at_ns);

-- name: user_keys
SELECT key_id, user_id, public_key, label, revoked,
       holds AND in_force('user_key ' || json_array(key_id, seq), hash) AS holds
FROM user_key_checked AS newest
WHERE seq = (SELECT max(seq) FROM user_key WHERE key_id = newest.key_id)
ORDER BY seq;

-- name: insert_user_key
INSERT INTO user_key (key_id, user_id, public_key, label, revoked, at_ns)
VALUES (:key_id, :user_id, :public_key, :label, :revoked, :at_ns);

-- name: last_sign_in_ns
SELECT at_ns FROM audit INDEXED BY audit_by_subject
WHERE subject = :user_id AND kind = 'sign_in' ORDER BY seq DESC LIMIT 1;

-- name: sign_in
SELECT failures, last_failed_ns, known FROM sign_in WHERE user_id = :user_id AND origin = :origin;

-- name: origins_of_sign_ins
SELECT origin FROM sign_in WHERE user_id = :user_id;

-- name: count_sign_in
INSERT INTO sign_in (user_id, origin, failures, last_failed_ns, known, at_ns)
VALUES (:user_id, :origin, :failures, :last_failed_ns, :known, :at_ns)
ON CONFLICT (user_id, origin) DO UPDATE SET
    failures = excluded.failures, last_failed_ns = excluded.last_failed_ns, known = excluded.known,
    at_ns = excluded.at_ns;

-- of the addresses of one user: those from where the user has signed in are kept before all others
-- name: prune_sign_ins
DELETE FROM sign_in WHERE user_id = :user_id AND origin <> '' AND origin NOT IN (
    SELECT origin FROM sign_in WHERE user_id = :user_id AND origin <> '' ORDER BY known DESC, at_ns DESC LIMIT :most);

-- name: forget_sign_ins
DELETE FROM sign_in WHERE user_id = :user_id;

-- name: forget_failures
UPDATE sign_in SET failures = 0, last_failed_ns = NULL WHERE user_id = :user_id;

-- name: code_used
SELECT step FROM code_used WHERE user_id = :user_id;

-- name: note_code_used
INSERT INTO code_used (user_id, step) VALUES (:user_id, :step)
ON CONFLICT (user_id) DO UPDATE SET step = max(step, excluded.step);
