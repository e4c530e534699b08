"""Alembic wants this file; `migrating.upgrade` has done what is usually in it."""

from __future__ import annotations

from alembic import context

context.run_migrations()
