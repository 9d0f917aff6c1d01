-- A series has one point for each sample: the mean of its replicates, or the limit that all of them lie beyond.
-- series_point keeps what was charted result by result until now; nothing is added to it any more.
CREATE TABLE series_sample (
    client_id  TEXT NOT NULL DEFAULT '',
    study_id   TEXT NOT NULL DEFAULT '',
    product    TEXT NOT NULL,
    analyte    TEXT NOT NULL,
    sample_id  TEXT NOT NULL,
    at_ns      INTEGER NOT NULL,
    value      REAL NOT NULL,
    qualifier  TEXT,
    results    TEXT NOT NULL,
    hash       TEXT,
    PRIMARY KEY (client_id, product, analyte, study_id, sample_id)
) STRICT;
CREATE INDEX series_sample_in_order ON series_sample (client_id, product, analyte, study_id, at_ns, sample_id);
CREATE INDEX series_sample_by_id ON series_sample (client_id, product, study_id, sample_id);

CREATE TRIGGER series_sample_hashed AFTER INSERT ON series_sample WHEN NEW.hash IS NULL BEGIN
    UPDATE series_sample SET hash =
        evidence_hash('series_sample', CAST(NEW.client_id AS BLOB), CAST(NEW.study_id AS BLOB),
        CAST(NEW.product AS BLOB), CAST(NEW.analyte AS BLOB), CAST(NEW.sample_id AS BLOB), NEW.at_ns, NEW.value, CAST(NEW.qualifier AS BLOB), CAST(NEW.results AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW series_sample_checked AS SELECT rowid AS row_number, *, hash IS
    evidence_hash('series_sample', CAST(client_id AS BLOB), CAST(study_id AS BLOB), CAST(product AS BLOB),
    CAST(analyte AS BLOB), CAST(sample_id AS BLOB), at_ns,
    value, CAST(qualifier AS BLOB), CAST(results AS BLOB)) AS holds
FROM series_sample;

-- of what does not hold no point is made
INSERT INTO series_sample (product, analyte, sample_id, at_ns, value, results)
SELECT product, analyte, sample_id, min(at_ns), avg(value),
       json_group_array(json_object('result_id', result_id, 'at_ns', at_ns, 'value', value, 'qualifier', NULL))
FROM (SELECT * FROM series_point_checked WHERE holds ORDER BY at_ns, result_id)
GROUP BY product, analyte, sample_id;
