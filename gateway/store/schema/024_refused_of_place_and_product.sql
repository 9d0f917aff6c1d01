-- Refused messages that name an order or an equipment: of which lots they speak is found with each look, as production may
-- tell it later. timed: whether the sample's own instant is known, else drawn_ns is when the message came.
CREATE TABLE refused_in_place (
    dead_letter_id  TEXT PRIMARY KEY,
    event_id        TEXT NOT NULL,
    source          TEXT NOT NULL,
    sample_id       TEXT,
    test_id         TEXT,
    equipment_id    TEXT,
    job_order_id    TEXT,
    drawn_ns        INTEGER NOT NULL,
    timed           INTEGER NOT NULL,
    at_ns           INTEGER NOT NULL,
    reasons         TEXT NOT NULL,
    result          TEXT,
    hash            TEXT
) STRICT;
CREATE INDEX refused_on_equipment ON refused_in_place (equipment_id, drawn_ns) WHERE equipment_id IS NOT NULL;
CREATE INDEX refused_of_order ON refused_in_place (job_order_id) WHERE job_order_id IS NOT NULL;
CREATE INDEX refused_in_place_of_event ON refused_in_place (event_id);
CREATE INDEX refused_in_place_of_sample ON refused_in_place (sample_id, source) WHERE sample_id IS NOT NULL;
CREATE TRIGGER refused_in_place_hashed AFTER INSERT ON refused_in_place WHEN NEW.hash IS NULL BEGIN
    UPDATE refused_in_place SET hash =
        evidence_hash('refused_in_place', CAST(NEW.dead_letter_id AS BLOB), CAST(NEW.event_id AS BLOB),
        CAST(NEW.source AS BLOB), CAST(NEW.sample_id AS BLOB), CAST(NEW.test_id AS BLOB),
        CAST(NEW.equipment_id AS BLOB), CAST(NEW.job_order_id AS BLOB), NEW.drawn_ns, NEW.timed, NEW.at_ns,
        CAST(NEW.reasons AS BLOB), CAST(NEW.result AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW refused_in_place_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('refused_in_place', CAST(dead_letter_id AS BLOB), CAST(event_id AS BLOB), CAST(source AS
        BLOB), CAST(sample_id AS BLOB), CAST(test_id AS BLOB), CAST(equipment_id AS BLOB), CAST(job_order_id
        AS BLOB), drawn_ns, timed, at_ns, CAST(reasons AS BLOB), CAST(result AS BLOB)) AS holds
FROM refused_in_place;

-- Refused messages that name a product ('' for any) or an analyte: mostly specifications. The same message once.
CREATE TABLE refused_of_product (
    payload_sha256  TEXT NOT NULL,
    product         TEXT NOT NULL,
    dead_letter_id  TEXT NOT NULL,
    event_id        TEXT NOT NULL,
    source          TEXT NOT NULL,
    analyte         TEXT,
    client_id       TEXT,
    version         TEXT,
    from_ns         INTEGER,
    states_limits   INTEGER NOT NULL,
    may_require     INTEGER NOT NULL,
    at_ns           INTEGER NOT NULL,
    reasons         TEXT NOT NULL,
    hash            TEXT,
    PRIMARY KEY (payload_sha256, product)
) STRICT;
CREATE INDEX refused_of_product_by_name ON refused_of_product (product);
CREATE INDEX refused_of_product_of_event ON refused_of_product (event_id);
CREATE TRIGGER refused_of_product_hashed AFTER INSERT ON refused_of_product WHEN NEW.hash IS NULL BEGIN
    UPDATE refused_of_product SET hash =
        evidence_hash('refused_of_product', CAST(NEW.payload_sha256 AS BLOB), CAST(NEW.product AS BLOB),
        CAST(NEW.dead_letter_id AS BLOB), CAST(NEW.event_id AS BLOB), CAST(NEW.source AS BLOB),
        CAST(NEW.analyte AS BLOB), CAST(NEW.client_id AS BLOB), CAST(NEW.version AS BLOB), NEW.from_ns,
        NEW.states_limits, NEW.may_require, NEW.at_ns, CAST(NEW.reasons AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW refused_of_product_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('refused_of_product', CAST(payload_sha256 AS BLOB), CAST(product AS BLOB),
        CAST(dead_letter_id AS BLOB), CAST(event_id AS BLOB), CAST(source AS BLOB), CAST(analyte AS BLOB),
        CAST(client_id AS BLOB), CAST(version AS BLOB), from_ns, states_limits, may_require, at_ns,
        CAST(reasons AS BLOB)) AS holds
FROM refused_of_product;
