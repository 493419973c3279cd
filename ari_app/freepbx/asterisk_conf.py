"""Asterisk's configuration files: sections, templates, additions, includes, comments. As main/config.c reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

_SECTION = re.compile(r"\[(?P<name>[^\]]*)\]\s*(?:\((?P<options>[^)]*)\))?")
_DIRECTIVE = re.compile(r"#\s*(?P<what>include|tryinclude|exec)\s+[<\"]?(?P<name>[^\">]+)[>\"]?", re.IGNORECASE)
#: files that include files
DEPTH = 10
_LINES_MAX = 2_000_000

#: the text of an included file; None: there is none
Open = Callable[[str], str | None]
Say = Callable[[str, str], None]


class Section(msgspec.Struct, kw_only=True):
    """One section: settings in their order, a name may come often."""

    name: str
    template: bool = False
    settings: list[tuple[str, str]] = []

    def last(self) -> dict[str, str]:
        """Each setting's last value, which is the one that counts."""
        return dict(self.settings)

    def all(self, name: str) -> list[str]:
        """All values of a setting."""
        return [value for key, value in self.settings if key == name]


def parse(text: str, open_file: Open = lambda name: None, say: Say = lambda item, reason: None) -> list[Section]:
    """The sections that are no templates, in their order.

    Args:
        say: told of lines that cannot be understood: (item, reason).
    """
    parser = _Parser(say)
    for line in _lines(text, open_file, say, DEPTH):
        parser.line(line)
    return [section for section in parser.sections.values() if not section.template]


class _Parser:
    def __init__(self, say: Say) -> None:
        self.sections: dict[str, Section] = {}
        self._say = say
        self._section: Section | None = None

    def line(self, line: str) -> None:
        """One line, without comment."""
        match = _SECTION.match(line)
        if match is not None:
            self._begin(match["name"].strip(), match["options"])
            return
        name, found, value = line.partition("=")
        if not found:
            return self._say(f"line {line[:40]!r}", "is neither a section nor a setting")
        if self._section is None:
            return self._say(f"line {line[:40]!r}", "is in no section")
        adds = name.rstrip().endswith("+")
        key = name.strip().rstrip("+").strip().lower()
        value = value.removeprefix(">").strip()
        if adds:
            value = self._section.last().get(key, "") + value
        return self._section.settings.append((key, value))

    def _begin(self, name: str, options: str | None) -> None:
        words = [word.strip() for word in (options or "").split(",") if word.strip()]
        known = self.sections.get(name)
        if "+" in words:
            if known is None:
                self._say(f"[{name}](+)", "adds to a section that is not there")
                known = self.sections[name] = Section(name=name, settings=[])
            self._section = known
            return
        if known is None:
            known = self.sections[name] = Section(name=name, settings=[])
        known.template = "!" in words
        self._section = known
        for word in words:
            if word == "!":
                continue
            if word in self.sections:
                known.settings.extend(self.sections[word].settings)
            else:
                self._say(f"[{name}]({word})", "the template is not there")


def _lines(text: str, open_file: Open, say: Say, depth: int) -> Iterator[str]:
    for line in _uncommented(text):
        directive = _DIRECTIVE.match(line)
        if directive is None:
            yield line
        elif directive["what"].lower() == "exec":
            say("#exec", "is a program's output; it is not run")
        elif depth == 0:
            say(f"#include {directive['name']}", "files include each other without end")
        else:
            included = open_file(directive["name"].strip())
            if included is not None:
                yield from _lines(included, open_file, say, depth - 1)
            elif directive["what"].lower() == "include":
                say(f"#include {directive['name']}", "is not in the directory")


def _uncommented(text: str) -> Iterator[str]:
    """Lines without `; ...` and `;-- ... --;`; `\\;` is a semicolon."""
    inside = False
    for number, raw in enumerate(text.splitlines()):
        if number == _LINES_MAX:
            return
        kept, place = "", 0
        while place < len(raw):
            if inside:
                end = raw.find("--;", place)
                if end < 0:
                    break
                inside, place = False, end + 3
            elif raw[place] == ";" and raw.startswith(";--", place) and not raw.startswith(";---", place):
                inside, place = True, place + 3
            elif raw[place] == ";":
                break
            elif raw.startswith("\\;", place):
                kept, place = kept + ";", place + 2
            else:
                kept, place = kept + raw[place], place + 1
        if kept.strip():
            yield kept.strip()


def fields(value: str) -> list[str]:
    """A value's fields: `Local/1001@from-queue/n,0,"Adams, Alice",hint:1001@ext-local`. Quotes keep commas."""
    found, field, quoted = [], "", False
    for character in value:
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            found.append(field.strip())
            field = ""
        else:
            field += character
    return [*found, field.strip()]
