-- How far projections and relays have come. All of this file can be made again
-- from the log.

-- +goose Up

CREATE TABLE projection_checkpoints (
    projection TEXT    PRIMARY KEY,
    position   INTEGER NOT NULL
) STRICT;

CREATE TABLE relay_offsets (
    consumer_group TEXT    PRIMARY KEY,
    position       INTEGER NOT NULL
) STRICT;
