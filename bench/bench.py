"""Runs the sections of the bench that are asked for; see run.sh.

The environment names the PostgreSQL that the extension was installed into
(PG_CONFIG), and what was built from test/fuzz and load.c.
"""

import argparse
import os
import platform
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "test", "e2e"))

import report                   # noqa: E402
import servers                  # noqa: E402

SECTIONS = ["decode", "snapshot", "stream", "latency", "cost"]


def parse():
    parser = argparse.ArgumentParser(prog="bench/run.sh",
                                     description="Measure synchdb and rivals")
    parser.add_argument("sections", nargs="*", metavar="section",
                        help="some of: %s" % ", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true",
                        help="a twentieth of the data, three rounds")
    parser.add_argument("--scale", type=float,
                        help="size of the data; 1 is what counts")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--datasets", default="wide,narrow,mixed",
                        help="of section snapshot")
    parser.add_argument("--workloads",
                        default="transactions,single,large,tpcc",
                        help="of section stream")
    parser.add_argument("--rates", default="10,1000,5000",
                        help="of section latency")
    parser.add_argument("--output", default=HERE,
                        help="directory of RESULTS.md and results.json")
    parser.add_argument("--directory", help=argparse.SUPPRESS, required=True)
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error("no such section: %s" % ", ".join(sorted(unknown)))
    options.sections = options.sections or SECTIONS
    options.scale = options.scale or (0.05 if options.quick else 1)
    options.rounds = options.rounds or (3 if options.quick else 5)
    for name in ("datasets", "workloads", "rates"):
        setattr(options, name, getattr(options, name).split(","))
    options.say = say
    return options


def say(text):
    print("%s  %s" % (time.strftime("%H:%M:%S"), text), flush=True)


def about(options):
    with open("/proc/cpuinfo") as cpuinfo:
        models = [line.split(":")[1].strip() for line in cpuinfo
                  if line.startswith("model name")]
    return ("%s, %d rounds, size %g; %d cores (%s), %s, load %.1f at the"
            " start." % (time.strftime("%Y-%m-%d %H:%M"), options.rounds,
                         options.scale, os.cpu_count(),
                         models[0] if models else platform.machine(),
                         platform.release(), os.getloadavg()[0]))


def main():
    options = parse()
    # so that the servers are stopped; a background job ignores SIGINT
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit("interrupted"))
    rig = servers.Rig(options.directory)
    results = None
    try:
        for name in options.sections:
            section = __import__(name)
            results = report.Report(options.output, about(options),
                                    servers.DURABILITY)
            begin = time.monotonic()
            results.add(name, *section.measure(rig, options))
            say("%s took %.0f s" % (name, time.monotonic() - begin))
    finally:
        rig.stop()
    print()
    print(results.markdown(options.sections))


main()
