/*
 * sqlserver_clr.c --- geometries as SQL Server stores them
 *
 * The serialised form is flat: all points; figures, each a run of points;
 * shapes, each a run of figures with the shape it is part of.  Well-known
 * binary nests, so shapes are written from the outside in, by looking up the
 * children of each.
 *
 * A geography has latitude before longitude; WKB has them the other way round.
 *
 * Offsets are checked once when they are read, so that writing need not.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "source/sqlserver/sqlserver_clr.h"
#include "util/bytes.h"

#define WHAT "spatial value"

/* Serialization properties */
#define HAS_Z			0x01
#define HAS_M			0x02
#define IS_POINT		0x08
#define IS_SEGMENT		0x10

#define POINT_BYTES		16
#define FIGURE_BYTES	5
#define SHAPE_BYTES		9

/* Shapes, with the numbers that WKB has for them too */
#define SHAPE_POINT				1
#define SHAPE_LINE				2
#define SHAPE_POLYGON			3
#define SHAPE_COLLECTION		7
#define SHAPE_CIRCULAR			8
#define SHAPE_COMPOUND			9
#define SHAPE_CURVE_POLYGON		10
#define SHAPE_FULL_GLOBE		11

/* Attributes of figures from version 2 on */
#define FIGURE_ARC				2
#define FIGURE_COMPOSITE		3

/* Segments of composite figures: the low bit: arc; the next: begins a part */
#define SEGMENT_IS_ARC			0x01
#define SEGMENT_IS_FIRST		0x02

typedef struct ClrFigure
{
	int			attribute;
	int			first;			/* point, idx0 */
	int			end;			/* one past the last */
} ClrFigure;

typedef struct ClrShape
{
	int			parent;			/* idx0; -1 for the outermost */
	int			first;			/* figure, idx0 */
	int			end;			/* one past the last */
	int			type;
} ClrShape;

typedef struct ClrValue
{
	bool		is_geography;
	int			version;
	bool		has_z;
	bool		has_m;
	int			npoints;
	const uint8 *points;
	const uint8 *z;
	const uint8 *m;
	int			nfigures;
	ClrFigure  *figures;
	int			nshapes;
	ClrShape   *shapes;
	int			nsegments;
	const uint8 *segments;
	int			next_segment;
} ClrValue;

static void read_points(ClrValue *clr, ByteCursor *cur, int properties);
static void make_simple(ClrValue *clr, int type);
static void read_figures(ClrValue *clr, ByteCursor *cur);
static void read_shapes(ClrValue *clr, ByteCursor *cur);
static int	read_count(ByteCursor *cur, int size);
static void write_shape(StringInfo buf, ClrValue *clr, int shape);
static void write_curve(StringInfo buf, ClrValue *clr,
						const ClrFigure *figure);
static void write_compound(StringInfo buf, ClrValue *clr,
						   const ClrFigure *figure);
static void write_header(StringInfo buf, const ClrValue *clr, int type);
static void write_points(StringInfo buf, const ClrValue *clr, int first,
						 int end);
static void write_point(StringInfo buf, const ClrValue *clr, int idx0);
static void write_u32(StringInfo buf, uint32 number);
static void set_u32(StringInfo buf, int offset, uint32 number);
pg_noreturn static void report_malformed(const char *reason);

void
sdb_sqlserver_clr_geometry(const uint8 *data, int len, bool is_geography,
						   SourceGeometry *geometry)
{
	ClrValue	clr = {.is_geography = is_geography};
	ByteCursor	cur;
	StringInfoData buf;
	int32		srid;
	int			properties;

	sdb_bytes_init(&cur, data, len, WHAT);
	srid = (int32) sdb_bytes_le32(&cur);
	clr.version = sdb_bytes_u8(&cur);
	if (clr.version < 1 || clr.version > 2)
		report_malformed("unknown version");
	properties = sdb_bytes_u8(&cur);
	read_points(&clr, &cur, properties);
	if (properties & IS_POINT)
		make_simple(&clr, SHAPE_POINT);
	else if (properties & IS_SEGMENT)
		make_simple(&clr, SHAPE_LINE);
	else
	{
		read_figures(&clr, &cur);
		read_shapes(&clr, &cur);
	}

	geometry->srid = Max(srid, 0);
	geometry->native = (const char *) data;
	geometry->native_len = len;
	geometry->wkb = NULL;
	geometry->len = 0;
	if (clr.shapes[0].type == SHAPE_FULL_GLOBE)
		return;
	initStringInfo(&buf);
	write_shape(&buf, &clr, 0);
	geometry->wkb = buf.data;
	geometry->len = buf.len;
}

static void
read_points(ClrValue *clr, ByteCursor *cur, int properties)
{
	if (properties & IS_POINT)
		clr->npoints = 1;
	else if (properties & IS_SEGMENT)
		clr->npoints = 2;
	else
		clr->npoints = read_count(cur, POINT_BYTES);
	clr->has_z = (properties & HAS_Z) != 0;
	clr->has_m = (properties & HAS_M) != 0;
	clr->points = sdb_bytes_take(cur, (Size) clr->npoints * POINT_BYTES);
	if (clr->has_z)
		clr->z = sdb_bytes_take(cur, (Size) clr->npoints * sizeof(double));
	if (clr->has_m)
		clr->m = sdb_bytes_take(cur, (Size) clr->npoints * sizeof(double));
}

/* A single point or line has neither figures nor shapes of its own. */
static void
make_simple(ClrValue *clr, int type)
{
	clr->nfigures = clr->nshapes = 1;
	clr->figures = palloc0(sizeof(ClrFigure));
	clr->figures->end = clr->npoints;
	clr->shapes = palloc0(sizeof(ClrShape));
	clr->shapes->parent = -1;
	clr->shapes->end = 1;
	clr->shapes->type = type;
}

static void
read_figures(ClrValue *clr, ByteCursor *cur)
{
	clr->nfigures = read_count(cur, FIGURE_BYTES);
	clr->figures = palloc0((clr->nfigures + 1) * sizeof(ClrFigure));
	for (int i = 0; i < clr->nfigures; i++)
	{
		ClrFigure  *figure = &clr->figures[i];

		figure->attribute = sdb_bytes_u8(cur);
		figure->first = (int32) sdb_bytes_le32(cur);
		figure->end = clr->npoints;
		if (figure->first < 0 || figure->first > clr->npoints ||
			(i > 0 && figure->first < figure[-1].first))
			report_malformed("figure out of order");
		if (i > 0)
			figure[-1].end = figure->first;
	}
}

static void
read_shapes(ClrValue *clr, ByteCursor *cur)
{
	int			last = -1;		/* shape with figures met before */

	clr->nshapes = read_count(cur, SHAPE_BYTES);
	if (clr->nshapes == 0)
		report_malformed("no shape");
	clr->shapes = palloc0(clr->nshapes * sizeof(ClrShape));
	for (int i = 0; i < clr->nshapes; i++)
	{
		ClrShape   *shape = &clr->shapes[i];

		shape->parent = (int32) sdb_bytes_le32(cur);
		shape->first = (int32) sdb_bytes_le32(cur);
		shape->end = clr->nfigures;
		shape->type = sdb_bytes_u8(cur);
		/* a parent comes first, which also keeps them from going in circles */
		if (shape->parent >= i || (i > 0 && shape->parent < 0) ||
			shape->type < SHAPE_POINT || shape->type > SHAPE_FULL_GLOBE)
			report_malformed("invalid shape");
		if (shape->first < 0)
		{
			shape->first = shape->end = 0;
			continue;
		}
		if (shape->first > clr->nfigures ||
			(last >= 0 && shape->first < clr->shapes[last].first))
			report_malformed("shape out of order");
		if (last >= 0)
			clr->shapes[last].end = shape->first;
		last = i;
	}
	if (clr->version > 1 && sdb_bytes_left(cur) > 0)
	{
		clr->nsegments = read_count(cur, 1);
		clr->segments = sdb_bytes_take(cur, clr->nsegments);
	}
}

/* A number of things of that size, which must all be there. */
static int
read_count(ByteCursor *cur, int size)
{
	uint32		count = sdb_bytes_le32(cur);

	if (count > sdb_bytes_left(cur) / size)
		report_malformed("more announced than there is");
	return (int) count;
}

static void
write_shape(StringInfo buf, ClrValue *clr, int idx0)
{
	const ClrShape *shape = &clr->shapes[idx0];
	const ClrFigure *figures = clr->figures + shape->first;
	int			nfigures = shape->end - shape->first;
	int			count_at;
	uint32		nchildren = 0;

	check_stack_depth();
	switch (shape->type)
	{
		case SHAPE_POINT:
			write_header(buf, clr, SHAPE_POINT);
			write_point(buf, clr, nfigures > 0 &&
						figures->first < figures->end ? figures->first : -1);
			return;
		case SHAPE_LINE:
		case SHAPE_CIRCULAR:
			write_header(buf, clr, shape->type);
			write_points(buf, clr, nfigures > 0 ? figures->first : 0,
						 nfigures > 0 ? figures->end : 0);
			return;
		case SHAPE_POLYGON:
			write_header(buf, clr, SHAPE_POLYGON);
			write_u32(buf, nfigures);
			for (int i = 0; i < nfigures; i++)
				write_points(buf, clr, figures[i].first, figures[i].end);
			return;
		case SHAPE_COMPOUND:
			if (nfigures > 0)
				write_compound(buf, clr, figures);
			else
			{
				write_header(buf, clr, SHAPE_COMPOUND);
				write_u32(buf, 0);
			}
			return;
		case SHAPE_CURVE_POLYGON:
			write_header(buf, clr, SHAPE_CURVE_POLYGON);
			write_u32(buf, nfigures);
			for (int i = 0; i < nfigures; i++)
				write_curve(buf, clr, &figures[i]);
			return;
		case SHAPE_FULL_GLOBE:
			report_malformed("the full globe as part of another shape");
	}

	/* a collection of some kind */
	write_header(buf, clr, shape->type);
	count_at = buf->len;
	write_u32(buf, 0);
	for (int i = idx0 + 1; i < clr->nshapes; i++)
	{
		if (clr->shapes[i].parent != idx0)
			continue;
		write_shape(buf, clr, i);
		nchildren++;
	}
	set_u32(buf, count_at, nchildren);
}

/* A ring of a curve polygon. */
static void
write_curve(StringInfo buf, ClrValue *clr, const ClrFigure *figure)
{
	if (figure->attribute == FIGURE_COMPOSITE)
	{
		write_compound(buf, clr, figure);
		return;
	}
	write_header(buf, clr, figure->attribute == FIGURE_ARC ?
				 SHAPE_CIRCULAR : SHAPE_LINE);
	write_points(buf, clr, figure->first, figure->end);
}

/*
 * Parts of lines and of arcs in turn, each beginning at the point where the
 * one before ended.  A line takes one more point a segment, an arc two.
 */
static void
write_compound(StringInfo buf, ClrValue *clr, const ClrFigure *figure)
{
	int			count_at;
	uint32		nparts = 0;
	int			start = figure->first;

	write_header(buf, clr, SHAPE_COMPOUND);
	count_at = buf->len;
	write_u32(buf, 0);
	while (start < figure->end - 1)
	{
		int			end = start;
		int			kind = -1;	/* of this part's segments */

		while (end < figure->end - 1 && clr->next_segment < clr->nsegments)
		{
			int			segment = clr->segments[clr->next_segment];

			if (kind >= 0 && ((segment & SEGMENT_IS_FIRST) ||
							  (segment & SEGMENT_IS_ARC) != kind))
				break;
			kind = segment & SEGMENT_IS_ARC;
			end += kind ? 2 : 1;
			clr->next_segment++;
		}
		if (kind < 0 || end >= figure->end)
			report_malformed("segments do not fit the points");
		write_header(buf, clr, kind ? SHAPE_CIRCULAR : SHAPE_LINE);
		write_points(buf, clr, start, end + 1);
		start = end;
		nparts++;
	}
	set_u32(buf, count_at, nparts);
}

static void
write_header(StringInfo buf, const ClrValue *clr, int type)
{
	appendStringInfoChar(buf, 1);	/* little-endian */
	write_u32(buf, type + (clr->has_z ? 1000 : 0) + (clr->has_m ? 2000 : 0));
}

static void
write_points(StringInfo buf, const ClrValue *clr, int first, int end)
{
	write_u32(buf, end - first);
	for (int i = first; i < end; i++)
		write_point(buf, clr, i);
}

/* Point -1 is an empty one, which has no numbers. */
static void
write_point(StringInfo buf, const ClrValue *clr, int idx0)
{
	static const uint8 nan[sizeof(double)] = {0, 0, 0, 0, 0, 0, 0xF8, 0x7F};
	const uint8 *x = nan;
	const uint8 *y = nan;
	Size		size = sizeof(double);

	if (idx0 >= 0)
	{
		x = clr->points + (Size) idx0 * POINT_BYTES;
		y = x + size;
		if (clr->is_geography)
		{
			y = x;
			x += size;
		}
	}
	appendBinaryStringInfo(buf, (const char *) x, size);
	appendBinaryStringInfo(buf, (const char *) y, size);
	if (clr->has_z)
		appendBinaryStringInfo(buf, (const char *) (idx0 < 0 ? nan :
													clr->z + idx0 * size),
							   size);
	if (clr->has_m)
		appendBinaryStringInfo(buf, (const char *) (idx0 < 0 ? nan :
													clr->m + idx0 * size),
							   size);
}

static void
write_u32(StringInfo buf, uint32 number)
{
	for (int i = 0; i < 4; i++)
		appendStringInfoCharMacro(buf, (char) (number >> (8 * i)));
}

static void
set_u32(StringInfo buf, int offset, uint32 number)
{
	for (int i = 0; i < 4; i++)
		buf->data[offset + i] = (char) (number >> (8 * i));
}

static void
report_malformed(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("malformed %s: %s", WHAT, reason)));
}
