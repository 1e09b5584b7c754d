/*
 * decode.c --- a captured binary log as text
 *
 *		decode FILE DEFINITIONS				print every change
 *		decode truncate FILE DEFINITIONS	cut each event at every length
 *		decode flip COUNT SEED FILE DEFINITIONS	flip bits, COUNT times each
 *		decode bench SECONDS FILE DEFINITIONS	rows a second
 *		decode seeds DIRECTORY FILE DEFINITIONS	one small log for each event
 *
 * truncate and flip print how many events were decoded and how many ended in
 * an error of which SQLSTATE; a crash is for the caller to see.  flip also
 * tries each event with its checksum left wrong: those decoded are unnoticed
 * (but the one that says whether there are checksums is not tried).
 */
#include "postgres.h"

#include <time.h>

#include "utils/memutils.h"

#include "event_stream.h"
#include "pg_shim.h"
#include "source/mysql/mysql_event.h"

#define MAGIC_LEN		4
#define HEADER_LEN		19
#define MAX_SQLSTATES	16

typedef struct Capture
{
	EventStream *stream;
	uint8	   *data;
	Size		len;
	int			flips;			/* to try with each event */
} Capture;

/* What became of changed events */
typedef struct Tally
{
	int			ndecoded;
	int			nunnoticed;		/* decoded in spite of a wrong checksum */
	int			nsqlstates;
	char		sqlstates[MAX_SQLSTATES][6];
	int			counts[MAX_SQLSTATES];
} Tally;

typedef void (*EventVisitor) (Capture *capture, const uint8 *event, Size len,
							  void *arg);

static void each_event(Capture *capture, EventVisitor visit, void *arg);
static void print_event(Capture *capture, const uint8 *event, Size len,
						void *arg);
static void truncate_event(Capture *capture, const uint8 *event, Size len,
						   void *arg);
static void flip_event(Capture *capture, const uint8 *event, Size len,
					   void *arg);
static void count_rows(Capture *capture, const uint8 *event, Size len,
					   void *arg);
static void bench(Capture *capture, double seconds);
static void seed_event(Capture *capture, const uint8 *event, Size len,
					   void *arg);
static bool try_event(Capture *capture, const uint8 *event, Size len,
					  Tally *tally);
static void count_error(Tally *tally);
static void print_tally(const Tally *tally);

static MemoryContext text_context;

int
main(int argc, char **argv)
{
	Capture		capture;
	Tally		tally = {0};

	if (argc < 3)
	{
		fprintf(stderr, "usage: decode [truncate | flip COUNT SEED | bench SECONDS | seeds DIRECTORY] FILE DEFINITIONS\n");
		return 2;
	}
	capture.data = read_file(argv[argc - 2], &capture.len);
	capture.stream = event_stream_open(argv[argc - 1]);
	text_context = shim_context_create();

	if (argc == 3)
		each_event(&capture, print_event, NULL);
	else if (strcmp(argv[1], "truncate") == 0)
	{
		each_event(&capture, truncate_event, &tally);
		print_tally(&tally);
	}
	else if (strcmp(argv[1], "flip") == 0 && argc == 6)
	{
		capture.flips = atoi(argv[2]);
		srandom(atoi(argv[3]));
		each_event(&capture, flip_event, &tally);
		print_tally(&tally);
	}
	else if (strcmp(argv[1], "bench") == 0 && argc == 5)
		bench(&capture, atof(argv[2]));
	else if (strcmp(argv[1], "seeds") == 0 && argc == 5)
		each_event(&capture, seed_event, argv[2]);
	else
		return 2;

	event_stream_close(capture.stream);
	MemoryContextDelete(text_context);
	free(capture.data);
	return 0;
}

static void
each_event(Capture *capture, EventVisitor visit, void *arg)
{
	Size		pos = MAGIC_LEN;

	while (pos + HEADER_LEN <= capture->len)
	{
		Size		size = sdb_load_le32(capture->data + pos + 9);

		if (size < HEADER_LEN || size > capture->len - pos)
		{
			fprintf(stderr, "the capture is cut at %zu\n", pos);
			exit(2);
		}
		visit(capture, capture->data + pos, size, arg);
		pos += size;
	}
}

static void
print_event(Capture *capture, const uint8 *event, Size len, void *arg)
{
	StringInfoData out;

	CurrentMemoryContext = text_context;
	initStringInfo(&out);
	event_stream_event(capture->stream, event, len, &out);
	fwrite(out.data, 1, out.len, stdout);
	MemoryContextReset(text_context);
}

/* Ends with the whole event, so that the next ones find its table map. */
static void
truncate_event(Capture *capture, const uint8 *event, Size len, void *arg)
{
	for (Size n = 0; n < len; n++)
	{
		uint8	   *copy = malloc(Max(n, 1));

		memcpy(copy, event, n);
		event_stream_repair(capture->stream, copy, n);
		try_event(capture, copy, n, arg);
		free(copy);
	}
	event_stream_event(capture->stream, event, len, NULL);
}

/* Copies of the event with one to four bits changed, then the event itself. */
static void
flip_event(Capture *capture, const uint8 *event, Size len, void *arg)
{
	uint8	   *copy = malloc(len);

	for (int i = 0; i < capture->flips; i++)
	{
		int			nbits = 1 + random() % 4;

		memcpy(copy, event, len);
		while (nbits-- > 0)
			copy[random() % len] ^= 1 << (random() % 8);
		if (event[4] != MYSQL_EVENT_FORMAT_DESCRIPTION &&
			memcmp(copy, event, len) != 0 &&
			try_event(capture, copy, len, NULL))
			((Tally *) arg)->nunnoticed++;
		event_stream_repair(capture->stream, copy, len);
		try_event(capture, copy, len, arg);
	}
	free(copy);
	event_stream_event(capture->stream, event, len, NULL);
}

/* False if it ended in an error; tally may be NULL. */
static bool
try_event(Capture *capture, const uint8 *event, Size len, Tally *tally)
{
	volatile bool decoded = false;
	StringInfoData out;

	CurrentMemoryContext = text_context;
	initStringInfo(&out);
	PG_TRY();
	{
		event_stream_event(capture->stream, event, len, &out);
		decoded = true;
	}
	PG_CATCH();
	{
		if (tally)
			count_error(tally);
	}
	PG_END_TRY();
	if (tally && decoded)
		tally->ndecoded++;
	MemoryContextReset(text_context);
	return decoded;
}

static void
count_error(Tally *tally)
{
	int			i = 0;

	while (i < tally->nsqlstates &&
		   strcmp(tally->sqlstates[i], shim_error.sqlstate) != 0)
		i++;
	if (i == MAX_SQLSTATES)
		abort();
	if (i == tally->nsqlstates)
		strcpy(tally->sqlstates[tally->nsqlstates++], shim_error.sqlstate);
	tally->counts[i]++;
}

static void
print_tally(const Tally *tally)
{
	printf("decoded %d\nunnoticed %d\n", tally->ndecoded, tally->nunnoticed);
	for (int i = 0; i < tally->nsqlstates; i++)
		printf("%s %d\n", tally->sqlstates[i], tally->counts[i]);
}

static void
count_rows(Capture *capture, const uint8 *event, Size len, void *arg)
{
	*(int64 *) arg += event_stream_event(capture->stream, event, len, NULL);
}

static void
bench(Capture *capture, double seconds)
{
	clock_t		start = clock();
	double		taken;
	int64		nrows = 0;
	int64		nbytes = 0;

	do
	{
		event_stream_rewind(capture->stream);
		each_event(capture, count_rows, &nrows);
		nbytes += capture->len;
		taken = (double) (clock() - start) / CLOCKS_PER_SEC;
	} while (taken < seconds);
	printf("%.0f rows/s, %.0f MB/s\n", nrows / taken, nbytes / taken / 1e6);
}

/* The first event, the last table map and this event, as a log of their own. */
static void
seed_event(Capture *capture, const uint8 *event, Size len, void *arg)
{
	static const uint8 *first;
	static const uint8 *map;
	static int	number;
	char		path[MAXPGPATH];
	FILE	   *file;

	if (first == NULL)
		first = event;
	if (event[4] == MYSQL_EVENT_TABLE_MAP)
	{
		map = event;
		return;
	}

	snprintf(path, sizeof(path), "%s/%03d.bin", (char *) arg, number++);
	file = fopen(path, "wb");
	if (file == NULL)
	{
		perror(path);
		exit(2);
	}
	fwrite(capture->data, 1, MAGIC_LEN, file);
	fwrite(first, 1, sdb_load_le32(first + 9), file);
	if (map)
		fwrite(map, 1, sdb_load_le32(map + 9), file);
	fwrite(event, 1, len, file);
	fclose(file);
}
