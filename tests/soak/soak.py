"""One soak from its start to its report."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agentcore.settings import Settings
from agentcore.store import open_store
from tests.postgres import Postgres
from tests.receiver import Received, Receiver, receiving, status
from tests.soak import ends, fleet, invariants, post, recovery, telling
from tests.soak.api import Api
from tests.soak.chaos import Chaos
from tests.soak.database import Database
from tests.soak.facts import Facts
from tests.soak.fleet import Fleet, Loss
from tests.soak.options import POST, Options
from tests.soak.people import Person
from tests.soak.post import PostOffice
from tests.soak.readers import Readers
from tests.soak.report import Report, counted
from tests.soak.side import Side
from tests.soak.together import until_one_ends
from tests.soak.users import Users
from tests.soak.watch import Watch

LAST = 120.0  # seconds for the database to answer when all is over


@dataclass
class Soak:
    """All that takes part."""

    options: Options
    server: Postgres
    database: Database
    office: PostOffice
    receiver: Receiver
    fleet: Fleet
    api: Api
    side: Side
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chaos = Chaos(self.options, self.fleet, self.server)
        self.watch = Watch(self.database, self.fleet, self.chaos, self.wrong)
        self.readers = Readers(self.api, self.options)
        self.person = Person(self.api, self.options, self.side)
        webhook = f"http://127.0.0.1:{self.receiver.port}/hook"
        self.users = Users(self.api, self.options, webhook, self.readers)

    async def run(self) -> Report:
        """Break everything while runs pass; then let them end, and look at what is there."""
        parts = {
            "the users and the faults": self._pass(), "the person": self.person.decide(),
            "the watch": self.watch.look(), "the progress": self.watch.tell(), "the runs": self.watch.stand_still(),
        }  # fmt: skip
        try:
            self.wrong += await until_one_ends(self.options.limit, parts)
        finally:
            self.readers.close()
        try:
            async with asyncio.timeout(LAST):
                facts = await self.database.facts()
                self.wrong += invariants.spared(self.fleet.connected(await self.database.ports()))
        except TimeoutError:
            facts = Facts()
            self.wrong.append("the database does not answer any more: nothing else was looked at")
        else:
            self.wrong += dict.fromkeys(self._judged(facts))
        report = self._report(facts)
        self._keep(facts, report)
        return report

    async def _pass(self) -> None:
        """Return when all has been said, no run is open, and what ended runs leave behind is gone."""
        await self.api.ask("GET", "/readyz")
        async with asyncio.TaskGroup() as group:
            group.create_task(self.users.all())
            group.create_task(self.chaos.rage(self.options.seconds))
        while await self.database.moves():  # noqa: ASYNC110 - the database has no event for it
            await asyncio.sleep(0.5)
        await self.readers.finish(telling.ends(await self.database.facts()))

    def _report(self, facts: Facts) -> Report:
        lines, seconds = self.side.lines(), time.monotonic() - self.watch.began
        found = sorted(recovery.recoveries(facts, lines, self.fleet.losses), key=lambda one: one[0])
        streams, all_ends = self.readers.streams, self.fleet.ends
        alone, asked = [end for end in all_ends if not end.asked], [end for end in all_ends if end.asked]
        return Report(
            options=self.options, seconds=seconds, wrong=self.wrong, faults=self.chaos.counts,
            lines={
                "runs": counted(Counter(run.status for run in facts.runs)),
                "threads": str(len(facts.threads)),
                "steps": counted(Counter(line.what for line in lines)),
                "faults": counted(self.chaos.counts),
                "messages": counted(self.office.counts),
                "takeovers": str(recovery.takeovers(facts, lines)),
                "leases lost": str(self.fleet.said().count("another worker has it")),
                "event loops held up": str(self.fleet.said().count("the event loop is held up")),
                "unknown outcomes": str(_asked(facts, "outcome")),
                "decisions": counted(self.person.decided),
                "readers": f"{len(streams)} on {sum(one.connections for one in streams)} connections, "
                f"{sum(len(one.told) for one in streams)} events",
                "connections": f"at most {self.watch.most} of a process to the database",
                "requests": counted(self.api.counts),
                "ended by themselves": counted(Counter(f"{e.name.partition(' ')[0]} with {e.code}" for e in alone)),
                "ended when asked": counted(Counter(f"{e.asked.name} with {e.code}" for e in asked if e.asked)),
                "recoveries": _told(found),
            },
        )  # fmt: skip

    def _keep(self, facts: Facts, report: Report) -> None:
        """Write down what is wrong and what the database has, for whoever looks into it."""
        folder = self.side.path.parent
        (folder / "wrong").write_text("\n".join(report.wrong))
        with (folder / "journal").open("w") as file:
            file.writelines(f"{json.dumps(asdict(row))}\n" for rows in (facts.runs, facts.entries) for row in rows)

    def _judged(self, facts: Facts) -> Iterator[str]:
        lines = self.side.lines()
        yield from self.users.wrong
        yield from self.api.failures
        yield from invariants.ended(facts)
        yield from invariants.kept(facts, self.users.accepted)
        yield from invariants.ordered(facts)
        yield from invariants.journaled(facts)
        yield from invariants.replayed(facts, lines)
        yield from invariants.once(lines)
        yield from invariants.keyed(lines)
        yield from invariants.agreed(facts, lines)
        yield from invariants.spoken(facts)
        yield from invariants.rang(facts)
        yield from invariants.heard(facts, (one.headers.get("webhook-id", "") for one in self.receiver.received))
        yield from invariants.cleaned(facts)
        yield from telling.told(facts, self.readers.streams)
        yield from ends.ended(self.fleet.ends, self.fleet.outages)
        yield from ends.complained(self.fleet.said())


def _told(found: Sequence[tuple[float, Loss, str]]) -> str:
    if not found:
        return "none"
    (middle, *_), (longest, loss, run) = found[len(found) // 2], found[-1]
    return f"{len(found)}, half of them within {middle:.1f} s, the longest {longest:.1f} s after {loss.how} (run {run})"


def _asked(facts: Facts, kind: str) -> int:
    asked = (entry.data["questions"] for entry in facts.entries if entry.kind == "asked")
    return sum(question["kind"] == kind for questions in asked for question in questions)


async def soak(options: Options, folder: Path) -> Report:
    """Run one, on a PostgreSQL of its own. `folder` keeps the side table and what the processes logged."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)  # the ways to the database are threads of this process, and must not wait for it
    # What was committed survives the server: an immediate stop loses only what was never written.
    server = Postgres(synchronous_commit="on")
    try:
        server.start()
        async with _prepared(options, server, folder) as prepared:
            return await prepared.run()
    finally:
        server.remove()
        sys.setswitchinterval(interval)


@asynccontextmanager
async def _prepared(options: Options, server: Postgres, folder: Path) -> AsyncIterator[Soak]:
    url = server.create_database()
    await _migrate(url)
    refusing = options.rng("receiver")

    def answer(_: Received) -> bytes:
        return status(503 if refusing.random() < 0.2 else 204)

    async with post.opened(options.rng("post")) as office, receiving(answer) as receiver:
        bus = {"AGENTCORE_BUS_URL": options.bus or f"{POST}://127.0.0.1:{office.port}"}
        bus |= {"AGENTCORE_BUS_PASSWORD": options.password} if options.password else {}
        async with fleet.running(options, folder, url, **bus) as members:
            api, database = Api(members.url), Database(url)
            try:
                yield Soak(options, server, database, office, receiver, members, api, Side(members.side))
            finally:
                await api.close()
                await database.close()


async def _migrate(url: str) -> None:
    store = open_store(url, Settings(database_url=url))
    await store.migrate()
    await store.close()
