-- After which message from outside a prediction was made, so that a replay decides in the same order: what is urgent
-- is decided first, so the times alone do not tell it. '' is before all of them; NULL is not on record. No evidence.
ALTER TABLE prediction ADD COLUMN after_event TEXT;
