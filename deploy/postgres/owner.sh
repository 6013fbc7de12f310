#!/bin/sh
# Runs once, when the volume is empty: makes the owner of the database, who is no
# superuser, and takes the superuser's password away, so that he can log in from
# inside the container alone. The owner creates role prosms_app, as which the
# application runs.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$OWNER_PASSWORD" --username postgres --dbname postgres <<'SQL'
CREATE ROLE prosms LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE prosms OWNER prosms;
ALTER ROLE postgres PASSWORD NULL;
SQL
