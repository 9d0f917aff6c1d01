-- name: progress
SELECT epoch, seq, hash, scanning, place, built, dropped, damaged, procedures FROM progress;

-- name: set_progress
UPDATE progress SET epoch = :epoch, seq = :seq, hash = :hash, scanning = :scanning, place = :place, built = :built,
    dropped = :dropped, damaged = :damaged, procedures = :procedures;

-- name: number_of
SELECT number FROM document WHERE kind = :kind AND key = :key;

-- name: insert_document
INSERT INTO document (kind, key, at_ns, kept) VALUES (:kind, :key, :at_ns, :kept);

-- name: update_document
UPDATE document SET at_ns = :at_ns WHERE number = :number;

-- name: delete_document
DELETE FROM document WHERE number = :number;

-- name: insert_words
INSERT INTO words (rowid, title, body, facets) VALUES (:number, :title, :body, :facets);

-- name: delete_words
DELETE FROM words WHERE rowid = :number;

-- name: numbers_of_kind
SELECT number FROM document WHERE kind = :kind;

-- name: oldest_to_drop
SELECT number FROM document WHERE kept = 0 ORDER BY at_ns LIMIT :most;

-- name: count_documents
SELECT kind, count(*) AS documents FROM document GROUP BY kind ORDER BY kind;

-- name: best_matches
SELECT d.kind, d.key, w.score FROM (
    SELECT rowid AS number, bm25(words, 6.0, 1.0, 0.0) AS score FROM words WHERE words MATCH :match
) AS w JOIN document AS d ON d.number = w.number
WHERE d.at_ns BETWEEN :from_ns AND :until_ns ORDER BY w.score, d.at_ns DESC, d.number LIMIT :most OFFSET :beyond;

-- name: newest_matches
SELECT d.kind, d.key, 0.0 AS score FROM (SELECT rowid AS number FROM words WHERE words MATCH :match) AS w
JOIN document AS d ON d.number = w.number
WHERE d.at_ns BETWEEN :from_ns AND :until_ns ORDER BY d.at_ns DESC, d.number LIMIT :most OFFSET :beyond;

-- name: newest_documents
SELECT kind, key, 0.0 AS score FROM document
WHERE at_ns BETWEEN :from_ns AND :until_ns ORDER BY at_ns DESC, number LIMIT :most OFFSET :beyond;
