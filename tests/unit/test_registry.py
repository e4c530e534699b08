from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcore import registry
from agentcore.errors import Misconfigured, NotFound
from agentcore.records import Event
from agentcore.registry import AgentSpec, EventRule, Registry


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registry", Registry())
    yield
    for name in ("agentcore.agents", "their_agents"):
        sys.modules.pop(name, None)


def test_a_registered_agent_is_found_by_name() -> None:
    registry.register("greeter", "my.agents:greeter", version="7", description="greets")
    spec = registry._registry.get("greeter")
    assert (spec.version, spec.description) == ("7", "greets")


def test_an_unknown_name_says_which_there_are() -> None:
    registry.register("greeter", "my.agents:greeter")
    with pytest.raises(NotFound, match=r"no agent 'gretter'. Registered: greeter"):
        registry._registry.get("gretter")


def test_a_name_belongs_to_one_agent_but_may_be_registered_again() -> None:
    registry.register("greeter", "my.agents:greeter")
    registry.register("greeter", "my.agents:greeter", version="2")
    assert registry._registry.get("greeter").version == "2"
    with pytest.raises(Misconfigured, match="Two agents"):
        registry.register("greeter", "my.agents:other")


def test_a_path_without_an_attribute_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"package\.module:attribute"):
        registry.register("greeter", "my.agents.greeter")


def test_a_path_is_imported_once_and_on_use() -> None:
    spec = AgentSpec(name="x", target="json:dumps", context=lambda run: run)
    import json

    assert spec.resolve("target") is json.dumps
    assert spec.resolve("target") is json.dumps
    assert callable(spec.resolve("context"))
    assert spec.resolve("hooks") is None


@pytest.mark.parametrize("path", ["no_such_module:x", "json:no_such_attribute"])
def test_a_path_that_leads_nowhere_names_the_agent_that_asked(path: str) -> None:
    with pytest.raises(Misconfigured, match="agent 'x', target"):
        AgentSpec(name="x", target=path).resolve("target")


def test_an_event_fires_the_rules_of_its_name() -> None:
    registry.register("a", "m:a", events=[EventRule(name="order.delayed"), EventRule(name="order.lost")])
    registry.register("b", "m:b", events=[EventRule(name="order.delayed")])
    assert [spec.name for spec, _ in registry._registry.rules("order.delayed")] == ["a", "b"]
    assert registry._registry.rules("order.found") == []


def test_a_module_that_cannot_be_imported_names_the_setting() -> None:
    with pytest.raises(Misconfigured, match="AGENTCORE_AGENTS=no_such_module"):
        registry.load("no_such_module")


def test_a_module_of_plain_agents_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from agents import Agent\nhelper = Agent(name='Helper', handoff_description='helps')\nother = 1\n"
    (tmp_path / "their_agents.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    loaded = registry.load("their_agents")
    assert list(loaded.specs) == ["helper"]
    assert loaded.get("helper").description == "helps"


def test_a_module_of_plain_agents_of_which_one_is_refused_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "from agents import Agent, LocalShellTool\nbad = Agent(name='bad', tools=[LocalShellTool(executor=repr)])\n"
    )
    (tmp_path / "their_agents.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Misconfigured, match="'bad': LocalShellTool"):
        registry.load("their_agents")


def test_the_shipped_agents_are_registered_with_an_event_rule() -> None:
    loaded = registry.load("agentcore.agents")
    assert set(loaded.specs) == {"support", "account_manager"}
    ((spec, rule),) = loaded.rules("order.delayed")
    event = Event(tenant="t", name="order.delayed", source="s", id="1", data={"customer_id": "ada", "order_id": "1003"})
    assert spec.name == "account_manager"
    assert rule.thread is not None
    assert rule.thread(event) == "customer-ada"
    assert rule.input is not None
    assert "1003" in rule.input(event)


def test_registering_the_shipped_agents_does_not_import_the_sdk() -> None:
    code = (
        "import sys, agentcore.agents, agentcore.tools, agentcore.models\n"
        "assert 'agents' not in sys.modules and 'openai' not in sys.modules"
    )
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=path)
