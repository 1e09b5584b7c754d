/*
 * load.c --- single-row transactions at a fixed rate, and when each returned
 *
 *		load mariadb SOCKET RATE SECONDS CONNECTIONS FIRST_ID
 *		load postgres CONNINFO RATE SECONDS CONNECTIONS FIRST_ID
 *
 * An open loop: transaction n is due at n / RATE seconds after the start,
 * whether or not earlier ones have returned; each connection takes every
 * CONNECTIONSth.  One that is late is sent at once.
 *
 * Prints a line for each, in no order: its id, and the microseconds since
 * 1970 at which the commit had returned.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>
#include <mysql.h>

#define MAX_CONNECTIONS	64

/* One connection: every nth transaction */
typedef struct Writer
{
	pthread_t	thread;
	int			number;
	MYSQL	   *mariadb;		/* or NULL */
	PGconn	   *postgres;		/* or NULL */
	int64_t    *returned;		/* microseconds since 1970, by transaction */
} Writer;

static double rate;
static int	ntransactions;
static int	nwriters;
static int	first_id;
static int64_t start_ns;		/* CLOCK_MONOTONIC */

static void connect_writer(Writer *writer, const char *kind,
						   const char *where);
static void *run_writer(void *arg);
static void insert_row(Writer *writer, int id);
static void sleep_until(int64_t due_ns);
static int64_t now_ns(clockid_t clock);

int
main(int argc, char **argv)
{
	static Writer writers[MAX_CONNECTIONS];
	int64_t    *returned;

	if (argc != 7 || (nwriters = atoi(argv[5])) < 1 ||
		nwriters > MAX_CONNECTIONS)
	{
		fprintf(stderr, "usage: load mariadb|postgres WHERE RATE SECONDS CONNECTIONS FIRST_ID\n");
		return 2;
	}
	rate = atof(argv[3]);
	ntransactions = (int) (rate * atof(argv[4]));
	first_id = atoi(argv[6]);
	returned = calloc(ntransactions, sizeof(int64_t));

	for (int i = 0; i < nwriters; i++)
	{
		writers[i].number = i;
		writers[i].returned = returned;
		connect_writer(&writers[i], argv[1], argv[2]);
	}
	start_ns = now_ns(CLOCK_MONOTONIC);
	for (int i = 0; i < nwriters; i++)
	{
		if (pthread_create(&writers[i].thread, NULL, run_writer,
						   &writers[i]) != 0)
			abort();
	}
	for (int i = 0; i < nwriters; i++)
		pthread_join(writers[i].thread, NULL);
	for (int i = 0; i < ntransactions; i++)
		printf("%d %" PRId64 "\n", first_id + i, returned[i]);
	return 0;
}

static void
connect_writer(Writer *writer, const char *kind, const char *where)
{
	if (strcmp(kind, "mariadb") == 0)
	{
		writer->mariadb = mysql_init(NULL);
		if (!mysql_real_connect(writer->mariadb, NULL, "root", NULL,
								"latency", 0, where, 0))
		{
			fprintf(stderr, "%s\n", mysql_error(writer->mariadb));
			exit(1);
		}
		return;
	}
	writer->postgres = PQconnectdb(where);
	if (PQstatus(writer->postgres) != CONNECTION_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(writer->postgres));
		exit(1);
	}
}

static void *
run_writer(void *arg)
{
	Writer	   *writer = arg;

	for (int i = writer->number; i < ntransactions; i += nwriters)
	{
		sleep_until(start_ns + (int64_t) (i / rate * 1e9));
		insert_row(writer, first_id + i);
		writer->returned[i] = now_ns(CLOCK_REALTIME) / 1000;
	}
	return NULL;
}

static void
insert_row(Writer *writer, int id)
{
	char		sql[128];

	snprintf(sql, sizeof(sql),
			 "INSERT INTO latency.ticks VALUES (%d, 'one row of a quiet day')",
			 id);
	if (writer->mariadb)
	{
		if (mysql_query(writer->mariadb, sql) != 0)
		{
			fprintf(stderr, "%s\n", mysql_error(writer->mariadb));
			exit(1);
		}
	}
	else
	{
		PGresult   *result = PQexec(writer->postgres, sql);

		if (PQresultStatus(result) != PGRES_COMMAND_OK)
		{
			fprintf(stderr, "%s", PQerrorMessage(writer->postgres));
			exit(1);
		}
		PQclear(result);
	}
}

static void
sleep_until(int64_t due_ns)
{
	struct timespec due = {due_ns / 1000000000, due_ns % 1000000000};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static int64_t
now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
