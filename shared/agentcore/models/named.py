"""The model of agents that name none."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelProvider, ModelResponse, ModelSettings
from agents.items import TResponseStreamEvent
from agents.models import get_default_model_settings
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest

from agentcore.models.offline import OfflineModel


class NamedProvider(ModelProvider):
    """An SDK provider with a default model; "offline" is the offline model under any provider."""

    def __init__(self, inner: ModelProvider, default: str) -> None:
        self.inner = inner
        self.default = default

    def get_model(self, model_name: str | None) -> Model:
        if model_name == "offline":
            return OfflineModel()
        if model_name is None:
            return DefaultModel(self.inner.get_model(self.default), self.default)
        return self.inner.get_model(model_name)

    async def aclose(self) -> None:
        await self.inner.aclose()


class DefaultModel(Model):
    """A model that was named by the settings, not by the agent.

    For agents that name no model the SDK fills in the model settings of its own default model, and another model may
    refuse those ("unsupported value for reasoning.effort"): what the SDK filled in is replaced.
    """

    def __init__(self, inner: Model, name: str) -> None:
        self.inner = inner
        self.name = name

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        args, kwargs = self._adapted(args, kwargs)
        return await self.inner.get_response(*args, **kwargs)

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[TResponseStreamEvent]:
        args, kwargs = self._adapted(args, kwargs)
        return self.inner.stream_response(*args, **kwargs)

    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        return self.inner.get_retry_advice(request)

    async def close(self) -> None:
        await self.inner.close()

    def _adapted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if "model_settings" in kwargs:
            return args, {**kwargs, "model_settings": implied_by(self.name, kwargs["model_settings"])}
        return (*args[:2], implied_by(self.name, args[2]), *args[3:]), kwargs  # the third, as the SDK declares it


def implied_by(name: str, settings: ModelSettings) -> ModelSettings:
    """The settings with what the SDK implied for its own default model replaced by what it implies for `name`."""
    filled, wanted = get_default_model_settings(), get_default_model_settings(name)
    changes = {
        key: getattr(wanted, key)
        for key in ("reasoning", "verbosity")
        if getattr(settings, key) == getattr(filled, key) is not None
    }
    return dataclasses.replace(settings, **changes)
