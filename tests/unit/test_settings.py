from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from agentcore.errors import Misconfigured
from agentcore.settings import Settings, load, markdown, variable


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load({}) == Settings()


def test_each_setting_has_a_variable_and_a_text() -> None:
    for setting in dataclasses.fields(Settings):
        assert variable(setting).isupper()
        assert setting.metadata["doc"].endswith(".")


def test_the_documented_settings_are_those_of_the_code() -> None:
    assert Path(__file__).parents[2].joinpath("docs/settings.md").read_text() == markdown()


def test_a_margin_that_leaves_no_slice_is_refused() -> None:
    with pytest.raises(Misconfigured, match="AGENTCORE_DEADLINE_MARGIN=1000 leaves nothing"):
        load({"AGENTCORE_DEADLINE_MARGIN": "1000"})


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("AGENTCORE_PORT", "9000", "port", 9000),
        ("AGENTCORE_LEASE_SECONDS", "12.5", "lease_seconds", 12.5),
        ("AGENTCORE_SUMMARIZE", "No", "summarize", False),
        ("AGENTCORE_ALLOW_UNAUTHENTICATED", "1", "allow_unauthenticated", True),
        ("AGENTCORE_BUS_URL", "store://", "bus_url", "store://"),
        ("OPENAI_API_KEY", "k", "openai_api_key", "k"),
    ],
)
def test_a_variable_is_read_as_the_type_of_its_setting(name: str, text: str, field: str, value: object) -> None:
    assert getattr(load({name: text}), field) == value


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert load({"AGENTCORE_PORT": ""}).port == Settings().port


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AGENTCORE_PORT", "http"),
        ("AGENTCORE_SUMMARIZE", "maybe"),
        ("AGENTCORE_CONCURRENCY", "0"),
        ("AGENTCORE_LEASE_SECONDS", "nan"),
        ("AGENTCORE_DATABSE_URL", "sqlite://"),
    ],
)
def test_a_wrong_value_or_name_is_refused_by_its_variable(name: str, text: str) -> None:
    with pytest.raises(Misconfigured, match=name) as caught:
        load({name: text})
    assert caught.value.details["setting"] == name


def test_other_peoples_variables_are_left_alone() -> None:
    assert load({"PATH": "/bin", "OPENAI_ORG_ID": "x"}) == Settings()


def test_overrides_win_and_none_overrides_nothing() -> None:
    settings = load({"AGENTCORE_PORT": "9000", "AGENTCORE_HOST": "h"}, port=1, host=None)
    assert (settings.port, settings.host) == (1, "h")


@pytest.mark.parametrize(
    ("environ", "model"),
    [
        ({}, "offline"),
        ({"OPENAI_API_KEY": "k"}, "gpt-5-mini"),
        ({"OPENAI_BASE_URL": "http://localhost:1"}, "gpt-5-mini"),
        ({"OPENAI_API_KEY": "k", "AGENTCORE_MODEL": "offline"}, "offline"),
    ],
)
def test_the_model_is_offline_where_nothing_says_how_to_reach_one(environ: dict[str, str], model: str) -> None:
    assert load(environ).model_name == model
