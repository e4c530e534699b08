"""This version. Read from here, as a function's folder may hold the source without the wheel's metadata."""

__version__ = "0.1.0"
