"""Small jobs, dropped in every form and order that a hot folder has to understand."""

import hashlib
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Delivery", "deliveries"]

MakePicture = Callable[[random.Random, bool], bytes]
"""Makes a picture unlike all others; of those that are not good, no painter makes anything."""

ODD = ("", "", "", " with blanks", "-ü", "'quoted'", "[red]", "&amp;", "🎨")


@dataclass
class Delivery:
    """Files that come together, and what is to become of them."""

    form: str
    files: dict[str, bytes]
    """By their name in the inbox, in the order in which they come."""
    painted: list[str] = field(default_factory=list)
    """SHA-256 of the content of each job that is to be done."""
    refused: int = 0
    """Jobs that are to fail."""
    job: str = ""
    """The name of the one job or batch that control files can be for."""
    cancelled: bool = False
    """Whether somebody cancels it: each painting may come, or may not."""

    def inputs(self) -> list[str]:
        """SHA-256 of every file that must still be somewhere at the end, once."""
        kept = {name: data for name, data in self.files.items() if not name.endswith("preset.yaml")}
        return [sha256(data) for data in kept.values()]

    def drop(self, inbox: Path, workshop: Path, rng: random.Random, pause: float) -> None:
        """Bring the files, each in its own way; a folder whole."""
        if any("/" in name for name in self.files):
            _move_in_a_folder(self.files, inbox, workshop)
            return
        for name, data in self.files.items():
            rng.choice((_slow_copy, _rename, _rename_from_outside, _hard_link))(
                inbox / name, data, workshop, rng
            )
            time.sleep(rng.random() * pause)


def deliveries(
    count: int, rng: random.Random, make: MakePicture, settings: Mapping[str, object], style: str
) -> Iterator[Delivery]:
    """Deliveries of together `count` jobs. `style` is a picture of the style library."""
    made = 0
    while made < count:
        name = f"{made:04d}{rng.choice(ODD)}"
        forms: list[Form] = [_pair, _pair, _with_sidecar, _named, _named]
        forms += [_bad_key, _bad_picture]
        if made + 3 <= count:
            forms += [_batch, _batch, _shared, _folder_of_pairs, _preset]
        delivery = rng.choice(forms)(name, rng, make, _yaml(settings, rng), style)
        made += len(delivery.painted) + delivery.refused
        yield delivery


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


Form = Callable[[str, random.Random, MakePicture, str, str], Delivery]
"""Makes a delivery: of its name, chance, pictures, a sidecar's settings and a library style."""


def _pair(name: str, rng: random.Random, make: MakePicture, _: str, __: str) -> Delivery:
    content = make(rng, True)
    files = {f"{name}.content.png": content, f"{name}.style.png": make(rng, True)}
    return Delivery("pair", _shuffled(files, rng), [sha256(content)], job=name)


def _with_sidecar(name: str, rng: random.Random, make: MakePicture, yaml: str, _: str) -> Delivery:
    """The sidecar must come before the last picture, else the pair is complete without it."""
    content = make(rng, True)
    files = {f"{name}.yaml": yaml.encode(), f"{name}.content.png": content}
    last = {f"{name}.style.png": make(rng, True)}
    return Delivery("pair with a sidecar", _shuffled(files, rng) | last, [sha256(content)])


def _named(name: str, rng: random.Random, make: MakePicture, yaml: str, style: str) -> Delivery:
    """Sidecar first or last."""
    content = make(rng, True)
    text = f"{yaml}content: '{_quoted(name)}.png'\nstyles: [{style}]\n"
    files = {f"{name}.yaml": text.encode(), f"{name}.png": content}
    shuffled = _shuffled(files, rng)
    order = "first" if next(iter(shuffled)).endswith("yaml") else "last"
    return Delivery(f"sidecar {order}", shuffled, [sha256(content)], job=name)


def _batch(name: str, rng: random.Random, make: MakePicture, yaml: str, style: str) -> Delivery:
    """The batch file comes at any place among its pictures."""
    contents = {f"{name}-{number}.png": make(rng, True) for number in range(3)}
    names = "".join(f"- '{_quoted(each)}'\n" for each in contents)
    text = f"contents:\n{names}styles: [{style}]\nsettings:\n{_indented(yaml)}"
    files = _shuffled({f"{name}.batch.yaml": text.encode()} | contents, rng)
    return Delivery("batch", files, [sha256(each) for each in contents.values()], job=name)


def _shared(name: str, rng: random.Random, make: MakePicture, yaml: str, style: str) -> Delivery:
    """One picture for two sidecars."""
    content = make(rng, True)
    files = {f"{name}.png": content}
    for half in "ab":
        text = f"# {half}\n{yaml}content: '{_quoted(name)}.png'\nstyles: [{style}]\n"
        files[f"{name}{half}.yaml"] = text.encode()
    return Delivery("shared picture", _folded(files), [sha256(content)] * 2)


def _folder_of_pairs(name: str, rng: random.Random, make: MakePicture, _: str, __: str) -> Delivery:
    files: dict[str, bytes] = {}
    painted = []
    for number in range(3):
        content = make(rng, True)
        files[f"{name}/{number}.content.png"] = content
        files[f"{name}/{number}.style.png"] = make(rng, True)
        painted.append(sha256(content))
    return Delivery("folder moved in", files, painted)


def _preset(name: str, rng: random.Random, make: MakePicture, yaml: str, style: str) -> Delivery:
    files = {f"{name}/preset.yaml": f"{yaml}styles: [{style}]\n".encode()}
    contents = {f"{name}/{number}.png": make(rng, True) for number in range(3)}
    return Delivery("preset folder", files | contents, [sha256(c) for c in contents.values()])


def _bad_key(name: str, rng: random.Random, make: MakePicture, yaml: str, _: str) -> Delivery:
    files = {f"{name}.yaml": f"{yaml}siez: 3\n".encode()}
    files |= {f"{name}.{role}.png": make(rng, True) for role in ("content", "style")}
    return Delivery("unknown key", files, refused=1)


def _bad_picture(name: str, rng: random.Random, make: MakePicture, _: str, __: str) -> Delivery:
    files = {f"{name}.content.png": make(rng, False), f"{name}.style.png": make(rng, True)}
    return Delivery("broken picture", _shuffled(files, rng), refused=1, job=name)


def _yaml(settings: Mapping[str, object], rng: random.Random) -> str:
    lines = [f"{key}: {value}\n" for key, value in settings.items()]
    return f"# {rng.getrandbits(64):x}\n{''.join(lines)}"


def _indented(yaml: str) -> str:
    return "".join(f"  {line}\n" for line in yaml.splitlines())


def _quoted(name: str) -> str:
    return name.replace("'", "''")


def _shuffled(files: dict[str, bytes], rng: random.Random) -> dict[str, bytes]:
    return dict(rng.sample(list(files.items()), len(files)))


def _folded(files: dict[str, bytes]) -> dict[str, bytes]:
    """Into a folder of their own, to come at once: else the first sidecar takes the picture."""
    folder = next(iter(files)).removesuffix(".png")
    return {f"{folder}/{name}": data for name, data in files.items()}


def _slow_copy(path: Path, data: bytes, _: Path, rng: random.Random) -> None:
    with path.open("wb") as file:
        step = max(1, len(data) // rng.randint(2, 5))
        for start in range(0, len(data), step):
            file.write(data[start : start + step])
            file.flush()
            time.sleep(0.002)


def _rename(path: Path, data: bytes, _: Path, rng: random.Random) -> None:
    hidden = f".{path.name}" if rng.random() < 0.5 else f"{path.name}.part"
    part = path.with_name(hidden)
    part.write_bytes(data)
    part.rename(path)


def _rename_from_outside(path: Path, data: bytes, workshop: Path, _: random.Random) -> None:
    made = workshop / path.name
    made.write_bytes(data)
    made.rename(path)


def _hard_link(path: Path, data: bytes, workshop: Path, _: random.Random) -> None:
    made = workshop / path.name
    made.write_bytes(data)
    os.link(made, path)
    made.unlink()


def _move_in_a_folder(files: Mapping[str, bytes], inbox: Path, workshop: Path) -> None:
    folder = next(iter(files)).partition("/")[0]
    shutil.rmtree(workshop / folder, ignore_errors=True)
    for name, data in files.items():
        (workshop / name).parent.mkdir(exist_ok=True)
        (workshop / name).write_bytes(data)
    (workshop / folder).rename(inbox / folder)
