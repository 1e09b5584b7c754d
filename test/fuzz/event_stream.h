/*
 * event_stream.h --- a captured binary log through the decoder
 */
#ifndef SDB_EVENT_STREAM_H
#define SDB_EVENT_STREAM_H

#include "lib/stringinfo.h"

typedef struct EventStream EventStream;

/*
 * event_stream_open --- read table definitions.
 *
 * in:     definitions: a file of tab-separated lines as definitions.sql in
 *         test/golden/mysql gives them; may be NULL for none
 */
extern EventStream *event_stream_open(const char *definitions);
extern void event_stream_close(EventStream *stream);

/* Forget what events have told; keeps the definitions. */
extern void event_stream_rewind(EventStream *stream);

/*
 * event_stream_event --- decode one event.
 *
 * out:    its text is appended to out, unless that is NULL
 * result: the rows in it
 * errors: those of the decoder
 */
extern int	event_stream_event(EventStream *stream, const uint8 *data,
							   Size len, StringInfo out);

/*
 * event_stream_repair --- make size and checksum of a changed event right, so
 * that decoding gets past them.
 */
extern void event_stream_repair(const EventStream *stream, uint8 *data,
								Size len);

/* The whole file, malloc'd; exits if it cannot be read. */
extern uint8 *read_file(const char *path, Size *len);

#endif							/* SDB_EVENT_STREAM_H */
