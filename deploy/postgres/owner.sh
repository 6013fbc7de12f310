#!/bin/sh
# Runs once, when the volume is empty: makes the owner of the database, who is no
# superuser, and the gateway's login, who is a member of prosms_app and owns nothing.
# It takes the superuser's password away, so that he can log in from inside the
# container alone.
set -eu
psql -v ON_ERROR_STOP=1 -v owner="$OWNER_PASSWORD" -v gateway="$GATEWAY_PASSWORD" --username postgres --dbname postgres <<'SQL'
CREATE ROLE prosms LOGIN CREATEROLE PASSWORD :'owner';
CREATE ROLE prosms_app NOLOGIN;
GRANT prosms_app TO prosms WITH ADMIN OPTION;
CREATE ROLE prosms_gateway LOGIN IN ROLE prosms_app PASSWORD :'gateway';
CREATE DATABASE prosms OWNER prosms;
ALTER ROLE postgres PASSWORD NULL;
SQL
