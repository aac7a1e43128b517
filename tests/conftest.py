import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import pytest
from browser import ARGUMENTS, CHROMIUM, live
from cells import ROOT, load

START = "<!doctype html><html lang=en><meta charset=utf-8><title>players</title><body style='margin:8px'><main>"
matplotlib.use("agg")  # not MPLBACKEND, which a kernel started from here would inherit


class RunBeside:
    """A run of a copy of the notebook in a fresh kernel, in a process beside the tests."""

    process = None
    code = ("import json, sys, notebook; made = notebook.run_copy(notebook.read());"
            " json.dump([made[0], str(made[1])], open(sys.argv[1], 'w', encoding='utf-8'))")

    def start(self):
        """Start it, if it has not been started."""
        if not self.process:
            self.place, self.log = (Path(tempfile.mkdtemp(prefix="mgradplus-")) / name for name in ("run.json", "log"))
            with self.log.open("w") as log:
                self.process = subprocess.Popen([sys.executable, "-c", self.code, str(self.place)],
                                                cwd=ROOT / "tests", stdout=log, stderr=log)

    def result(self):
        """Return (notebook, folder) when it is done; RuntimeError with what it said if it failed."""
        if self.process.wait():
            raise RuntimeError(f"the notebook did not run:\n{self.log.read_text()[-3000:]}")
        return json.loads(self.place.read_text("utf-8"))


BESIDE = RunBeside()


def pytest_runtest_setup(item):
    """Start the run of the whole notebook where tests begin that look at no clock: there is a second core."""
    if item.path.name == "test_engine.py" and any("fresh" in other.fixturenames for other in item.session.items):
        BESIDE.start()


def pytest_sessionfinish():
    """Leave no run behind."""
    if BESIDE.process and BESIDE.process.poll() is None:
        BESIDE.process.terminate()


@pytest.fixture(scope="session")
def beside():
    """The run of the whole notebook, as (notebook, folder)."""
    BESIDE.start()
    return BESIDE.result()


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The saved notebook as an HTML file beside its assets: its path."""
    folder = tmp_path_factory.mktemp("exported")
    shutil.copytree(ROOT / "assets", folder / "assets")
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", "--log-level=ERROR", f"--output-dir={folder}",
                    ROOT / "mGradPlus.ipynb"], check=True)
    return folder / "mGradPlus.html"


@pytest.fixture(scope="session")
def nb():
    """The module of all definitions of the notebook."""
    return load()


@pytest.fixture
def neuron(nb):
    """The neuron of the README after its backward pass."""
    x1, x2 = nb.Node(0.5, "input", "x1"), nb.Node(-0.5, "input", "x2")
    w1, w2 = nb.Node(2, "weight", "w1"), nb.Node(3, "weight", "w2")
    b = nb.Node(4, "bias", "b")
    n = (x1 * w1 + x2 * w2 + b).relu()
    n.name = "n"
    n.backward()
    return n


@pytest.fixture
def shared(nb):
    """The running example: b is used twice."""
    a = nb.Node(3, "input", "a")
    b = 2 * a
    c = b + 1
    L = b * c
    b.name, c.name, L.name = "b", "c", "L"
    L.backward()
    return L


@pytest.fixture
def quiet(nb, monkeypatch):
    """What would be displayed, as a list."""
    shown = []
    monkeypatch.setattr(nb, "display", lambda *things, **how: shown.extend(things))
    return shown


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    if not CHROMIUM:
        pytest.skip("no Chromium here")
    with pytest.importorskip("playwright.sync_api").sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def unscripted(browser, tmp_path):
    """A function that shows HTML where no script runs: (width of its picture, its words)."""
    def shown(body):
        page = browser.new_page(java_script_enabled=False)
        (tmp_path / "still.html").write_text(f"<meta charset=utf-8>{body}", "utf-8")
        page.goto((tmp_path / "still.html").as_uri())
        seen = page.locator("img").bounding_box()["width"], page.locator("body").inner_text().strip()
        page.context.close()
        return seen
    return shown


@pytest.fixture
def show(browser, tmp_path):
    """A function that shows HTML in a new page, by default until its players run; what its console says fails the test."""
    tabs = []

    def shown(*bodies, width=1000, height=900, script=None, head="", wait=True, **options):
        tab = browser.new_page(viewport={"width": width, "height": height}, **options)
        tab.complaints = []
        tab.on("console", lambda m: tab.complaints.append(m.text))
        tab.on("pageerror", lambda e: tab.complaints.append(str(e)))
        if script:
            tab.add_init_script(script)
        path = tmp_path / f"page{len(tabs)}.html"
        path.write_text(START.replace("<body", head + "<body") + "".join(bodies), "utf-8")
        tab.goto(path.as_uri())
        tabs.append(tab)
        if wait:
            live(tab)
        return tab

    yield shown
    for tab in tabs:
        assert tab.complaints == []
        tab.context.close()
