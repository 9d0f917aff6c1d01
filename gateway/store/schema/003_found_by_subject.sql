-- Open guidance is found by what it is about, so that what an event costs does not grow with what stands open.
-- A body that is no JSON any more is under no subject; its hash tells of it where it is read.
CREATE INDEX guidance_open_of_lot ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END) WHERE open = 1;
CREATE INDEX guidance_open_of_sample ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.measured.sample_id') END) WHERE open = 1;
CREATE INDEX guidance_open_of_model ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.predicted.model.name') END) WHERE open = 1;
CREATE INDEX guidance_open_until ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.expires.wall_ns') END) WHERE open = 1;

-- The newest predictions at samples, and what is old enough to be pruned, without reading the whole table.
DROP INDEX prediction_by_sample;
CREATE INDEX prediction_at_samples ON prediction (model, at_ns) WHERE sample_result_id IS NOT NULL;
CREATE INDEX prediction_between_samples ON prediction (at_ns) WHERE sample_result_id IS NULL;
CREATE INDEX departure_by_time ON departure (at_ns);
