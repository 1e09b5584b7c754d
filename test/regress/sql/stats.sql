-- Counters: the same numbers in every view, and their change by hand.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;
RESET client_min_messages;
SELECT current_database() AS db \gset

SELECT synchdb_add_conninfo('c', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'mysql');
SELECT * FROM synchdb_stats_view;
INSERT INTO synchdb_checkpoint (name, position, error, ddls, dmls, reads, creates, updates, deletes, txs,
	truncates, bad_events, total_events, batches_done, tables, first_src_ts, first_dbz_ts, first_pg_ts,
	last_src_ts, last_dbz_ts, last_pg_ts, snapshot_begin_ts, snapshot_end_ts)
VALUES ('c', '{"file": "f", "pos": 4}', 'something broke', 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 3, 12, 13, 14, 15,
	16, 17, 18, 19, 20);
\x
SELECT * FROM synchdb_stats_view;
SELECT * FROM synchdb_genstats;
SELECT * FROM synchdb_cdcstats;
SELECT * FROM synchdb_snapstats;
SELECT * FROM synchdb_get_stats();
SELECT * FROM synchdb_state_view;
\x
SELECT synchdb_set_snapstats('c', 10, 20, 1000, 2000);
SELECT * FROM synchdb_snapstats;
SELECT synchdb_reset_stats('c');
\x
SELECT * FROM synchdb_get_stats();
SELECT last_dbz_offset, err FROM synchdb_state_view;
\x
SELECT synchdb_reset_stats('unknown');
SELECT synchdb_set_snapstats('unknown', 1, 2, 3, 4);
SELECT synchdb_del_conninfo('c');
SELECT * FROM synchdb_stats_view;
