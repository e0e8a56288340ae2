"""The program `impasto`: registers the commands, runs one, and turns errors into exit codes.

Nothing heavy (torch, pydantic, YAML, the server) is imported before a command needs it:
`impasto --help` and `impasto status` answer at once.
"""

import io
import os
import sys
from collections.abc import Sequence

import typer

from hotfolder.cli.app import GROUPS, app

# Importing them registers their commands.
from hotfolder.cli.commands import (  # noqa: F401
    batch,
    check,
    control,
    doctor,
    folder,
    jobs,
    page,
    plugin,
    service,
    settings,
    styles,
)
from hotfolder.cli.commands.painting import (  # noqa: F401
    compare,
    demo,
    plan,
    reconstruct,
    stylise,
    texture,
)
from hotfolder.cli.console import show_error

# As `--help` lists them.
ORDER = [name for names in GROUPS.values() for name in names]
app.registered_commands.sort(key=lambda info: ORDER.index(info.name or ""))

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (the README has the table)."""
    from engine.errors import EngineError, ExitCode
    from hotfolder.errors import HotFolderError
    from plugin.client import ClientError

    _complete_streams()
    arguments, debug = _without_debug(sys.argv[1:] if arguments is None else arguments)
    try:
        command = typer.main.get_command(app)
        code = command.main(arguments, prog_name="impasto", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except typer.TyperException as error:
        show_error(_usage_message(error))
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        show_error("Interrupted.")
        return ExitCode.INTERRUPTED
    except (BrokenPipeError, SystemExit) as error:
        # The reader (such as `head`) has seen enough; typer makes an exit of that.
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        # Keeps Python from complaining at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return ExitCode.OK
    except (EngineError, HotFolderError, ClientError) as error:
        show_error(str(error), with_traceback=debug)
        return int(error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        show_error(f"{where}{error.strerror or error}.", with_traceback=debug)
        return ExitCode.FILE_ACCESS
    except Exception as error:
        hint = "" if debug else " `--debug` shows where it comes from."
        text = f"Something unforeseen: {type(error).__name__}: {error}.{hint}"
        show_error(text, with_traceback=debug)
        return ExitCode.OTHER


def _complete_streams() -> None:
    """A service on Windows has no standard streams, and a pipe there may lack letters of a name."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Takes `--debug` out, which may stand behind the command, too."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != "--debug"]
    return [*options, *arguments[end:]], len(options) < end


def _usage_message(error: typer.TyperException) -> str:
    message = error.format_message().replace(": Value error, ", ": ")  # pydantic's, by typer
    context = getattr(error, "ctx", None)
    if context is None:
        return message
    return f"{message}\nSee `{context.command_path} --help`."
