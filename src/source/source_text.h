/*
 * source_text.h --- texts of servers, looked at the same way for all of them
 */
#ifndef SDB_SOURCE_TEXT_H
#define SDB_SOURCE_TEXT_H

/* Is it a number in SQL's notation, "-1.5e3"? */
extern bool sdb_source_text_is_number(const char *text);

#endif							/* SDB_SOURCE_TEXT_H */
