"""The soak: many processes under load, everything broken at random, and what must hold all the same. docs/soak.md."""
