"""The commands of the command line, a file each: `add(commands)` adds its parser, `run(args)` does it."""
