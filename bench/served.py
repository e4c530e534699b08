"""The agents behind `bench.registered`."""

from agents import function_tool

from bench import fakes

TEXT = fakes.text_agent()
WORDS = fakes.words_agent()
TOOL = fakes.tool_agent(function_tool(fakes.get_weather))
