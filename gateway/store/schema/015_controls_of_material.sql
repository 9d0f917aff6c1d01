-- Rules look back over each control material, however often the others are measured.
CREATE INDEX control_point_of_material ON control_point (analyte, material, at_ns);
