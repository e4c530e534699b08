"""The environment, read once into a frozen Settings. `docs/settings.md` is generated from here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from agentcore import awssecret
from agentcore.errors import Misconfigured


def _setting(
    default: Any, doc: str, *, env: str | None = None, least: float | None = None, secret: bool = False
) -> Any:
    return field(default=default, metadata={"doc": doc, "env": env, "least": least}, repr=not secret)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field a setting; its variable is AGENTCORE_ and the field's name in capitals, unless it says otherwise."""

    database_url: str = _setting(
        "sqlite:///.agentcore/agentcore.db", "Where state lives: sqlite, postgresql or cockroachdb."
    )
    database_identity: str = _setting(
        "", "aws, azure or gcp: sign in to PostgreSQL with a token of the process's identity (docs/postgresql.md)."
    )
    database_grant: str = _setting(
        "", "A role of PostgreSQL that migrate makes and lets use the tables, but not change them (docs/postgresql.md)."
    )
    bus_url: str = _setting("", "How run ids travel (docs/buses.md). Default: memory:// in dev, store:// elsewhere.")
    bus_username: str = _setting("", "Who signs in to RabbitMQ or Kafka, where the URL does not say.")
    bus_password: str = _setting(
        "", "Password for RabbitMQ or Kafka, connection string for Service Bus; never logged.", secret=True
    )
    bus_attempts: int = _setting(10, "A message that failed this often goes to the dead letter.", least=1)
    redis_url: str = _setting(
        "", "What processes share hints and rates over: redis(s)://HOST, or Upstash's https:// URL (docs/redis.md)."
    )
    redis_token: str = _setting("", "Upstash's token, or the password of Redis; never logged.", secret=True)
    agents: str = _setting("agentcore.agents", "The module that registers your agents.")
    model: str = _setting("", "Model for agents that name none. Default: gpt-5-mini with a key or URL, else offline.")
    openai_api_key: str = _setting("", "Key of the model server; never logged.", env="OPENAI_API_KEY", secret=True)
    openai_base_url: str = _setting("", "Any OpenAI-compatible server.", env="OPENAI_BASE_URL")
    host: str = _setting("127.0.0.1", "Address that dev and serve listen on.")
    port: int = _setting(8000, "Port that dev and serve listen on.", least=0)
    auth: str = _setting("", "keys, oidc, both with a comma, or none. Default: see docs/auth.md.")
    allow_unauthenticated: bool = _setting(False, "Let AGENTCORE_AUTH=none listen beyond loopback.")
    api_key: str = _setting("", "The API key that chat calls with; never logged.", secret=True)
    key_cache_seconds: float = _setting(10.0, "A revoked API key works for at most this long.", least=0)
    oidc_issuer: str = _setting("", "Issuer URL of the OpenID provider whose tokens are taken.")
    oidc_audience: str = _setting("", "What tokens must be meant for: the aud that stands for this API.")
    oidc_jwks_url: str = _setting("", "Where the provider's keys are. Default: found by discovery at the issuer.")
    oidc_algorithms: str = _setting("RS256,ES256", "Signatures that are taken, with commas; never none nor HS*.")
    oidc_tenant_claim: str = _setting("tenant", "The claim that names the tenant; dots go into nested ones.")
    oidc_tenant: str = _setting("", "The tenant of all tokens, instead of a claim.")
    oidc_scopes_claim: str = _setting("scope", "The claim that lists the scopes, as a text or a list.")
    rate_per_second: float = _setting(
        100.0, "Requests a second of each caller, in each process or, with Redis, in all; 0: no limit.", least=0
    )
    rate_burst: int = _setting(200, "Requests that a caller may make at once.", least=1)
    cors_origins: str = _setting("", "Web pages that may call the API, with commas: https://app.example.com. Or *.")
    security_headers: bool = _setting(True, "Send nosniff, frame denial, no-referrer and no-store with each answer.")
    hsts_seconds: int = _setting(0, "Browsers use HTTPS only for so long; set it once TLS stands in front.", least=0)
    concurrency: int = _setting(10, "Runs that one worker process moves forward at once.", least=1)
    inline_runs: int = _setting(
        100, "Runs that an API process executes itself at once, for callers who wait; others are left to workers.",
        least=0,
    )  # fmt: skip
    lease_seconds: float = _setting(30.0, "A worker that is silent this long has lost its run.", least=0.2)
    redelivery_seconds: float = _setting(60.0, "A bus message not acted on for this long counts as lost.", least=0.1)
    slice_seconds: float = _setting(600.0, "Longest slice of a long-lived worker before it yields.", least=1)
    host_seconds: float = _setting(
        0.0, "The host's time limit for a request or a message, where it does not tell us (docs/hosts.md).", least=0
    )
    push_audience: str = _setting("", "The aud of the tokens that Pub/Sub, Eventarc and Scheduler call with.")
    push_senders: str = _setting("", "The service accounts whose tokens are taken there, with commas.")
    push_issuer: str = _setting("https://accounts.google.com", "Issuer of those tokens.")
    deadline_margin: float = _setting(5.0, "Seconds kept back before a deadline, to save and hand over.", least=0)
    sync_tool_seconds: float = _setting(
        30.0,
        "A sync tool that still runs so long after its slice's deadline, or after a cancellation, is let go.",
        least=0,
    )
    mcp_seconds: float = _setting(30.0, "Longest time that connecting to a local MCP server may take.", least=0.1)
    max_failures: int = _setting(5, "Attempts in a row without a new step before a run has failed.", least=1)
    max_turns: int = _setting(50, "Model calls in one run, unless its agent says otherwise.", least=1)
    backoff_seconds: float = _setting(1.0, "First retry delay; it doubles, with jitter.", least=0)
    backoff_most: float = _setting(300.0, "Longest retry delay.", least=0)
    run_ttl: float = _setting(90 * 86400.0, "Seconds after which an unfinished run has expired.", least=1)
    question_ttl: float = _setting(7 * 86400.0, "Seconds a question waits for a person before it is rejected.", least=1)
    question_expiry_fails: bool = _setting(False, "A question that expires fails its run, instead of being rejected.")
    retention: float = _setting(30 * 86400.0, "Seconds that the journal of an ended run is kept.", least=0)
    history_tokens: int = _setting(32_000, "Estimated tokens of a thread's history that the model sees.", least=100)
    history_items: int = _setting(100, "Most messages of history loaded for a run.", least=1)
    summarize: bool = _setting(True, "Let the model summarize what falls out of the history window.")
    schedule_gap: float = _setting(60.0, "Least seconds between two rings that an agent schedules.", least=0)
    schedules_per_thread: int = _setting(20, "Most schedules that one thread may have.", least=1)
    schedules_per_tenant: int = _setting(10_000, "Most schedules that one tenant may have.", least=1)
    input_bytes: int = _setting(1_000_000, "Largest input of a run, and largest values of a thread.", least=1)
    metadata_bytes: int = _setting(65_536, "Largest metadata of a thread or a run.", least=1)
    threads_per_tenant: int = _setting(1_000_000, "Most threads that one tenant may have.", least=1)
    search_rows: int = _setting(50_000, "How many rows a search looks at whose filter no index serves.", least=1)
    store_item_bytes: int = _setting(262_144, "Largest value of an item of the store, as JSON.", least=1)
    webhook_secrets: str = _setting(
        "", "Keys that webhooks are signed with (whsec_…), with spaces between; none: they are not signed.", secret=True
    )
    webhook_attempts: int = _setting(15, "Attempts at a webhook before its delivery has failed.", least=1)
    webhook_timeout: float = _setting(15.0, "Seconds that one attempt at a webhook may take.", least=0.1)
    webhook_backoff_seconds: float = _setting(10.0, "First delay of a webhook; it doubles, with jitter.", least=0)
    webhook_backoff_most: float = _setting(21_600.0, "Longest delay between attempts at a webhook.", least=0)
    webhook_allow_http: bool = _setting(False, "Let webhooks be http, not only https.")
    webhook_allow_private: bool = _setting(False, "Let webhooks go to private, loopback and link-local addresses.")
    delta_seconds: float = _setting(0.1, "Token deltas are stored in batches this long.", least=0)
    tick_seconds: float = _setting(1.0, "How often dev's own timer looks for what is due.", least=0.05)
    tick_secrets: str = _setting(
        "", "Keys that POST /tick may be signed with (whsec_…), with spaces between; none: only API keys.", secret=True
    )
    metrics_port: int = _setting(0, "Port on which work tells its metrics, to whoever asks; 0: it does not.", least=0)
    metrics_host: str = _setting("127.0.0.1", "Address of that port; nobody is asked who they are there.")
    pool_size: int = _setting(10, "Most database connections of one process.", least=1)
    prepared_statements: bool = _setting(True, "Switch off behind a transaction pooler such as PgBouncer.")
    aws_secret: str = _setting(
        "", "A secret of AWS Secrets Manager, by name or ARN, that holds variables as a JSON object (docs/hosts.md)."
    )
    tracing: bool = _setting(False, "Let the SDK export its traces (to OpenAI, unless you set a processor).")
    log_level: str = _setting("info", "debug, info, warning or error.")

    @property
    def model_name(self) -> str:
        """The model for agents that name none: offline where nothing says how to reach a real one."""
        return self.model or ("gpt-5-mini" if self.openai_api_key or self.openai_base_url else "offline")


def variable(setting: Field[Any]) -> str:
    """The environment variable of a field of Settings."""
    return setting.metadata["env"] or f"AGENTCORE_{setting.name.upper()}"


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from the environment; `overrides` win.

    Raises Misconfigured, naming the variable, for a value that does not parse, is out of range, or for an
    AGENTCORE_ variable that does not exist (a misspelt setting would otherwise be silently ignored).
    """
    environ = _completed(os.environ if environ is None else environ)
    known = {variable(f): f for f in fields(Settings)}
    for name in environ:
        if name.startswith("AGENTCORE_") and name not in known:
            raise Misconfigured(f"{name} is not a setting. See docs/settings.md for the names.", setting=name)
    values = {f.name: _parse(f, name, environ[name]) for name, f in known.items() if environ.get(name)}
    return _fitting(Settings(**{**values, **{k: v for k, v in overrides.items() if v is not None}}))


def _completed(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, and what AGENTCORE_AWS_SECRET holds where that has nothing."""
    if not (name := environ.get(awssecret.SETTING)):
        return environ
    missing = {key: text for key, text in awssecret.read(name).items() if not environ.get(key)}
    if environ is os.environ:
        os.environ.update(missing)  # for agents and clients, which read their own variables there
    return {**environ, **missing}


def _fitting(settings: Settings) -> Settings:
    if settings.deadline_margin >= settings.slice_seconds:
        raise Misconfigured(
            f"AGENTCORE_DEADLINE_MARGIN={settings.deadline_margin:g} leaves nothing of "
            f"AGENTCORE_SLICE_SECONDS={settings.slice_seconds:g}: it must be less.",
            setting="AGENTCORE_DEADLINE_MARGIN",
        )
    return settings


def _parse(setting: Field[Any], name: str, text: str) -> Any:
    kind: Any = type(setting.default)
    try:
        value = _BOOLEANS[text.strip().lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise Misconfigured(f"{name}={text!r} is not {_NAMES[kind]}.", setting=name) from None
    least = setting.metadata["least"]
    if least is not None and not value >= least:
        raise Misconfigured(f"{name}={text} is too small: it must be at least {least:g}.", setting=name)
    return value


_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def markdown() -> str:
    """docs/settings.md, as `python -m agentcore.settings` prints it."""
    rows = [
        f"| `{variable(f)}` | {'' if f.default == '' else f'`{f.default}`'} | {f.metadata['doc']} |"
        for f in fields(Settings)
    ]
    head = "# Settings\n\nRead from the environment, once. A misspelt `AGENTCORE_` variable is an error.\n\n"
    return head + "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201
