"""Limits that providers check and their schemas do not say: for each resource type, its arguments and what they allow.

A check takes a value that Terraform knows and answers what is wrong with it, or nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], str]
Limits = dict[str, dict[str, Check]]  # resource type → argument, with dots into blocks → check
Wholes = dict[str, Check]  # resource type → what must hold between its arguments


def one_of(*allowed: object) -> Check:
    def check(value: Any) -> str:
        listed = ", ".join(str(a) for a in allowed)
        return "" if value in allowed else f"{value!r} is not one of {listed}"

    return check


def between(least: float, most: float) -> Check:
    def check(value: Any) -> str:
        return "" if least <= float(value) <= most else f"{value} is not between {least:g} and {most:g}"

    return check


def like(pattern: str, what: str) -> Check:
    def check(value: Any) -> str:
        return "" if re.fullmatch(pattern, value) else f"{value!r} is not {what}"

    return check


def each(check: Check) -> Check:
    def checks(value: Any) -> str:
        return next((wrong for element in value if isinstance(element, str) and (wrong := check(element))), "")

    return checks


def iso8601(least: str = "PT0S", most: str = "P3650D") -> Check:
    """A duration as Azure writes it: PT5M, P14D."""

    def check(value: Any) -> str:
        seconds = _seconds(value)
        if seconds is None:
            return f"{value!r} is not an ISO 8601 duration such as PT5M"
        within = (_seconds(least) or 0) <= seconds <= (_seconds(most) or 0)
        return "" if within else f"{value} is not between {least} and {most}"

    return check


def _seconds(text: str) -> int | None:
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
    if not found or text == "P":
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def seconds(least: float, most: float) -> Check:
    """A duration as Google writes it: 600s."""

    def check(value: Any) -> str:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)s", value)
        if not found:
            return f"{value!r} is not a number of seconds such as 600s"
        return between(least, most)(float(found[1]))

    return check


_CRON = [r"[0-5]?\d", r"1?\d|2[0-3]", r"0?[1-9]|[12]\d|3[01]", r"0?[1-9]|1[0-2]|[A-Z]{3}", r"[0-7]|[A-Z]{3}"]


def cron(value: Any) -> str:
    """Five fields, as Kubernetes, Container Apps and Cloud Scheduler have them."""
    fields = str(value).split()
    ok = len(fields) == 5 and all(
        re.fullmatch(rf"(\*|({part})(-({part}))?)(/\d+)?", term, re.I)
        for field, part in zip(fields, _CRON, strict=True)
        for term in field.split(",")
    )
    return "" if ok else f"{value!r} is not a cron expression of five fields"


def as_json(*keys: str) -> Check:
    """A JSON object that has these keys."""

    def check(value: Any) -> str:
        try:
            document = json.loads(value)
        except ValueError as error:
            return f"this is not JSON: {error}"
        missing = [key for key in keys if not isinstance(document, dict) or key not in document]
        return f"{', '.join(missing)} is missing in it" if missing else ""

    return check
