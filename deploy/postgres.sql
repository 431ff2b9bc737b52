-- The role that kpi-exporter logs in as, and what it may read: figures, no table's rows.
-- Run as a superuser in the database of the target's dsn; running it again is harmless.
-- Then give the role a password: \password monitor
--
-- pg_stat_statements must be in shared_preload_libraries (postgresql.conf, then restart):
-- without it, CREATE EXTENSION works, but reading it does not.

-- Managed services have no superuser: their administrator's role will do, unless monitor
-- is there already and may more than it should.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') THEN
    CREATE ROLE monitor LOGIN;
  ELSIF EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor'
      AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication)) THEN
    ALTER ROLE monitor NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
  END IF;
END
$$;

-- We hold `connections` of the target's configuration (10); one that was lost counts until
-- the server notices.
ALTER ROLE monitor CONNECTION LIMIT 15;

-- Other roles' sessions and statements, and settings that are not for everybody.
GRANT pg_monitor TO monitor;

-- Databases that not everybody may enter. Leave out those that are not to be read.
DO $$
DECLARE
  name text;
BEGIN
  FOR name IN
    SELECT datname FROM pg_database
    WHERE datallowconn AND NOT datistemplate
      AND datname NOT IN ('rdsadmin', 'cloudsqladmin', 'azure_maintenance', 'azure_sys')
      AND NOT has_database_privilege('monitor', oid, 'CONNECT')
  LOOP
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO monitor', name);
  END LOOP;
END
$$;

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
