"""Figures: what was measured, what it is compared with, what must be reached.

A section's figures replace those of an earlier run of the same section, so
results.json and RESULTS.md can be made section by section.  PROFILE.md, which
people write, is appended to the latter.
"""

import json
import operator
import os
import statistics

PROFILE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "PROFILE.md")
COMPARE = {"<=": operator.le, ">=": operator.ge}


def figure(name, unit, ours, rival=None, against=None, ratio=None, limit=None,
           below=False, note=None):
    """One row of the table.

    ours, against -- samples, in that unit
    rival         -- whose the samples in against are
    ratio         -- what the ratio of the medians has to be: (">=", 2)
    limit         -- the same for our median itself
    below         -- our median has to be less than the rival's
    """
    row = {"figure": name, "unit": unit, "ours": spread(ours)}
    if against is not None:
        row["rival"] = rival
        row["theirs"] = spread(against)
        row["ratio"] = quotient(row["ours"]["median"],
                                row["theirs"]["median"])
    must = []
    if limit:
        op, bound = limit
        must.append(("%s %s %s" % (op, number(bound), unit),
                     COMPARE[op](row["ours"]["median"], bound)))
    if ratio:
        op, bound = ratio
        must.append(("ratio %s %s" % (op, number(bound)),
                     COMPARE[op](row["ratio"], bound)))
    if below:
        must.append(("below the rival",
                     row["ours"]["median"] < row["theirs"]["median"]))
    if must:
        row["must"] = " and ".join(text for text, _ in must)
        row["reached"] = all(reached for _, reached in must)
    if note:
        row["note"] = note
    return row


def quotient(ours, theirs):
    """None where it would say nothing."""
    return ours / theirs if ours >= 0 and theirs > 0 else None


def spread(samples):
    return {"median": statistics.median(samples), "min": min(samples),
            "max": max(samples), "samples": list(samples)}


def number(value):
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return "{:,.0f}".format(value)
    return "%.3g" % value


def show(values):
    """Median, and the spread if there is one."""
    if values["min"] == values["max"]:
        return number(values["median"])
    return "%s (%s to %s)" % tuple(number(values[key]) for key in
                                   ("median", "min", "max"))


class Report:
    def __init__(self, directory, about, durability):
        self.json = os.path.join(directory, "results.json")
        self.text = os.path.join(directory, "RESULTS.md")
        self.about = about
        self.durability = durability
        self.sections = {}
        if os.path.exists(self.json):
            with open(self.json) as file:
                self.sections = json.load(file)["sections"]

    def add(self, section, figures, checks):
        """checks -- what was compared row by row, as lines of text"""
        self.sections[section] = {"about": self.about, "figures": figures,
                                  "checks": checks}
        with open(self.json, "w") as file:
            json.dump({"sections": self.sections}, file, indent=1)
            file.write("\n")
        with open(self.text, "w") as file:
            file.write(self.markdown(self.sections))
            if os.path.exists(PROFILE):
                with open(PROFILE) as profile:
                    file.write("\n" + profile.read())

    def markdown(self, names):
        parts = ["# Results\n", "Made by `bench/run.sh`. Each figure is the"
                 " median of several runs, alternating with the rival's,"
                 " with minimum and maximum. Ratio: ours / theirs.\n",
                 self.durability + "\n"]
        for name in sorted(names):
            section = self.sections[name]
            parts.append("## %s\n" % name)
            parts.append("%s\n" % section["about"])
            parts.append(table(section["figures"]))
            parts += ["* %s" % check for check in section["checks"]]
            if section["checks"]:
                parts.append("")
        return "\n".join(parts).rstrip("\n") + "\n"


def table(rows):
    lines = ["| figure | ours | rival | ratio | must reach | reached? |",
             "|---|---|---|---|---|---|"]
    for row in rows:
        rival = ("%s: %s" % (row["rival"], show(row["theirs"]))
                 if "rival" in row else "")
        lines.append("| %s, %s | %s | %s | %s | %s | %s |" % (
            row["figure"], row["unit"], show(row["ours"]), rival,
            number(row["ratio"]) if "ratio" in row else "",
            row.get("must", ""),
            {True: "yes", False: "**no**"}.get(row.get("reached"), "")))
    lines += ["", ""]
    notes = ["%s: %s" % (row["figure"], row["note"]) for row in rows
             if "note" in row]
    return "\n".join(lines[:-1] + ["* " + note for note in notes]
                     + ([""] if notes else []))
