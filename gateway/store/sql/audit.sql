-- name: last_audit
SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1;

-- name: append_audit
INSERT INTO audit (seq, at_ns, kind, subject, body, previous, hash)
VALUES (:seq, :at_ns, :kind, :subject, :body, :previous, :hash);

-- name: whole_audit
SELECT seq, at_ns, kind, subject, body, previous, hash FROM audit ORDER BY seq;

-- name: last_configuration
SELECT subject FROM audit WHERE kind = 'gateway_started' ORDER BY seq DESC LIMIT 1;
