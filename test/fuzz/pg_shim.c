/*
 * pg_shim.c --- the backend symbols that the decoder needs; see pg_shim.h
 */
#include "postgres.h"

#include <iconv.h>
#include <signal.h>

#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "pg_shim.h"
#include "util/charset_backend.h"
#include "util/error_position.h"

/* Chunk --- header of one allocation, in the ring of its context */
typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *prev;
	Size		size;
	MemoryContextCallback *callbacks;	/* of a head */
} Chunk;

typedef struct IconvName
{
	int			encoding;		/* enum pg_enc */
	const char *name;
	iconv_t		handle;			/* NULL until used */
} IconvName;

/* The encodings of the character sets in the captures */
static IconvName iconv_names[] = {
	{PG_WIN1250, "CP1250"},
	{PG_WIN1251, "CP1251"},
	{PG_WIN1252, "CP1252"},
	{PG_WIN1256, "CP1256"},
	{PG_WIN1257, "CP1257"},
	{PG_LATIN2, "ISO8859-2"},
	{PG_LATIN5, "ISO8859-9"},
	{PG_LATIN7, "ISO8859-13"},
	{PG_ISO_8859_7, "ISO8859-7"},
	{PG_ISO_8859_8, "ISO8859-8"},
	{PG_WIN866, "CP866"},
	{PG_WIN874, "CP874"},
	{PG_KOI8R, "KOI8-R"},
	{PG_KOI8U, "KOI8-U"},
	{PG_SJIS, "CP932"},
	{PG_EUC_JP, "EUC-JP"},
	{PG_EUC_KR, "EUC-KR"},
	{PG_EUC_CN, "EUC-CN"},
	{PG_UHC, "UHC"},
	{PG_GBK, "GBK"},
	{PG_GB18030, "GB18030"},
	{PG_BIG5, "BIG5"}
};

ErrorPosition sdb_error_position;
ShimError	shim_error;
MemoryContext CurrentMemoryContext;
sigjmp_buf *PG_exception_stack;
ErrorContextCallback *error_context_stack;

static Chunk *chunk_of(void *pointer);
static void format_into(char *dest, Size size, const char *format,
						va_list args) pg_attribute_printf(3, 0);

/* A context is the head of a ring of chunks. */
MemoryContext
shim_context_create(void)
{
	Chunk	   *head = calloc(1, sizeof(Chunk));

	head->next = head->prev = head;
	return (MemoryContext) head;
}

void
MemoryContextReset(MemoryContext context)
{
	Chunk	   *head = (Chunk *) context;

	for (; head->callbacks != NULL; head->callbacks = head->callbacks->next)
		head->callbacks->func(head->callbacks->arg);
	while (head->next != head)
		pfree(head->next + 1);
}

void
MemoryContextDelete(MemoryContext context)
{
	MemoryContextReset(context);
	free(context);
}

void
MemoryContextRegisterResetCallback(MemoryContext context,
								   MemoryContextCallback *callback)
{
	Chunk	   *head = (Chunk *) context;

	callback->next = head->callbacks;
	head->callbacks = callback;
}

void *
MemoryContextAllocHuge(MemoryContext context, Size size)
{
	Chunk	   *head = (Chunk *) context;
	Chunk	   *chunk = malloc(sizeof(Chunk) + size);

	if (chunk == NULL)
		abort();
	chunk->size = size;
	chunk->next = head->next;
	chunk->prev = head;
	head->next->prev = chunk;
	head->next = chunk;
	return chunk + 1;
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	if (!AllocSizeIsValid(size))
		elog(ERROR, "invalid memory alloc request size %zu", size);
	return MemoryContextAllocHuge(context, size);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return memset(MemoryContextAlloc(context, size), 0, size);
}

void *
palloc(Size size)
{
	return MemoryContextAlloc(CurrentMemoryContext, size);
}

void *
palloc0(Size size)
{
	return MemoryContextAllocZero(CurrentMemoryContext, size);
}

/* Stays in the context where it was: a chunk serves as head of its ring. */
void *
repalloc(void *pointer, Size size)
{
	Chunk	   *old = chunk_of(pointer);
	void	   *result = MemoryContextAlloc((MemoryContext) old, size);

	memcpy(result, pointer, Min(size, old->size));
	pfree(pointer);
	return result;
}

void
pfree(void *pointer)
{
	Chunk	   *chunk = chunk_of(pointer);

	chunk->next->prev = chunk->prev;
	chunk->prev->next = chunk->next;
	free(chunk);
}

static Chunk *
chunk_of(void *pointer)
{
	return (Chunk *) pointer - 1;
}

char *
pnstrdup(const char *text, Size len)
{
	char	   *copy;

	len = strnlen(text, len);
	copy = palloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

List *
list_make1_impl(NodeTag t, ListCell datum1)
{
	List	   *list = palloc0(sizeof(List));

	list->type = t;
	return lappend(list, datum1.ptr_value);
}

List *
lappend(List *list, void *datum)
{
	if (list == NIL)
		return list_make1_impl(T_List, list_make_ptr_cell(datum));
	if (list->elements == NULL)
	{
		list->max_length = 4;
		list->elements = palloc(list->max_length * sizeof(ListCell));
	}
	else if (list->length == list->max_length)
	{
		list->max_length *= 2;
		list->elements = repalloc(list->elements,
								  list->max_length * sizeof(ListCell));
	}
	list->elements[list->length++].ptr_value = datum;
	return list;
}

/* Only errors are ever reported; they end up in shim_error. */
bool
errstart(int elevel, const char *domain)
{
	memset(&shim_error, 0, sizeof(shim_error));
	strcpy(shim_error.sqlstate, "XX000");
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	pg_re_throw();
}

void
pg_re_throw(void)
{
	if (PG_exception_stack == NULL)
	{
		fprintf(stderr, "ERROR %s: %s (%s)\n", shim_error.sqlstate,
				shim_error.message, shim_error.detail);
		exit(2);
	}
	siglongjmp(*PG_exception_stack, 1);
}

int
errcode(int sqlerrcode)
{
	for (int i = 0; i < 5; i++)
		shim_error.sqlstate[i] = PGUNSIXBIT(sqlerrcode >> (6 * i));
	return 0;
}

int
errmsg(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	format_into(shim_error.message, sizeof(shim_error.message), format, args);
	va_end(args);
	return 0;
}

int
errmsg_internal(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	format_into(shim_error.message, sizeof(shim_error.message), format, args);
	va_end(args);
	return 0;
}

int
errdetail(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	format_into(shim_error.detail, sizeof(shim_error.detail), format, args);
	va_end(args);
	return 0;
}

int
errhint(const char *format,...)
{
	return 0;
}

static void
format_into(char *dest, Size size, const char *format, va_list args)
{
	vsnprintf(dest, size, format, args);
}

void
check_stack_depth(void)
{
}

void
ProcessInterrupts(void)
{
}

volatile sig_atomic_t InterruptPending = false;

int
GetDatabaseEncoding(void)
{
	return PG_UTF8;
}

const char *
GetDatabaseEncodingName(void)
{
	return "UTF8";
}

static IconvName *
find_iconv(int encoding)
{
	for (int i = 0; i < lengthof(iconv_names); i++)
	{
		if (iconv_names[i].encoding == encoding)
			return &iconv_names[i];
	}
	return NULL;
}

bool
sdb_charset_backend_knows(int encoding)
{
	return encoding == PG_UTF8 || find_iconv(encoding) != NULL;
}

int
sdb_charset_backend_to_utf8(int encoding, const char *data, int len,
							char *dest)
{
	IconvName  *name = find_iconv(encoding);
	char	   *in = unconstify(char *, data);
	size_t		nin = len;
	size_t		nout = (size_t) len * MAX_CONVERSION_GROWTH;

	if (name->handle == NULL)
		name->handle = iconv_open("UTF-8", name->name);
	if (name->handle == (iconv_t) -1)
		elog(ERROR, "iconv does not know %s", name->name);
	iconv(name->handle, NULL, NULL, NULL, NULL);
	iconv(name->handle, &in, &nin, &dest, &nout);
	*dest = '\0';
	return len - (int) nin;
}

const char *
sdb_charset_backend_from_utf8(const char *data, int len, int *out_len)
{
	*out_len = len;
	return data;
}
