-- Whether there are gaps in a time at all, without asking for each tag of an equipment; the end first, as what is asked
-- about is mostly of late.
CREATE INDEX gap_in_time ON gap (ifnull(until_ns, 9223372036854775807), from_ns);
