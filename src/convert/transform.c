/*
 * transform.c --- compiling and running transform rules
 *
 * The expression is rewritten once: placeholders become parameters.  Outside
 * of string literals %d is $n of the value's own type, so that "%d + 1" is
 * arithmetic.  A literal that is nothing but a placeholder becomes $n whose
 * type its surroundings decide, as they do for a literal: '%d'::numeric reads
 * the value's text form.  Within a longer literal it is concatenated.  The
 * expression is then parsed, planned and initialised as a column's default
 * would be, without subqueries, and takes the values as Datums.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/base64.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_param.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "convert/transform.h"
#include "util/user_path.h"

/* Content --- what a placeholder stands for */
typedef enum Content
{
	CONTENT_VALUE,				/* %d */
	CONTENT_WKB,				/* %w */
	CONTENT_SRID				/* %s */
} Content;

/* Parameter --- one placeholder in the rule's text */
typedef struct Parameter
{
	Content		content;
	bool		quoted;			/* in a string literal: the text form */
	Oid			type;			/* InvalidOid until the parser decides */
	FmgrInfo	input;			/* of type, if it takes the text form */
	Oid			ioparam;
} Parameter;

struct Transform
{
	const ObjectRule *rule;
	Oid			value_type;
	FmgrInfo	value_output;	/* of value_type */
	int			nparameters;
	Parameter  *parameters;
	ParamListInfo values;
	ExprState  *expression;
	ExprContext *econtext;
};

/* Rewriter --- the rule's text on its way to an expression */
typedef struct Rewriter
{
	const ObjectRule *rule;
	const char *pos;
	StringInfoData sql;
	int			nparameters;
	Parameter  *parameters;		/* as many as the text has percent signs */
} Rewriter;

static void rewrite(Rewriter *rewriter, const ObjectRule *rule);
static void rewrite_literal(Rewriter *rewriter, const char *open, int openlen,
							const char *close, int closelen, bool escapes);
static bool rewrite_placeholder(Rewriter *rewriter, bool quoted);
static void copy_until(Rewriter *rewriter, const char *close);
static int	dollar_quote(const char *pos);
static Node *parse(const Rewriter *rewriter);
static Expr *analyze(Transform *transform, const Rewriter *rewriter,
					 Oid type, int32 typmod);
static void set_parameter(Transform *transform, int idx0, Datum datum,
						  const SourceGeometry *geometry);
static char *text_form(Transform *transform, const Parameter *parameter,
					   Datum datum, const SourceGeometry *geometry);
static char *base64(const SourceGeometry *geometry);
static void show_sql(void *arg);
static void add_context(void *arg);

void
sdb_transform_check(const ObjectRule *rule)
{
	Rewriter	rewriter;

	rewrite(&rewriter, rule);
	(void) parse(&rewriter);
}

Transform *
sdb_transform_compile(const ObjectRule *rule, Oid type, int32 typmod,
					  Oid value_type)
{
	Transform  *transform = palloc0(sizeof(Transform));
	ErrorContextCallback callback = {.callback = add_context,.arg = transform};
	Rewriter	rewriter;
	Expr	   *expression;
	Oid			function;
	bool		is_varlena;
	int			nestlevel;

	transform->rule = rule;
	transform->value_type = value_type;
	getTypeOutputInfo(value_type, &function, &is_varlena);
	fmgr_info(function, &transform->value_output);

	callback.previous = error_context_stack;
	error_context_stack = &callback;
	rewrite(&rewriter, rule);
	transform->nparameters = rewriter.nparameters;
	transform->parameters = rewriter.parameters;
	nestlevel = sdb_user_path_enter();
	expression = analyze(transform, &rewriter, type, typmod);
	for (int i = 0; i < transform->nparameters; i++)
	{
		Parameter  *parameter = &transform->parameters[i];

		getTypeInputInfo(parameter->type, &function, &parameter->ioparam);
		fmgr_info(function, &parameter->input);
	}
	transform->values = makeParamList(transform->nparameters);
	transform->econtext = CreateStandaloneExprContext();
	transform->econtext->ecxt_param_list_info = transform->values;
	transform->expression =
		ExecInitExprWithParams(expression_planner(expression),
							   transform->values);
	sdb_user_path_leave(nestlevel);
	error_context_stack = callback.previous;
	return transform;
}

Datum
sdb_transform_run(Transform *transform, Datum datum,
				  const SourceGeometry *geometry, bool *isnull)
{
	ErrorContextCallback callback = {.callback = add_context,.arg = transform};
	Datum		result;

	callback.previous = error_context_stack;
	error_context_stack = &callback;
	for (int i = 0; i < transform->nparameters; i++)
		set_parameter(transform, i, datum, geometry);
	result = ExecEvalExpr(transform->expression, transform->econtext, isnull);
	error_context_stack = callback.previous;
	return result;
}

static void
rewrite(Rewriter *rewriter, const ObjectRule *rule)
{
	const char *text = rule->target;
	int			npercent = 0;

	for (const char *p = text; *p != '\0'; p++)
		npercent += *p == '%';
	memset(rewriter, 0, sizeof(Rewriter));
	rewriter->rule = rule;
	rewriter->pos = text;
	rewriter->parameters = palloc0_array(Parameter, npercent + 1);
	initStringInfo(&rewriter->sql);

	while (*rewriter->pos != '\0')
	{
		const char *p = rewriter->pos;
		int			tag = dollar_quote(p);
		bool		word = p > text && (isalnum((unsigned char) p[-1]) ||
										p[-1] == '_' || p[-1] == '$');

		if (*p == '\'')
			rewrite_literal(rewriter, "'", 1, "'", 1, false);
		else if ((*p == 'e' || *p == 'E') && p[1] == '\'' && !word)
			rewrite_literal(rewriter, p, 2, "'", 1, true);
		else if (tag > 0 && !word)
			rewrite_literal(rewriter, p, tag, p, tag, false);
		else if (*p == '"')
			copy_until(rewriter, "\"");
		else if (strncmp(p, "--", 2) == 0)
		{
			copy_until(rewriter, "\n");
			appendStringInfoChar(&rewriter->sql, '\n');
		}
		else if (strncmp(p, "/*", 2) == 0)
			copy_until(rewriter, "*/");
		else if (*p == '$' && isdigit((unsigned char) p[1]) && !word)
			sdb_objmap_fail(rule, ERRCODE_SYNTAX_ERROR,
							"The expression has a parameter of its own.",
							"The value is written %d.");
		else if (!rewrite_placeholder(rewriter, false))
			appendStringInfoChar(&rewriter->sql, *rewriter->pos++);
	}
}

/*
 * 'a%db' becomes ('a'||$1||'b'), and '%d' alone becomes $1.  A literal without
 * placeholders stays bare: a type name may stand before it.
 */
static void
rewrite_literal(Rewriter *rewriter, const char *open, int openlen,
				const char *close, int closelen, bool escapes)
{
	StringInfo	sql = &rewriter->sql;
	int			begin = sql->len;
	int			first = rewriter->nparameters;
	bool		alone = true;

	rewriter->pos += openlen;
	appendStringInfo(sql, " %.*s", openlen, open);
	while (strncmp(rewriter->pos, close, closelen) != 0 ||
		   (closelen == 1 && rewriter->pos[1] == *close))
	{
		int			before = sql->len;
		int			n = 1;

		if (*rewriter->pos == '\0')
			sdb_objmap_fail(rewriter->rule, ERRCODE_SYNTAX_ERROR,
							"The expression has a string that does not end.",
							NULL);
		appendStringInfo(sql, "%.*s||", closelen, close);
		if (rewrite_placeholder(rewriter, true))
		{
			appendStringInfo(sql, "::pg_catalog.text||%.*s", openlen, open);
			continue;
		}
		sql->len = before;
		sql->data[before] = '\0';
		alone = false;
		/* a doubled quote, or what follows a backslash, belongs to it */
		if (closelen == 1 && (*rewriter->pos == *close ||
							  (escapes && *rewriter->pos == '\\' &&
							   rewriter->pos[1] != '\0')))
			n = 2;
		appendBinaryStringInfo(sql, rewriter->pos, n);
		rewriter->pos += n;
	}
	rewriter->pos += closelen;
	appendStringInfo(sql, "%.*s", closelen, close);

	if (rewriter->nparameters == first)
		return;
	if (alone && rewriter->nparameters == first + 1)
	{
		sql->len = begin;
		sql->data[begin] = '\0';
		appendStringInfo(sql, " $%d ", rewriter->nparameters);
		return;
	}
	sql->data[begin] = '(';
	appendStringInfoChar(sql, ')');
	for (int i = first; i < rewriter->nparameters; i++)
		rewriter->parameters[i].type = TEXTOID;
}

/* At a percent sign: writes what it stands for and goes past it. */
static bool
rewrite_placeholder(Rewriter *rewriter, bool quoted)
{
	Parameter  *parameter = &rewriter->parameters[rewriter->nparameters];

	if (rewriter->pos[0] != '%')
		return false;
	switch (rewriter->pos[1])
	{
		case 'd':
			parameter->content = CONTENT_VALUE;
			break;
		case 'w':
			parameter->content = CONTENT_WKB;
			break;
		case 's':
			parameter->content = CONTENT_SRID;
			break;
		case '%':
			/* one of the two; the caller copies the other */
			rewriter->pos++;
			return false;
		default:
			return false;
	}
	parameter->quoted = quoted;
	rewriter->pos += 2;
	rewriter->nparameters++;
	appendStringInfo(&rewriter->sql, quoted ? "$%d" : " $%d ",
					 rewriter->nparameters);
	return true;
}

/* Copies what is neither a literal nor has placeholders. */
static void
copy_until(Rewriter *rewriter, const char *close)
{
	const char *end = strstr(rewriter->pos + 1, close);

	end = end != NULL ? end + strlen(close) :
		rewriter->pos + strlen(rewriter->pos);
	appendBinaryStringInfo(&rewriter->sql, rewriter->pos, end - rewriter->pos);
	rewriter->pos = end;
}

/* The length of the $tag$ at pos; 0 if there is none. */
static int
dollar_quote(const char *pos)
{
	const char *p = pos;

	if (*p++ != '$')
		return 0;
	if (!isdigit((unsigned char) *p))
	{
		while (isalnum((unsigned char) *p) || *p == '_' || IS_HIGHBIT_SET(*p))
			p++;
	}
	return *p == '$' ? p + 1 - pos : 0;
}

/* The raw expression; errors if it is more, or less, than one. */
static Node *
parse(const Rewriter *rewriter)
{
	char	   *sql = psprintf("SELECT (%s)", rewriter->sql.data);
	ErrorContextCallback callback = {.callback = show_sql,.arg = sql};
	List	   *statements;
	SelectStmt *select;
	SelectStmt	plain = {.type = T_SelectStmt};

	callback.previous = error_context_stack;
	error_context_stack = &callback;
	statements = raw_parser(sql, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;

	if (list_length(statements) == 1)
	{
		select = (SelectStmt *) linitial_node(RawStmt, statements)->stmt;
		if (IsA(select, SelectStmt) && list_length(select->targetList) == 1)
		{
			Node	   *result = linitial_node(ResTarget,
											   select->targetList)->val;

			/* nothing else may stand in the statement */
			plain.targetList = select->targetList;
			plain.limitOption = select->limitOption;
			plain.op = select->op;
			if (equal(select, &plain))
				return result;
		}
	}
	sdb_objmap_fail(rewriter->rule, ERRCODE_SYNTAX_ERROR,
					"It is not one SQL expression.",
					"Write what could stand between SELECT and FROM, such as %d + 1 or upper('%d').");
}

/* Resolves names and types; fills in the types of the parameters. */
static Expr *
analyze(Transform *transform, const Rewriter *rewriter, Oid type, int32 typmod)
{
	ParseState *pstate = make_parsestate(NULL);
	int			ntypes = rewriter->nparameters;
	Oid		   *types = palloc0_array(Oid, ntypes + 1);
	Node	   *node;
	Node	   *coerced;

	for (int i = 0; i < ntypes; i++)
	{
		const Parameter *parameter = &rewriter->parameters[i];

		types[i] = parameter->type;
		if (!parameter->quoted)
			types[i] = parameter->content == CONTENT_VALUE ?
				transform->value_type :
				parameter->content == CONTENT_SRID ? INT4OID : TEXTOID;
	}
	setup_parse_variable_parameters(pstate, &types, &ntypes);
	node = transformExpr(pstate, parse(rewriter), EXPR_KIND_OTHER);
	if (pstate->p_hasSubLinks || pstate->p_hasAggs ||
		pstate->p_hasWindowFuncs || pstate->p_hasTargetSRFs)
		sdb_objmap_fail(rewriter->rule, ERRCODE_FEATURE_NOT_SUPPORTED,
						"The expression has a subquery, an aggregate, a window function or a set-returning function.",
						"Put it into a function.");

	/* as an assignment; what cannot be assigned goes through its text form */
	coerced = coerce_to_target_type(pstate, node, exprType(node), type, typmod,
									COERCION_PLPGSQL, COERCE_IMPLICIT_CAST,
									-1);
	if (coerced == NULL)
		sdb_objmap_fail(rewriter->rule, ERRCODE_DATATYPE_MISMATCH,
						psprintf("The expression is of type %s, the target column of type %s.",
								 format_type_be(exprType(node)),
								 format_type_be(type)),
						"Add a cast.");
	assign_expr_collations(pstate, coerced);
	for (int i = 0; i < transform->nparameters; i++)
		transform->parameters[i].type = OidIsValid(types[i]) ? types[i] : UNKNOWNOID;
	free_parsestate(pstate);
	return (Expr *) coerced;
}

static void
set_parameter(Transform *transform, int idx0, Datum datum,
			  const SourceGeometry *geometry)
{
	Parameter  *parameter = &transform->parameters[idx0];
	ParamExternData *value = &transform->values->params[idx0];

	value->ptype = parameter->type;
	value->pflags = 0;
	value->isnull = false;
	if (parameter->content == CONTENT_VALUE &&
		parameter->type == transform->value_type)
		value->value = datum;
	else if (parameter->content == CONTENT_SRID && !parameter->quoted)
		value->value = Int32GetDatum(geometry != NULL ? geometry->srid : 0);
	else
		value->value =
			InputFunctionCall(&parameter->input,
							  text_form(transform, parameter, datum, geometry),
							  parameter->ioparam, -1);
}

static char *
text_form(Transform *transform, const Parameter *parameter, Datum datum,
		  const SourceGeometry *geometry)
{
	switch (parameter->content)
	{
		case CONTENT_VALUE:
			return OutputFunctionCall(&transform->value_output, datum);
		case CONTENT_WKB:
			return geometry != NULL ? base64(geometry) : pstrdup("0");
		case CONTENT_SRID:
			return psprintf("%u", geometry != NULL ? geometry->srid : 0);
	}
	pg_unreachable();
}

static char *
base64(const SourceGeometry *geometry)
{
	int			size = pg_b64_enc_len(geometry->len);
	char	   *text = palloc(size + 1);
	int			len = pg_b64_encode((const void *) geometry->wkb, geometry->len, text, size);

	if (len < 0)
		elog(ERROR, "could not encode a geometry");
	text[len] = '\0';
	return text;
}

/* The place of a syntax error is one in our statement, not in the user's. */
static void
show_sql(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

static void
add_context(void *arg)
{
	const Transform *transform = arg;

	errcontext("transform rule for \"%s\"", transform->rule->source);
}
