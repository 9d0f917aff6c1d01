-- The index of all records (gateway/knowledge). It is derived: it finds, and what is shown is read from the store.

CREATE TABLE document (
    number     INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    key        TEXT NOT NULL,
    at_ns      INTEGER NOT NULL,
    kept       INTEGER NOT NULL,
    UNIQUE (kind, key)
) STRICT;
CREATE INDEX document_by_time ON document (at_ns);
CREATE INDEX document_to_drop ON document (at_ns) WHERE kept = 0;

-- Folded words; facets: one word for each value of a field. Its rows have the numbers of their documents.
CREATE VIRTUAL TABLE words USING fts5 (title, body, facets, tokenize = 'unicode61 remove_diacritics 0', prefix = '4 5');

-- One row: of which store it is and how far it has come. seq: the newest line of the trail that it knows, with its hash;
-- scanning: which table is read to build it ('': none), up to which row. dropped: the oldest that had no room.
CREATE TABLE progress (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    epoch        TEXT NOT NULL DEFAULT '',
    seq          INTEGER NOT NULL DEFAULT 0,
    hash         TEXT NOT NULL DEFAULT '',
    scanning     TEXT NOT NULL DEFAULT '',
    place        INTEGER NOT NULL DEFAULT 0,
    built        INTEGER NOT NULL DEFAULT 0,
    dropped      INTEGER NOT NULL DEFAULT 0,
    damaged      INTEGER NOT NULL DEFAULT 0,
    procedures   TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO progress (one) VALUES (1);
