--
-- Only the owner of the extension may use it, until it grants rights.
-- pg_monitor sees states and counters, in which there are no secrets.
--
REVOKE ALL ON TABLE
	synchdb_conninfo, synchdb_objmap, synchdb_attribute, synchdb_checkpoint,
	synchdb_table, synchdb_range, synchdb_error,
	synchdb_state_view, synchdb_stats_view, synchdb_genstats,
	synchdb_cdcstats, synchdb_snapstats, synchdb_att_view
FROM PUBLIC;
REVOKE ALL ON SEQUENCE synchdb_error_id_seq FROM PUBLIC;

REVOKE ALL ON FUNCTION
	synchdb_add_conninfo,
	synchdb_add_extra_conninfo,
	synchdb_add_infinispan,
	synchdb_add_jmx_conninfo,
	synchdb_add_jmx_exporter_conninfo,
	synchdb_add_objmap,
	synchdb_add_olr_conninfo,
	synchdb_check_connector,
	synchdb_conninfo_changed,
	synchdb_del_conninfo,
	synchdb_del_extra_conninfo,
	synchdb_del_infinispan,
	synchdb_del_jmx_conninfo,
	synchdb_del_jmx_exporter_conninfo,
	synchdb_del_objmap,
	synchdb_del_olr_conninfo,
	synchdb_get_state,
	synchdb_get_stats,
	synchdb_log_jvm_meminfo,
	synchdb_pause_engine,
	synchdb_reload_objmap,
	synchdb_reset_stats,
	synchdb_restart_connector,
	synchdb_retry_error,
	synchdb_resync_table,
	synchdb_resume_engine,
	synchdb_set_offset,
	synchdb_set_password,
	synchdb_set_snapstats,
	synchdb_start_engine_bgw(name),
	synchdb_start_engine_bgw(name, name),
	synchdb_stop_engine_bgw,
	synchdb_translate_datatype
FROM PUBLIC;

GRANT SELECT ON
	synchdb_state_view, synchdb_stats_view, synchdb_genstats,
	synchdb_cdcstats, synchdb_snapstats, synchdb_att_view
TO pg_monitor;
GRANT EXECUTE ON FUNCTION synchdb_get_state(), synchdb_get_stats()
TO pg_monitor;
