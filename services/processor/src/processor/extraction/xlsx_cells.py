"""Cells of XLSX as people see them: stored values, dates as ISO 8601, no formulas."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final

from processor.extraction import xml_parts
from processor.extraction.ooxml import Package
from processor.extraction.xml_parts import Element
from processor.stages.errors import DecompressionLimitError

_MAX_ALIGNED_COLUMNS: Final = 1_024
"""Beyond, empty cells are left out: a value in the last column would cost 16,383 of them a row."""
_DATE_FORMATS: Final = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
_TIME_FORMATS: Final = frozenset({*range(18, 22), 45, 47})
_ELAPSED_FORMAT: Final = 46  # [h]:mm:ss
# Colours, conditions and literals of a number format, which hold letters that mean nothing.
_NOT_CODE: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_DAY_CODE: Final = re.compile(r"[yd]|mmm", re.IGNORECASE)
_CLOCK_CODE: Final = re.compile(r"[hs]|\[m+\]", re.IGNORECASE)
_ELAPSED: Final = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_BOOLEANS: Final = {"1": "TRUE", "true": "TRUE", "0": "FALSE", "false": "FALSE"}
_SECONDS_PER_DAY: Final = 86_400
_FIRST_1900: Final = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets know no zones
_FIRST_1904: Final = dt.datetime(1904, 1, 1)  # noqa: DTZ001


class CellReader:
    """Turns rows into tuples of text."""

    def __init__(self, package: Package, strings: Sequence[str], *, from_1904: bool) -> None:
        self._strings = strings
        self._first_day = _FIRST_1904 if from_1904 else _FIRST_1900
        self._formats = _cell_formats(package)

    def row(self, row: Element) -> tuple[str, ...]:
        """Return the cells up to the last one with a value."""
        cells: list[str] = []
        for cell in row:
            if xml_parts.local(cell) != "c":
                continue
            value = self._value(cell)
            if not value:
                continue
            column = _column(cell.get("r"))
            if column is not None and len(cells) < column:
                cells.extend([""] * (min(column, _MAX_ALIGNED_COLUMNS) - len(cells)))
            cells.append(value)
        return tuple(cells)

    def _value(self, cell: Element) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _rich_text(cell)
        value = next((item.text for item in cell if xml_parts.local(item) == "v"), None) or ""
        match kind:
            case "s":
                return self._shared(value)
            case "b":
                return _BOOLEANS.get(value.strip(), value)
            case "n":
                return self._number(value.strip(), cell.get("s"))
            case _:
                return value

    def _shared(self, value: str) -> str:
        index = int(value) if value.strip().isdecimal() else -1
        return self._strings[index] if 0 <= index < len(self._strings) else ""

    def _number(self, value: str, style: str | None) -> str:
        try:
            number = float(value)
        except ValueError:
            return value
        index = int(style) if style and style.isdecimal() else 0
        code = self._formats[index] if index < len(self._formats) else ""
        return (_moment(number, code, self._first_day) if code else None) or _plain(value, number)


def shared_strings(package: Package, *, most: int) -> list[str]:
    """Return the strings that cells refer to. Raises DecompressionLimitError beyond *most*."""
    strings: list[str] = []
    size = 0
    for part in package.related(package.main, "sharedStrings"):
        with package.container.open(part) as file:
            for _, item in xml_parts.stream(file, tags=("si",)):
                strings.append(_rich_text(item))
                size += len(strings[-1])
                xml_parts.release(item)
                if size > most:
                    raise DecompressionLimitError("The workbook has more text than is processed.")
    return strings


def _rich_text(item: Element) -> str:
    """Return all runs but the reading aids (`rPh`) of East Asian text."""
    runs = xml_parts.every(item, "t")
    return "".join(
        run.text or "" for run in runs if next(run.iterancestors("{*}rPh"), None) is None
    )


def _column(reference: str | None) -> int | None:
    """Return the column of `AB12`, counted from 0; None where that is not said."""
    column = 0
    for letter in reference or "":
        if not "A" <= letter.upper() <= "Z":
            break
        column = column * 26 + ord(letter.upper()) - ord("A") + 1
    return column - 1 if column else None


def _cell_formats(package: Package) -> list[str]:
    """Return by cell style `date`, `time`, `elapsed`, or nothing where it is a number."""
    for part in package.related(package.main, "styles"):
        root = package.optional(part)
        if root is None:
            continue
        codes = {
            item.get("numFmtId"): item.get("formatCode") or ""
            for item in xml_parts.every(root, "numFmt")
        }
        formats = xml_parts.first(root, "cellXfs")
        return [
            _shape(item.get("numFmtId"), codes)
            for item in (() if formats is None else xml_parts.every(formats, "xf"))
        ]
    return []


def _shape(number: str | None, codes: dict[str | None, str]) -> str:
    if number in codes:
        return _shape_of_code(codes[number])
    known = int(number) if number and number.isdecimal() else 0
    if known == _ELAPSED_FORMAT:
        return "elapsed"
    if known in _DATE_FORMATS:
        return "date"
    return "time" if known in _TIME_FORMATS else ""


def _shape_of_code(code: str) -> str:
    code = _NOT_CODE.sub("", code.partition(";")[0])
    if _ELAPSED.search(code):
        return "elapsed"
    if _DAY_CODE.search(code):
        return "date"
    return "time" if _CLOCK_CODE.search(code) else ""


def _moment(number: float, shape: str, first_day: dt.datetime) -> str | None:
    """Return a serial number as a moment; None where no calendar has it."""
    if shape == "elapsed":
        return _elapsed(number)
    # Serial numbers below 60 count from a day later: 1900 had no 29 February.
    days = number + 1 if first_day is _FIRST_1900 and 0 < number < 60 else number  # noqa: PLR2004
    try:
        moment = first_day + dt.timedelta(seconds=round(days * _SECONDS_PER_DAY))
    except (OverflowError, ValueError):
        return None
    if shape == "time" and abs(number) < 1:
        return moment.time().isoformat()
    whole_day = moment.time() == dt.time()
    return moment.date().isoformat() if whole_day else moment.isoformat()


def _elapsed(number: float) -> str | None:
    try:
        seconds = round(number * _SECONDS_PER_DAY)
    except (OverflowError, ValueError):
        return None
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _plain(value: str, number: float) -> str:
    """Return a number with the 15 digits that spreadsheets show; whole ones as written."""
    return value if value.lstrip("-").isdecimal() else f"{number:.15g}"
