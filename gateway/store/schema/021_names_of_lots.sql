-- Which products and clients the results of a lot name is asked with each result: in a lot of thousands it costs the same.
CREATE INDEX assessment_naming_product ON assessment (material_lot_id, json_extract(body, '$.own_product'))
WHERE json_extract(body, '$.own_product') IS NOT NULL;
CREATE INDEX assessment_naming_client ON assessment (material_lot_id, json_extract(body, '$.own_client'))
WHERE json_extract(body, '$.own_client') IS NOT NULL;
