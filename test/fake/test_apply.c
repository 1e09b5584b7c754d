/*
 * test_apply.c --- SQL access to apply/, for the tests
 *
 * Compiled with SYNCHDB_TEST only; test_apply.sql declares the functions.
 * Tables and changes come as text:
 *
 *		'shop.orders id:int:key name:text doc:json'
 *		'INSERT shop.orders|1|pen|{}'
 *		'UPDATE shop.orders|1|\U|\U|1|pencil|\U'		old row, then new row
 *		'DELETE shop.orders|1|\U|\U'
 *		'TRUNCATE shop.orders'
 *		'SQL ALTER TABLE shop.orders ...'				between two batches
 *
 * \N is NULL and \U is UNCHANGED.  Kinds are int, float, text and json.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "apply/apply.h"

PG_FUNCTION_INFO_V1(sdb_test_apply);
PG_FUNCTION_INFO_V1(sdb_test_apply_each);
PG_FUNCTION_INFO_V1(sdb_test_bulk);
PG_FUNCTION_INFO_V1(sdb_test_apply_many);
PG_FUNCTION_INFO_V1(sdb_test_bulk_many);

/* Changes that sdb_test_apply_many makes up */
typedef struct Generator
{
	Change		change;
	SourceValue *before;
	SourceValue *after;
	char		text[32];
} Generator;

static char *try_change(Apply *apply, const Change *change);
static List *parse_tables(ArrayType *array);
static SourceTable *parse_table(char *text);
static void parse_column(SourceTable *table, char *text);
static void parse_change(List *tables, char *text, Change *change);
static SourceValue *parse_row(const SourceTable *table, char **next);
static void parse_value(const SourceColumn *column, char *text,
						SourceValue *value);
static char *next_field(char **next);
static void apply_texts(List *tables, ArrayType *texts, ApplyMode mode,
						bool careful);
static void init_generator(Generator *gen, SourceTable *table,
						   ChangeKind kind);
static void generate(Generator *gen, int64 id, int64 round);

/* (tables[], changes[], idempotent, careful) */
Datum
sdb_test_apply(PG_FUNCTION_ARGS)
{
	apply_texts(parse_tables(PG_GETARG_ARRAYTYPE_P(0)),
				PG_GETARG_ARRAYTYPE_P(1),
				PG_GETARG_BOOL(2) ? APPLY_IDEMPOTENT : APPLY_STRICT,
				PG_GETARG_BOOL(3));
	PG_RETURN_VOID();
}

/*
 * (tables[], changes[]): each change in a subtransaction of its own, the ones
 * at fault left out; result: their errors, with their number
 */
Datum
sdb_test_apply_each(PG_FUNCTION_ARGS)
{
	List	   *tables = parse_tables(PG_GETARG_ARRAYTYPE_P(0));
	Apply	   *apply = sdb_apply_create();
	StringInfoData errors;
	Datum	   *items;
	int			nitems;

	initStringInfo(&errors);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false,
					  TYPALIGN_INT, &items, NULL, &nitems);
	for (int i = 0; i < nitems; i++)
	{
		Change		change;
		char	   *error;

		parse_change(tables, TextDatumGetCString(items[i]), &change);
		error = try_change(apply, &change);
		if (error != NULL)
			appendStringInfo(&errors, "%s%d: %s", errors.len > 0 ? "; " : "",
							 i + 1, error);
	}
	PG_RETURN_TEXT_P(cstring_to_text(errors.data));
}

/* (table, rows[], created): rows written */
Datum
sdb_test_bulk(PG_FUNCTION_ARGS)
{
	SourceTable *table = parse_table(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	BulkLoad   *load = sdb_bulk_begin(table, PG_GETARG_BOOL(2));
	Datum	   *rows;
	int			nrows;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false,
					  TYPALIGN_INT, &rows, NULL, &nrows);
	for (int i = 0; i < nrows; i++)
	{
		char	   *values = TextDatumGetCString(rows[i]);

		sdb_bulk_row(load, parse_row(table, &values));
	}
	PG_RETURN_INT64(sdb_bulk_end(load));
}

/*
 * Procedure (table, kind, first, last, rows a commit): changes
 * of the rows of these keys, committed now and then; the table's first column
 * is the key, the others are numbers or text that are made up.
 */
Datum
sdb_test_apply_many(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int64		first = PG_GETARG_INT64(2);
	int64		last = PG_GETARG_INT64(3);
	int			per_commit = PG_GETARG_INT32(4);
	MemoryContext context = AllocSetContextCreate(PortalContext, "test apply",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(context);
	SourceTable *table = parse_table(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Apply	   *apply = sdb_apply_create();
	Generator	gen;

	init_generator(&gen, table,
				   strcmp(kind, "insert") == 0 ? CHANGE_INSERT :
				   strcmp(kind, "update") == 0 ? CHANGE_UPDATE :
				   CHANGE_DELETE);
	MemoryContextSwitchTo(oldcxt);

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	for (int64 id = first; id <= last;)
	{
		sdb_apply_begin(apply, false);
		for (int n = 0; n < per_commit && id <= last; n++, id++)
		{
			generate(&gen, id, last);
			sdb_apply_change(apply, &gen.change, APPLY_STRICT);
		}
		sdb_apply_end(apply);
		SPI_commit();
		CHECK_FOR_INTERRUPTS();
	}
	SPI_finish();
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}

/* (table, nrows, created): made up rows, loaded */
Datum
sdb_test_bulk_many(PG_FUNCTION_ARGS)
{
	SourceTable *table = parse_table(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	int64		nrows = PG_GETARG_INT64(1);
	BulkLoad   *load = sdb_bulk_begin(table, PG_GETARG_BOOL(2));
	Generator	gen;

	init_generator(&gen, table, CHANGE_INSERT);
	for (int64 id = 1; id <= nrows; id++)
	{
		generate(&gen, id, id);
		sdb_bulk_row(load, gen.after);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_INT64(sdb_bulk_end(load));
}

static void
apply_texts(List *tables, ArrayType *texts, ApplyMode mode, bool careful)
{
	Apply	   *apply = sdb_apply_create();
	Datum	   *items;
	int			nitems;

	deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &items, NULL,
					  &nitems);
	sdb_apply_begin(apply, careful);
	for (int i = 0; i < nitems; i++)
	{
		char	   *item = TextDatumGetCString(items[i]);
		Change		change;

		if (strncmp(item, "SQL ", 4) == 0)
		{
			sdb_apply_end(apply);
			SPI_connect();
			SPI_execute(item + 4, false, 0);
			SPI_finish();
			continue;
		}
		parse_change(tables, item, &change);
		sdb_apply_change(apply, &change, mode);
	}
	sdb_apply_end(apply);
}

/* NULL if it was applied, else why not */
static char *
try_change(Apply *apply, const Change *change)
{
	MemoryContext oldcxt = CurrentMemoryContext;
	ResourceOwner oldowner = CurrentResourceOwner;
	char	   *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(oldcxt);
	PG_TRY();
	{
		sdb_apply_begin(apply, true);
		sdb_apply_change(apply, change, APPLY_STRICT);
		sdb_apply_end(apply);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(oldcxt);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		sdb_apply_abort(apply);
		error = edata->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(oldcxt);
	CurrentResourceOwner = oldowner;
	return error;
}

static List *
parse_tables(ArrayType *array)
{
	List	   *result = NIL;
	Datum	   *items;
	int			nitems;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, NULL,
					  &nitems);
	for (int i = 0; i < nitems; i++)
		result = lappend(result, parse_table(TextDatumGetCString(items[i])));
	return result;
}

static SourceTable *
parse_table(char *text)
{
	SourceTable *table = palloc0(sizeof(SourceTable));
	int			max = strlen(text);
	char	   *word = strtok(text, " ");

	table->id = word;
	table->catalog = pnstrdup(word, strcspn(word, "."));
	table->name = word + strcspn(word, ".") + 1;
	table->columns = palloc0(max * sizeof(SourceColumn));
	table->keys = palloc0(max * sizeof(int));
	while ((word = strtok(NULL, " ")) != NULL)
		parse_column(table, word);
	return table;
}

/* name:kind or name:kind:key */
static void
parse_column(SourceTable *table, char *text)
{
	SourceColumn *column = &table->columns[table->ncolumns];
	char	   *colon = strchr(text, ':');
	char	   *kind = colon + 1;

	*colon = '\0';
	column->name = text;
	column->type_name = kind;
	column->length = -1;
	column->scale = -1;
	if (strstr(kind, ":key") != NULL)
		table->keys[table->nkeys++] = table->ncolumns;
	column->kind = strncmp(kind, "int", 3) == 0 ? VALUE_INT :
		strncmp(kind, "float", 5) == 0 ? VALUE_FLOAT8 :
		strncmp(kind, "json", 4) == 0 ? VALUE_JSON : VALUE_TEXT;
	table->ncolumns++;
}

static void
parse_change(List *tables, char *text, Change *change)
{
	char	   *next = text;
	char	   *id;
	ListCell   *lc;

	text = next_field(&next);
	id = strchr(text, ' ') + 1;

	memset(change, 0, sizeof(Change));
	change->kind = text[0] == 'I' ? CHANGE_INSERT :
		text[0] == 'U' ? CHANGE_UPDATE :
		text[0] == 'D' ? CHANGE_DELETE : CHANGE_TRUNCATE;
	foreach(lc, tables)
	{
		SourceTable *table = lfirst(lc);

		if (strcmp(table->id, id) == 0)
			change->table = table;
	}
	if (change->table == NULL)
		elog(ERROR, "table \"%s\" is not defined", id);
	if (change->kind == CHANGE_UPDATE || change->kind == CHANGE_DELETE)
		change->before = parse_row(change->table, &next);
	if (change->kind == CHANGE_INSERT || change->kind == CHANGE_UPDATE)
		change->after = parse_row(change->table, &next);
}

static SourceValue *
parse_row(const SourceTable *table, char **next)
{
	SourceValue *row = palloc0(table->ncolumns * sizeof(SourceValue));

	for (int i = 0; i < table->ncolumns; i++)
		parse_value(&table->columns[i], next_field(next), &row[i]);
	return row;
}

static void
parse_value(const SourceColumn *column, char *text, SourceValue *value)
{
	value->kind = column->kind;
	if (strcmp(text, "\\N") == 0)
		value->kind = VALUE_NULL;
	else if (strcmp(text, "\\U") == 0)
		value->kind = VALUE_UNCHANGED;
	else if (column->kind == VALUE_INT)
		value->u.sint = strtoll(text, NULL, 10);
	else if (column->kind == VALUE_FLOAT8)
		value->u.float8 = strtod(text, NULL);
	else
	{
		value->u.bytes.data = text;
		value->u.bytes.len = strlen(text);
	}
}

/* What stands before the next bar. */
static char *
next_field(char **next)
{
	char	   *field = *next;
	char	   *bar;

	if (field == NULL)
		elog(ERROR, "a change has too few values");
	bar = strchr(field, '|');
	*next = bar == NULL ? NULL : bar + 1;
	if (bar != NULL)
		*bar = '\0';
	return field;
}

static void
init_generator(Generator *gen, SourceTable *table, ChangeKind kind)
{
	memset(gen, 0, sizeof(Generator));
	gen->before = palloc0(table->ncolumns * sizeof(SourceValue));
	gen->after = palloc0(table->ncolumns * sizeof(SourceValue));
	gen->change.kind = kind;
	gen->change.table = table;
	gen->change.before = kind == CHANGE_INSERT ? NULL : gen->before;
	gen->change.after = kind == CHANGE_DELETE ? NULL : gen->after;
}

/* Old rows hold only their key, as the least that a source may send. */
static void
generate(Generator *gen, int64 id, int64 round)
{
	const SourceTable *table = gen->change.table;
	int			len = snprintf(gen->text, sizeof(gen->text),
							   "text " INT64_FORMAT " of " INT64_FORMAT,
							   id, round);

	for (int i = 0; i < table->ncolumns; i++)
	{
		SourceValue *value = &gen->after[i];

		gen->before[i].kind = VALUE_UNCHANGED;
		value->kind = table->columns[i].kind;
		if (value->kind == VALUE_INT)
			value->u.sint = i == 0 ? id : round;
		else if (value->kind == VALUE_FLOAT8)
			value->u.float8 = id / 7.0;
		else
		{
			value->u.bytes.data = gen->text;
			value->u.bytes.len = len;
		}
	}
	gen->before[0] = gen->after[0];
}
