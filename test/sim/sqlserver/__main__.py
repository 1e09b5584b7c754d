"""python3 -m sqlserver: see README.md."""
import argparse
import json
import signal
import sys
import threading

from . import tds
from .control import Listener
from .edges import Edges
from .server import BANNER, ENCRYPTION, Options, Server


def arguments():
    parser = argparse.ArgumentParser(
        prog="python3 -m sqlserver", description=BANNER)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1433,
                        help="0: any, told in the line that is printed")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--data", choices=("empty", "demo", "edges"),
                        default="empty",
                        help="demo: the sample database testDB; edges: no "
                        "SQL, but values of every type (see edges.py)")
    parser.add_argument("--tls", choices=tuple(ENCRYPTION), default="off")
    parser.add_argument("--certificate", default="")
    parser.add_argument("--key", default="")
    parser.add_argument("--packet-size", type=int, default=0,
                        help="force it: %d to %d" % (tds.SMALLEST_PACKET,
                                                     tds.LARGEST_PACKET))
    parser.add_argument("--null-bitmap", default=tds.AUTOMATIC,
                        choices=(tds.AUTOMATIC, tds.NEVER, tds.ALWAYS))
    parser.add_argument("--plp-chunk", type=int, default=8000)
    parser.add_argument("--plp-unknown", action="store_false",
                        dest="plp_known")
    parser.add_argument("--record", default="", metavar="PATTERN",
                        help="keep and replay the responses of statements "
                        "that match")
    return parser.parse_args()


def engine(data):
    if data == "edges":
        return Edges()
    from .model_engine import Engine
    return Engine(data=data)


def main():
    told = arguments()
    options = Options(**{name: getattr(told, name)
                         for name in Options.__dataclass_fields__})
    server = Server(engine(told.data), options, told.host, told.port)
    control = Listener(server, told.host, told.control_port)
    server.start()
    control.start()
    print(BANNER, file=sys.stderr, flush=True)
    print(json.dumps({"port": server.port, "control": control.port,
                      "simulator": True}), flush=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
