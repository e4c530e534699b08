"""A real Valkey, and Upstash's REST API in front of it."""
