-- name: version_changes
SELECT model, act, version, bundle_sha256, folder, at_ns, person, reason,
       holds AND vouched('version_change ' || json_array(model, seq), hash) AS holds,
       'version_change ' || seq AS record
FROM version_change_checked ORDER BY seq;

-- name: insert_version_change
INSERT INTO version_change (model, act, version, bundle_sha256, folder, at_ns, person, reason)
VALUES (:model, :act, :version, :bundle_sha256, :folder, :at_ns, :person, :reason);
