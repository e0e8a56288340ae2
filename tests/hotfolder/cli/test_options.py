"""Options that become settings."""

from typing import Any

import pytest

from engine.errors import SettingsError
from engine.settings import resolve
from hotfolder.cli.options import settings_layer


@pytest.mark.parametrize(("size", "meant"), [("768", 768), ("content", "content"), (640, 640)])
def test_a_size_is_pixels_or_the_contents_own(size: Any, meant: Any) -> None:
    assert resolve(settings_layer(None, None, size)).size == meant


def test_any_other_size_is_refused_as_a_setting_is() -> None:
    with pytest.raises(SettingsError, match="size: 'big'; expected a whole number, or `content`"):
        resolve(settings_layer(None, None, "big"))
