-- A deviation grows with the results that join it. Each row is one version of it, with the result that joined: deviation_id
-- is the version's own id. What else is asked for comes from the body, which the hash covers: which deviation the row is a
-- version of, which version, and whether it is about a lot or about an episode of a series.
ALTER TABLE deviation ADD COLUMN grown_from TEXT AS (
    CASE WHEN json_valid(body) THEN coalesce(json_extract(body, '$.deviation_id'), deviation_id) ELSE deviation_id END
) VIRTUAL;
ALTER TABLE deviation ADD COLUMN version INTEGER AS (
    CASE WHEN json_valid(body) THEN coalesce(json_extract(body, '$.version'), 1) ELSE 1 END
) VIRTUAL;
ALTER TABLE deviation ADD COLUMN scope TEXT AS (
    coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.scope') END,
             CASE WHEN material_lot_id IS NULL THEN 'series' ELSE 'lot' END)
) VIRTUAL;
-- for whom the result was measured that it is about
ALTER TABLE deviation ADD COLUMN client_id TEXT AS (
    coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.result.client_id') END, '')
) VIRTUAL;
ALTER TABLE deviation ADD COLUMN study_id TEXT AS (
    coalesce(CASE WHEN json_valid(body) THEN json_extract(body, '$.result.study_id') END, '')
) VIRTUAL;
DROP INDEX deviation_of_product;
CREATE INDEX deviation_of_product ON deviation (product, analyte, client_id, study_id, at_ns);
CREATE INDEX deviation_versions ON deviation (grown_from, version);
