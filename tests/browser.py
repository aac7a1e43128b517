"""A private Jupyter server, a notebook opened in it by a real browser, and the script that an output carries."""
import base64
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from pathlib import Path

from cells import read, source

CHROMIUM = next(filter(None, map(shutil.which, (
    os.environ.get("CHROMIUM", "chromium"), "chromium-browser", "google-chrome", "chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
             "--no-first-run", "--disable-quic", "--disable-dev-shm-usage"]
ELSEWHERE = re.compile(r"^(https?|wss?)://(?!127\.0\.0\.1[:/])")


def new_page(browser, **options):
    """Return a page of `browser` without a network; `page.said` lists what its console complains of."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000}, **options)
    page.said = []
    page.route(ELSEWHERE, lambda route: route.abort())
    page.on("pageerror", lambda error: page.said.append(f"{error}"))
    page.on("console", lambda message: message.type in ("error", "warning") and page.said.append(
        f"{message.text} {message.location.get('url', '')}"))
    return page


def unpacked(html):
    """Return the script that a player or an explorer carries, as text."""
    [code] = re.findall(r'atob\("([A-Za-z0-9+/=]+)"\)', html)
    return zlib.decompress(base64.b64decode(code)).decode()


def live(page, seconds=10):
    """Return when every player and explorer of a page has unpacked its script and run it."""
    page.wait_for_function("!document.querySelector('.mg-player:not([data-live])')", timeout=1000 * seconds)


def pictures(place):
    """Return [(alt, width as loaded)] of the pictures inside a page or one of its elements.

    Those of the playground have their words beside them.
    """
    return place.locator("img:not(.mg-stage *)").evaluate_all(
        "all => Promise.all(all.map(i => i.decode().catch(() => 0).then(() => [i.alt, i.naturalWidth])))")


class Server:
    """A Jupyter server on the files of `folder`, with a theme, and with nobody's settings."""

    def __init__(self, folder, theme):
        self.home = Path(tempfile.mkdtemp(prefix="mgradplus-jupyter-"))
        self.settings = self.home / "settings" / "@jupyterlab" / "apputils-extension"
        self.settings.mkdir(parents=True)
        (self.settings / "notification.jupyterlab-settings").write_text(
            '{"fetchNews": "false", "checkForUpdates": false}')
        self.set_theme(theme)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython",
                  "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
        env = {**os.environ, **{name: str(self.home / place) for name, place in places.items()}}
        env.pop("MPLBACKEND", None)
        self.url, self.log = f"http://127.0.0.1:{port}", self.home / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
                 f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=t",
                 f"--ServerApp.root_dir={folder}"], env=env, stdout=log, stderr=log)

    def __enter__(self):
        for _ in range(300):
            try:
                self.ask("status")
                return self
            except OSError:
                time.sleep(0.2)
            if self.process.poll() is not None:
                break
        self.__exit__()
        raise RuntimeError(f"Jupyter does not start:\n{self.log.read_text()[-3000:]}")

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(30)

    def set_theme(self, theme):
        """Give the pages that are loaded from now on that theme, "Light" or "Dark"."""
        (self.settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {theme}"}))

    def ask(self, path, method="GET"):
        """Return the answer of the server's API."""
        request = urllib.request.Request(f"{self.url}/api/{path}?token=t", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")


class Desk:
    """A notebook open in JupyterLab ("lab/tree") or Notebook 7 ("notebooks"), worked on by clicks and keys."""

    def __init__(self, page, server, app, path):
        cells = read(path)["cells"]
        self.page, self.server, self.folder = page, server, path.parent
        self.place = {cell["id"]: n for n, cell in enumerate(cells)}
        self.code = [cell["id"] for cell in cells if cell["cell_type"] == "code" and source(cell).strip()
                     and "jupyter" not in cell["metadata"]]
        page.goto(f"{server.url}/{app}/{path.name}?token=t")
        self.ready()

    def ready(self):
        """Return when the last cell is on the page and the kernel has nothing to do."""
        self.cell(list(self.place)[-1]).wait_for(state="attached", timeout=60_000)
        self.wait(self.idle, 60)

    def save(self):
        """Save the notebook."""
        self.do("docmanager:save")
        self.page.wait_for_timeout(2000)

    def cell(self, cell_id):
        """Return the cell on the page."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(self.place[cell_id])

    def do(self, command):
        """Press the button of the toolbar that stands for a command."""
        self.page.locator(f"[data-command='{command}']").first.click()

    def wait(self, done, seconds):
        """Return when done() is true, asked after 0.05, 0.1, … 0.5 s; TimeoutError after `seconds`."""
        end, pause = time.monotonic() + seconds, 50
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(f"not done within {seconds} s")
            self.page.wait_for_timeout(pause)
            pause = min(500, pause + 50)

    def idle(self):
        """Return whether the kernel is there, connected and has nothing to do."""
        kernels = self.server.ask("kernels")
        return kernels and all(k["execution_state"] == "idle" and k["connections"] for k in kernels)

    def prompts(self):
        """Return {cell id: "[3]:"} of the code cells that hold code and are not folded."""
        texts = self.page.locator(".jp-Notebook .jp-Cell").evaluate_all(
            "all => all.map(cell => cell.querySelector('.jp-InputPrompt')?.textContent)")
        return {cell_id: texts[self.place[cell_id]] for cell_id in self.code}

    def complaints(self):
        """Return the texts of all errors and warnings among the outputs."""
        return self.page.locator("[data-mime-type$='.error'], [data-mime-type$='.stderr']").all_inner_texts()

    def not_run(self):
        """Return the ids of the cells that have not run."""
        return [cell_id for cell_id, prompt in self.prompts().items() if not re.search(r"\d", prompt)]

    def restart_and_run_all(self):
        """Restart the kernel and run all cells, up to an error if there is one."""
        for _ in range(3):  # a click that comes before the page is ready is lost
            self.do("notebook:restart-run-all")
            self.page.locator(".jp-Dialog .jp-mod-accept").click()
            with contextlib.suppress(TimeoutError):
                self.wait(lambda: any("*" in prompt for prompt in self.prompts().values()), 20)
                break
        self.wait(lambda: self.idle() and (not self.not_run() or self.complaints()), 300)

    def start(self, cell_id):
        """Put the cursor into a cell and run it, without waiting."""
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")

    def run(self, cell_id):
        """Run a cell and wait until it is done."""
        before = self.prompts()[cell_id]
        self.start(cell_id)
        self.wait(lambda: re.search(r"\d", now := self.prompts()[cell_id]) and now != before, 120)

    def type(self, cell_id, text):
        """Replace the text of a cell by typing."""
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)
