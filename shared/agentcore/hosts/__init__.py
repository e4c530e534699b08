"""What the files in `functions/` share: a process that a host starts, calls, freezes and kills as it sees fit."""
