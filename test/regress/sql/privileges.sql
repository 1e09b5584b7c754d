-- Nobody may do anything until it is granted; then to one's own connectors.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;
RESET client_min_messages;
SELECT current_database() AS db \gset

-- what PUBLIC has
SELECT oid::regprocedure FROM pg_proc
WHERE proname LIKE 'synchdb%' AND EXISTS
	(SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0);
SELECT oid::regclass FROM pg_class
WHERE relname LIKE 'synchdb%' AND relkind IN ('r', 'v', 'S') AND EXISTS
	(SELECT FROM aclexplode(relacl) WHERE grantee = 0);

CREATE ROLE regress_synchdb_monitor IN ROLE pg_monitor;
CREATE ROLE regress_synchdb_owner;
CREATE ROLE regress_synchdb_member IN ROLE regress_synchdb_owner;
CREATE ROLE regress_synchdb_other;

SELECT synchdb_add_conninfo('super', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'mysql');

SET ROLE regress_synchdb_other;
SELECT synchdb_add_conninfo('x', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'mysql');
SELECT synchdb_start_engine_bgw('super');
SELECT * FROM synchdb_get_state();
SELECT * FROM synchdb_conninfo;
SELECT * FROM synchdb_state_view;

-- pg_monitor sees states and counters, not definitions
SET ROLE regress_synchdb_monitor;
SELECT * FROM synchdb_state_view;
SELECT count(*) FROM synchdb_stats_view;
SELECT count(*) FROM synchdb_genstats;
SELECT count(*) FROM synchdb_cdcstats;
SELECT count(*) FROM synchdb_snapstats;
SELECT count(*) FROM synchdb_get_stats();
SELECT count(*) FROM synchdb_att_view;
SELECT * FROM synchdb_conninfo;
SELECT synchdb_stop_engine_bgw('super');
RESET ROLE;

-- with the right to call the functions, one's own connectors only
CREATE PROCEDURE grant_all(role text) LANGUAGE plpgsql AS $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT oid FROM pg_proc WHERE proname LIKE 'synchdb%' LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, role);
	END LOOP;
END $$;
BEGIN;
CALL grant_all('regress_synchdb_owner');
CALL grant_all('regress_synchdb_other');
COMMIT;

SET ROLE regress_synchdb_owner;
SELECT synchdb_add_conninfo('own', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'mysql');
\set VERBOSITY terse
SELECT synchdb_stop_engine_bgw('super');
\set VERBOSITY default

SET ROLE regress_synchdb_member;
SELECT synchdb_set_snapstats('own', 1, 2, 3, 4);
SELECT name, tables, rows FROM synchdb_get_stats() WHERE name = 'own';

SET ROLE regress_synchdb_other;
SELECT synchdb_stop_engine_bgw('own');
\set VERBOSITY terse
SELECT synchdb_start_engine_bgw('own');
SELECT synchdb_start_engine_bgw('own', 'initial');
SELECT synchdb_pause_engine('own');
SELECT synchdb_resume_engine('own');
SELECT synchdb_restart_connector('own', 'initial');
SELECT synchdb_set_offset('own', '{}');
SELECT synchdb_set_password('own', 'p');
SELECT synchdb_reset_stats('own');
SELECT synchdb_set_snapstats('own', 1, 2, 3, 4);
SELECT synchdb_reload_objmap('own');
SELECT synchdb_log_jvm_meminfo('own');
SELECT synchdb_add_objmap('own', 'table', 'a.b', 'c');
SELECT synchdb_del_objmap('own', 'table', 'a.b');
SELECT synchdb_add_extra_conninfo('own', 'required', '', '', '', '');
SELECT synchdb_del_extra_conninfo('own');
SELECT synchdb_add_jmx_conninfo('own', 'l', 1, 'r', 1, true, '', '', true, '', '', '', '');
SELECT synchdb_del_jmx_conninfo('own');
SELECT synchdb_add_jmx_exporter_conninfo('own', 'e', 1, 'c');
SELECT synchdb_del_jmx_exporter_conninfo('own');
SELECT synchdb_add_olr_conninfo('own', 'h', 1, 'o');
SELECT synchdb_del_olr_conninfo('own');
SELECT synchdb_add_infinispan('own', 'heap', 1);
SELECT synchdb_del_infinispan('own');
SELECT synchdb_del_conninfo('own');
\set VERBOSITY default

-- a superuser may all, also when the owner is gone
RESET ROLE;
SELECT name, data ->> 'owner' AS owner FROM synchdb_conninfo WHERE name = 'own';
DROP PROCEDURE grant_all;
DROP OWNED BY regress_synchdb_owner, regress_synchdb_other;
DROP ROLE regress_synchdb_monitor, regress_synchdb_owner, regress_synchdb_member, regress_synchdb_other;
SELECT synchdb_stop_engine_bgw('own');
SELECT synchdb_del_conninfo('own'), synchdb_del_conninfo('super');
