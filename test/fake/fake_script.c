/*
 * fake_script.c --- the text file that a scripted source plays
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "fake_script.h"

/* Verbs, and how many fields at least follow them */
static const struct
{
	const char *name;
	Verb		verb;
	int			min_fields;
}			verbs[] = {
	{"TABLE", VERB_TABLE, 1},
	{"SNAPSHOT", VERB_SNAPSHOT, 2},
	{"BEGIN", VERB_BEGIN, 0},
	{"INSERT", VERB_INSERT, 1},
	{"UPDATE", VERB_UPDATE, 1},
	{"DELETE", VERB_DELETE, 1},
	{"TRUNCATE", VERB_TRUNCATE, 1},
	{"CREATE", VERB_CREATE, 1},
	{"ALTER", VERB_ALTER, 3},
	{"DROP", VERB_DROP, 1},
	{"COMMIT", VERB_COMMIT, 0},
	{"WAIT", VERB_WAIT, 0},
	{"ERROR", VERB_ERROR, 1}
};

static void close_script(void *arg);
static char *read_line(Script *script, int *nbytes);
static void parse_line(Statement *statement, char *line);

Script *
sdb_script_open(const char *path)
{
	Script	   *script = palloc0(sizeof(Script));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	/* files of AllocateFile() end with the transaction, sources do not */
	script->path = pstrdup(path);
	script->file = fopen(path, "rb");
	if (script->file == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				 errmsg("could not open script \"%s\": %m", path)));
	callback->func = close_script;
	callback->arg = script->file;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return script;
}

void
sdb_script_seek(Script *script, uint64 pos)
{
	int			previous = '\n';

	if (pos > 0)
	{
		if (fseeko(script->file, (off_t) pos - 1, SEEK_SET) != 0)
			elog(ERROR, "could not seek in \"%s\": %m", script->path);
		previous = getc(script->file);
	}
	else
		rewind(script->file);
	if (previous != '\n')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no statement of script \"%s\" begins at offset " UINT64_FORMAT,
						script->path, pos)));
	script->pos = pos;
}

bool
sdb_script_next(Script *script, Statement *statement)
{
	char	   *line;

	statement->pos = script->pos;
	line = read_line(script, &statement->nbytes);
	if (line == NULL)
		return false;
	parse_line(statement, line);
	return true;
}

SourceValue *
sdb_script_row(const SourceTable *table, const Statement *statement, int skip)
{
	SourceValue *row = palloc(table->ncolumns * sizeof(SourceValue));

	if (statement->nfields < skip + table->ncolumns)
		sdb_script_malformed(statement, "it has too few values");
	for (int i = 0; i < table->ncolumns; i++)
		sdb_script_value(&table->columns[i], statement->fields[skip + i],
						 &row[i]);
	return row;
}

void
sdb_script_value(const SourceColumn *column, char *field, SourceValue *value)
{
	char	   *end;

	if (FIELD_IS_NULL(field))
	{
		value->kind = VALUE_NULL;
		return;
	}
	if (FIELD_IS_UNCHANGED(field))
	{
		value->kind = VALUE_UNCHANGED;
		return;
	}

	value->kind = column->kind;
	switch (column->kind)
	{
		case VALUE_INT:
			value->u.sint = strtoi64(field, &end, 10);
			if (*field != '\0' && *end == '\0')
				return;
			break;
		case VALUE_TEXT:
			value->u.bytes.data = field;
			value->u.bytes.len = strlen(field);
			return;
		default:
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("\"%s\" is no value of kind \"%s\" of column \"%s\"",
					field, sdb_value_kind_name(column->kind), column->name)));
}

int *
sdb_script_origins(const SourceTable *before, const SourceTable *after,
				   const Statement *statement)
{
	int		   *origins = palloc(after->ncolumns * sizeof(int));
	char	   *next = pstrdup(statement->fields[2]);

	for (int i = 0; i < after->ncolumns; i++)
	{
		char	   *origin = strsep(&next, ",");

		origins[i] = origin != NULL ? atoi(origin) : before->ncolumns;
		if (origins[i] >= before->ncolumns)
			sdb_script_malformed(statement, "its origins do not fit");
	}
	return origins;
}

bool
sdb_script_incomplete(const Statement *statement, int n)
{
	return statement->nfields > n &&
		strcmp(statement->fields[n], "incomplete") == 0;
}

void
sdb_script_malformed(const Statement *statement, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("malformed statement at offset " UINT64_FORMAT " of the script: %s",
					statement->pos, reason)));
}

/* Reset callback. */
static void
close_script(void *arg)
{
	fclose(arg);
}

/* NULL if the line has no end yet; then it is read again next time. */
static char *
read_line(Script *script, int *nbytes)
{
	StringInfoData line;
	int			c;

	initStringInfo(&line);
	while ((c = getc(script->file)) != EOF && c != '\n')
		appendStringInfoChar(&line, c);
	if (c == EOF)
	{
		clearerr(script->file);
		if (fseeko(script->file, (off_t) script->pos, SEEK_SET) != 0)
			elog(ERROR, "could not seek in \"%s\": %m", script->path);
		return NULL;
	}
	*nbytes = line.len + 1;
	script->pos += line.len + 1;
	return line.data;
}

static void
parse_line(Statement *statement, char *line)
{
	char	   *name = strsep(&line, "\t");
	char	   *field;
	Size		i;

	statement->verb = VERB_NOTHING;
	statement->nfields = 0;
	statement->fields = NULL;
	if (*name == '\0' || *name == '#')
		return;

	if (line != NULL)
		statement->fields = palloc((strlen(line) + 1) * sizeof(char *));
	while ((field = strsep(&line, "\t")) != NULL)
		statement->fields[statement->nfields++] = field;

	for (i = 0; i < lengthof(verbs); i++)
	{
		if (strcmp(verbs[i].name, name) != 0)
			continue;
		if (statement->nfields < verbs[i].min_fields)
			sdb_script_malformed(statement, "it has too few fields");
		statement->verb = verbs[i].verb;
		return;
	}
	sdb_script_malformed(statement, "its verb is not known");
}
