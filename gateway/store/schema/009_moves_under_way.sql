-- The suggestions that stand, without reading every hold that stands.
CREATE INDEX guidance_open_suggestion ON guidance (issued_ns) WHERE open = 1 AND kind = 'setpoint';
