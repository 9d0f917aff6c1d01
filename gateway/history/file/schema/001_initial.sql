-- Tag history. A series is a tag, or a source (its name begins with @). Times are int64 nanoseconds UTC.

CREATE TABLE series (
    series_id  INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE
) STRICT;

-- sealed columns of one series; numbers follow on each other, so that a missing chunk is seen
CREATE TABLE chunk (
    series_id     INTEGER NOT NULL REFERENCES series,
    number        INTEGER NOT NULL,
    first_ns      INTEGER NOT NULL,
    last_ns       INTEGER NOT NULL,
    last_arrival  INTEGER NOT NULL,
    count         INTEGER NOT NULL,
    hash          TEXT NOT NULL,
    payload       BLOB NOT NULL,
    PRIMARY KEY (series_id, number)
) STRICT;
CREATE INDEX chunk_by_time ON chunk (series_id, last_ns, first_ns, number);
CREATE INDEX chunk_by_age ON chunk (last_ns);

-- what arrived within one second, of all series, until it is sealed
CREATE TABLE journal (
    last_arrival  INTEGER PRIMARY KEY,
    hash          TEXT NOT NULL,
    payload       BLOB NOT NULL
) STRICT;
