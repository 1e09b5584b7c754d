--
-- State and counters
--
CREATE VIEW synchdb_state_view AS
	SELECT name, connector_type, pid, stage, state, err, last_dbz_offset
	FROM synchdb_get_state();
COMMENT ON VIEW synchdb_state_view IS
	'state of each connector';

CREATE VIEW synchdb_stats_view AS
	SELECT name, ddls, dmls, reads, creates, updates, deletes, bad_events,
		total_events, batches_done,
		coalesce(total_events / nullif(batches_done, 0), 0) AS avg_batch_size,
		first_src_ts, first_dbz_ts, first_pg_ts,
		last_src_ts, last_dbz_ts, last_pg_ts
	FROM synchdb_checkpoint;
COMMENT ON VIEW synchdb_stats_view IS
	'counters of each connector; times are milliseconds since 1970';

CREATE VIEW synchdb_genstats AS
	SELECT name, bad_events, total_events, batches_done,
		coalesce(total_events / nullif(batches_done, 0), 0)
			AS average_batch_size,
		first_src_ts, first_pg_ts, last_src_ts, last_pg_ts
	FROM synchdb_checkpoint;
COMMENT ON VIEW synchdb_genstats IS
	'events and batches of each connector; times are milliseconds since 1970';

CREATE VIEW synchdb_cdcstats AS
	SELECT name, ddls, dmls, creates, updates, deletes, txs, truncates
	FROM synchdb_checkpoint;
COMMENT ON VIEW synchdb_cdcstats IS
	'changes that each connector applied from its stream';

CREATE VIEW synchdb_snapstats AS
	SELECT name, tables, reads AS rows, snapshot_begin_ts, snapshot_end_ts
	FROM synchdb_checkpoint;
COMMENT ON VIEW synchdb_snapstats IS
	'what each connector copied in snapshots; times are milliseconds since 1970';

--
-- Columns at the source and here, in the order that scripts rely on
--
CREATE VIEW synchdb_att_view AS
	SELECT a.name, a.type, a.attnum, a.ext_tbname,
		(n.nspname || '.') || c.relname AS pg_tbname,
		a.ext_attname, p.attname AS pg_attname, a.ext_atttypename,
		format_type(p.atttypid, NULL) AS pg_atttypename,
		o.dstobj AS transform
	FROM synchdb_attribute a
		LEFT JOIN pg_class c ON c.oid = a.attrelid
		LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_attribute p
			ON p.attrelid = a.attrelid AND p.attnum = a.attnum
		LEFT JOIN synchdb_objmap o
			ON o.name = a.name AND o.objtype = 'transform' AND o.enabled
			AND o.srcobj = lower((a.ext_tbname || '.') || a.ext_attname)
	ORDER BY a.name, a.type, a.ext_tbname, a.attnum;
COMMENT ON VIEW synchdb_att_view IS
	'columns of replicated tables, at the source and here';
