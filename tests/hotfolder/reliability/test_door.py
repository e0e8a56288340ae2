"""Whatever bytes a file of the inbox has: it means something, or it is refused in words."""

import json
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.settings import Settings
from hotfolder.batches.batch_file import BATCH_KEYS, parse_batch
from hotfolder.errors import SidecarError
from hotfolder.inbox.presets import check_preset
from hotfolder.inbox.sidecar import SIDECAR_KEYS, parse_sidecar

KEYS = [*SIDECAR_KEYS, *Settings.model_fields, *BATCH_KEYS, "pid", "heartbeat", "x"]

WORDS = ["a.jpg", "styles/n.jpg", "**/*.jpg", "[!a.jpg", "content", "file", "relu1_1", "standard"]

SCALARS = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.sampled_from(["1e9999", "-0", "0x" + "f" * 40, "9" * 5000, "~", ".nan", "1_000", "\\x00"]),
)

VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=5),
    ),
    max_leaves=15,
)

DOCUMENTS = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), VALUES, max_size=8)

FILES = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")),
    DOCUMENTS.map(lambda each: yaml.safe_dump(each, allow_unicode=True).encode()),
    DOCUMENTS.map(lambda each: json.dumps(each).encode()),
    st.text(alphabet="abc:-[]{}'\"\\&*!|>#%@`,?~ \n\t01.x", max_size=80).map(str.encode),
)


def check_words(error: SidecarError, name: str) -> None:
    lines = str(error).splitlines()
    assert lines[0].startswith(name)
    assert all(line.isprintable() for line in lines)


@settings(deadline=None, max_examples=200)
@given(data=FILES)
@example(data=b"\xc2\xa0\x00")
@example(data=b'a: "\\U00110000"')
def test_a_sidecar_or_a_preset_means_something_or_is_refused_in_words(data: bytes) -> None:
    try:
        sidecar = parse_sidecar(data, "a.yaml")
        sidecar.settings({"size": 64}, init_file="a.init.png")
        check_preset(sidecar, {})
    except SidecarError as error:
        check_words(error, "a.yaml")


@settings(deadline=None, max_examples=200)
@given(data=FILES)
def test_a_batch_means_something_or_is_refused_in_words(data: bytes) -> None:
    try:
        batch = parse_batch(data, "a.batch.yaml", {})
    except SidecarError as error:
        check_words(error, "a.batch.yaml")
    else:
        assert batch.contents
        assert batch.styles
        assert batch.variants
