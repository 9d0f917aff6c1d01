-- The gaps of a time, without asking for each tag of an equipment.
CREATE INDEX gap_in_time ON gap (ifnull(until_ns, 9223372036854775807), from_ns, subject, gap_id);
