"""What the tests of batches with further pictures share."""

from support import Room

from hotfolder.job import Job


def run_batch(room: Room, text: str, *files: str, steps: int = 12) -> dict[str, Job]:
    """The jobs that a batch of the inbox became, by their names."""
    for name in files:
        (room.folder.inbox / name).parent.mkdir(parents=True, exist_ok=True)
        room.drop(name, name)
    room.drop("b.batch.yaml", text)
    for _ in range(steps):
        room.step()
        for process, _ in room.daemon._batches._publisher._sheets.values():
            process.wait(60)
    return {job.name: job for job in room.dispatcher.submitted}
