"""The store: one SQLite database per line, one writing thread, readers on connections of their own.

Invariants, each held by a transaction:

1. A message exists in the outbox if and only if its cause is committed: event, records, audit entries and
   messages of a decision share one transaction.
2. A message leaves the outbox only by its acknowledgement, once the broker is known to have lived on after it, or
   with a committed row in ``departure`` that says why not (expired, withheld, superseded). Acknowledged and told once
   again on another connection, it leaves with the second acknowledgement; expired or superseded before that, without a
   row. A refused one is parked: kept, but not in the way.
3. Order within a lane and topic is the order of commits (``seq``).
4. Redelivery has the same id and the same bytes: the payload is stored, never built again.
5. Expired advice is not sent; that it expired is recorded.
6. An event is decided at most once: its id is in ``event``, and a redelivery is recognised by it.
7. The audit trail only grows (triggers), and every line carries the hash of the one before.

SQLite runs in WAL mode with ``synchronous=FULL``: what is committed survives a power cut, as far as the disk
keeps its word. One lock file per store refuses a second process.
"""
