-- On which connection the broker has acknowledged a message (0: on none): it is kept until the broker is known to have lived
-- on for a while, as brokers acknowledge before they save, and waits again on any other connection. No evidence.
ALTER TABLE outbox ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
