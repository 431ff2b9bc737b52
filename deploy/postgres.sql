-- The role that kpi-exporter logs in as, and what it may read: figures, no table's rows.
-- Run as a superuser in the database of the target's dsn; running it again is harmless.
-- Then give the role a password: \password monitor
--
-- pg_stat_statements must be in shared_preload_libraries (postgresql.conf, then restart):
-- without it, CREATE EXTENSION works, but reading it does not.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') THEN
    CREATE ROLE monitor LOGIN;
  END IF;
END
$$;

-- We hold `connections` of the target's configuration (10); one that was lost counts until
-- the server notices.
ALTER ROLE monitor NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 15;

-- Other roles' sessions and statements, and settings that are not for everybody.
GRANT pg_monitor TO monitor;

CREATE EXTENSION IF NOT EXISTS pg_stat_statements;

-- How far sequences are: their last values, which are no rows of tables. Run this part in
-- each further database that is watched, and again when a migration has made new ones.
DO $$
DECLARE
  place text;
BEGIN
  FOR place IN SELECT DISTINCT schemaname FROM pg_sequences LOOP
    EXECUTE format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO monitor', place);
  END LOOP;
END
$$;
