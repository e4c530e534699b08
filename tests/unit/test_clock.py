from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agentcore.clock import backoff, least_gap, next_due, parse_when, zone
from agentcore.errors import Invalid


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rings(cron: str, timezone: str, after: str, count: int) -> list[str]:
    times, last = [], utc(after)
    for _ in range(count):
        last = next_due(cron, timezone, last)
        times.append(last.strftime("%m-%d %H:%M"))
    return times


@pytest.mark.parametrize(
    ("timezone", "after", "expected"),
    [
        # 2026-03-29 Oslo goes from +01 to +02, 2026-10-25 back
        ("Europe/Oslo", "2026-03-28T00:00", ["03-28 08:00", "03-29 07:00", "03-30 07:00"]),
        ("Europe/Oslo", "2026-10-24T00:00", ["10-24 07:00", "10-25 08:00", "10-26 08:00"]),
        # 2026-03-08 New York goes from -05 to -04, 2026-11-01 back
        ("America/New_York", "2026-03-07T00:00", ["03-07 14:00", "03-08 13:00", "03-09 13:00"]),
        ("America/New_York", "2026-10-31T00:00", ["10-31 13:00", "11-01 14:00", "11-02 14:00"]),
    ],
)
def test_nine_in_the_morning_stays_nine_across_daylight_saving(timezone: str, after: str, expected: list[str]) -> None:
    assert rings("0 9 * * *", timezone, after, 3) == expected


@pytest.mark.parametrize(
    ("timezone", "after", "expected"),
    [
        ("Europe/Oslo", "2026-03-28T12:00", ["03-29 01:00", "03-30 00:30"]),  # 03:00 summer time, right after the gap
        ("America/New_York", "2026-03-07T12:00", ["03-08 07:00", "03-09 06:30"]),
    ],
)
def test_a_time_that_the_clock_skips_rings_right_after_the_gap(timezone: str, after: str, expected: list[str]) -> None:
    assert rings("30 2 * * *", timezone, after, 2) == expected


@pytest.mark.parametrize(
    ("timezone", "cron", "after", "expected"),
    [
        ("Europe/Oslo", "30 2 * * *", "2026-10-24T12:00", ["10-25 00:30", "10-26 01:30"]),
        ("America/New_York", "30 1 * * *", "2026-10-31T12:00", ["11-01 05:30", "11-02 06:30"]),
    ],
)
def test_a_time_that_comes_twice_rings_once(timezone: str, cron: str, after: str, expected: list[str]) -> None:
    assert rings(cron, timezone, after, 2) == expected


def test_the_next_ring_is_after_the_given_time_even_in_the_hour_that_comes_twice() -> None:
    second_ten_past_two = utc("2026-10-25T01:10")
    assert next_due("30 2 * * *", "Europe/Oslo", second_ten_past_two) == utc("2026-10-26T01:30")


def test_every_hour_rings_in_both_of_the_doubled_hours() -> None:
    assert rings("0 * * * *", "Europe/Oslo", "2026-10-24T23:30", 4) == [
        "10-25 00:00", "10-25 01:00", "10-25 02:00", "10-25 03:00",
    ]  # fmt: skip


def test_the_same_instant_is_never_given_twice() -> None:
    at = utc("2027-01-01T09:00")
    assert next_due("0 9 * * *", "UTC", at) == at + timedelta(days=1)
    assert next_due("0 9 * * *", "UTC", at - timedelta(microseconds=1)) == at


@pytest.mark.parametrize("name", ["", "Mars/Base", "Europe", "../etc/passwd", "/etc/localtime", "CEST+2", "a\0b"])
def test_an_unknown_zone_is_named_as_the_fault(name: str) -> None:
    with pytest.raises(Invalid, match="not an IANA time zone such as Europe/Oslo") as caught:
        zone(name)
    assert caught.value.details["field"] == "timezone"


@pytest.mark.parametrize("cron", ["", "hello", "@daily", "61 * * * *", "* * * *", "0 0 30 2 *", "* * * * * *"])
def test_a_bad_cron_expression_is_named_as_the_fault(cron: str) -> None:
    with pytest.raises(Invalid, match="cron:") as caught:
        next_due(cron, "UTC", utc("2027-01-01"))
    assert caught.value.details["field"] == "cron"


def test_the_least_gap_of_an_uneven_expression_is_its_shortest() -> None:
    assert least_gap("0,5 * * * *", "UTC", utc("2027-01-01")) == timedelta(minutes=5)
    assert least_gap("0 9 * * 1", "UTC", utc("2027-01-01")) == timedelta(days=7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("2h", timedelta(hours=2)),
        (" 3D12h ", timedelta(days=3, hours=12)),
        ("+1w", timedelta(weeks=1)),
        ("2027-03-01T09:00:00+01:00", utc("2027-03-01T08:00")),
        ("2027-03-01T09:00:00Z", utc("2027-03-01T09:00")),
        ("2027-03-01 09:00", utc("2027-03-01T09:00")),
        ("2027-03-01", utc("2027-03-01")),
    ],
)
def test_times_are_read_as_people_write_them(text: str, expected: datetime | timedelta) -> None:
    assert parse_when(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "1.5h", "-2h", "09:00", "2027-13-01", "9" * 30 + "d", "99999d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="when:") as caught:
        parse_when(text)
    assert caught.value.details["field"] == "when"


def test_a_time_at_the_end_of_the_calendar_is_refused_and_not_a_crash() -> None:
    with pytest.raises(Invalid):
        parse_when("9999-12-31T23:59:59-14:00")


@pytest.mark.parametrize("failures", [0, 1, 2, 5, 40])
def test_backoff_doubles_up_to_its_ceiling_and_keeps_its_lower_half(failures: int) -> None:
    ceiling = min(60.0, 2.0 ** max(0, failures - 1))
    for _ in range(50):
        assert ceiling / 2 <= backoff(failures, first=1.0, most=60.0) <= ceiling


def test_backoff_waits_at_least_as_long_as_the_service_asked() -> None:
    assert backoff(1, first=1.0, most=60.0, after=120.0) == 120.0
