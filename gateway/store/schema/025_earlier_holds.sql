-- Whether a lot was ever on hold is asked with each result of it: in a lot of thousands it costs the same.
CREATE INDEX disposition_of_hold ON disposition (material_lot_id) WHERE recommendation = 'hold';
