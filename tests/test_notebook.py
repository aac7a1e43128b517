"""The whole notebook in a real kernel, the file itself, its GIFs, its export, and the README's neuron."""
import base64
import contextlib
import io
import json
import re
import sys
from pathlib import Path

import notebook
import pytest
from cells import ROOT, code_cells, read, source
from PIL import Image

SAVED = read()


@pytest.fixture(scope="session")
def fresh(beside):
    """A run of a copy of the notebook in a fresh kernel, and the folder it worked in."""
    return beside[0], Path(beside[1])


@pytest.mark.slow
def test_runs_in_a_fresh_kernel_and_shows_what_is_saved(fresh):
    assert not notebook.complaints(fresh[0], SAVED)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["neuron.gif", "moons.png", "boundary.png", "network.gif", "descent.gif"])
def test_writes_its_assets(fresh, name):
    made, kept = fresh[1] / "assets" / name, ROOT / "assets" / name
    with Image.open(made) as new, Image.open(kept) as old:
        assert (new.format, new.size, getattr(new, "n_frames", 1)) == (old.format, old.size, getattr(old, "n_frames", 1))


def test_the_hero_gif():
    """It moves, it can be read, and the notebook carries it, so that it is there when only the notebook is."""
    data = (ROOT / "assets" / "neuron.gif").read_bytes()
    with Image.open(io.BytesIO(data)) as gif:
        times = []
        for k in range(gif.n_frames):
            gif.seek(k)
            times.append(gif.info["duration"])
        assert gif.info["loop"] == 0 and gif.width >= 830
    assert len(times) == 1 + 5 * 6 + 1 and times[0] == 1600 and times[-1] >= 4000
    assert sorted(set(times[1:-1])) == [90, 750] and sum(times[1:7]) == 1200
    assert len(data) < 150_000
    first = SAVED["cells"][0]
    assert first["attachments"] == {"neuron.gif": {"image/gif": base64.b64encode(data).decode()}}
    assert "(attachment:neuron.gif)" in source(first)
    shown = next(cell for cell in SAVED["cells"] if cell["id"] == "watch-keep-gif")["outputs"][0]
    assert base64.b64encode(data).decode() in "".join(shown["data"]["text/html"])


def test_texts_show_no_file_that_may_be_missing():
    """Only the notebook was downloaded: no picture of a text is broken, before or after it is run."""
    for cell in SAVED["cells"]:
        if cell["cell_type"] == "markdown":
            for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)|<img[^>]*src", source(cell)):
                assert target.removeprefix("attachment:") in cell["attachments"], cell["id"]


def test_the_file_is_clean():
    notebook.check((ROOT / "mGradPlus.ipynb").read_text("utf-8"))
    assert (ROOT / "mGradPlus.ipynb").stat().st_size < 1_950_000


def test_outputs_are_saved_and_hold_no_error_or_warning():
    for cell in SAVED["cells"]:
        for out in cell.get("outputs", []):
            assert out["output_type"] != "error" and out.get("name") != "stderr", cell["id"]
            assert "image/gif" not in out.get("data", {}), cell["id"]
            assert "image/svg+xml" not in out.get("data", {}), cell["id"]
    text = json.dumps([cell.get("outputs", []) for cell in SAVED["cells"]])
    assert not re.findall(r"at 0x[0-9a-f]{6,}|/tmp/|/root/|/home/|ipykernel_", text)


def test_every_picture_has_words():
    pages = ["".join(out["data"].get("text/html", "")) for cell in SAVED["cells"]
             for out in cell.get("outputs", []) if "data" in out]
    images = [tag for page in pages for tag in re.findall(r"<img\b[^>]*>", page)]
    assert len(images) > 20
    assert not [tag[:80] for tag in images if not re.search(r'alt="[^"]{15,}"', tag)]


def test_a_fresh_run_that_differs_is_reported():
    fresh = json.loads(json.dumps(SAVED))
    cells = {cell["id"]: cell for cell in fresh["cells"]}
    assert notebook.complaints(fresh, SAVED) == []
    for cell_id in ("array-torch", "slopes-nudge"):  # the first is tagged "varies"
        cells[cell_id]["outputs"][0]["text"] = ["something else\n"]
    cells["slopes-f"]["outputs"] = [{"output_type": "stream", "name": "stderr", "text": ["UserWarning: hm\n"]}]
    found = notebook.complaints(fresh, SAVED)
    assert [text.split("]")[0] for text in found] == ["[slopes-f", "[slopes-f", "[slopes-nudge"]
    assert "writes to stderr: UserWarning: hm" in found[0] and "something else" in found[2]


def test_no_cell_uses_what_stalls_a_headless_run():
    for _, cell_id, text in code_cells():
        assert not re.search(r"\binteract\w*\(|\bOutput\(|^%|^!", text, re.M), cell_id


def test_text_form_keeps_ids_and_outputs():
    text = notebook.to_text(SAVED)
    assert notebook.from_text(text, SAVED) == notebook.clean(json.loads(json.dumps(SAVED)))
    marker = '# %% id="node-example-forward"\na = 3'
    assert text.count(marker) == 1
    changed = notebook.from_text(text.replace(marker, "# %%\nprint()\n\n" + marker.replace("3", "4")), SAVED)
    at = [cell["id"] for cell in changed["cells"]].index("node-example-forward")
    new = changed["cells"].pop(at - 1)
    assert "".join(new["source"]) == "print()" and new["outputs"] == [] and new["id"]
    assert [cell["id"] for cell in changed["cells"]] == [cell["id"] for cell in SAVED["cells"]]
    changed["cells"][at - 1]["source"] = SAVED["cells"][at - 1]["source"]
    assert changed == SAVED


def test_text_form_refuses_a_double_id():
    with pytest.raises(SystemExit, match="share an id: x"):
        notebook.from_text('# %% id="x"\n1\n\n# %% id="x"\n2\n', SAVED)


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    text = {cell["id"]: source(cell) for cell in SAVED["cells"]}["open-imports"]
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(SystemExit, match="graphviz.*not installed[\\s\\S]*pip install"):
        exec(text, {})


def test_an_old_python_is_named(monkeypatch):
    text = {cell["id"]: source(cell) for cell in SAVED["cells"]}["open-imports"]
    monkeypatch.setattr(sys, "version_info", (3, 10, 9))
    with pytest.raises(SystemExit, match="3.11 or newer"):
        exec(text, {})


@pytest.mark.slow
def test_exports_to_html(exported):
    page = exported.read_text("utf-8")
    assert page.count("<img") > 20 and "FloatSlider(" not in page and "&lt;IPython" not in page


def test_the_neuron_of_the_readme(nb):
    readme = (ROOT / "README.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", readme, re.S)[1]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code.split("n.draw_graph")[0], known := vars(nb) | {})
    assert said.getvalue() == "grad of w1: 0.5, w2: -0.5, b: 1\n"
    written, (call, result) = code[code.index("run = "):].split("\n")[0], re.search(r"(run\(.*?\)) +# (.*?):", code).groups()
    exec(written, known)
    assert repr(eval(call, known)) == result
