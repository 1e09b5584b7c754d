"""Splits T-SQL text into tokens."""

import re
from dataclasses import dataclass

from .result import SqlError

PATTERN = re.compile(r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<comment>/\*)
  | (?P<nstr>[Nn]'(?:[^']|'')*')
  | (?P<str>'(?:[^']|'')*')
  | (?P<bracket>\[(?:[^\]]|\]\])*\])
  | (?P<dquote>"(?:[^"]|"")*")
  | (?P<bin>0[xX](?:[0-9a-fA-F]|\\\r?\n)*)
  | (?P<money>[$][0-9]+(?:\.[0-9]*)?)
  | (?P<num>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<var>@@?[\w@#$]+)
  | (?P<id>[^\W\d][\w@#$]*|\#\#?[\w@#$]+)
  | (?P<op><>|<=|>=|!=|!<|!>|\+=|-=|\*=|/=|%=|&=|\|=|\^=|::
        |[-+*/%&|^~=<>(),.;:{}])
""", re.VERBOSE)

BLOCK_EDGE = re.compile(r"/\*|\*/")


@dataclass
class Token:
    kind: str           # id, name (quoted), var, num, money, str, nstr, bin,
                        # op or end
    value: object       # its meaning: text without quotes, bytes
    word: str           # for comparison with keywords: upper case, or the
                        # operator; empty for literals and quoted names
    start: int          # where its text begins and ends
    end: int
    line: int


def syntax_error(near, line=1):
    return SqlError(102, "Incorrect syntax near '%s'." % near, class_=15,
                    line=line)


def skip_comment(text, position, line):
    """The position after a block comment; they nest."""
    depth = 0
    for edge in BLOCK_EDGE.finditer(text, position):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise SqlError(113, "Missing end comment mark '*/'.", class_=15, line=line)


def binary_value(text):
    digits = re.sub(r"\\\r?\n", "", text[2:])
    return bytes.fromhex("0" + digits if len(digits) % 2 else digits)


def make_token(kind, text, start, line, quoted_identifier):
    value, word = text, ""
    if kind == "bracket":
        kind, value = "name", text[1:-1].replace("]]", "]")
    elif kind == "dquote":
        value = text[1:-1].replace('""', '"')
        kind = "name" if quoted_identifier else "str"
    elif kind == "str":
        value = text[1:-1].replace("''", "'")
    elif kind == "nstr":
        value = text[2:-1].replace("''", "'")
    elif kind == "bin":
        value = binary_value(text)
    elif kind in ("id", "op"):
        word = text.upper()
    return Token(kind, value, word, start, start + len(text), line)


def tokenize(text, quoted_identifier=True):
    """All tokens of a batch, with one of the kind `end` last."""
    tokens = []
    position, line = 0, 1
    size = len(text)
    match = PATTERN.match
    while position < size:
        found = match(text, position)
        if found is None:
            if text[position] in "'\"[":
                raise SqlError(105, "Unclosed quotation mark after the "
                               "character string '%s'."
                               % text[position + 1:position + 60],
                               class_=15, line=line)
            raise syntax_error(text[position], line)
        kind = found.lastgroup
        end = found.end()
        if kind == "comment":
            end = skip_comment(text, position, line)
        elif kind != "space":
            tokens.append(make_token(kind, found.group(), position, line,
                                     quoted_identifier))
        line += text.count("\n", position, end)
        position = end
    tokens.append(Token("end", "", "", size, size, line))
    return tokens
