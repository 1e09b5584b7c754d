/*
 * list_file.h --- table lists that lie in a file of the server
 *
 * A table list of the form "file:PATH" stands for what that file holds:
 *
 *		{"table_list": ["db.a", ...], "snapshot_table_list": ["db.a", ...]}
 *
 * PATH is relative to the data directory.
 */
#ifndef SDB_LIST_FILE_H
#define SDB_LIST_FILE_H

/* Keys of the file */
#define LIST_FILE_TABLES	"table_list"
#define LIST_FILE_SNAPSHOT	"snapshot_table_list"

/*
 * sdb_list_file_path --- PATH of "file:PATH"; NULL if list has another form.
 * The result points into list.
 */
extern const char *sdb_list_file_path(const char *list);

/*
 * sdb_list_file_read --- the entries below one key, as a table list.
 *
 * owner:  who wants to read; must be allowed to read files of the server
 * memory: CurrentMemoryContext
 * errors: 42501; 58P01 and the like; 22023 naming file, line and reason
 */
extern char *sdb_list_file_read(const char *path, const char *key, Oid owner);

#endif							/* SDB_LIST_FILE_H */
