"""What each command does. Imported by `cli`, one module a command."""
