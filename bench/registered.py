"""The agents that the measured processes serve. Imports no SDK, as it should be."""

from agentcore import register

register("text", "bench.served:TEXT", description="Answers at once.")
register("tool", "bench.served:TOOL", description="Calls one tool, then answers.")
register("words", "bench.served:WORDS", description="Streams its answer.")
