/*
 * rules.c --- the user's rules in a worker
 *
 * Rules are read when a session begins, as everything of a connector's
 * definition is; synchdb_reload_objmap() begins a new one.  Targets that were
 * made under other rules are renamed and retyped then; their rows stay as
 * they are.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "convert/objmap.h"
#include "ddl/ddl.h"
#include "ddl/naming.h"
#include "worker/control.h"
#include "worker/worker_internal.h"

void
sdb_rules_load(const char *connector)
{
	static MemoryContext context = NULL;
	MemoryContext old;
	List	   *rules = NIL;
	ListCell   *cell;

	sdb_objmap_install(NIL);
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "synchdb rules",
										ALLOCSET_SMALL_SIZES);
	MemoryContextReset(context);
	old = MemoryContextSwitchTo(context);
	foreach(cell, sdb_connector_rules(connector))
	{
		const ConnectorRule *rule = lfirst(cell);
		RuleKind	kind;

		/* rows that somebody wrote by hand are checked like all others */
		if (!sdb_objmap_kind(rule->objtype, &kind))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unsupported object type \"%s\" in synchdb_objmap",
							rule->objtype),
					 errhint("Known types: %s.", RULE_KIND_NAMES)));
		rules = lappend(rules, sdb_objmap_parse(kind, rule->source,
												rule->target));
	}
	MemoryContextSwitchTo(old);
	sdb_objmap_install(rules);
}

void
sdb_rules_follow(const Connector *connector)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "synchdb rules",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	bool		had_rules;
	ListCell   *cell;

	sdb_process_begin_transaction();
	old = MemoryContextSwitchTo(context);
	had_rules = sdb_connector_had_rules(connector->name);
	foreach(cell, sdb_checkpoint_tables(connector->name))
	{
		TableState *state = lfirst(cell);
		SourceTable *table = state->table;
		AttrNumber *attnums = palloc(table->ncolumns * sizeof(AttrNumber));
		Oid			relid;

		/* without rules only the letters' case can have moved it */
		if ((!had_rules && sdb_ddl_is_there(table)) ||
			!sdb_checkpoint_attributes(connector->name,
									   connector->routine->name, table,
									   &relid, attnums))
			continue;
		sdb_ddl_follow(table, connector->routine->types, relid, attnums);
		CommandCounterIncrement();
	}
	MemoryContextSwitchTo(old);
	sdb_process_commit_transaction();
	MemoryContextDelete(context);
}

void
sdb_rules_report(const Connector *connector)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "synchdb rules",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	List	   *tables = NIL;
	ListCell   *cell;

	sdb_process_begin_transaction();
	old = MemoryContextSwitchTo(context);
	foreach(cell, sdb_checkpoint_tables(connector->name))
		tables = lappend(tables, ((TableState *) lfirst(cell))->table);
	foreach(cell, sdb_objmap_unmatched(tables))
		ereport(WARNING,
				(errmsg("connector \"%s\": the rule for %s matches nothing that is captured",
						connector->name, (char *) lfirst(cell)),
				 errhint("Names are those of the source, as in synchdb_att_view; remove a rule with synchdb_del_objmap().")));
	MemoryContextSwitchTo(old);
	sdb_process_commit_transaction();
	MemoryContextDelete(context);
}
