/*
 * ddl_text.h --- trees of statements as text
 */
#ifndef SDB_DDL_TEXT_H
#define SDB_DDL_TEXT_H

#include "lib/stringinfo.h"
#include "source/mysql/mysql_ddl.h"

/* Appends one line for each part of the tree. */
extern void ddl_text(StringInfo buf, const MysqlStatement *statement);

#endif							/* SDB_DDL_TEXT_H */
