-- The guidance of a lot, open or not, without reading all that was issued in its time.
DROP INDEX guidance_in_time;
DROP INDEX guidance_open_of_lot;
CREATE INDEX guidance_of_lot ON guidance
    (CASE WHEN json_valid(body) THEN json_extract(body, '$.material_lot_id') END, issued_ns);
