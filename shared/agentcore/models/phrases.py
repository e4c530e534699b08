"""What people write, found in text: times, ids, amounts, names. Each finder also gives the words that are left."""

from __future__ import annotations

import re

EMAIL = re.compile(r"\b([\w.+-]+@[\w-]+(?:\.[\w-]+)+)")
URL = re.compile(r"\b(https?://\S+?)(?=[.,;]?(?:\s|$))")
ZONE = re.compile(r"\b((?:[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_]+)+)|UTC)\b")
_EVENT = re.compile(r"(?<![\w@/.])([A-Za-z]\w*(?:\.[A-Za-z]\w*)+)(?![\w@])")
_ISO = re.compile(r"\b(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)", re.I)
_SHORT = re.compile(r"(?<!\w)((?:\d+[smhdw])+)\b")
_LONG = re.compile(r"\b(\d+|an?|one|two|three|four|five|six|seven|ten)\s*(sec|min|hour|hr|day|week|month)[a-z]*", re.I)
_WORDS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}
_UNITS = {"sec": "s", "min": "m", "hou": "h", "hr": "h", "day": "d", "wee": "w", "mon": "d"}
_SOON = {"tomorrow": "1d", "next week": "7d", "next month": "30d"}
_MONEY = r"(?:usd|eur|nok|gbp|dollars?|euros?|pounds?|kroner|kr)\b"
_PRICE = re.compile(rf"[$€£]\s?(\d+(?:[.,]\d+)?)|(\d+(?:[.,]\d+)?)\s?(?:[$€£]|{_MONEY})", re.I)
_NUMBER = re.compile(r"(?<![\w.:#/-])(-?\d+(?:\.\d+)?)(?![\w:/-]|\.\d)")
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = rf"{_UUID}|[A-Za-z]+[-_][\w-]*\d[\w-]*|\d{{3,}}"
_ANY_ID = re.compile(rf"(?<![$€£\w.@-])#?({_ID})(?![\w-]|[.,]\d)(?!\s?(?:[$€£]|{_MONEY}))", re.I)
_CRON = re.compile(r"(?<!\S)((?:[\d*][\d*/,-]*\s+){4}(?:[\d*][\d*/,-]*|[A-Za-z]{3}(?:[-,][A-Za-z]{3})*))(?![\w*])")
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_EVERY = re.compile(
    r"\b(?:every|each)\s+(?:(\d+)\s*)?(minute|hour|day|weekday|week|month|" + "|".join(_DAYS) + r")s?"
    r"(?:\s+at\s+(\d{1,2})(?::(\d\d))?)?",
    re.I,
)
_QUOTED = re.compile(r"[\"“]([^\"”]*)[\"”]|(?<!\w)'([^']+)'(?!\w)")
_PLACE = re.compile(r"\b(?:in|for|to|of|about|from|at|on|with)\s+((?:the\s+)?[\w][\w .'-]*)", re.I)
_CAPITALS = re.compile(r"(?<!^)\b([A-Z][\w'-]*(?:\s+[A-Z][\w'-]*)*)")


def cut(pattern: re.Pattern[str], text: str) -> tuple[str | None, str]:
    """The first group of the pattern that matched, and the text without the match."""
    match = pattern.search(text)
    if match is None:
        return None, text
    return next(g for g in match.groups() if g is not None), f"{text[: match.start()]} {text[match.end() :]}"


def quoted(text: str) -> list[str]:
    return [a or b for a, b in _QUOTED.findall(text)]


def when(text: str) -> tuple[str | None, str]:
    """An ISO time or a duration, written as `parse_when` reads it: "in two hours" is 2h."""
    for pattern in (_ISO, _SHORT):
        value, rest = cut(pattern, text)
        if value is not None:
            return value, rest
    if match := _LONG.search(text):
        count = _WORDS.get(match[1].lower()) or int(match[1])
        unit = match[2].lower()[:3]
        value = f"{count * 30 if unit == 'mon' else count}{_UNITS[unit]}"
        return value, text.replace(match[0], " ", 1)
    soon = next((w for w in _SOON if w in text.lower()), None)
    return (_SOON[soon], re.sub(soon, " ", text, count=1, flags=re.I)) if soon else (None, text)


def cron(text: str) -> tuple[str | None, str]:
    """A five-field expression, or the one that says "every monday at 9" (without an hour: at 9)."""
    value, rest = cut(_CRON, text)
    match = _EVERY.search(text)
    if value is not None or match is None:
        return value, rest
    step, unit, hour, minute = match[1], match[2].lower(), match[3] or "9", match[4] or "0"
    at = f"{int(minute)} {int(hour)}"
    forms = {"minute": f"*/{step or 1} * * * *", "hour": f"0 */{step or 1} * * *", "day": f"{at} */{step or 1} * *"}
    forms |= {"week": f"{at} * * 1", "weekday": f"{at} * * 1-5", "month": f"{at} 1 * *"}
    forms |= {day: f"{at} * * {number}" for number, day in enumerate(_DAYS)}
    return forms[unit].replace("*/1 ", "* "), text.replace(match[0], " ", 1)


def identifier(parameter: str, text: str) -> tuple[str | None, str]:
    """The id that follows the parameter's own noun ("order 17"), else the first thing that looks like one."""
    noun = parameter.removesuffix("_id").rpartition("_")[2]
    near = re.compile(
        rf"\b{re.escape(noun)}s?\s*(?:no\.?|number|id)?\s*#?((?:{_UUID})|[\w-]*\d[\w-]*)\b(?![.,]\d)", re.I
    )
    value, rest = cut(near, text)
    return (value, rest) if value is not None else cut(_ANY_ID, text)


def amount(text: str) -> tuple[str | None, str]:
    """A sum with its currency, else any number."""
    value, rest = cut(_PRICE, text)
    return (value.replace(",", "."), rest) if value is not None else cut(_NUMBER, text)


def name(parameter: str, rest: str, text: str) -> tuple[str | None, str]:
    """An event's dotted name, a quoted one, one after "called", "in" or "for", or in capitals; else its words."""
    patterns = [_QUOTED, re.compile(r"\b(?:called|named)\s+([\w.-]+)", re.I)]
    patterns = [_EVENT, *patterns] if parameter in ("name", "event", "type") else [*patterns, _PLACE, _CAPITALS]
    for pattern in patterns:
        value, left = cut(pattern, rest)
        if value is not None:
            return value.strip(" .?!"), left
    words = [w.lower() for w in re.findall(r"[A-Za-z]{3,}", rest)]
    return ("-".join(words[:4]) or None, rest) if parameter in ("name", "title") else (text.strip(" .?!") or None, rest)


def free(parameter: str, rest: str, text: str) -> tuple[str | None, str]:
    """Free text: quoted, after a colon, after "because", "that", "saying" or "to"; else all that was said."""
    value, left = cut(_QUOTED, rest)
    if value is not None:
        return value.strip(), left
    patterns = [re.compile(r":\s+(.+)", re.S), re.compile(r"\bbecause\s+(?:of\s+)?(.+)", re.I | re.S)]
    patterns.append(re.compile(r"\b(?:that|saying)\s+(.+)", re.I | re.S))
    if parameter in ("input", "task", "promise"):
        patterns.append(re.compile(r"\bto\s+(?!the\b|my\b|me\b|our\b)(\D.+)", re.I | re.S))
    found = next((value for value, _ in (cut(pattern, text) for pattern in patterns) if value), text)
    return found.strip() or None, rest
