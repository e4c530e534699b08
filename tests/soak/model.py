"""A model that says what its script says, takes its time, streams words, and leaves a line in the side table."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

from agents import ModelResponse
from agents.testing import ModelStep, ScriptedModel

from agentcore.testing import Script
from tests.soak.step import Step

PAUSE = 0.1  # seconds at most before it answers
WORD = 0.03  # seconds at most between two words


class Paced(Script):
    """The number of the attempt is the id of its response, so that the journal says which one it is from."""

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        return await (await self._asked(input)).get_response(system_instructions, input, *args, **kwargs)

    async def stream_response(
        self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any
    ) -> AsyncIterator[Any]:
        model = await self._asked(input)
        async for event in model.stream_response(system_instructions, input, *args, **kwargs):
            if event.type != "response.output_text.delta":
                yield event
                continue
            for word in event.delta.split():
                yield event.model_copy(update={"delta": f"{word} "})
                await asyncio.sleep(random.uniform(0, WORD))

    async def _asked(self, input: Any) -> ScriptedModel:
        step = Step.model()
        step.did("model")
        await asyncio.sleep(random.uniform(0, PAUSE))
        return ScriptedModel([ModelStep(output=self.turn(input), response_id=str(step.fence))])
