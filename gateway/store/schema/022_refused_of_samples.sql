-- A refused message speaks against every lot of which a result of its sample is known, however that is known.
CREATE INDEX assessment_of_any_sample ON assessment (sample_id, source) WHERE sample_id IS NOT NULL;
