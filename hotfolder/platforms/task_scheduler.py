"""Task Scheduler, on Windows: a task at the user's log-in, or at the machine's start."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import psutil

from hotfolder.platforms.service import Commands, Service, ServiceManager, described

__all__ = ["TaskScheduler"]

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


class TaskScheduler(ServiceManager):
    """Tasks, whose definitions and logs are kept in `folder`."""

    kind = "scheduled task"
    encoding = "utf-16"  # The only one that schtasks reads everywhere.

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str, *, for_user: bool) -> Path:
        return self._folder / f"{name}.xml"

    def definition(self, service: Service) -> str:
        program, *arguments = service.command
        # Without a console window, and so without a standard error to log to.
        windowless = Path(program).with_name("pythonw.exe")
        if Path(program).name.lower() == "python.exe" and windowless.is_file():
            program = str(windowless)
        arguments += ["--log-file", str(self._log(service.name))]
        user = service.user or str(psutil.Process().username())
        task = ElementTree.Element("Task", version="1.2", xmlns=NAMESPACE)
        _add(task, "RegistrationInfo", Description=described(service.folder))
        triggers = _add(task, "Triggers")
        if service.user is None:
            _add(triggers, "LogonTrigger", Enabled="true", UserId=user)
        else:
            _add(triggers, "BootTrigger", Enabled="true")
        # S4U: whether or not the user is logged in, and without a password.
        log_on = "InteractiveToken" if service.user is None else "S4U"
        principal = _add(_add(task, "Principals"), "Principal", UserId=user, LogonType=log_on)
        principal.set("id", "Author")
        settings = _add(
            task,
            "Settings",
            MultipleInstancesPolicy="IgnoreNew",
            DisallowStartIfOnBatteries="false",
            StopIfGoingOnBatteries="false",
        )
        _add(settings, "RestartOnFailure", Interval="PT1M", Count="5")
        _add(settings, "ExecutionTimeLimit").text = "PT0S"  # none
        facts = {"Command": program, "Arguments": subprocess.list2cmdline(arguments)}
        if service.working_folder is not None:
            facts["WorkingDirectory"] = str(service.working_folder)
        actions = _add(task, "Actions")
        actions.set("Context", "Author")
        _add(actions, "Exec", **facts)
        ElementTree.indent(task)
        text = ElementTree.tostring(task, encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-16"?>\n{text}\n'

    def served_folder(self, definition: str) -> str:
        try:
            # Without the declaration, whose encoding is the file's and not this text's.
            task = ElementTree.fromstring(definition.partition("?>")[2])
        except ElementTree.ParseError:
            return ""
        text = task.findtext(f"{{{NAMESPACE}}}RegistrationInfo/{{{NAMESPACE}}}Description") or ""
        return text.partition(", serving ")[2]

    def start(self, name: str, *, for_user: bool) -> Commands:
        path = str(self.path(name, for_user=for_user))
        return [
            ["schtasks", "/Create", "/TN", name, "/XML", path, "/F"],
            ["schtasks", "/Run", "/TN", name],
        ]

    def stop(self, name: str, *, for_user: bool) -> Commands:
        return [
            ["schtasks", "/End", "/TN", name],
            ["schtasks", "/Delete", "/TN", name, "/F"],
        ]

    def status(self, name: str, *, for_user: bool) -> Sequence[str]:
        return ["schtasks", "/Query", "/TN", name, "/FO", "LIST"]

    def remarks(self, service: Service) -> Sequence[str]:
        return [f"Its log: {self._log(service.name)}"]

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _add(parent: ElementTree.Element, name: str, **texts: str) -> ElementTree.Element:
    """A new element, with an element in it for each of the texts."""
    element = ElementTree.SubElement(parent, name)
    for key, text in texts.items():
        ElementTree.SubElement(element, key).text = text
    return element
