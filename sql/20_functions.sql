--
-- Connectors
--
CREATE FUNCTION synchdb_add_conninfo(
	name name, host text, port int, username text, password text,
	source_database text, destination_database text, tables text,
	snapshot_tables text, connector text
) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_add_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_add_conninfo(name, text, int, text, text, text, text, text, text, text) IS
	'adds a connector';

CREATE FUNCTION synchdb_set_password(name name, password text) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_set_password'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_set_password(name, text) IS
	'replaces the password of a connector';

CREATE FUNCTION synchdb_del_conninfo(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_del_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_del_conninfo(name) IS
	'stops a connector and removes everything of it but the replicated tables';

CREATE FUNCTION synchdb_add_extra_conninfo(
	name name, ssl_mode name, keystore text, keystore_password text,
	truststore text, truststore_password text
) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_add_extra_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_add_extra_conninfo(name, name, text, text, text, text) IS
	'sets how a connector uses TLS';

CREATE FUNCTION synchdb_del_extra_conninfo(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_del_extra_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_del_extra_conninfo(name) IS
	'removes the TLS settings of a connector';

CREATE FUNCTION synchdb_add_olr_conninfo(
	name name, host text, port int, source text
) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_add_olr_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_add_olr_conninfo(name, text, int, text) IS
	'stores where OpenLogReplicator is';

CREATE FUNCTION synchdb_del_olr_conninfo(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_del_olr_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_del_olr_conninfo(name) IS
	'removes what synchdb_add_olr_conninfo stored';

CREATE FUNCTION synchdb_add_jmx_conninfo(
	name name, listen_address text, port int, rmi_address text, rmi_port int,
	auth bool, password_file text, access_file text, ssl bool, keystore text,
	keystore_password text, truststore text, truststore_password text
) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_add_jmx_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_add_jmx_conninfo(name, text, int, text, int, bool, text, text, bool, text, text, text, text) IS
	'stores JMX settings, which nothing needs';

CREATE FUNCTION synchdb_del_jmx_conninfo(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_del_jmx_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_del_jmx_conninfo(name) IS
	'removes what synchdb_add_jmx_conninfo stored';

CREATE FUNCTION synchdb_add_jmx_exporter_conninfo(
	name name, exporter text, port int, configuration text
) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_add_jmx_exporter_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_add_jmx_exporter_conninfo(name, text, int, text) IS
	'stores JMX exporter settings, which nothing needs';

CREATE FUNCTION synchdb_del_jmx_exporter_conninfo(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_del_jmx_exporter_conninfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_del_jmx_exporter_conninfo(name) IS
	'removes what synchdb_add_jmx_exporter_conninfo stored';

CREATE FUNCTION synchdb_add_infinispan(
	name name, memory_type name, memory_size int
) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_add_infinispan'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_add_infinispan(name, name, int) IS
	'stores buffer settings, which nothing needs';

CREATE FUNCTION synchdb_del_infinispan(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_del_infinispan'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_del_infinispan(name) IS
	'removes what synchdb_add_infinispan stored';

--
-- Control
--
CREATE FUNCTION synchdb_start_engine_bgw(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_start_engine_bgw'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_start_engine_bgw(name) IS
	'starts a connector with snapshot mode "initial"';

CREATE FUNCTION synchdb_start_engine_bgw(name name, snapshot_mode name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_start_engine_bgw_mode'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_start_engine_bgw(name, name) IS
	'starts a connector';

CREATE FUNCTION synchdb_stop_engine_bgw(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_stop_engine_bgw'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_stop_engine_bgw(name) IS
	'stops a connector';

CREATE FUNCTION synchdb_pause_engine(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_pause_engine'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_pause_engine(name) IS
	'pauses a connector';

CREATE FUNCTION synchdb_resume_engine(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_resume_engine'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_resume_engine(name) IS
	'resumes a paused connector';

CREATE FUNCTION synchdb_restart_connector(name name, snapshot_mode name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_restart_connector'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_restart_connector(name, name) IS
	'restarts a running connector with its present definition';

CREATE FUNCTION synchdb_set_offset(name name, source_position text) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_set_offset'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_set_offset(name, text) IS
	'sets the source position of a connector that is paused or stopped';

CREATE FUNCTION synchdb_resync_table(name name, source_table text) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_resync_table'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_resync_table(name, text) IS
	'copies one table again, while the connector goes on';

CREATE FUNCTION synchdb_retry_error(id bigint) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_retry_error'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_retry_error(bigint) IS
	'applies a change that was left out, and removes it from synchdb_error';

CREATE FUNCTION synchdb_conninfo_changed() RETURNS trigger
AS 'MODULE_PATHNAME', 'sdb_sql_conninfo_changed'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_conninfo_changed() IS
	'tells a running connector that its definition has changed';
CREATE TRIGGER synchdb_conninfo_changed
	AFTER UPDATE OF data ON synchdb_conninfo FOR EACH ROW
	WHEN (old.data IS DISTINCT FROM new.data)
	EXECUTE FUNCTION synchdb_conninfo_changed();

CREATE FUNCTION synchdb_reload_objmap(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_reload_objmap'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_reload_objmap(name) IS
	'makes a running connector read its rules again';

CREATE FUNCTION synchdb_log_jvm_meminfo(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_log_jvm_meminfo'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_log_jvm_meminfo(name) IS
	'logs the memory contexts of a running connector';

CREATE FUNCTION synchdb_reset_stats(name name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_reset_stats'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_reset_stats(name) IS
	'sets the counters of a connector to zero';

CREATE FUNCTION synchdb_set_snapstats(
	name name, tables bigint, rows bigint, begin_ts bigint, end_ts bigint
) RETURNS void
AS 'MODULE_PATHNAME', 'sdb_sql_set_snapstats'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_set_snapstats(name, bigint, bigint, bigint, bigint) IS
	'adds to the snapshot counters of a connector';

--
-- Rules and types
--
CREATE FUNCTION synchdb_add_objmap(
	name name, objtype name, srcobj name, dstobj text
) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_add_objmap'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_add_objmap(name, name, name, text) IS
	'adds or replaces a rule';

CREATE FUNCTION synchdb_del_objmap(name name, objtype name, srcobj name) RETURNS int
AS 'MODULE_PATHNAME', 'sdb_sql_del_objmap'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_del_objmap(name, name, name) IS
	'disables a rule';

CREATE FUNCTION synchdb_translate_datatype(
	connector name, source_type name, length bigint, scale bigint,
	prec bigint
) RETURNS text
AS 'MODULE_PATHNAME', 'sdb_sql_translate_datatype'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_translate_datatype(name, name, bigint, bigint, bigint) IS
	'tells which type a source type becomes';

--
-- State and counters
--
CREATE FUNCTION synchdb_get_state(
	OUT name text, OUT connector_type text, OUT pid int, OUT stage text,
	OUT state text, OUT err text, OUT last_dbz_offset text
) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'sdb_sql_get_state'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_get_state() IS
	'state of each connector of this database';

CREATE FUNCTION synchdb_check_connector(
	connector name, OUT name text, OUT passed bool, OUT fatal bool,
	OUT detail text, OUT hint text
) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'sdb_sql_check_connector'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION synchdb_check_connector(name) IS
	'connects to the source and tells whether it is ready, changing nothing';

CREATE FUNCTION synchdb_get_stats(
	OUT name text, OUT ddls bigint, OUT dmls bigint, OUT creates bigint,
	OUT updates bigint, OUT deletes bigint, OUT txs bigint,
	OUT truncates bigint, OUT bad_events bigint, OUT total_events bigint,
	OUT batches_done bigint, OUT average_batch_size bigint,
	OUT first_src_ts bigint, OUT first_pg_ts bigint, OUT last_src_ts bigint,
	OUT last_pg_ts bigint, OUT tables bigint, OUT rows bigint,
	OUT snapshot_begin_ts bigint, OUT snapshot_end_ts bigint
) RETURNS SETOF record
LANGUAGE SQL VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT c.name, c.ddls, c.dmls, c.creates, c.updates, c.deletes, c.txs,
		c.truncates, c.bad_events, c.total_events, c.batches_done,
		coalesce(c.total_events / nullif(c.batches_done, 0), 0),
		c.first_src_ts, c.first_pg_ts, c.last_src_ts, c.last_pg_ts,
		c.tables, c.reads, c.snapshot_begin_ts, c.snapshot_end_ts
	FROM synchdb_checkpoint c
	ORDER BY c.name;
END;
COMMENT ON FUNCTION synchdb_get_stats() IS
	'counters of each connector of this database';
