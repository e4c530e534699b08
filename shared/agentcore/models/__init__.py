"""Model providers. Importing this package does not import the SDK; asking for a provider does."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agentcore.settings import Settings

if TYPE_CHECKING:
    from agents import ModelProvider

__all__ = ["provider"]


def provider(settings: Settings) -> ModelProvider:
    """Where models come from: the offline model, OpenAI, or the OpenAI-compatible server of OPENAI_BASE_URL.

    Where the setting says `offline`, every name resolves to the offline model, so nothing reaches the network.
    Unless settings.tracing is on, the SDK's tracing is switched off for the process.
    """
    from agents import set_tracing_disabled

    from agentcore.models.offline import OfflineProvider

    if not settings.tracing:
        set_tracing_disabled(True)
    if settings.model_name == "offline":
        return OfflineProvider()
    from agentcore.models.named import NamedProvider

    return NamedProvider(_sdk(settings), settings.model_name)


def _sdk(settings: Settings) -> ModelProvider:
    from agents import MultiProvider

    base_url = settings.openai_base_url or None
    if base_url is None or urlsplit(base_url).hostname == "api.openai.com":
        return MultiProvider(openai_api_key=settings.openai_api_key or None, openai_base_url=base_url)
    return MultiProvider(
        openai_api_key=settings.openai_api_key or "none",  # the client insists on one; local servers ignore it
        openai_base_url=base_url,
        openai_use_responses=False,  # what compatible servers speak is Chat Completions
        openai_prefix_mode="model_id",  # "openai/gpt-oss-20b" is a model's full name there
        unknown_prefix_mode="model_id",
    )
