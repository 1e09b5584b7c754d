# synchdb --- build and install:  make && make install
# PG_CONFIG picks the PostgreSQL; SYNCHDB_TEST=1 adds what the tests need
# (a scripted source, SQL access to the source interface, failpoints).

EXTENSION = synchdb
EXTVERSION = 1.0
MODULE_big = synchdb
PGFILEDESC = "synchdb - copies tables of other databases and keeps them up to date"

SQL_PARTS = $(sort $(wildcard sql/[0-9]*.sql))
DATA_built = synchdb--$(EXTVERSION).sql
DATA = $(wildcard sql/upgrade/synchdb--*--*.sql)

SRCS = $(sort $(wildcard src/*.c src/*/*.c src/*/*/*.c))
ifdef SYNCHDB_TEST
SRCS += $(sort $(wildcard test/fake/*.c))
PG_CPPFLAGS += -DSYNCHDB_TEST
endif
OBJS = $(SRCS:.c=.o)

REGRESS = $(patsubst test/regress/sql/%.sql,%,$(sort $(wildcard test/regress/sql/*.sql)))
REGRESS_OPTS = --inputdir=test/regress --outputdir=test/regress

MARIADB_CONFIG ?= mariadb_config
PG_CPPFLAGS += -Isrc $(shell $(MARIADB_CONFIG) --include)
PG_CFLAGS += -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers
SHLIB_LINK += $(shell $(MARIADB_CONFIG) --libs) -lssl -lcrypto -lsybdb -ldeflate -lzstd -Wl,-Bsymbolic

EXTRA_CLEAN = synchdb--$(EXTVERSION).sql test/regress/results \
	test/regress/regression.diffs test/regress/regression.out

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# a changed header rebuilds what may include it
$(OBJS): $(wildcard src/*.h src/*/*.h src/*/*/*.h)

synchdb--$(EXTVERSION).sql: $(SQL_PARTS)
	cat $^ > $@
