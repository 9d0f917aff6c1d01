-- Names with | could be several lots: whether production uses any is asked with each result.
CREATE INDEX lot_with_bar ON lot (material_lot_id) WHERE instr(material_lot_id, '|') > 0;
CREATE INDEX material_use_with_bar ON material_use (material_lot_id) WHERE instr(material_lot_id, '|') > 0;
CREATE INDEX material_consumed_with_bar ON material_use (consumed_lot_id) WHERE instr(consumed_lot_id, '|') > 0;
