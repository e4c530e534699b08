"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from agentcore.store.columns import Bytewise, Json, Time

revision = "0001"
down_revision = None

ID = sa.Uuid(as_uuid=False)


def _where(condition: str) -> dict[str, Any]:
    text = sa.text(condition)
    return {"postgresql_where": text, "sqlite_where": text}


def upgrade() -> None:
    op.create_table(
        "thread",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("next_position", sa.Integer(), nullable=False),
        sa.Column("head_id", ID, nullable=True),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("summary_until", sa.Integer(), nullable=False),
        sa.Column("state", Json, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("branch_start", sa.Integer(), nullable=True),
        sa.Column("created_at", Time(), nullable=False),
        sa.Column("updated_at", Time(), nullable=False),
        sa.Column("expires_at", Time(), nullable=True),
        sa.Column("deleted_at", Time(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("thread_by_tenant", "thread", ["tenant", "created_at"], **_where("deleted_at IS NULL"))
    op.create_index("thread_deleted", "thread", ["deleted_at"], **_where("deleted_at IS NOT NULL"))
    op.create_table(
        "run",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("input", Json, nullable=True),
        sa.Column("root_id", ID, nullable=False),
        sa.Column("agent_version", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("output", Json, nullable=True),
        sa.Column("error", Json, nullable=True),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("request", Json, nullable=True),
        sa.Column("webhook", sa.Text(), nullable=True),
        sa.Column("deltas", sa.Boolean(), nullable=False),
        sa.Column("wake_at", Time(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("claimed_seq", sa.BigInteger(), nullable=False),
        sa.Column("history_end", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Text(), nullable=True),
        sa.Column("usage", Json, nullable=False),
        sa.Column("expires_at", Time(), nullable=True),
        sa.Column("created_at", Time(), nullable=False),
        sa.Column("started_at", Time(), nullable=True),
        sa.Column("finished_at", Time(), nullable=True),
        sa.Column("step_seq", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("run_by_position", "run", ["thread_id", "position"], unique=True)
    op.create_index("run_by_status", "run", ["tenant", "status", "created_at"])
    op.create_index("run_by_tenant", "run", ["tenant", "created_at"])
    if op.get_bind().dialect.name == "cockroachdb":  # where ordered keys would make one range hot
        op.execute("create index run_due on run (wake_at) using hash where wake_at is not null")
    else:
        op.create_index("run_due", "run", ["wake_at"], **_where("wake_at IS NOT NULL"))
    op.create_index("run_unfinished", "run", ["id"], **_where("finished_at IS NULL"))
    op.create_index("run_kept", "run", ["kept", "finished_at"], **_where("finished_at IS NOT NULL AND kept > 0"))
    op.create_table(
        "entry",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", Json, nullable=True),
        sa.Column("created_at", Time(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq"),
    )
    op.create_index("entry_by_key", "entry", ["run_id", "key"], unique=True)
    op.create_table(
        "item",
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("data", Json, nullable=False),
        sa.PrimaryKeyConstraint("thread_id", "position"),
    )
    op.create_table(
        "revision",
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("begin", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("state", Json, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", Time(), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", "position"),
    )
    op.create_table(
        "question",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("arguments", Json, nullable=True),
        sa.Column("arguments_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("on_expiry", sa.Text(), nullable=False),
        sa.Column("expires_at", Time(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", Time(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("result", Json, nullable=True),
        sa.Column("created_at", Time(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("question_by_run", "question", ["run_id"])
    op.create_index("question_by_status", "question", ["tenant", "status", "created_at"])
    op.create_index("question_by_thread", "question", ["thread_id"])
    op.create_table(
        "schedule",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("input", Json, nullable=True),
        sa.Column("due_at", Time(), nullable=False),
        sa.Column("thread_id", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("overlap", sa.Text(), nullable=False),
        sa.Column("misfire", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("last_run_id", ID, nullable=True),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("created_at", Time(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("schedule_by_origin", "schedule", ["tenant", "origin"], **_where("origin IS NOT NULL"))
    op.create_index("schedule_by_tenant", "schedule", ["tenant", "thread_id"])
    op.create_index("schedule_due", "schedule", ["due_at"], **_where("enabled"))
    op.create_index("schedule_spent", "schedule", ["due_at"], **_where("NOT enabled AND cron IS NULL"))
    op.create_table(
        "subscription",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("correlation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("expires_at", Time(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("subscription_by_name", "subscription", ["tenant", "name", "correlation"])
    op.create_table(
        "idempotency",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("correlation", sa.Text(), nullable=True),
        sa.Column("data", Json, nullable=True),
        sa.Column("created_at", Time(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key"),
    )
    op.create_index("idempotency_by_age", "idempotency", ["created_at"])
    op.create_index("event_by_name", "idempotency", ["tenant", "name", "created_at"], **_where("name IS NOT NULL"))
    op.create_table(
        "delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", Time(), nullable=True),
        sa.Column("attempted_at", Time(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", Time(), nullable=False),
        sa.Column("finished_at", Time(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("delivery_by_age", "delivery", ["finished_at"], **_where("finished_at IS NOT NULL"))
    op.create_index("delivery_by_run", "delivery", ["run_id"])
    op.create_index("delivery_due", "delivery", ["due_at"], **_where("due_at IS NOT NULL"))
    op.create_table(
        "store_item",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("namespace", Bytewise, nullable=False),
        sa.Column("key", Bytewise, nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.Column("created_at", Time(), nullable=False),
        sa.Column("updated_at", Time(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "namespace", "key"),
    )
    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("expires_at", Time(), nullable=True),
        sa.Column("revoked_at", Time(), nullable=True),
        sa.Column("created_at", Time(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("api_key_by_tenant", "api_key", ["tenant", "created_at"])
    if op.get_bind().dialect.name == "postgresql":  # so that an append changes its run in the page where it is
        op.execute("alter table run set (fillfactor = 70)")
        op.execute("alter table thread set (fillfactor = 70)")


def downgrade() -> None:
    op.drop_table("store_item")
    op.drop_table("delivery")
    op.drop_table("api_key")
    op.drop_table("idempotency")
    op.drop_table("subscription")
    op.drop_table("schedule")
    op.drop_table("question")
    op.drop_table("revision")
    op.drop_table("item")
    op.drop_table("entry")
    op.drop_table("run")
    op.drop_table("thread")
