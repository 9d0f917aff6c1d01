-- name: series
SELECT series_id, name FROM series;

-- name: add_series
INSERT INTO series (name) VALUES (:name) RETURNING series_id;

-- name: append_journal
INSERT INTO journal (last_arrival, hash, payload) VALUES (:last_arrival, :hash, :payload);

-- name: prune_journal
DELETE FROM journal WHERE last_arrival < :oldest_pending;

-- name: journal
SELECT last_arrival, hash, payload FROM journal ORDER BY last_arrival;

-- name: seal
INSERT INTO chunk (series_id, number, first_ns, last_ns, last_arrival, count, hash, payload)
VALUES (:series_id, :number, :first_ns, :last_ns, :last_arrival, :count, :hash, :payload);

-- A cell of another type than it was written with is damage, and so is a number that can never be reached: it is counted,
-- and compared with nothing.
-- name: newest_chunks
SELECT series_id, max(number) AS number, max(last_arrival) AS last_arrival, count(*) - count(number) AS unnumbered FROM (
    SELECT series_id, CASE WHEN typeof(number) = 'integer' AND number < 1 << 61 THEN number END AS number,
           CASE WHEN typeof(last_arrival) = 'integer' AND last_arrival < 1 << 61 THEN last_arrival END AS last_arrival
    FROM chunk WHERE typeof(series_id) = 'integer'
) GROUP BY series_id;

-- name: chunks_of_stretch
SELECT min(number), max(number), (
    SELECT number FROM chunk WHERE series_id = :series_id AND last_ns < :start_ns AND typeof(number) = 'integer'
      AND NOT EXISTS (SELECT 1 FROM json_each(:steps_back) WHERE last_arrival < value ->> 0 AND last_ns > value ->> 1)
    ORDER BY last_ns DESC, number DESC LIMIT 1
) FROM chunk WHERE series_id = :series_id AND last_ns >= :start_ns AND first_ns <= :end_ns AND typeof(number) = 'integer'
  AND NOT EXISTS (  -- samples dated later than where a clock was set back to are void
    SELECT 1 FROM json_each(:steps_back) WHERE last_arrival < value ->> 0 AND :start_ns > value ->> 1
  );

-- name: chunk_numbers
SELECT number, last_ns, last_arrival FROM chunk
WHERE series_id = :series_id AND number BETWEEN :first_number AND :last_number ORDER BY number;

-- name: chunk
SELECT number, first_ns, last_ns, last_arrival, count, hash, payload FROM chunk
WHERE series_id = :series_id AND number = :number;

-- name: oldest_chunks
SELECT series_id, number, first_ns, last_ns, count FROM chunk
WHERE series_id NOT IN (SELECT series_id FROM series WHERE name = '@') ORDER BY last_ns LIMIT :most;

-- name: delete_chunk
DELETE FROM chunk WHERE series_id = :series_id AND number = :number;

-- name: delete_chunks_before
DELETE FROM chunk WHERE (series_id, number) IN (
    SELECT series_id, number FROM chunk
    WHERE last_ns < :before_ns AND series_id NOT IN (SELECT series_id FROM series WHERE name = '@')
    ORDER BY last_ns LIMIT :most
);

-- samples that a clock that was ahead has dated into the future are as old as the time that it was set back to
-- name: delete_void_chunks
DELETE FROM chunk WHERE last_ns > :now_ns AND last_arrival < :arrival
  AND series_id NOT IN (SELECT series_id FROM series WHERE name = '@');

-- name: size
SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size();

-- name: newest_chunks_of_series
SELECT number FROM chunk WHERE series_id = :series_id ORDER BY number DESC;

-- name: latest_of_chunks
SELECT last_ns FROM chunk INDEXED BY chunk_by_time
WHERE series_id = :series_id AND number < :below AND typeof(last_ns) = 'integer' ORDER BY last_ns DESC LIMIT 1;

-- name: ends_of_chunks
SELECT last_ns, last_arrival FROM chunk WHERE series_id = :series_id AND number < :below;
