"""Which tools a message asks for: pure functions from text to choices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentcore.models.arguments import fill, required, typed

_COMMON = """
    a an and agent are as ask at be been by call can could current default do did does for from get give handle handoff
    has have how i if in into is it its let make may me my name of off on one or other our out please request set should
    so such than that the their them there they this to transfer until up use using want was we were what which who
    will with would you your text value string id
"""
_STOP = frozenset(_COMMON.split())
_STAGES = re.compile(r"\b(?:and then|then|after that|afterwards)\b", re.I)
_CLAUSES = re.compile(r",(?!\d)|;|\band\b|\bplus\b|\balso\b|[.!?](?=\s|$)|\n", re.I)
_LITERAL = re.compile(r"[\"“][^\"”]*[\"”]|(?<!\w)'[^']+'(?!\w)|:\s+(?![\"“'])[^;\n]*?(?=[.!?](?:\s|$)|;|\n|$)")
_REFUSED = re.compile(r"\b(?:do not|don't|never)\b", re.I)
_QUESTION = re.compile(r"(?:what|which|when|where|who|how|why|is|are|was|were|has|have|did|does|do)\b", re.I)
_READER = re.compile(r"(?:list|get|look|show|find|read|search|fetch|check)")
_NAMED, _READS, _FITS = 100.0, 2.5, 1.0  # the tool's name in the message; a question; a value of the right form
_READ = 4000  # characters of a message that are looked at
_LEAST, _SURE = 1.5, 3.0  # to be called at all; to ask for what is missing


@dataclass(frozen=True, kw_only=True)
class Option:
    """Something the model may call: a tool, or a handoff to another agent."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    handoff: str = ""  # the other agent's name

    def weights(self) -> dict[str, float]:
        """How much each word speaks for it. A handoff is known by its description as much as by its name."""
        strong = self.handoff + " " + self.description if self.handoff else self.name.replace("_", " ")
        weak = self.description + " " + " ".join(self.schema.get("properties", {})).replace("_", " ")
        return dict.fromkeys(stems(weak), 1.0) | dict.fromkeys(stems(strong), 3.0)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call the message asks for. `missing` names required arguments that nobody gave."""

    option: Option
    arguments: Mapping[str, Any]
    clause: str
    missing: Sequence[str] = ()
    sure: bool = True


def stems(text: str) -> set[str]:
    """The words that carry meaning, without their endings."""
    return {_stem(w) for w in re.findall(r"[a-z]+", text.lower()) if w not in _STOP}


def _stem(word: str) -> str:
    if len(word) > 4:
        word = re.sub(r"(?:ing|ers?|ed|es|s|e)$", "", word)
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def plan(text: str, options: Sequence[Option], earlier: Sequence[str] = ()) -> list[list[Call]]:
    """The calls that a message asks for, in stages: those of one stage go out together, "then" starts the next.

    A handoff is a stage of its own, after the calls beside it.
    """
    stages, text = [], text[:_READ]
    for part in _split(_STAGES, text):
        calls = _calls(_split(_CLAUSES, part), options, (text, *earlier))
        stages.append([c for c in calls if not c.option.handoff])
        stages.append([c for c in calls if c.option.handoff][:1])
    return [stage for stage in stages if stage]


def choose(clause: str, options: Sequence[Option]) -> tuple[Option | None, float]:
    """The option that shares most words with the clause, and its score; a word that fits fewer options weighs more."""
    words = stems(_LITERAL.sub(" ", clause))
    weights = [(option, option.weights()) for option in options]
    best, most = None, 0.0
    for option, own in weights:
        score = sum(own[w] ** 2 / sum(other.get(w, 0.0) for _, other in weights) for w in words if w in own)
        if score:
            score += _FITS * bool(typed(option.schema, clause))
            score += _READS * bool(_QUESTION.match(clause) and _READER.match(option.name))
        if "_" in option.name and option.name in clause:
            score += _NAMED
        if score > most:
            best, most = option, score
    return best, most


def _calls(clauses: Sequence[str], options: Sequence[Option], earlier: Sequence[str]) -> list[Call]:
    calls: list[Call] = []
    for clause in clauses:
        option, score = choose(clause, options)
        if _REFUSED.search(clause):
            continue
        same = bool(calls) and option == calls[-1].option and score < _SURE  # "…, timezone Europe/Oslo"
        if option is not None and score >= _LEAST and not same:
            call = _call(option, clause, earlier, sure=score >= _SURE)
            if not call.missing or not calls or (call.sure and call.option != calls[-1].option):
                calls.append(call)
                continue
        if calls:
            calls[-1:] = _continued(calls[-1], clause, earlier)
    return _distinct(calls)


def _call(option: Option, clause: str, earlier: Sequence[str], *, sure: bool = True) -> Call:
    arguments, missing = fill(option.schema, clause, earlier)
    return Call(option=option, arguments=arguments, clause=clause, missing=missing, sure=sure)


def _continued(call: Call, clause: str, earlier: Sequence[str]) -> list[Call]:
    """What a clause without a tool of its own adds: the same again for another thing ("and 1002"), or more words."""
    first = next((n for n in call.option.schema.get("properties", {}) if required(call.option.schema, n)), "")
    again = typed(call.option.schema, clause)
    if len(clause.split()) <= 3 and first in again and first in typed(call.option.schema, call.clause):
        other = _call(call.option, clause, earlier)
        return [call, replace(other, arguments={**call.arguments, **other.arguments}, missing=[])]
    return [_call(call.option, f"{call.clause}, {clause}", earlier, sure=call.sure)]


def _distinct(calls: Sequence[Call]) -> list[Call]:
    """Each call once; one that lacks arguments only if the message asked for it in so many words."""
    kept: list[Call] = []
    for call in calls:
        seen = any(k.option == call.option and k.arguments == call.arguments for k in kept)
        if not seen and (call.sure or not call.missing):
            kept.append(call)
    return kept


def _split(pattern: re.Pattern[str], text: str) -> list[str]:
    """The parts of text between the pattern's matches, leaving quoted text and text after a colon whole."""
    masked = _LITERAL.sub(lambda m: "_" * len(m[0]), text)
    edges = [0, *(edge for m in pattern.finditer(masked) for edge in m.span()), len(text)]
    parts = [text[a:b].strip() for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [p for p in parts if p]
