"""Small changes of the code that each break a rule of the design, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`old`, which stands once in a file of shared/agentcore, becomes `new`; then `tests` turn red."""

    name: str
    rule: int
    file: str
    old: str
    new: str
    tests: tuple[str, str, str]  # arguments of pytest: a file, -k, and words


def store(file: str, words: str) -> tuple[str, str, str]:
    """Tests of the store's contract, on SQLite alone."""
    return (f"tests/contracts/test_store{file}.py", "-k", f"sqlite and ({words})")


def postgres(file: str, words: str) -> tuple[str, str, str]:
    return (f"tests/contracts/test_store{file}.py", "-k", f"postgresql and ({words})")


def engine(file: str, words: str) -> tuple[str, str, str]:
    return (f"tests/engine/test_{file}.py", "-k", words)


def e2e(file: str, words: str) -> tuple[str, str, str]:
    return (f"tests/e2e/test_{file}.py", "-k", words)


MUTANTS = (
    # 1. Accepted means durable.
    Mutant(
        "a bus that is away refuses an accepted run", 1, "service.py",
        'words = "the bus did not take %d ids',
        'raise\n            words = "the bus did not take %d ids',
        engine("rules", "bus_that_is_away"),
    ),
    Mutant(
        "accept answers before it has committed", 1, "store/accepting.py",
        "return await self.database.transaction(lambda tx: place(tx, run, terms), repeat=repeat)",
        "import asyncio; work = self.database.transaction(lambda tx: place(tx, run, terms), repeat=repeat)\n"
        "        self.late = asyncio.ensure_future(work)\n"
        "        return Accepted(run=run, created=True, send=(run.id,))",
        engine("rules", "stored_when_it_is_answered"),
    ),
    Mutant(
        "an accepted run is not found when its message gets lost", 1, "store/due.py",
        "select(_due.c.id).where(_due.c.wake_at <= now())",
        'select(_due.c.id).where(_due.c.wake_at <= now(), _due.c.status != "queued")',
        engine("leases", "lost_message"),
    ),
    Mutant(
        "a thread is deleted under its run", 1, "store/forgetting.py",
        "if found.head_id is not None:",
        "if False:",
        store("_threads", "with_all_it_owns"),
    ),
    Mutant(
        "an unfinished run is deleted", 1, "store/forgetting.py",
        "if not held.run.terminal:",
        "if False:",
        store("_threads", "leaves_what_was_said"),
    ),
    Mutant(
        "a thread goes with a run though another waits behind", 1, "store/completion.py",
        "last = thread.next_position == ending.position + 1",
        "last = True",
        store("_threads", "that_is_used"),
    ),
    Mutant(
        "a thread goes with a run though a clock rings there", 1, "store/statements.py",
        "and_(mayend.c.forgets, ~RINGS)",
        "and_(mayend.c.forgets)",
        postgres("_threads", "that_is_used"),
    ),
    # 2. One writer.
    Mutant(
        "the fence is not checked", 2, "store/held.py",
        "held is None or held.run.fence != lease.fence or",
        "held is None or",
        store("", "only_one_claim_holds"),
    ),
    Mutant(
        "the fence is not checked by single statements", 2, "store/working.py",
        'run.c.fence == bindparam("the_fence")',
        'run.c.fence >= bindparam("the_fence")',
        postgres("", "only_one_claim_holds"),
    ),
    Mutant(
        "a worker that let go of its run writes on", 2, "store/held.py",
        ' or held.run.status != "running"',
        "",
        store("_leases", "let_go"),
    ),
    Mutant(
        "a worker that let go of its run writes on by single statements", 2, "store/working.py",
        ', run.c.status == "running")\n_RENEW',
        ")\n_RENEW",
        postgres("_leases", "let_go"),
    ),
    Mutant(
        "a claim takes what another holds", 2, "store/working.py",
        'and_(run.c.status == "running", run.c.wake_at <= now())',
        'run.c.status == "running"',
        store("", "only_one_claim_holds"),
    ),
    Mutant(
        "a claim does not raise the fence", 2, "store/working.py",
        'fence=run.c.fence + 1,\n        wake_at=later("lease"),',
        'wake_at=later("lease"),',
        store("", "only_one_claim_holds"),
    ),
    Mutant(
        "a worker whose write was refused goes on", 2, "journal.py",
        "except LeaseLost as lost:\n            self._pending.clear()\n"
        "            self.suspend(Suspension(rank=LOST, error=lost))",
        "except LeaseLost:\n            self._pending.clear()",
        engine("leases", "lost_its_run_writes_nothing"),
    ),
    Mutant(
        "no heartbeat", 2, "journal.py",
        "if self._silent > self._lease_seconds / 3:",
        "if self._silent > self._lease_seconds * 99:",
        engine("leases", "heartbeat and unstreamed-tool"),
    ),
    Mutant(
        "a worker learns of a takeover with its next heartbeat only", 2, "journal.py",
        "return await self._store.held(self._lease)",
        "return Ack(last_seq=self._last_seq)",
        engine("leases", "hears_of_its_lost_lease and long"),
    ),
    Mutant(
        "a worker that stood still asks its model before it asks for its run", 2, "journal.py",
        "        await self.sure()\n",
        "",
        engine("leases", "stood_still and model"),
    ),
    Mutant(
        "a worker that stood still calls a tool before it asks for its run", 2, "durable/tool.py",
        "        await journal.sure()\n",
        "",
        engine("leases", "stood_still and tool"),
    ),
    Mutant(
        "a lease counts from the slice on, and not from the claim", 2, "journal.py",
        "self._renewed, self._kept = claim.at,",
        "self._renewed, self._kept = time.monotonic(),",
        engine("leases", "stood_still and before"),
    ),
    Mutant(
        "a tool that blocks costs all runs of its process their leases", 2, "service.py",
        "            self.watchdog.watch()\n",
        "            pass\n",
        engine("watchdog", "sqlite and longer_than_a_lease"),
    ),
    Mutant(
        "a loop that is held up for good keeps its runs", 6, "watchdog.py",
        "if time.monotonic() < end:",
        "if True:",
        engine("watchdog", "whole_slice"),
    ),
    Mutant(
        "a lease that the watchdog has kept is given up", 2, "journal.py",
        "max(self._renewed, self._kept.get(self._lease, 0.0))",
        "self._renewed",
        engine("rules", "watchdog_has_kept"),
    ),
    Mutant(
        "a lease passes during imports", 2, "service.py",
        "        loading.engine()  # before",
        "        # before",
        engine("leases", "imported_before"),
    ),
    Mutant(
        "a database that hangs hides that the time is up", 6, "journal.py",
        "asyncio.wait([self._beat], timeout=PATIENCE)",
        "asyncio.wait([self._beat])",
        engine("deadline", "database_that_hangs"),
    ),
    Mutant(
        "a tool goes on when its worker has lost the run", 2, "engine.py",
        "if journal.suspension and journal.suspension.rank == LOST:",
        "if False:",
        engine("rules", "middle_of_a_tool and another and not unstreamed"),
    ),
    Mutant(
        "a worker that cannot reach the database goes on", 2, "journal.py",
        "if silent > self._lease_seconds:",
        "if False:",
        engine("rules", "middle_of_a_tool and reach and not unstreamed"),
    ),
    Mutant(
        "an end that was stored and not heard of counts as a lost run", 2, "journal.py",
        "repeat = True",
        "repeat = False",
        engine("rules", "away_for_a_moment and unstreamed-finish-after"),
    ),
    Mutant(
        "a run that a sweep took keeps its fence", 2, "store/due.py",
        "fence=run.c.fence + 1,",
        "fence=run.c.fence,",
        store("_time", "message_got_lost"),
    ),
    # 3. Thread order.
    Mutant(
        "every run is due, wherever it stands", 3, "store/accepting.py",
        "wait=(lease if claimed else redelivery) if head else None,",
        "wait=lease if claimed else redelivery,",
        engine("double_texting", "in_the_order_they_came and not unstreamed"),
    ),
    Mutant(
        "a finish leaves its successor", 3, "store/held.py",
        "head_id = row.id if row else None",
        "head_id = None",
        engine("double_texting", "in_the_order_they_came and not unstreamed"),
    ),
    Mutant(
        "a finish in one statement leaves its successor", 3, "store/statements.py",
        "thread.c.head_id == mine.c.id, thread.c.next_position == mine.c.position + 1",
        "thread.c.head_id == mine.c.id",
        postgres("", "finishing_promotes"),
    ),
    Mutant(
        "the newest message goes first", 3, "store/held.py",
        ".order_by(run.c.position)",
        ".order_by(run.c.position.desc())",
        engine("double_texting", "in_the_order_they_came and not unstreamed"),
    ),
    Mutant(
        "a message does not wake a sleeper", 3, "store/accepting.py",
        'if status == "sleeping" and run.trigger == "message":',
        'if status == "sleeping" and run.trigger == "redrive":',
        engine("sleeps_and_events", "a_message_wakes_it and not unstreamed"),
    ),
    Mutant(
        "it sleeps again while a message waits", 3, "store/leaving.py",
        "if await tx.first(_MESSAGES, id=thread.id, after=held.run.position):",
        "if False:",
        engine("sleeps_and_events", "while_messages_wait and not unstreamed"),
    ),
    Mutant(
        "a run that waits for a person takes a message in silence", 3, "store/accepting.py",
        'if status == "waiting" and run.trigger == "message" and not terms.explicit:',
        "if False:",
        engine("double_texting", "names_the_question"),
    ),
    Mutant(
        "a message stops what a schedule started", 3, "store/stopping.py",
        '    run.c.trigger == "message",\n',
        "",
        engine("double_texting", "never_stopped_by_a_message and not unstreamed"),
    ),
    Mutant(
        "an interrupted message is forgotten", 1, "store/stopping.py",
        'if action == "interrupt":',
        "if False:",
        engine("double_texting", "queued_run_keeps_its_message"),
    ),
    # 4. No finished step runs twice.
    Mutant(
        "a recorded model call is repeated", 4, "durable/model.py",
        "if call.recorded:\n            return load_response",
        "if False:\n            return load_response",
        engine("replay", "models_and_tools and unstreamed"),
    ),
    Mutant(
        "a recorded streamed model call is repeated", 4, "durable/model.py",
        "if call.recorded:\n            yield load_completed",
        "if False:\n            yield load_completed",
        engine("replay", "models_and_tools and not unstreamed"),
    ),
    Mutant(
        "a recorded tool call is repeated", 4, "durable/tool.py",
        "if recorded is not None:",
        "if False:",
        engine("replay", "models_and_tools and not unstreamed"),
    ),
    Mutant(
        "what shares a write is stored backwards", 4, "journal.py",
        "batch, self._pending, self._wanted = self._pending, [], False",
        "batch, self._pending, self._wanted = self._pending[::-1], [], False",
        engine("rules", "one_line"),
    ),
    Mutant(
        "writes of one run overtake each other", 4, "journal.py",
        "if self._pending and self._writer is None:",
        "if self._pending:",
        engine("rules", "one_line"),
    ),
    Mutant(
        "tools run before the response that calls them is stored", 4, "durable/model.py",
        "if calls:\n            await journal.commit()",
        "if False:\n            await journal.commit()",
        engine("rules", "called_is_stored_before"),
    ),
    Mutant(
        "the last steps are not stored", 4, "engine.py",
        "rest = [*await self.journal.rest(), *entries]",
        "rest = entries",
        engine("rules", "stored_with_the_end"),
    ),
    Mutant(
        "an agent used as a tool is journaled as a step", 4, "durable/tool.py",
        "if is_agent_tool(self.inner):\n            return await",
        "if False:\n            return await",
        engine("approvals", "nested_approval_reaches and not unstreamed"),
    ),
    Mutant(
        "model calls before and after an approval share their keys", 4, "durable/scope.py",
        "self.segment += 1",
        "self.segment += 0",
        engine("approvals", "an_approved_call_runs and not unstreamed"),
    ),
    Mutant(
        "a slice that stops cuts what happens beside", 4, "journal.py",
        "self._check_quiet()\n            await self._quiet.wait()\n            self.stop()",
        "self.stop()",
        engine("rules", "beside_an_agent_that_stops"),
    ),
    Mutant(
        "a thread touches the journal itself", 4, "journal.py",
        "if not self.here:\n            self.loop",
        "if False:\n            self.loop",
        engine("sync_tools", "emits_in_its_order and not unstreamed"),
    ),
    Mutant(
        "an agent that a sync tool runs has a loop of its own", 4, "durable/runner.py",
        "if not journal.here:  # a sync",
        "if False:  # a sync",
        engine("sync_tools", "runs_an_agent_with_tools and not unstreamed and loop_of_its_own"),
    ),
    Mutant(
        "a call is recorded in names that the SDK cannot read", 4, "durable/codec.py",
        "exclude_unset=True, by_alias=True)",
        "exclude_unset=True)",
        engine("approvals", "fills_in_every_field"),
    ),
    Mutant(
        "what is said inside a run passes as its own words", 4, "events.py",
        'return "inner_message" if within(entry.key) else "message", ',
        'return "message", ',
        engine("inner_messages", "own_agent_says"),
    ),
    # 5. Honest effects.
    Mutant(
        "a once call is not announced", 5, "durable/tool.py",
        'if effect_of(self.outer) == "once":\n            await self.announce',
        'if effect_of(self.outer) == "never":\n            await self.announce',
        engine("unknown_outcomes", "start_of_a_once_call and not unstreamed"),
    ),
    Mutant(
        "a once call begins before its announcement is stored", 5, "durable/tool.py",
        'kind="tool_started", data=data))\n        await journal.commit()',
        'kind="tool_started", data=data))',
        engine("rules", "announcement_cannot_be_stored"),
    ),
    Mutant(
        "an unknown outcome is not asked about", 5, "engine.py",
        "if self.ends.unknown:\n            return await approvals",
        "if False:\n            return await approvals",
        engine("unknown_outcomes", "a_person_says and happened and not unstreamed"),
    ),
    Mutant(
        "what a person says has happened is ignored", 5, "settle.py",
        'answer.get("result") if answer["decision"] == "happened" else GIVEN_UP',
        "GIVEN_UP",
        engine("unknown_outcomes", "a_person_says and happened and not unstreamed"),
    ),
    Mutant(
        "what a person has given up is done again", 5, "settle.py",
        'elif answer["decision"] != "again":',
        'elif answer["decision"] == "happened":',
        engine("unknown_outcomes", "a_person_says and give_up and not unstreamed"),
    ),
    Mutant(
        "the idempotency key is another after a redrive", 5, "durable/scope.py",
        "uuid5(UUID(run.root_id), key)",
        "uuid5(UUID(run.id), key)",
        engine("rules", "same_key_after_a_redrive"),
    ),
    Mutant(
        "a redrive forgets what had begun", 5, "store/redriving.py",
        '"tool_started", ',
        "",
        engine("rules", "asked_about_again_after and not unstreamed"),
    ),
    Mutant(
        "a tool that needs approval may be repeated", 5, "effects.py",
        'return "once" if',
        'return "idempotent" if',
        engine("rules", "not_repeated_unless and not unstreamed"),
    ),
    Mutant(
        "a tool that cannot be recorded is refused in the first run only", 5, "durable/agent.py",
        "for one in check(agent):",
        "for one in () if agent.__dict__.get(_MARK) else check(agent):",
        engine("refused_tools", "added_after_a_run and not unstreamed"),
    ),
    Mutant(
        "a tool that comes in during a run is not looked at", 5, "durable/agent.py",
        "_refuse(scope, agent.name, tools)\n            scope",
        "scope",
        engine("refused_tools", "added_during_a_run and not unstreamed"),
    ),
    Mutant(
        "an agent object is registered whatever its tools are", 5, "registry.py",
        "if _is_agent(target):\n        check(target)",
        "if False:\n        check(target)",
        engine("refused_tools", "where_it_is_registered"),
    ),
    Mutant(
        "runs are accepted of an agent that is known to be refused", 5, "service.py",
        "self.registry.admit(agent)",
        "self.registry.get(agent)",
        engine("refused_tools", "no_run_is_accepted"),
    ),
    Mutant(
        "nobody connects an agent's MCP servers", 4, "durable/agent.py",
        "await scope.slice.connect(agent.mcp_servers)",
        "pass",
        engine("mcp_servers", "connected_once and not unstreamed and itself"),
    ),
    Mutant(
        "a call that its server died of becomes text for the model", 5, "durable/servers.py",
        "if not _closed(error):",
        "if True:",
        engine("mcp_servers", "dies_of_a_call and not unstreamed and always"),
    ),
    # 6. The deadline comes from the platform.
    Mutant(
        "the deadline does not stop a slice", 6, "engine.py",
        "if self.deadline.passed:\n",
        "if False:\n",
        engine("deadline", "forty_steps"),
    ),
    Mutant(
        "SIGTERM does not stop a slice", 6, "service.py",
        "deadline.bring_forward(seconds)",
        "pass",
        engine("deadline", "sigterm"),
    ),
    Mutant(
        "a slice that yields is not sent again", 6, "store/leaving.py",
        "await held.due(redelivery, failures=failures)\n        return (held.run.id,)\n    match",
        "await held.due(redelivery, failures=failures)\n        return ()\n    match",
        store("", "a_yielded_run"),
    ),
    Mutant(
        "a takeover without a step is no failure", 6, "store/working.py",
        "else_=run.c.failures + 1",
        "else_=run.c.failures",
        store("", "takeovers_without_a_step"),
    ),
    Mutant(
        "a dead worker that a sweep found is no failure", 6, "store/due.py",
        "else_=run.c.failures + 1",
        "else_=run.c.failures",
        engine("leases", "kills_each_worker and not unstreamed"),
    ),
    Mutant(
        "a slice without a step is no failure", 6, "store/leaving.py",
        "else failures + 1",
        "else failures",
        store("", "slices_without_a_step"),
    ),
    Mutant(
        "a slice without a step is no failure to a single statement", 6, "store/statements.py",
        "else_=run.c.failures + 1",
        "else_=run.c.failures",
        postgres("", "slices_without_a_step"),
    ),
    Mutant(
        "a run is tried for ever", 6, "engine.py",
        "if run.failures >= self.settings.max_failures:",
        "if False:",
        engine("leases", "kills_each_worker and not unstreamed"),
    ),
    Mutant(
        "a step that outlasts every slice is begun again and again", 6, "engine.py",
        "if self.overran and not self.journal.progressed:",
        "if False:",
        engine("deadline", "more_than_a_whole_slice"),
    ),
    Mutant(
        "a slice that was over before a step began counts as a step that is too long", 6, "deadline.py",
        "return self.whole and since - self._began <= _NEARLY * self._life",
        "return self.whole",
        engine("deadline", "before_a_step_began"),
    ),
    Mutant(
        "a process that was frozen blames the step", 6, "engine.py",
        "if loop.time() - until > STILL:",
        "if False:",
        engine("deadline", "stood_still"),
    ),
    Mutant(
        "an alarm that is set again by a repeated call rings again", 5, "host.py",
        "most=self.settings.schedules_per_thread, keep=True)",
        "most=self.settings.schedules_per_thread)",
        engine("sleeps_and_events", "after_its_ring and not unstreamed"),
    ),
    Mutant(
        "a step that SIGTERM cuts counts as too long", 6, "deadline.py",
        "self._at, self.whole = at, False",
        "self._at = at",
        engine("rules", "sigterm_cuts and not unstreamed"),
    ),
    Mutant(
        "new steps begin in a slice that ends", 6, "durable/tool.py",
        "if diverged or journal.suspension:",
        "if diverged:",
        engine("agents_unchanged", "cut_by_the_deadline_never and not unstreamed"),
    ),
    Mutant(
        "a thread is left behind when its slice is cut", 6, "durable/tool.py",
        "return bool(getattr(self.inner.on_invoke_tool, SYNC, False))",
        "return False",
        engine("deadline", "sync_tool"),
    ),
    Mutant(
        "a thread that hangs holds its run for ever", 9, "engine.py",
        "journal.loop.call_later(self.settings.sync_tool_seconds, journal.let_go)",
        "journal.loop.call_later(self.settings.sync_tool_seconds, str)",
        engine("sync_tools", "hangs_does_not_keep and not unstreamed"),
    ),
    Mutant(
        "a call is begun beside its own thread", 6, "durable/tool.py",
        "if (left := threads.get(call)) is not None:",
        "if (left := threads.get('')) is not None:",
        engine("sync_tools", "let_go_is_waited_for and not unstreamed"),
    ),
    # 7. History is linear.
    Mutant(
        "a call that was stopped has no output", 7, "history.py",
        'if call.get("type") == "function_call":',
        'if f"tool:0/{call.get(\'call_id\')}" in outputs:',
        engine("double_texting", "interrupt_of_a_sleeping_run and not unstreamed"),
    ),
    Mutant(
        "a run stores what it was told of the thread once more", 7, "engine.py",
        "items = [*input_items(self.run.input), *added]",
        "items = result.to_input_list()",
        engine("double_texting", "in_the_order_they_came and not unstreamed"),
    ),
    Mutant(
        "a message is stored a place too far", 7, "store/leaving.py",
        "start=thread.item_count)",
        "start=thread.item_count + 1)",
        store("", "finishing_stores"),
    ),
    Mutant(
        "a message is stored a place too far by a single statement", 7, "store/statements.py",
        "left.c.item_count - count + given.c.n - 1",
        "left.c.item_count - count + given.c.n",
        postgres("", "finishing_stores"),
    ),
    Mutant(
        "the window cuts a call from its output", 7, "history.py",
        "while start < len(items) and not _whole(items, start):",
        "while False:",
        engine("history", "window_fits"),
    ),
    Mutant(
        "the window of a run moves while it runs", 7, "summary.py",
        "if noted is not None:",
        "if False:",
        engine("history", "same_window and not unstreamed"),
    ),
    Mutant(
        "values are changed under a run", 7, "store/revising.py",
        "if found.head_id is not None:",
        "if False:",
        store("_threads", "under_a_run"),
    ),
    Mutant(
        "a branch shows what was left", 7, "store/revising.py",
        'changes |= {"branch_start": start, ',
        "changes |= {",
        store("_threads", "go_on_from_a_checkpoint"),
    ),
    Mutant(
        "the model sees what a branch has left", 7, "store/revising.py",
        '"summary": None, "summary_until": start}',
        '"summary": None}',
        engine("revisions", "nothing_of_what_was_left"),
    ),
    Mutant(
        "what only clients see is sent to the model", 7, "history.py",
        "return {name: value for name, value in item.items() if name != SHOWN}",
        "return dict(item)",
        engine("revisions", "client_added"),
    ),
    Mutant(
        "a run that is deleted takes its checkpoint along", 7, "store/forgetting.py",
        "await _keep_checkpoint(tx, of, held)",
        "pass",
        store("_threads", "leaves_what_was_said"),
    ),
    Mutant(
        "a stopped run tells the model of a result in other words", 7, "durable/codec.py",
        'return ItemHelpers.tool_call_output_item(call, load_tool_output(data))["output"]',
        "return data if isinstance(data, str) else json.dumps(data)",
        engine("history", "told_the_same and not unstreamed"),
    ),
    Mutant(
        "a handoff leaves no trace", 7, "durable/handoff.py",
        "journal.add(Entry(key=key",
        "str(Entry(key=key",
        engine("handoffs", "stopped_run and not unstreamed"),
    ),
    Mutant(
        "what could not be summarized is asked for again, and more of it", 9, "summary.py",
        "        if size:\n            summary = await _tell(agent, options, scope, summary, items[:size], "
        "settings.history_tokens) or summary\n",
        "        if size and not (more := await _tell(agent, options, scope, summary, items, 10**9)):\n"
        "            return claim.summary_until, claim.summary\n        summary = more\n",
        engine("history", "costs_the_same and refused"),
    ),
    Mutant(
        "a redriven run stores its work once more", 7, "engine.py",
        "items=items[before.items :]",
        "items=items",
        engine("redrive", "stays_where_it_is and not unstreamed"),
    ),
    Mutant(
        "what a failed run left is stored once more", 7, "store/redriving.py",
        'await tx.run(_DROP, {"of_thread": thread.id, "start": own[0]})',
        "return thread, []",
        engine("redrive", "is_told_once and not unstreamed"),
    ),
    Mutant(
        "a redriven run is told of its own input", 7, "summary.py",
        " and not before.has(i.position)",
        "",
        engine("redrive", "never_began and not unstreamed"),
    ),
    # 8. State outlives code.
    Mutant(
        "a replay does not look at what is asked", 8, "durable/model.py",
        'data["shape"] != self.shape or',
        "",
        engine("replay", "asks_something_else and not unstreamed"),
    ),
    Mutant(
        "a person's decision is passed over by other code", 8, "durable/scope.py",
        "if self.segment >= self.asked:",
        "if True:",
        engine("approvals", "does_not_ask_any_more and not unstreamed"),
    ),
    Mutant(
        "an approval holds for other arguments", 8, "approvals.py",
        'question["call_id"] == item.call_id and question["arguments_hash"] == wanted',
        'question["call_id"] == item.call_id',
        engine("approvals", "other_arguments_than and not unstreamed"),
    ),
    Mutant(
        "preflight calls models", 8, "journal.py",
        "if self.frozen:\n            self.stop()\n        await self.sure()",
        "await self.sure()",
        engine("rules", "preflight_calls_no_model"),
    ),
    Mutant(
        "preflight calls tools", 8, "durable/tool.py",
        "if journal.frozen:",
        "if False:",
        engine("rules", "preflight_calls_no_tool"),
    ),
    # 9. Every wait ends.
    Mutant(
        "a question waits for ever", 9, "approvals.py",
        "replace(question, expires_at=until)",
        "replace(question)",
        engine("approvals", "nobody_decides and not unstreamed"),
    ),
    Mutant(
        "an expired question is not settled", 9, "engine.py",
        "late = await self.store.expire_questions(self.claim.lease)",
        "late = ()",
        engine("approvals", "nobody_decides and not unstreamed"),
    ),
    Mutant(
        "nobody looks at a run that waits", 9, "store/leaving.py",
        "wake_at=min(ends, default=None)",
        "wake_at=None",
        engine("approvals", "nobody_decides and not unstreamed"),
    ),
    Mutant(
        "a sleeper is not woken by the clock", 9, "store/leaving.py",
        'status="sleeping", wake_at=min(ends)',
        'status="sleeping", wake_at=None',
        engine("sleeps_and_events", "the_clock_wakes_it and not unstreamed"),
    ),
    Mutant(
        "a dead worker's lease does not end", 9, "store/due.py",
        "select(_due.c.id).where(_due.c.wake_at <= now())",
        'select(_due.c.id).where(_due.c.wake_at <= now(), _due.c.status != "running")',
        store("_time", "dead_workers_run"),
    ),
    Mutant(
        "a run lives for ever", 9, "engine.py",
        "if self._expired():",
        "if False:",
        engine("failures", "outlives_its_time and not unstreamed"),
    ),
    Mutant(
        "an agent wakes itself with every tick", 9, "host.py",
        "        if not cron:\n            self._check_ring(due_at)\n",
        "",
        engine("sleeps_and_events", "cannot_ring_itself and not unstreamed"),
    ),
    Mutant(
        "an event that comes before the run sleeps is lost", 9, "store/leaving.py",
        "if came := await tx.first(_CAME, **wanted):",
        "if False:",
        store("_stops", "counts_from_the_call_on"),
    ),
    Mutant(
        "an event and a run that waits for it miss each other", 9, "store/postgres.py",
        "await tx.first(select(lock(func.hashtextextended(f\"agentcore:event:{event}\", 0))))",
        "pass",
        postgres("_races", "event_whose_transaction_is_open"),
    ),
    # 10. Nobody sees another tenant's data.
    Mutant(
        "a run can be read by anybody", 10, "store/reading.py",
        'ONE = select(*RUN).where(run.c.tenant == bindparam("tenant"), run.c.id == bindparam("id"))',
        'ONE = select(*RUN).where(run.c.id == bindparam("id"))',
        store("_tenants", "run_is_not_found"),
    ),
    Mutant(
        "a journal can be read by anybody", 10, "store/statements.py",
        'return select(*RUN, found).where(run.c.tenant == bindparam("tenant"), run.c.id == bindparam("id"))',
        'return select(*RUN, found).where(run.c.id == bindparam("id"))',
        postgres("_tenants", "run_is_not_found"),
    ),
    Mutant(
        "everybody's runs are listed", 10, "store/reading.py",
        '.where(run.c.tenant == bindparam("tenant"))\n',
        "\n",
        store("_tenants", "lists"),
    ),
    Mutant(
        "a run can be cancelled by anybody", 10, "store/deciding.py",
        "thread is None or held is None or held.run.tenant != tenant",
        "thread is None or held is None",
        store("_tenants", "run_is_not_found"),
    ),
    Mutant(
        "a run can be redriven by anybody", 10, "store/redriving.py",
        "thread is None or held is None or held.run.tenant != tenant",
        "thread is None or held is None",
        store("_tenants", "run_is_not_found"),
    ),
    Mutant(
        "a question can be read and decided by anybody", 10, "store/deciding.py",
        'where(question.c.tenant == bindparam("tenant"), question.c.id == bindparam("id"))',
        'where(question.c.id == bindparam("id"))',
        store("_tenants", "question_is_not_found"),
    ),
    Mutant(
        "everybody's questions are listed", 10, "store/deciding.py",
        '.where(question.c.tenant == bindparam("tenant"))\n',
        "\n",
        store("_tenants", "lists"),
    ),
    Mutant(
        "a thread can be read by anybody", 10, "store/threads.py",
        '_OF_TENANT = _ONE.where(thread.c.tenant == bindparam("tenant"), ',
        "_OF_TENANT = _ONE.where(",
        store("_tenants", "thread_is_not_found"),
    ),
    Mutant(
        "a history can be read by anybody", 10, "store/threads.py",
        'item.c.tenant == bindparam("tenant"), ',
        "",
        store("_tenants", "thread_is_not_found"),
    ),
    Mutant(
        "everybody's threads are listed", 10, "store/searching.py",
        '.where(thread.c.tenant == bindparam("tenant"), thread.c.deleted_at.is_(None))  # fmt',
        ".where(thread.c.deleted_at.is_(None))  # fmt",
        store("_tenants", "lists"),
    ),
    Mutant(
        "everybody's threads are counted", 10, "store/threads.py",
        '_SOME = select(thread.c.id).where(thread.c.tenant == bindparam("tenant"), ',
        "_SOME = select(thread.c.id).where(",
        store("_threads", "counted"),
    ),
    Mutant(
        "a thread can be changed, copied and deleted by anybody", 10, "store/threads.py",
        "if found is None or found.tenant != tenant or",
        "if found is None or",
        store("_threads", "another_tenant"),
    ),
    Mutant(
        "checkpoints can be read by anybody", 10, "store/states.py",
        'thread.c.tenant == bindparam("tenant"), thread.c.id == bindparam("id"), ',
        'thread.c.id == bindparam("id"), ',
        store("_threads", "another_tenant"),
    ),
    Mutant(
        "a run can be deleted by anybody", 10, "store/forgetting.py",
        "if of is None or held is None or held.run.tenant != tenant:",
        "if of is None or held is None:",
        store("_threads", "another_tenant"),
    ),
    Mutant(
        "anybody can write to a thread", 10, "store/accepting.py",
        "if thread is None or thread.tenant != run.tenant or",
        "if thread is None or",
        store("_tenants", "thread_is_not_found"),
    ),
    Mutant(
        "anybody can write to a thread in one statement", 10, "store/statements.py",
        "thread.c.tenant == new.excluded.tenant, thread.c.head_id.is_(None), ",
        "thread.c.head_id.is_(None), ",
        postgres("_tenants", "thread_is_not_found"),
    ),
    Mutant(
        "anybody's event wakes a run", 10, "store/events.py",
        'subscription.c.tenant == bindparam("tenant"), ',
        "",
        store("_tenants", "event_wakes_nobody"),
    ),
    Mutant(
        "anybody's event wakes a run that is about to sleep", 10, "store/leaving.py",
        'idempotency.c.tenant == bindparam("tenant"), ',
        "",
        store("_stops", "counts_from_the_call_on"),
    ),
    Mutant(
        "an idempotency key is everybody's", 10, "store/accepting.py",
        'idempotency.c.tenant == bindparam("tenant"), ',
        "",
        store("_tenants", "idempotency_key"),
    ),
    Mutant(
        "a schedule can be read by anybody", 10, "store/schedules.py",
        '_OF_TENANT = _ONE.where(schedule.c.tenant == bindparam("tenant"))',
        "_OF_TENANT = _ONE",
        store("_tenants", "schedule_is_not_found"),
    ),
    Mutant(
        "a schedule can be deleted by anybody", 10, "store/schedules.py",
        'schedule.c.tenant == bindparam("of_tenant"), ',
        "",
        store("_tenants", "schedule_is_not_found"),
    ),
    Mutant(
        "an agent cancels schedules of other threads", 10, "store/schedules.py",
        "_DELETE_OF_THREAD = _DELETE.where(_THREAD_IS)",
        "_DELETE_OF_THREAD = _DELETE",
        engine("sleeps_and_events", "nobody_elses and not unstreamed"),
    ),
    Mutant(
        "everybody's schedules are listed", 10, "store/schedules.py",
        '    select(*SCHEDULE)\n    .where(schedule.c.tenant == bindparam("tenant"))\n',
        "    select(*SCHEDULE)\n",
        store("_tenants", "lists"),
    ),
    Mutant(
        "everybody's documents are found", 10, "store/storeitems.py",
        '_OF_TENANT = store_item.c.tenant == bindparam("tenant")',
        "_OF_TENANT = store_item.c.tenant.is_not(None)",
        store("_tenants", "item_of_the_store"),
    ),
    Mutant(
        "a delivery can be asked for again by anybody", 10, "store/deliveries.py",
        'delivery.c.tenant == bindparam("of_tenant"), ',
        "delivery.c.tenant.is_not(None), ",
        store("_tenants", "delivery_is_not_found"),
    ),
    Mutant(
        "a webhook whose attempts all die is tried for ever", 9, "deliveries.py",
        "if taken.tries > self._settings.webhook_attempts:",
        "if False:",
        ("tests/e2e/test_api_webhooks.py", "-k", "all_died"),
    ),
    Mutant(
        "a webhook is never given up", 9, "deliveries.py",
        "elif outcome.final or taken.tries >= settings.webhook_attempts:",
        "elif outcome.final:",
        ("tests/e2e/test_api_webhooks.py", "-k", "last_attempt"),
    ),
    Mutant(
        "the webhook of a run that never began is told nothing", 1, "store/held.py",
        "if self.run.webhook is not None:",
        "if False:",
        store("_deliveries", "never_started"),
    ),
    Mutant(
        "a single statement that ends a run forgets its webhook", 1, "store/statements.py",
        ".where(ended.c.webhook.is_not(None))",
        ".where(ended.c.webhook.is_(None))",
        postgres("_deliveries", "is_to_be_told"),
    ),
    Mutant(
        "an older attempt settles a delivery that was taken again", 2, "store/deliveries.py",
        '    delivery.c.attempts == bindparam("the_attempt"),\n'
        '    delivery.c.due_at == bindparam("leased", type_=delivery.c.due_at.type),\n',
        "",
        store("_deliveries", "died"),
    ),
    Mutant(
        "a checked name is resolved again", 10, "outgoing.py",
        "host=address, port=to.port",
        "host=to.host, port=to.port",
        ("tests/unit/test_outgoing.py", "-k", "changes_after"),
    ),
    Mutant(
        "the door finds another route than the one that is taken", 10, "api/door.py",
        ' and not scope.get("root_path")',
        "",
        e2e("door", "behind_a_prefix"),
    ),
    Mutant(
        "a thread that is deleted is begun again by a run that must find it", 3, "store/statements.py",
        '        .with_for_update(key_share=True)\n        .cte("there")',
        '        .cte("there")',
        postgres("_races", "must_find"),
    ),
    Mutant(
        "an event of a host waits for the next news", 6, "service.py",
        "gather = 0.0 if stints.current() else self._told",
        "gather = self._told",
        ("tests/unit/test_hints.py", "-k", "over_when"),
    ),
    Mutant(
        "whoever has no scope for it may do it", 10, "api/door.py",
        "        principal.need(needed)\n",
        "",
        e2e("auth_matrix", "every_scope_but_the_one"),
    ),
    Mutant(
        "a route that declares nothing is public", 10, "api/scopes.py",
        "found: Scope | None = getattr(endpoint, _DECLARED)",
        "found: Scope | None = getattr(endpoint, _DECLARED, None)",
        e2e("door", "declares_nothing"),
    ),
    Mutant(
        "any secret opens a key", 10, "keys.py",
        "key is None or not hmac.compare_digest(digest(parts[2]), key.hash)",
        "key is None",
        e2e("auth_matrix", "whoever_is_not_known"),
    ),
    Mutant(
        "a revoked key works", 10, "store/keys.py",
        "api_key.c.revoked_at.is_(None), ",
        "",
        store("_keys", "not_live"),
    ),
    Mutant(
        "an expired key works", 10, "store/keys.py",
        "or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > now())",
        "or_(api_key.c.expires_at.is_(None), api_key.c.expires_at.is_not(None))",
        e2e("auth_matrix", "whoever_is_not_known"),
    ),
    Mutant(
        "a token for another audience is taken", 10, "oidc.py",
        'leeway=_LEEWAY,\n            options={"require"',
        'leeway=_LEEWAY,\n            options={"verify_aud": False, "require"',
        e2e("oidc", "wrong_claim"),
    ),
    Mutant(
        "a token's claims reach across tenants", 10, "oidc.py",
        ' and scope != "system"',
        "",
        e2e("oidc", "tenant_and_scopes"),
    ),
    Mutant(
        "a made-up key id makes us ask the provider", 10, "jwks.py",
        "self._clock() - self._tried < _PAUSE",
        "self._clock() - self._tried < 0",
        e2e("oidc", "made_up_key_ids"),
    ),
    Mutant(
        "a WebSocket keeps the secret that it offered", 10, "api/door.py",
        'scope.get("subprotocols", ()) if not one.startswith(BEARER)]',
        'scope.get("subprotocols", ())]',
        e2e("door", "websocket"),
    ),
    Mutant(
        "any page opens a WebSocket where nobody is asked", 10, "api/limits.py",
        'scope["type"] in ("http", "websocket") and',
        'scope["type"] == "http" and',
        e2e("door", "no_page_from_elsewhere"),
    ),
    Mutant(
        "any signature ticks", 10, "webhooks.py",
        "return any(matches)",
        "return bool(matches)",
        e2e("tick", "good_signature_is_enough"),
    ),
    Mutant(
        "a signature is good for ever", 10, "webhooks.py",
        "abs(now - int(stamp)) > _TOLERANCE",
        "int(stamp) < 0",
        e2e("tick", "good_signature_is_enough"),
    ),
    Mutant(
        "a signature opens what a key with its scope does", 10, "api/door.py",
        "_signature(scope) if signable(endpoint) else None",
        "_signature(scope)",
        e2e("tick", "opens_no_other_route"),
    ),
    Mutant(
        "a revoked key lives on where it was being read", 10, "keys.py",
        "        self._reads.pop(key_id, None)\n",
        "",
        ("tests/unit/test_auth.py", "-k", "revoked_is_forgotten"),
    ),
    Mutant(
        "many processes let a caller call many times as often", 10, "buckets.py",
        "return await self._shared.take(caller, rate=self._rate, burst=self._burst) or 0.0",
        "return 0.0",
        ("tests/contracts/test_shared.py", "-k", "count_together"),
    ),
    Mutant(
        "a server for hints that is away holds up every request", 9, "redis/gate.py",
        "if now < self._until:",
        "if False:",
        ("tests/contracts/test_shared.py", "-k", "hangs or tries_for_all"),
    ),
    Mutant(
        "everybody's usage is told", 10, "store/usage.py",
        '    .where(run.c.tenant == bindparam("tenant"))\n',
        "",
        store("_usage", "each_others"),
    ),
)  # fmt: skip
