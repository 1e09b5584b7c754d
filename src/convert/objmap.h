/*
 * objmap.h --- the rules of synchdb_objmap: names, types and values by choice
 *
 * A process serves one connector at a time; the rules of that connector are
 * state of the process, as its settings are.  Without rules every function
 * here answers "none".
 *
 * What a rule is about is written as the source's names, joined by dots and
 * folded to lower case: "shop.orders", "shop.orders.id", "testdb.dbo.t.x".  A
 * name that holds a dot or a double quote is in double quotes, as in
 * SourceTable.id.  A type is written as the source writes it: "int unsigned",
 * "bit(1)", "number(10,0)".
 */
#ifndef SDB_OBJMAP_H
#define SDB_OBJMAP_H

#include "change/table.h"
#include "nodes/pg_list.h"
#include "util/compat.h"

typedef enum RuleKind
{
	RULE_TABLE,
	RULE_COLUMN,
	RULE_DATATYPE,
	RULE_TRANSFORM
} RuleKind;

/* What a datatype rule says of the length, besides a number of its own */
#define RULE_LENGTH_KEEP	(-1)	/* the source's, where the type has one */
#define RULE_LENGTH_NONE	0

/* RuleIdentity --- the suffix of a datatype rule's source */
typedef enum RuleIdentity
{
	RULE_IDENTITY_ANY,			/* none */
	RULE_IDENTITY_ONLY,			/* |true */
	RULE_IDENTITY_NEVER			/* |false */
} RuleIdentity;

typedef struct ObjectRule
{
	RuleKind	kind;
	char	   *source;			/* as stored, for messages */
	char	   *key;			/* what is compared: without the suffix */
	RuleIdentity identity;		/* of RULE_DATATYPE */
	char	   *schema;			/* of RULE_TABLE: "public" if none was given */
	char	   *target;			/* name, type without length, or expression */
	int32		length;			/* of RULE_DATATYPE: RULE_LENGTH_* or length */
} ObjectRule;

/* "table", "column", ...; false if there is no such kind of rule. */
extern bool sdb_objmap_kind(const char *name, RuleKind *kind);

/* The names of RuleKind, for hints */
#define RULE_KIND_NAMES "table, column, datatype, transform"

/* Without white space at both ends, in lower case: how sources are compared. */
extern char *sdb_objmap_fold(const char *source);

/*
 * sdb_objmap_parse --- read a rule.
 *
 * source: folded
 * memory: CurrentMemoryContext
 * errors: 22023 or 42601 if it can never work, with rule and place
 */
extern ObjectRule *sdb_objmap_parse(RuleKind kind, const char *source,
									const char *target);

/*
 * sdb_objmap_fail --- "invalid datatype rule for "x"", detail and hint; hint
 * may be NULL.
 */
pg_noreturn extern void sdb_objmap_fail(const ObjectRule *rule,
										int sqlerrcode, const char *detail,
										const char *hint);

/*
 * sdb_objmap_install --- serve these rules from now on.
 *
 * rules: List of ObjectRule *; must live until the next call, NIL for none
 */
extern void sdb_objmap_install(List *rules);

/* The rule about a table; NULL if there is none. */
extern const ObjectRule *sdb_objmap_table(const SourceTable *table);

/* The rule of that kind about a column; NULL if there is none. */
extern const ObjectRule *sdb_objmap_column(RuleKind kind,
										   const SourceTable *table,
										   const SourceColumn *column);

/*
 * sdb_objmap_datatype --- the rule that gives a column its type: one about the
 * column itself before one about its type.  NULL if there is none.
 */
extern const ObjectRule *sdb_objmap_datatype(const SourceTable *table,
											 const SourceColumn *column);

/*
 * sdb_objmap_unmatched --- the installed rules that match none of tables (List
 * of SourceTable *), as List of char *: table "shop.orders".
 */
extern List *sdb_objmap_unmatched(List *tables);

#endif							/* SDB_OBJMAP_H */
