-- What the other results of a lot ask for is counted with each result: along an index, without reading what they say.
CREATE INDEX assessment_counted ON assessment (material_lot_id, asks, failed, subject, approved, analyte, product);
CREATE INDEX assessment_asking ON assessment (material_lot_id, asks);
