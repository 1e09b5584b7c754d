/*
 * mysql_json_diff.c --- partial updates of binary JSON
 *
 * With binlog_row_value_options = PARTIAL_JSON, MySQL writes of a JSON column
 * what changed in it, to be done to the document before.
 *
 * source: Json_diff_vector in MySQL's sql/json_diff.h; checked with captures
 * of MySQL 9.7.
 *
 *	diffs		one after the other to the end
 *	diff		operation (1 byte), path, and a value unless it removes;
 *				both are preceded by their length as a packed integer
 *	path		text: $, then .name, ."name", [number], [last] or
 *				[last-number] for each level
 *	value		type (1 byte), value: a document of its own
 *
 * The document becomes a tree of nodes.  Only objects and arrays that a path
 * leads into are opened; all others stay the bytes that they are in the
 * document, and are written as such.
 *
 * As in the server, index 0 of what is not an array means it itself, and the
 * members of an object are ordered by the length of their names, then by
 * their bytes.
 */
#include "postgres.h"

#include <limits.h>

#include "source/mysql/mysql_json.h"
#include "source/mysql/mysql_json_parts.h"
#include "source/mysql/mysql_wire.h"

typedef enum DiffOperation
{
	DIFF_REPLACE = 0,
	DIFF_INSERT = 1,
	DIFF_REMOVE = 2
} DiffOperation;

typedef struct JsonNode JsonNode;

typedef struct JsonMember
{
	const uint8 *key;			/* UTF-8; NULL in arrays */
	Size		key_len;
	JsonNode   *node;
} JsonMember;

/* JsonNode --- a value: bytes of a document, or members */
struct JsonNode
{
	JsonReader *reader;			/* of the document that it lies in */
	JsonType	type;
	ByteCursor	value;			/* until it is opened */
	bool		is_open;
	int			nmembers;
	int			max_members;
	JsonMember *members;		/* [max_members] */
};

/* JsonLeg --- one level of a path */
typedef struct JsonLeg
{
	bool		is_member;
	StringInfoData key;			/* of a member */
	bool		from_end;		/* index counts from the last element */
	uint32		index;			/* of an element */
} JsonLeg;

static JsonNode *make_node(StringInfo buf, const void *data, Size len);
static void apply_diff(JsonNode **root, StringInfo buf, ByteCursor *diffs);
static bool next_leg(ByteCursor *path, JsonLeg *leg);
static void read_name(ByteCursor *path, StringInfo key);
static void read_quoted_name(ByteCursor *path, StringInfo key);
static uint32 read_hex(ByteCursor *path);
static void append_utf8(StringInfo buf, uint32 code);
static void read_index(ByteCursor *path, JsonLeg *leg);
static bool skip_text(ByteCursor *path, const char *text);
static uint32 read_number(ByteCursor *path);
static JsonNode **find_child(JsonNode **slot, const JsonLeg *leg);
static int	find_member(JsonNode *node, const JsonLeg *leg, bool *found);
static int	find_element(const JsonNode *node, const JsonLeg *leg,
						 bool *found);
static bool insert_child(JsonNode *node, const JsonLeg *leg,
						 JsonNode *child);
static bool remove_child(JsonNode *node, const JsonLeg *leg);
static void open_node(JsonNode *node);
static void append_node(StringInfo buf, JsonNode *node, int depth);

static inline bool
is_object(const JsonNode *node)
{
	return node->type == JSON_SMALL_OBJECT || node->type == JSON_LARGE_OBJECT;
}

static inline bool
is_array(const JsonNode *node)
{
	return node->type == JSON_SMALL_ARRAY || node->type == JSON_LARGE_ARRAY;
}

void
sdb_mysql_json_patch(StringInfo buf, const char *data, int len,
					 ByteCursor *diffs)
{
	int			start = buf->len;
	JsonNode   *root = make_node(buf, data, len);

	while (sdb_bytes_left(diffs) > 0)
		apply_diff(&root, buf, diffs);
	append_node(buf, root, 0);
	sdb_mysql_json_convert(buf, start);
}

/* A document as a node; no bytes at all are null. */
static JsonNode *
make_node(StringInfo buf, const void *data, Size len)
{
	static const uint8 null[] = {JSON_LITERAL, 0};
	JsonNode   *node = palloc0(sizeof(JsonNode));

	node->reader = palloc0(sizeof(JsonReader));
	node->reader->buf = buf;
	node->reader->budget = len;
	if (len == 0)
		sdb_bytes_init(&node->value, null, sizeof(null), "JSON document");
	else
		sdb_bytes_init(&node->value, data, len, "JSON document");
	node->type = sdb_bytes_u8(&node->value);
	return node;
}

static void
apply_diff(JsonNode **root, StringInfo buf, ByteCursor *diffs)
{
	uint8		operation = sdb_bytes_u8(diffs);
	ByteCursor	path = sdb_mysql_packed_block(diffs);
	JsonNode  **slot = root;
	JsonNode   *value = NULL;
	JsonLeg		legs[2];		/* the one to follow and the next */
	int			now = 0;
	int			depth = 0;
	bool		done = false;

	if (operation > DIFF_REMOVE)
		sdb_mysql_malformed(diffs, "There is no operation %u on JSON.",
							operation);
	if (operation != DIFF_REMOVE)
	{
		ByteCursor	document = sdb_mysql_packed_block(diffs);

		value = make_node(buf, document.pos, sdb_bytes_left(&document));
	}

	if (!skip_text(&path, "$"))
		sdb_mysql_malformed(&path, "A path does not begin with $.");
	if (!next_leg(&path, &legs[now]))
	{
		done = operation == DIFF_REPLACE;
		if (done)
			*root = value;
	}
	else
	{
		/* all levels but the last lead to the container */
		while (slot != NULL && next_leg(&path, &legs[1 - now]))
		{
			if (++depth >= MAX_JSON_DEPTH)
				sdb_mysql_malformed(&path, "A path has too many levels.");
			slot = find_child(slot, &legs[now]);
			now = 1 - now;
		}
		if (slot != NULL && operation == DIFF_REPLACE)
		{
			slot = find_child(slot, &legs[now]);
			done = slot != NULL;
			if (done)
				*slot = value;
		}
		else if (slot != NULL && operation == DIFF_INSERT)
			done = insert_child(*slot, &legs[now], value);
		else if (slot != NULL)
			done = remove_child(*slot, &legs[now]);
	}
	if (!done)
		sdb_mysql_malformed(diffs, "A partial update does not fit the document before.");
}

/* False at the end of the path. */
static bool
next_leg(ByteCursor *path, JsonLeg *leg)
{
	memset(leg, 0, sizeof(*leg));
	if (sdb_bytes_left(path) == 0)
		return false;
	leg->is_member = skip_text(path, ".");
	if (leg->is_member)
	{
		initStringInfo(&leg->key);
		if (skip_text(path, "\""))
			read_quoted_name(path, &leg->key);
		else
			read_name(path, &leg->key);
	}
	else if (skip_text(path, "["))
		read_index(path, leg);
	else
		sdb_mysql_malformed(path, "A path cannot go on like this.");
	return true;
}

static void
read_name(ByteCursor *path, StringInfo key)
{
	while (sdb_bytes_left(path) > 0 && *path->pos != '.' &&
		   *path->pos != '[')
		appendStringInfoCharMacro(key, (char) sdb_bytes_u8(path));
}

static void
read_quoted_name(ByteCursor *path, StringInfo key)
{
	uint8		c;

	while ((c = sdb_bytes_u8(path)) != '"')
	{
		if (c == '\\')
		{
			c = sdb_bytes_u8(path);
			if (c == 'u')
			{
				append_utf8(key, read_hex(path));
				continue;
			}
			c = c == 'b' ? '\b' : c == 'f' ? '\f' : c == 'n' ? '\n' :
				c == 'r' ? '\r' : c == 't' ? '\t' : c;
		}
		appendStringInfoCharMacro(key, (char) c);
	}
}

/* The server escapes nothing but control characters this way. */
static uint32
read_hex(ByteCursor *path)
{
	uint32		code = 0;

	for (int i = 0; i < 4; i++)
	{
		uint8		c = sdb_bytes_u8(path);

		if (c >= '0' && c <= '9')
			code = code * 16 + c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			code = code * 16 + (c | 0x20) - 'a' + 10;
		else
			sdb_mysql_malformed(path, "A path has a wrong escape.");
	}
	if (code >= 0xD800 && code <= 0xDFFF)
		sdb_mysql_malformed(path, "A path has a wrong escape.");
	return code;
}

static void
append_utf8(StringInfo buf, uint32 code)
{
	if (code < 0x80)
		appendStringInfoChar(buf, (char) code);
	else if (code < 0x800)
	{
		appendStringInfoChar(buf, (char) (0xC0 | (code >> 6)));
		appendStringInfoChar(buf, (char) (0x80 | (code & 0x3F)));
	}
	else
	{
		appendStringInfoChar(buf, (char) (0xE0 | (code >> 12)));
		appendStringInfoChar(buf, (char) (0x80 | ((code >> 6) & 0x3F)));
		appendStringInfoChar(buf, (char) (0x80 | (code & 0x3F)));
	}
}

static void
read_index(ByteCursor *path, JsonLeg *leg)
{
	leg->from_end = skip_text(path, "last");
	if (!leg->from_end || skip_text(path, "-"))
		leg->index = read_number(path);
	if (!skip_text(path, "]"))
		sdb_mysql_malformed(path, "An index in a path does not end.");
}

static bool
skip_text(ByteCursor *path, const char *text)
{
	Size		len = strlen(text);

	if (sdb_bytes_left(path) < len || memcmp(path->pos, text, len) != 0)
		return false;
	sdb_bytes_take(path, len);
	return true;
}

static uint32
read_number(ByteCursor *path)
{
	uint64		number = 0;
	int			ndigits = 0;

	while (sdb_bytes_left(path) > 0 && *path->pos >= '0' &&
		   *path->pos <= '9' && number <= INT_MAX)
	{
		number = number * 10 + sdb_bytes_u8(path) - '0';
		ndigits++;
	}
	if (ndigits == 0 || number > INT_MAX)
		sdb_mysql_malformed(path, "A path has no usable index.");
	return (uint32) number;
}

/* Where the node is that one level leads to; NULL if there is none. */
static JsonNode **
find_child(JsonNode **slot, const JsonLeg *leg)
{
	JsonNode   *node = *slot;
	bool		found = false;
	int			idx0;

	if (leg->is_member)
		idx0 = find_member(node, leg, &found);
	else if (!is_array(node))
		return leg->index == 0 ? slot : NULL;
	else
	{
		open_node(node);
		idx0 = find_element(node, leg, &found);
	}
	return found ? &node->members[idx0].node : NULL;
}

/* The member of that name, or where it belongs. */
static int
find_member(JsonNode *node, const JsonLeg *leg, bool *found)
{
	Size		len = leg->key.len;
	int			low = 0;
	int			high;

	*found = false;
	if (!is_object(node))
		return 0;
	open_node(node);
	high = node->nmembers;
	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		JsonMember *member = &node->members[middle];
		int			order = member->key_len < len ? -1 :
			member->key_len > len ? 1 :
			memcmp(member->key, leg->key.data, len);

		if (order == 0)
		{
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The element of that index, or where one is inserted for it. */
static int
find_element(const JsonNode *node, const JsonLeg *leg, bool *found)
{
	int			n = node->nmembers;
	int			index = (int) leg->index;

	if (leg->from_end)
		index = n - 1 - index;
	*found = index >= 0 && index < n;
	return Max(0, Min(index, n));
}

/* False if the node is no container for it, or has it. */
static bool
insert_child(JsonNode *node, const JsonLeg *leg, JsonNode *child)
{
	JsonMember *member;
	bool		found;
	int			idx0;

	if (leg->is_member ? !is_object(node) : !is_array(node))
		return false;
	open_node(node);
	idx0 = leg->is_member ? find_member(node, leg, &found) :
		find_element(node, leg, &found);
	if (leg->is_member && found)
		return false;

	if (node->nmembers == node->max_members)
	{
		node->max_members = 2 * node->max_members + 4;
		node->members = repalloc(node->members,
								 node->max_members * sizeof(JsonMember));
	}
	member = &node->members[idx0];
	memmove(member + 1, member,
			(node->nmembers - idx0) * sizeof(JsonMember));
	node->nmembers++;
	member->key = (const uint8 *) leg->key.data;
	member->key_len = leg->key.len;
	member->node = child;
	return true;
}

/* False if there is nothing to remove. */
static bool
remove_child(JsonNode *node, const JsonLeg *leg)
{
	JsonMember *member;
	bool		found;
	int			idx0;

	if (leg->is_member ? !is_object(node) : !is_array(node))
		return false;
	open_node(node);
	idx0 = leg->is_member ? find_member(node, leg, &found) :
		find_element(node, leg, &found);
	if (!found)
		return false;
	node->nmembers--;
	member = &node->members[idx0];
	memmove(member, member + 1,
			(node->nmembers - idx0) * sizeof(JsonMember));
	return true;
}

static void
open_node(JsonNode *node)
{
	JsonBox		box;

	if (node->is_open)
		return;
	node->is_open = true;
	sdb_mysql_json_box(node->reader, node->type, node->value, &box);
	node->nmembers = node->max_members = (int) box.count;
	node->members = palloc0((Size) Max(box.count, 1) * sizeof(JsonMember));
	for (uint32 i = 0; i < box.count; i++)
	{
		JsonMember *member = &node->members[i];
		JsonNode   *child = palloc0(sizeof(JsonNode));

		if (box.is_object)
		{
			ByteCursor	key = sdb_mysql_json_key(node->reader, &box, i);

			member->key = key.pos;
			member->key_len = sdb_bytes_left(&key);
		}
		member->node = child;
		child->reader = node->reader;
		child->value = sdb_mysql_json_member(&box, i, &child->type);
	}
}

static void
append_node(StringInfo buf, JsonNode *node, int depth)
{
	bool		has_keys = is_object(node);

	if (!node->is_open)
	{
		node->reader->depth = depth;
		sdb_mysql_json_value(node->reader, node->type, node->value);
		return;
	}
	appendStringInfoChar(buf, has_keys ? '{' : '[');
	for (int i = 0; i < node->nmembers; i++)
	{
		const JsonMember *member = &node->members[i];

		if (i > 0)
			appendStringInfoString(buf, ", ");
		if (has_keys)
		{
			sdb_mysql_json_string(buf, member->key, member->key_len);
			appendStringInfoString(buf, ": ");
		}
		append_node(buf, member->node, depth + 1);
	}
	appendStringInfoChar(buf, has_keys ? '}' : ']');
}
