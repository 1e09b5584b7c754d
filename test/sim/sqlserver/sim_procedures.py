"""What only a simulator has: EXEC sim.<procedure>.

The same by the control channel: {"do": "sim.capture", "transactions": 1}.
Time units are in the names.  README.md says what each does.
"""

from .complain import unknown
from .procedures import procedure, table
from .result import ResultSet, SqlError
from .values import TICKS_PER_SECOND


def databases(session, database):
    """Those with change data capture, or the current one alone."""
    return [database] if database.cdc is not None else [
        one for one in session.engine.databases.values()
        if one.cdc is not None]


@procedure("sim.capture", "transactions int = NULL")
def capture(session, database, args):
    """The capture job reads the log now, even if the agent is stopped."""
    count = session.engine.job.capture(databases(session, database),
                                       args.transactions)
    return table("transactions int", [(count,)])


@procedure("sim.agent", """running bit = NULL, automatic bit = NULL,
           lag_ms int = NULL""")
def agent(session, database, args):
    """The agent, and when the capture job reads the log by itself."""
    job = session.engine.job
    if args.running is not None:
        job.running = args.running
    if args.automatic is not None:
        job.automatic = args.automatic
    if args.lag_ms is not None:
        job.lag = args.lag_ms / 1000
    if job.lag == 0:
        job.catch_up()
    else:
        job.notice([])


@procedure("sim.idle")
def idle(session, database, args):
    """An entry of lsn_time_mapping without a transaction."""
    for one in databases(session, database):
        one.cdc.idle()


@procedure("sim.cleanup", """retention_minutes int = NULL,
           low_water_mark binary(10) = NULL, everything bit = 0""")
def cleanup(session, database, args):
    """The clean-up job; without arguments all but the last LSN goes."""
    for one in databases(session, database):
        cdc = one.cdc
        low = args.low_water_mark
        if low is None and args.retention_minutes is not None:
            low = cdc.low_water(args.retention_minutes)
        elif low is None:
            low = cdc.max_lsn()
        if low is not None:
            cdc.clean(low, empty=bool(args.everything))


@procedure("sim.clock", "offset_seconds bigint = 0")
def clock(session, database, args):
    """Moves the server's clock, from the real time."""
    session.engine.clock_offset = args.offset_seconds * TICKS_PER_SECOND


@procedure("sim.options", """command_id bit = NULL,
           pair_seqval bit = NULL, engine_edition int = NULL,
           secondary bit = NULL""")
def options(session, database, args):
    """command_id: whether new change tables have __$command_id;
    pair_seqval: whether both halves of a deferred update share __$seqval;
    engine_edition: 3 Enterprise, 2 Standard, 5 Azure SQL Database;
    secondary: whether logins with read-only intent come to a secondary."""
    engine = session.engine
    if args.command_id is not None:
        engine.command_id = args.command_id
    if args.pair_seqval is not None:
        for one in engine.databases.values():
            one.log.pair_seqval = args.pair_seqval
    if args.secondary is not None:
        engine.secondary = args.secondary
    if args.engine_edition is not None:
        engine.edition = args.engine_edition


@procedure("sim.kill", "session int")
def kill(session, database, args):
    """Cancels what a session runs and rolls its transaction back."""
    other = session.engine.sessions.get(args.session)
    if other is None:
        raise SqlError(6106, "Process ID %d is not an active process ID."
                       % args.session)
    other.cancel()
    if other.current is not None:
        other.current.victim = True


def control(engine, request):
    """A request of the control channel, as the procedure of that name."""
    from types import SimpleNamespace

    from .procedures import PROCEDURES, load
    load()
    name = request.pop("do", None) or ""
    if not name.startswith("sim."):
        name = "sim." + name
    found = PROCEDURES.get(name.lower())
    if found is None:
        raise unknown("request", name)
    database = engine.database(request.pop("database", "master"))
    values = {parameter.name: parameter.default
              for parameter in found.parameters}
    extra = sorted(set(request) - set(values))
    if extra:
        raise SqlError(8145, "@%s is not a parameter for procedure %s."
                       % (extra[0], name))
    values.update(request)
    with engine.latch:
        items = found.run(SimpleNamespace(engine=engine), database,
                          SimpleNamespace(given=set(request), **values))
    rows = [list(row) for item in items or ()
            if isinstance(item, ResultSet) for row in item.rows]
    return {"rows": rows} if rows else None
