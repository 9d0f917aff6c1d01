-- name: upsert_guidance
INSERT INTO guidance (guidance_id, kind, state, open, moved_tag, moved_ns, issued_ns, body)
VALUES (:guidance_id, :kind, :state, :open, :moved_tag, :at_ns, :issued_ns, :body)
ON CONFLICT (guidance_id) DO UPDATE SET
    state = excluded.state,
    open = excluded.open,
    moved_ns = CASE WHEN excluded.state = 'applied' THEN excluded.moved_ns ELSE moved_ns END,
    body = excluded.body;

-- name: insert_guidance_state
INSERT OR IGNORE INTO guidance_state (guidance_id, state, at_ns, event_id)
VALUES (:guidance_id, :state, :at_ns, :event_id);

-- name: open_guidance
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked WHERE open = 1 ORDER BY issued_ns;

-- name: guidance_by_id
SELECT body, holds, 'guidance ' || guidance_id AS record FROM guidance_checked WHERE guidance_id = :guidance_id;

-- name: last_moves
SELECT moved_tag, max(moved_ns) FROM guidance WHERE moved_tag IS NOT NULL GROUP BY moved_tag;

-- name: insert_response
INSERT INTO response (event_id, guidance_id, act, person, outcome, body)
VALUES (:event_id, :guidance_id, :act, :person, :outcome, :body);
