"""Runs batches through FreeTDS's db-lib and prints what came, as JSON.

    dblib_client.py SECTION USER PASSWORD DATABASE TIMEOUT BATCH...

reads its server from the section of the file that FREETDSCONF names.  Values
are what dbdata() points to: text as it is, all else as its type's number and
hexadecimal bytes.
"""
import ctypes
import json
import sys

dblib = ctypes.CDLL("libsybdb.so.5")

FAIL, NO_MORE_ROWS, NO_MORE_RESULTS = 0, -2, 2
INT_CANCEL, INT_TIMEOUT, TIMED_OUT = 2, 3, 20003
SET_USER, SET_PASSWORD, SET_DATABASE, SET_VERSION = 2, 3, 14, 1001
VERSION_74 = 8
TEXTS = (35, 47)                # SYBTEXT, SYBCHAR

POINTER, INT, TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
ERROR_HANDLER = ctypes.CFUNCTYPE(INT, POINTER, INT, INT, INT, TEXT, TEXT)
MESSAGE_HANDLER = ctypes.CFUNCTYPE(INT, POINTER, ctypes.c_int32, INT, INT,
                                   TEXT, TEXT, TEXT, INT)

for name, result, arguments in (
        ("dblogin", POINTER, ()),
        ("dbsetlname", INT, (POINTER, TEXT, INT)),
        ("dbsetlversion", INT, (POINTER, ctypes.c_ubyte)),
        ("dbopen", POINTER, (POINTER, TEXT)),
        ("dbcmd", INT, (POINTER, TEXT)),
        ("dbsqlexec", INT, (POINTER,)),
        ("dbresults", INT, (POINTER,)),
        ("dbnextrow", INT, (POINTER,)),
        ("dbnumcols", INT, (POINTER,)),
        ("dbcolname", TEXT, (POINTER, INT)),
        ("dbcoltype", INT, (POINTER, INT)),
        ("dbdata", POINTER, (POINTER, INT)),
        ("dbdatlen", ctypes.c_int32, (POINTER, INT)),
        ("dbcancel", INT, (POINTER,)),
        ("dbdead", ctypes.c_ubyte, (POINTER,)),
        ("dbsettime", INT, (INT,)),
        ("dbclose", None, (POINTER,))):
    function = getattr(dblib, name)
    function.restype, function.argtypes = result, arguments

messages = []


@ERROR_HANDLER
def on_error(process, severity, number, os_error, text, os_text):
    messages.append(["error", number, (text or b"").decode()])
    return INT_TIMEOUT if number == TIMED_OUT else INT_CANCEL


@MESSAGE_HANDLER
def on_message(process, number, state, severity, text, server, proc, line):
    messages.append(["message", number, text.decode(), state, severity])
    return 0


def value(process, column):
    data = dblib.dbdata(process, column)
    size = dblib.dbdatlen(process, column)
    if not data:
        return None
    raw = ctypes.string_at(data, size)
    type = dblib.dbcoltype(process, column)
    return raw.decode() if type in TEXTS else [type, raw.hex()]


def run(process, batch):
    del messages[:]
    results = []
    dblib.dbcmd(process, batch.encode())
    if dblib.dbsqlexec(process) != FAIL:
        while (state := dblib.dbresults(process)) != NO_MORE_RESULTS:
            if state == FAIL:
                if dblib.dbdead(process):
                    break
                continue
            columns = range(1, dblib.dbnumcols(process) + 1)
            names = [dblib.dbcolname(process, column).decode()
                     for column in columns]
            rows = []
            while (state := dblib.dbnextrow(process)) not in (NO_MORE_ROWS,
                                                              FAIL):
                rows.append([value(process, column) for column in columns])
            if columns:
                results.append({"columns": names, "rows": rows,
                                "whole": state == NO_MORE_ROWS})
            if state == FAIL:
                dblib.dbcancel(process)
                break
    return {"results": results, "messages": messages[:],
            "dead": bool(dblib.dbdead(process))}


def main(section, user, password, database, timeout, *batches):
    dblib.dbinit()
    dblib.dberrhandle(on_error)
    dblib.dbmsghandle(on_message)
    dblib.dbsettime(int(timeout))
    login = dblib.dblogin()
    for which, text in ((SET_USER, user), (SET_PASSWORD, password),
                        (SET_DATABASE, database)):
        dblib.dbsetlname(login, text.encode(), which)
    dblib.dbsetlversion(login, VERSION_74)
    process = dblib.dbopen(login, section.encode())
    told = {"messages": messages[:]}
    if process:
        told["batches"] = [run(process, batch) for batch in batches]
        dblib.dbclose(process)
    print(json.dumps(told))


main(*sys.argv[1:])
