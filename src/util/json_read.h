/*
 * json_read.h --- reading fields of JSON that a user or the catalog gave
 */
#ifndef SDB_JSON_READ_H
#define SDB_JSON_READ_H

#include "utils/jsonb.h"

/*
 * sdb_json_object --- parse text that shall be one JSON object.
 *
 * result: NULL, and *reason in words, if it is none
 */
extern JsonbContainer *sdb_json_object(const char *text, char **reason);

/* The string under a key, palloc'd; NULL if there is none. */
extern char *sdb_json_text(JsonbContainer *object, const char *key);

#endif							/* SDB_JSON_READ_H */
