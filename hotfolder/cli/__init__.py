"""The command line: `impasto COMMAND`.

`main.py` runs a command and turns errors into exit codes, `commands/` has the commands, `gimp/`
installs the plug-in, the modules beside them are what commands share.
Knows every room. Never imports anything heavy (torch, pydantic, YAML) before a command needs it.
Read first: `main.py`.
"""
