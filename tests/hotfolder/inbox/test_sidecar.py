from pathlib import Path

import pytest
from support import counted_calls

from engine.settings import Settings
from hotfolder.errors import SidecarError
from hotfolder.inbox.sidecar import parse_sidecar, read_sidecar
from hotfolder.job_options import JobOptions, JobOwner


def refusal(text: str) -> str:
    with pytest.raises(SidecarError) as caught:
        parse_sidecar(text.encode(), "a.yaml").settings({})
    return str(caught.value)


def test_a_sidecar_names_pictures_and_settings() -> None:
    sidecar = parse_sidecar(b"content: a.jpg\nstyles: [w.png, styles/v.jpg]\nsize: 640\n", "a.yaml")
    assert sidecar.content == "a.jpg"
    assert sidecar.styles == ("w.png", "styles/v.jpg")
    assert sidecar.settings({}).size == 640


def test_one_style_needs_no_list() -> None:
    assert parse_sidecar(b"styles: w.png", "a.yaml").styles == ("w.png",)


def test_an_empty_sidecar_changes_nothing() -> None:
    assert parse_sidecar(b"# nothing\n", "a.yaml").settings({}) == Settings()


def test_the_sidecar_outranks_the_configuration() -> None:
    settings = parse_sidecar(b"size: 640", "a.yaml").settings({"size": 256, "steps": 7})
    assert (settings.size, settings.steps) == (640, 7)


def test_a_picture_to_start_from_implies_that_it_is_used() -> None:
    settings = parse_sidecar(b"", "a.yaml").settings({}, init_file="a.init.png")
    assert (settings.init, settings.init_file) == ("file", "a.init.png")


def test_exponents_are_numbers_and_no_is_text() -> None:
    sidecar = parse_sidecar(b"style_weight: 1e6\nclient: {answer: no}", "a.yaml")
    assert sidecar.settings({}).style_weight == 1e6
    assert sidecar.client == {"answer": "no"}


def test_an_unknown_key_is_refused_with_line_and_nearest_key() -> None:
    assert refusal("# c\n\nstyle_wieght: 3") == (
        "a.yaml, line 3: style_wieght: unknown key; expected a known key. "
        "Did you mean 'style_weight'?"
    )


def test_the_nearest_key_may_be_the_sidecars_own() -> None:
    assert "Did you mean 'content'?" in refusal("contnet: a.jpg")


def test_a_wrong_type_is_refused_with_what_was_expected() -> None:
    assert (
        refusal("size: large")
        == "a.yaml, line 1: size: 'large'; expected a whole number, or `content`."
    )


def test_a_number_out_of_range_is_refused_with_the_range() -> None:
    assert (
        refusal("steps: 5\nsize: 8")
        == "a.yaml, line 2: size: 8; expected at least 32, or `content`."
    )


def test_an_unknown_layer_is_refused_with_its_own_line_and_the_nearest_layer() -> None:
    text = refusal("style_layers:\n  relu1_1: 1\n  relu9_1: 2")
    assert text.startswith("a.yaml, line 3: style_layers.relu9_1: ")
    assert "Did you mean 'relu5_1'?" in text or "Did you mean" in text


def test_every_problem_is_named_at_once() -> None:
    assert len(refusal("size: 8\nsteps: many\ncolour: red").splitlines()) == 3


def test_a_weights_file_can_only_be_named_in_the_configuration() -> None:
    assert "config.yaml" in refusal("weights: /tmp/evil.pth")
    sidecar = parse_sidecar(b"weights: my.pth", "a.yaml")
    assert sidecar.settings({"weights": "my.pth"}).weights == "my.pth"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("content: ../secret.jpg", id="parent"),
        pytest.param("content: /etc/passwd.jpg", id="absolute"),
        pytest.param("content: sub/a.jpg", id="subfolder"),
        pytest.param("styles: [../../a.jpg]", id="style_parent"),
        pytest.param("styles: [styles/../../a.jpg]", id="through_the_library"),
        pytest.param("init_file: ../a.png", id="init"),
        pytest.param("content: 'C:\\a.jpg'", id="windows"),
        pytest.param("content: other.yaml", id="not_a_picture"),
        pytest.param("content: [a.jpg]", id="a_list"),
        pytest.param("styles: []", id="no_style"),
        pytest.param("styles: [3]", id="a_number"),
    ],
)
def test_a_picture_name_that_is_none_is_refused_with_its_line(text: str) -> None:
    assert refusal(f"size: 64\n{text}").startswith("a.yaml, line 2: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: &x 1\nb: *x", "line 1: anchors", id="alias"),
        pytest.param("a: !!python/object/apply:os.system [ls]", "tags", id="tag"),
        pytest.param("size: 64\nsize: 65", "line 2: size: given twice", id="duplicate"),
        pytest.param("[" * 10_000, "deep", id="nesting"),
        pytest.param("{a: " * 500, "deep", id="nested_mappings"),
        pytest.param("- a\n- b", "a list", id="list"),
        pytest.param("just text", "single value", id="scalar"),
        pytest.param("size: 64\n\tsteps: 3", "line 2: not valid YAML", id="tab"),
        pytest.param("a: 1\n---\nb: 2", "not valid YAML", id="two_documents"),
        pytest.param("a: \x07", "U+0007", id="control_character"),
        pytest.param('a: "\\ud800"', "surrogate", id="half_a_character"),
        pytest.param("? [a, b]\n: 1", "not a word", id="complex_key"),
        pytest.param(f"client: {{a: {'x' * 3000}}}", "at most 2048 bytes", id="large_client"),
        pytest.param("client: 7", "a mapping", id="client_type"),
        pytest.param("a: 1\nclient: {x: 1e9999}", "line 2: 1e9999: too large", id="infinity"),
        pytest.param("client: {x: [-1e999]}", "-1e999: too large", id="minus_infinity"),
        pytest.param("size: " + "9" * 5000, "a whole number", id="endless_number"),
    ],
)
def test_hostile_yaml_is_refused_in_words(text: str, words: str) -> None:
    assert words in refusal(text)


def test_of_a_thousand_problems_the_first_are_listed_and_the_others_counted() -> None:
    lines = refusal("\n".join(f"{'k' * 40}{n}: 1" for n in range(1000))).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "a.yaml: 980 more problems"


def test_a_sidecar_that_is_not_utf8_is_refused_with_its_line() -> None:
    with pytest.raises(SidecarError, match="line 2: not UTF-8"):
        parse_sidecar(b"size: 64\n# caf\xe9\n", "a.yaml")


def test_a_large_sidecar_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"#" * (64 * 1024 + 1))
    with pytest.raises(SidecarError, match="larger than 64 KB"):
        read_sidecar(path, "a.yaml")


def test_a_link_is_no_sidecar(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("size: 64")
    (tmp_path / "a.yaml").symlink_to("real")
    with pytest.raises(SidecarError, match="a link"):
        read_sidecar(tmp_path / "a.yaml", "a.yaml")


def test_a_sidecar_may_name_its_terms() -> None:
    text = b"priority: 9\nmax_minutes: 2.5\nowner: {pid: 7, host: desk, heartbeat: true}"
    options = parse_sidecar(text, "a.yaml").options
    assert options == JobOptions(
        priority=9, max_minutes=2.5, owner=JobOwner(pid=7, host="desk", heartbeat=True)
    )
    assert parse_sidecar(b"", "a.yaml").options == JobOptions(priority=5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("priority: 10", "a.yaml, line 1: priority: 10; expected at most 9."),
        ("priority: high", "a.yaml, line 1: priority: 'high'; expected a whole number."),
        ("max_minutes: 0", "a.yaml, line 1: max_minutes: 0; expected more than 0."),
        ("owner: me", "a.yaml, line 1: owner: 'me'; expected a mapping"),
        ("owner: {pid: -1}", "a.yaml, line 1: owner.pid: -1; expected at least 1."),
        ("owner: {heart_beat: true}", "Did you mean 'heartbeat'?"),
        ("size: x\nprioriti: 3", "Did you mean 'priority'?"),
    ],
)
def test_wrong_terms_are_refused_by_line(text: str, message: str) -> None:
    assert message in refusal(text)


def test_wrong_terms_and_settings_are_told_together_and_the_pictures_are_known() -> None:
    sidecar = parse_sidecar(b"content: a.jpg\npriority: 10\nsize: x", "a.yaml")
    assert sidecar.content == "a.jpg"
    with pytest.raises(SidecarError, match=r"(?s)line 2: priority.*line 3: size"):
        sidecar.settings({})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"\\e[2J": 1', id="terminal_escape"),
        pytest.param('"a\\nb": 1', id="line_break"),
        pytest.param('"a\\nb": 1\n"a\\nb": 2', id="line_break_twice"),
        pytest.param("\u202eabc: 1", id="right_to_left"),
    ],
)
def test_a_hostile_key_is_shown_escaped(text: str) -> None:
    with pytest.raises(SidecarError) as caught:
        parse_sidecar(text.encode(), "a.yaml").settings({})
    assert str(caught.value).isprintable()


def nonsense(unit: str, before: str = "", after: str = "") -> bytes:
    """64 KB of `unit`, in which `{}` is a number."""
    parts = [before]
    size = len(before) + len(after)
    for number in range(2**16):
        size += len(part := unit.format(number))
        if size >= 2**16:
            return "".join([*parts, after]).encode()
        parts.append(part)
    raise AssertionError


# Each took up to 1.5 s: a crowd of them kept the server from all else.
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(nonsense("k{}: 1\n"), id="unknown_keys"),
        pytest.param(nonsense("{}: 1,", "style_layers: {", "}"), id="layers"),
        pytest.param(nonsense("{}: 1,", "owner: {", "}"), id="options"),
        pytest.param(nonsense("x,", "style_blend: [", "]"), id="list"),
        pytest.param(nonsense("k{}: 1\n", "", "\n\tfoo: ["), id="fault_at_the_end"),
        pytest.param(nonsense("- - - - - - - - - -\n", "client:\n"), id="lists_of_lists"),
        pytest.param(nonsense(f"{'k' * 20}{{}}: 1\n"), id="as_many_keys_as_may_be"),
        pytest.param(nonsense("#\n", "", "a: ["), id="comments"),
        pytest.param(nonsense("x", 'size: "'), id="quote_without_end"),
        pytest.param(nonsense("x", "preset: "), id="long_word"),
    ],
)
def test_64_kilobytes_of_nonsense_are_refused_with_few_calls(data: bytes) -> None:
    with counted_calls(at_most=1_500_000), pytest.raises(SidecarError) as caught:
        parse_sidecar(data, "a.yaml").settings({})
    assert str(caught.value).startswith("a.yaml, line ")
    assert len(str(caught.value)) < 25_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('a: "\\U00110000"', "line 1: not valid YAML", id="beyond_unicode"),
        pytest.param("a: 1\n---\nb: 2", "line 2: not valid YAML: another document", id="two"),
        pytest.param("{" + "a: 1," * 6000 + "}", "given twice", id="one_key_again_and_again"),
        pytest.param("a: 1\n" + "- b\n", "line 2: not valid YAML", id="a_list_in_a_mapping"),
    ],
)
def test_what_the_parser_does_not_foresee_is_refused_in_words(text: str, words: str) -> None:
    assert words in refusal(text)
