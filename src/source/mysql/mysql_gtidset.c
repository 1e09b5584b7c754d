/*
 * mysql_gtidset.c --- sets of global transaction identifiers
 *
 * Sets are small: as many entries as there were primaries, each an interval
 * or two.  Lists do.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/fmgrprotos.h"
#include "utils/uuid.h"

#include "source/mysql/mysql_gtidset.h"

#define UUID_TEXT_LEN			36
#define TAGGED_FORMAT			1	/* in the highest byte of the count */
#define GTID_LIST_COUNT_MASK	0x0FFFFFFF

static MysqlGtidSource *find(const MysqlGtidSet *set, const char *name);
static MysqlGtidSource *find_or_make(MysqlGtidSet *set, const char *name);
static void add_interval(const MysqlGtidSet *set, MysqlGtidSource *source,
						 uint64 first, uint64 last);
static bool parse_mysql(MysqlGtidSet *set, char *member);
static bool parse_mariadb(MysqlGtidSet *set, const char *member);
static bool parse_number(const char **pos, uint64 *number);
static bool is_uuid(const char *text);
static bool is_tag(const char *text);
static MysqlGtidSet *read_mysql(ByteCursor cur);
static MysqlGtidSet *read_mariadb(ByteCursor cur);

MysqlGtidSet *
sdb_mysql_gtidset_make(bool is_mariadb)
{
	MysqlGtidSet *set = palloc0(sizeof(MysqlGtidSet));

	set->context = CurrentMemoryContext;
	set->is_mariadb = is_mariadb;
	return set;
}

MysqlGtidSet *
sdb_mysql_gtidset_parse(const char *text, char **reason)
{
	MysqlGtidSet *set = sdb_mysql_gtidset_make(strchr(text, ':') == NULL);
	StringInfoData bare;
	char	   *member;
	char	   *rest;

	*reason = NULL;
	initStringInfo(&bare);
	for (const char *p = text; *p != '\0'; p++)
	{
		if (!isspace((unsigned char) *p))
			appendStringInfoChar(&bare, pg_tolower((unsigned char) *p));
	}
	for (member = strtok_r(bare.data, ",", &rest); member != NULL;
		 member = strtok_r(NULL, ",", &rest))
	{
		char	   *given = pstrdup(member);

		if (set->is_mariadb ? parse_mariadb(set, member) :
			parse_mysql(set, member))
			continue;
		*reason = psprintf("\"%s\" is no set of GTIDs.", given);
		return NULL;
	}
	return set;
}

char *
sdb_mysql_gtidset_to_text(const MysqlGtidSet *set)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, set->sources)
	{
		const MysqlGtidSource *source = lfirst(cell);

		if (buf.len > 0)
			appendStringInfoChar(&buf, ',');
		appendStringInfoString(&buf, source->name);
		if (set->is_mariadb)
		{
			appendStringInfo(&buf, "-%u-" UINT64_FORMAT, source->server_id,
							 source->intervals[0].last);
			continue;
		}
		for (int i = 0; i < source->nintervals; i++)
		{
			const MysqlGtidInterval *interval = &source->intervals[i];

			appendStringInfo(&buf, ":" UINT64_FORMAT, interval->first);
			if (interval->last > interval->first)
				appendStringInfo(&buf, "-" UINT64_FORMAT, interval->last);
		}
	}
	return buf.data;
}

MysqlGtidSet *
sdb_mysql_gtidset_read(const MysqlEvent *event)
{
	return event->type == MARIADB_EVENT_GTID_LIST ?
		read_mariadb(event->body) : read_mysql(event->body);
}

void
sdb_mysql_gtidset_add(MysqlGtidSet *set, const char *name, uint32 server_id,
					  uint64 number)
{
	MysqlGtidSource *source = find_or_make(set, name);

	if (!set->is_mariadb)
	{
		add_interval(set, source, number, number);
		return;
	}
	/* the log's order counts, not the number */
	source->nintervals = 0;
	add_interval(set, source, 0, number);
	source->server_id = server_id;
}

bool
sdb_mysql_gtidset_has(const MysqlGtidSet *set, const char *name,
					  uint64 number)
{
	const MysqlGtidSource *source = find(set, name);

	for (int i = 0; source != NULL && i < source->nintervals; i++)
	{
		if (number >= source->intervals[i].first &&
			number <= source->intervals[i].last)
			return true;
	}
	return false;
}

bool
sdb_mysql_gtidset_includes(const MysqlGtidSet *set, const MysqlGtidSet *part)
{
	ListCell   *cell;

	foreach(cell, part->sources)
	{
		const MysqlGtidSource *source = lfirst(cell);
		const MysqlGtidSource *ours = find(set, source->name);

		for (int i = 0; i < source->nintervals; i++)
		{
			const MysqlGtidInterval *wanted = &source->intervals[i];
			bool		included = false;

			for (int k = 0; ours != NULL && k < ours->nintervals; k++)
				included = included ||
					(ours->intervals[k].first <= wanted->first &&
					 ours->intervals[k].last >= wanted->last);
			if (!included)
				return false;
		}
	}
	return true;
}

static MysqlGtidSource *
find(const MysqlGtidSet *set, const char *name)
{
	ListCell   *cell;

	foreach(cell, set->sources)
	{
		MysqlGtidSource *source = lfirst(cell);

		if (strcmp(source->name, name) == 0)
			return source;
	}
	return NULL;
}

static MysqlGtidSource *
find_or_make(MysqlGtidSet *set, const char *name)
{
	MysqlGtidSource *source = find(set, name);
	MemoryContext old;

	if (source != NULL)
		return source;
	old = MemoryContextSwitchTo(set->context);
	source = palloc0(sizeof(MysqlGtidSource));
	source->name = pstrdup(name);
	set->sources = lappend(set->sources, source);
	MemoryContextSwitchTo(old);
	return source;
}

/* Mostly the number after the last one; anything else is merged in place. */
static void
add_interval(const MysqlGtidSet *set, MysqlGtidSource *source, uint64 first,
			 uint64 last)
{
	int			at = source->nintervals;
	int			end;

	while (at > 0 && source->intervals[at - 1].last + 1 >= first)
		at--;
	for (end = at; end < source->nintervals &&
		 source->intervals[end].first <= last + 1; end++)
	{
		first = Min(first, source->intervals[end].first);
		last = Max(last, source->intervals[end].last);
	}
	if (end == at && source->nintervals == source->max_intervals)
	{
		source->max_intervals = source->max_intervals * 2 + 4;
		source->intervals = source->intervals == NULL ?
			MemoryContextAlloc(set->context, source->max_intervals *
							   sizeof(MysqlGtidInterval)) :
			repalloc(source->intervals, source->max_intervals *
					 sizeof(MysqlGtidInterval));
	}
	memmove(&source->intervals[at + 1], &source->intervals[end],
			(source->nintervals - end) * sizeof(MysqlGtidInterval));
	source->nintervals += 1 - (end - at);
	source->intervals[at].first = first;
	source->intervals[at].last = last;
}

/* uuid[:tag]:interval... where a tag holds for the intervals that follow it */
static bool
parse_mysql(MysqlGtidSet *set, char *member)
{
	char	   *rest;
	char	   *part = strtok_r(member, ":", &rest);
	char	   *uuid = part;
	char	   *name = part;

	if (part == NULL || !is_uuid(part))
		return false;
	while ((part = strtok_r(NULL, ":", &rest)) != NULL)
	{
		const char *pos = part;
		uint64		first;
		uint64		last;

		if (is_tag(part))
		{
			name = psprintf("%s:%s", uuid, part);
			continue;
		}
		if (!parse_number(&pos, &first))
			return false;
		last = first;
		if (*pos == '-' && (pos++, !parse_number(&pos, &last)))
			return false;
		if (*pos != '\0' || first == 0 || last < first ||
			last >= PG_INT64_MAX)
			return false;
		add_interval(set, find_or_make(set, name), first, last);
	}
	return true;
}

/* domain-server-number */
static bool
parse_mariadb(MysqlGtidSet *set, const char *member)
{
	uint64		domain;
	uint64		server_id;
	uint64		number;

	if (!parse_number(&member, &domain) || *member++ != '-' ||
		!parse_number(&member, &server_id) || *member++ != '-' ||
		!parse_number(&member, &number) || *member != '\0' ||
		domain > PG_UINT32_MAX || server_id > PG_UINT32_MAX ||
		number == PG_UINT64_MAX)
		return false;
	sdb_mysql_gtidset_add(set, psprintf("%u", (uint32) domain),
						  (uint32) server_id, number);
	return true;
}

static bool
parse_number(const char **pos, uint64 *number)
{
	char	   *end;

	if (!isdigit((unsigned char) **pos))
		return false;
	errno = 0;
	*number = strtou64(*pos, &end, 10);
	*pos = end;
	return errno == 0;
}

static bool
is_uuid(const char *text)
{
	if (strlen(text) != UUID_TEXT_LEN)
		return false;
	for (int i = 0; i < UUID_TEXT_LEN; i++)
	{
		bool		dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	return true;
}

static bool
is_tag(const char *text)
{
	return isalpha((unsigned char) text[0]) || text[0] == '_';
}

/*
 * Number of uuids; for each, its 16 bytes, a number of intervals, and for each
 * of them the first number and the one behind the last.
 */
static MysqlGtidSet *
read_mysql(ByteCursor cur)
{
	MysqlGtidSet *set = sdb_mysql_gtidset_make(false);
	uint64		count = sdb_bytes_le64(&cur);

	if (count >> 56 == TAGGED_FORMAT)
		return NULL;
	while (count-- > 0)
	{
		const uint8 *uuid = sdb_bytes_take(&cur, UUID_LEN);
		uint64		nintervals = sdb_bytes_le64(&cur);
		char	   *name =
			DatumGetCString(DirectFunctionCall1(uuid_out,
												PointerGetDatum(uuid)));

		while (nintervals-- > 0)
		{
			uint64		first = sdb_bytes_le64(&cur);
			uint64		end = sdb_bytes_le64(&cur);

			if (first == 0 || end <= first)
				return NULL;
			add_interval(set, find_or_make(set, name), first, end - 1);
		}
	}
	return set;
}

/* A count, its highest bits flags; domain, server and number of each. */
static MysqlGtidSet *
read_mariadb(ByteCursor cur)
{
	MysqlGtidSet *set = sdb_mysql_gtidset_make(true);
	uint32		count = sdb_bytes_le32(&cur) & GTID_LIST_COUNT_MASK;

	while (count-- > 0)
	{
		uint32		domain = sdb_bytes_le32(&cur);
		uint32		server_id = sdb_bytes_le32(&cur);

		sdb_mysql_gtidset_add(set, psprintf("%u", domain), server_id,
							  sdb_bytes_le64(&cur));
	}
	return set;
}
