"""The command line: `impasto COMMAND`.

`main.py` runs a command and turns errors into exit codes; `commands/` has the commands, `gimp/`
installs the plug-in. Commands share `options.py`, `where.py` (the hot folder and the configuration
that are meant), `console.py` and `progress.py`.
Knows every room. Never imports anything heavy (torch, pydantic, YAML) before a command needs it.
Read first: `main.py`.
"""
