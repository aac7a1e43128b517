"""The notebook in real front ends: JupyterLab, Notebook 7 and the exported page, light and dark."""
import contextlib
import json
import re
import shutil

import pytest
from cells import ROOT, read, source
from notebook import COLLAPSED

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
from browser import CHROMIUM, Desk, Server, live, new_page, pictures  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.browser,
              pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")]
FRONT_ENDS = [("lab/tree", "Light", "Dark"), ("notebooks", "Dark", "Light")]  # the second theme at the end
SAVED = read()
CHAPTERS = [match[1] for cell in SAVED["cells"] if (match := re.match(r"## (\d\. [^<]+)", source(cell)))]
PICTURES = sum("".join(out.get("data", {}).get("text/html", "")).count("<img ")
               for cell in SAVED["cells"] for out in cell.get("outputs", []))
PLAYERS, EXPLORERS = (sum("".join(out.get("data", {}).get("text/html", "")).count(f'class="{look}"')
                          for cell in SAVED["cells"] for out in cell.get("outputs", []))
                      for look in ("mg-player", "mg-player mg-explore"))
SALAD = re.compile(r"<IPython|<Figure|FloatSlider\(|VBox\(|querySelector| at 0x")
IN_FULL = """  /* for axe, which judges no color of text that is out of sight */
:has(.jp-Cell) { display: block !important; position: static !important; height: auto !important;
                 overflow: visible !important; contain: none !important }
.jp-Cell { content-visibility: visible !important }
body :not(:has(.jp-Notebook), .jp-Notebook, .jp-Notebook *) { visibility: hidden !important }"""
SHORTER = {  # where training takes long and shows a front end nothing new; the whole notebook is run by test_notebook.py
    "learn-break-def": [("steps=60", "steps=6")], "array-control-run": [("steps=2850", "steps=285")],
    "look-train": [("steps=1000", "steps=20"), ("assert right.mean() >= 0.995\n", "")],
    "look-without": [("steps=200", "steps=3")]}
FRONT_END_FAULTS = {  # what axe finds, and in which elements
    "aria-input-field-name": 'class="noUi-handle',  # ipywidgets names no slider; each has a named field beside it
}
FRONT_END_NOISE = [
    r"ERR_UNKNOWN_URL_SCHEME attachment:",  # before JupyterLab puts the attached picture in
    r"^Connection lost, reconnecting in",  # at each restart of the kernel
    r"^Menu entry for command .* is duplicated|^\[yjs#509\] Not same Y\.Doc|reading 'schema'",  # Notebook 7's own
    r"ERR_FAILED https://cdnjs\.cloudflare\.com/",  # an exported page asks for MathJax and require.js, if it can
]


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """A copy of the kit in a folder with a space in its name, without the pictures that its cells write."""
    folder = tmp_path_factory.mktemp("browser") / "my kit"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "assets", "build", "tests"))
    return folder


def shortened():
    """Return the notebook with fewer steps in the cells of SHORTER."""
    notebook = read()
    for cell in notebook["cells"]:
        text = source(cell)
        for old, new in SHORTER.get(cell["id"], []):
            assert text.count(old) == 1, (cell["id"], old)
            text = text.replace(old, new)
        cell["source"] = text
    return notebook


@pytest.fixture(scope="module", params=FRONT_ENDS, ids=lambda p: f"{p[0].split('/')[0]}-{p[1].lower()}")
def desk(request, browser, kit):
    """The notebook after restart and run all; `.opened` holds the pictures it showed before, untrusted."""
    app, theme, other = request.param
    (kit / "mGradPlus.ipynb").write_text(json.dumps(shortened()), "utf-8")
    with Server(kit, theme) as server:
        page = new_page(browser)
        desk = Desk(page, server, app, kit / "mGradPlus.ipynb")
        desk.opened, desk.words = pictures(page.locator(".jp-OutputArea-output")), words(page)
        desk.texts = pictures(page.locator(".jp-MarkdownOutput"))
        desk.unrun = page.locator(".mg-player:not(.mg-explore)").all_text_contents()
        desk.unmoved = page.locator(".mg-explore").all_text_contents()
        desk.app, desk.theme, desk.other = app.split("/")[0], theme, other
        try:
            desk.restart_and_run_all()
            yield desk
        finally:
            shoot(desk)
            page.close()


@pytest.fixture(scope="module")
def other(desk):
    """The same desk with its page loaded again in its other theme; `.before` holds the pictures it showed before."""
    desk.before = pictures(desk.page.locator(".jp-OutputArea-output"))
    desk.cell("slopes-secants").scroll_into_view_if_needed()
    shoot(desk)
    desk.save()
    desk.theme = desk.other
    desk.server.set_theme(desk.theme)
    desk.page.reload()
    desk.ready()
    return desk


def shoot(desk):
    """Keep a picture of the window."""
    (ROOT / "build").mkdir(exist_ok=True)
    desk.page.screenshot(path=ROOT / "build" / f"{desk.app}-{desk.theme.lower()}.png")


def move(page, graph):
    """Move the numbers of the graph of that cell by mouse and keys, from a reset to a reset."""
    leaf = lambda name: graph.get_by_role("spinbutton", name=f"{name}, ")  # noqa: E731
    said = lambda: graph.locator("output").inner_text()  # noqa: E731
    graph.get_by_role("button", name="Reset").click()
    assert said() == "L = −8"
    leaf("a").scroll_into_view_if_needed()
    at = leaf("a").bounding_box()
    page.mouse.move(at["x"] + 20, at["y"] + 20)
    page.mouse.down()
    page.mouse.move(at["x"] + 60, at["y"] + 20, steps=5)
    page.mouse.up()
    assert said() == "L = −2" and graph.locator("b").inner_text() == "a from 2 to 3: L from −8 to −2"
    leaf("b").click()
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    assert said() == "L = −44"
    page.keyboard.press("ArrowDown")
    assert said() == "L = −43.4"
    page.keyboard.press("PageUp")
    assert said() == "L = −49.4"
    page.keyboard.press("Shift+ArrowLeft")
    assert said() == "L = −49.34"
    for key in ("Tab", "-", "1", "Enter"):  # c, which follows b
        page.keyboard.press(key)
    assert said() == "L = −27.34"
    graph.get_by_role("button", name="Step downhill").click()
    assert graph.locator("b").inner_text().startswith("Step 1 downhill: L from −27.34 to −")
    page.keyboard.press("Enter")
    assert graph.locator("b").inner_text().startswith("Step 2 downhill: ")
    graph.get_by_role("button", name="Reset").click()
    assert said() == "L = −8"


def words(page):
    """Return the text of all outputs of a page, also of those that are out of sight."""
    return "\n".join(page.locator(".jp-OutputArea-output").evaluate_all(
        "all => all.map(e => { const c = e.cloneNode(true);"
        " c.querySelectorAll('script, style').forEach(s => s.remove()); return c.textContent; })"))


def violations(page, selectors, **only):
    """Return [(rule, element)] of what axe finds in parts of a page, less the front end's own faults."""
    style = page.add_style_tag(content=IN_FULL)
    told = axe.Axe().run(page, selectors, {"resultTypes": ["violations", "passes"], "selectors": False, **only}).response
    style.evaluate("style => { style.remove(); dispatchEvent(new Event('resize')); }")
    assert sum(len(rule["nodes"]) for rule in told["passes"] if rule["id"] == "color-contrast") > 500
    found = [(rule["id"], node["html"][:200]) for rule in told["violations"] for node in rule["nodes"]]
    return [(rule, element) for rule, element in found
            if rule not in FRONT_END_FAULTS or FRONT_END_FAULTS[rule] not in element]


def noise(page):
    """Return what the console of a page complains of, less the front end's own noise."""
    return [text for text in page.said if not any(re.search(known, text) for known in FRONT_END_NOISE)]


def test_as_downloaded_every_picture_is_there(desk):
    assert len(desk.opened) == PICTURES and all(alt and width > 1 for alt, width in desk.opened)
    assert len(desk.texts) == 1 and all(alt and width > 800 for alt, width in desk.texts)
    assert not SALAD.search(desk.words)


def test_a_player_that_was_not_run_asks_for_that(desk):
    assert desk.unrun == ["Run this cell to play."] * PLAYERS and PLAYERS > 3
    assert desk.unmoved == ["Run this cell to move its numbers."] * EXPLORERS and EXPLORERS > 1
    run = desk.page.locator(".mg-player[data-live]").all_text_contents()
    assert len(run) == PLAYERS + EXPLORERS and not any("Run this cell" in text for text in run)


def test_runs_without_error_or_warning(desk):
    assert desk.complaints() == [] and desk.not_run() == []


def test_workshops_are_collapsed_and_run(desk):
    """Run All ran the rooms under the collapsed headings, which a save leaves collapsed."""
    hidden = desk.page.get_by_text(re.compile(r"^\d+ cells hidden$"))
    assert hidden.all_text_contents() == ["2 cells hidden", "4 cells hidden"]
    desk.do("docmanager:save")
    desk.wait(lambda: (found := rooms(desk.folder)) and all(cell["execution_count"] for cell in found), 20)
    saved = read(desk.folder / "mGradPlus.ipynb")["cells"]
    assert len(rooms(desk.folder)) == 6
    assert [cell["id"] for cell in saved if cell["metadata"].get(COLLAPSED)] == ["open-workshop", "watch-drawer"]


def rooms(folder):
    """Return the folded cells of the notebook in a folder, as last saved; none while it is being written."""
    with contextlib.suppress(json.JSONDecodeError):
        return [cell for cell in read(folder / "mGradPlus.ipynb")["cells"] if "cellView" in cell["metadata"]]


def test_links_of_the_map_lead_to_their_chapters(desk):
    for title in CHAPTERS:
        desk.cell("open-map").scroll_into_view_if_needed()
        desk.cell("open-map").get_by_role("link", name=title).click()
        heading = desk.page.get_by_role("heading", level=2, name=title)
        desk.wait(lambda: heading.count() and in_reach(heading), 15)


def in_reach(element):
    """Return whether an element stands in the window or, as pictures above it are still loading, a window away."""
    return element.evaluate("e => Math.abs(e.getBoundingClientRect().top) < 2 * innerHeight")


def test_slider_by_keyboard(desk):
    cell = desk.cell("slopes-secants")
    picture = cell.locator(".widget-html img")
    before = picture.get_attribute("src")
    cell.locator(".noUi-handle").focus()
    desk.page.keyboard.press("ArrowLeft")
    desk.wait(lambda: picture.get_attribute("src") != before, 10)


def test_player_to_its_end(desk):
    player = desk.cell("watch-play-neuron").locator(".mg-player")
    bar, drawn = player.get_by_label("step", exact=True), player.locator("svg.mg-graph")
    first, last = drawn.inner_html(), int(bar.get_attribute("max"))
    for _ in range(last):
        player.get_by_label("next step").click()
    assert bar.input_value() == str(last) and drawn.inner_html() != first
    player.get_by_label("previous step").click()
    player.get_by_label("speed").select_option(label="2 ×")
    player.get_by_label("play", exact=True).click()
    player.get_by_label("pause").wait_for()
    player.get_by_label("play", exact=True).wait_for()  # it stops by itself
    assert bar.input_value() == str(last)
    player.get_by_label("first step").click()
    assert bar.input_value() == "0" and drawn.inner_html() == first
    bar.focus()
    desk.page.keyboard.press("End")
    assert bar.input_value() == str(last)
    player.focus()
    desk.page.keyboard.press("Home")
    desk.page.keyboard.press("ArrowRight")
    assert player.locator("output").inner_text() == "Step 1 of 3"
    player.locator("[data-k=beads]:empty").wait_for(state="attached")


def test_player_in_full_screen(desk):
    player = desk.cell("array-zoom-tensors").locator(".mg-player")
    player.get_by_label("full screen").click()
    desk.page.wait_for_function("document.fullscreenElement?.className === 'mg-player'")
    player.get_by_label("next step").click()
    assert player.locator("output").inner_text() == "Step 1 of 4"
    back = player.evaluate("p => getComputedStyle(p).backgroundColor")
    assert back not in ("rgba(0, 0, 0, 0)", player.evaluate("p => getComputedStyle(p).color"))
    player.get_by_label("full screen").click()
    desk.page.wait_for_function("!document.fullscreenElement")


def test_gif_as_written_can_be_saved_from_the_page(desk):
    cell = desk.cell("watch-keep-gif")
    with desk.page.expect_download() as download:
        cell.get_by_role("link", name="save this GIF").click()
    assert download.value.path().read_bytes() == (desk.folder / "assets" / "neuron.gif").read_bytes()
    cell.locator("summary").click()
    assert not cell.locator(".mg-gif img").is_visible()
    cell.locator("summary").click()


def test_training_stopped_and_taken_up_again(desk):
    desk.run("learn-make")
    cell = desk.cell("learn-train")
    desk.start("learn-train")
    cell.get_by_text(re.compile(r"training.* \d\d?/100")).wait_for()
    desk.page.wait_for_timeout(1000)
    desk.do("notebook:interrupt-kernel")
    cell.get_by_text(re.compile(r"Stopped by you\. \d\d? of 100 steps are done")).wait_for()
    assert all(alt and width > 1 for alt, width in pictures(cell))
    desk.wait(desk.idle, 10)
    desk.run("learn-train")
    assert "100/100" in cell.inner_text()


def test_own_expression_and_its_gif(desk):
    desk.type("play-expression-run", "p = Node(3)\nq = p * p + p\ndisplay(q.backward(animate=True, gif='mine too.gif'))\nexplore(q)")
    desk.run("play-expression-run")
    desk.cell("play-expression-run").locator(".mg-player[data-live]:not(.mg-explore)").wait_for()
    assert (desk.folder / "mine too.gif").read_bytes().startswith(b"GIF89a")


def test_graph_whose_numbers_move(desk):
    desk.run("watch-move")
    cell = desk.cell("watch-move")
    cell.locator(".mg-explore[data-live]").wait_for()
    before = desk.prompts()["watch-move"]
    move(desk.page, cell.locator(".mg-explore"))
    assert desk.prompts()["watch-move"] == before and cell.locator(".mg-explore").count() == 1


def test_gif_of_the_network_plays_from_its_file(desk):
    film = desk.cell("learn-gif").locator("img")
    desk.wait(lambda: "/assets/network.gif" in film.get_attribute("src"), 20)
    assert film.evaluate("i => i.naturalWidth") == 900


def test_playground(desk):
    desk.run("play-ground-show")
    play, page = desk.cell("play-ground-show").locator(".mg-playground"), desk.page
    button = lambda name: play.get_by_role("button", name=name)  # noqa: E731
    step = lambda: int(re.search(r"step (\d+): loss", play.get_by_role("img").get_attribute("aria-label"))[1])  # noqa: E731
    told = lambda text: desk.wait(lambda: text in play.inner_text(), 15)  # noqa: E731
    play.scroll_into_view_if_needed()
    assert step() == 0
    button("Play").click()
    desk.wait(lambda: step() >= 30, 30)
    blank = play.evaluate("""async play => { let blank = 0;
        for (let k = 0; k < 60; k++) {
          await new Promise(requestAnimationFrame);
          const pictures = [...play.querySelectorAll(".mg-stage img")];
          blank += !pictures.some(picture => picture.complete && picture.naturalWidth); }
        return blank; }""")
    assert blank == 0, "the picture does not flicker"
    play.get_by_label("data set").focus()
    page.keyboard.press("ArrowDown")
    desk.wait(lambda: step() < 30, 10)
    assert play.get_by_label("data set").input_value() == "circles"
    desk.wait(lambda: step() > 3, 10)
    button("Pause").click()
    button("Play").wait_for()
    page.wait_for_timeout(500)
    done = step()
    page.wait_for_timeout(500)
    assert step() == done
    button("Step").click()
    desk.wait(lambda: step() == done + 1, 10)
    play.locator("[data-look='4']").click()
    told("Layer 1, neuron 4, at point 0, ")
    play.locator("[data-spot='17']").click()
    told("Layer 1, neuron 4, at point 17, ")
    play.get_by_label("look at").focus()
    page.keyboard.press("ArrowDown")
    told("Layer 1, neuron 5, at point 17, ")
    button("Print code").click()
    told('points, labels = data_set("circles", n=100')
    button("Save GIF").click()
    told("Saved: assets/playground.gif: ")
    with page.expect_download() as download:
        play.get_by_role("link", name="save it from this page").click()
    assert download.value.path().read_bytes() == (desk.folder / "assets" / "playground.gif").read_bytes()
    page.set_viewport_size({"width": 640, "height": 1000})
    page.wait_for_timeout(1000)
    right = play.evaluate("play => play.getBoundingClientRect().right")
    assert all(box["x"] + box["width"] <= right + 1 for box in
               (e.bounding_box() for e in play.locator("button, select, input:visible").all()) if box)
    page.set_viewport_size({"width": 1280, "height": 1000})


def test_gradients_are_sent_back_by_hand(desk, nb):
    page, cells = desk.page, desk.page.locator(".jp-Notebook .jp-Cell").count()
    desk.run("play-backward-practice")
    sheet, practice = nb._Practice(None, list(nb._LEVELS)[2], 9), desk.cell("play-backward-practice").locator(".mg-practice")
    fields, said = practice.locator(".mg-sheet input"), practice.get_by_role("status")
    told = lambda text: desk.wait(lambda: text in said.inner_text(), 15)  # noqa: E731
    inside = lambda: page.evaluate("document.activeElement.closest('.widget-text')?.innerText ?? ''")  # noqa: E731
    fields.first.scroll_into_view_if_needed()
    assert fields.count() == len(sheet.blanks) == 3
    fields.first.focus()
    page.keyboard.type("99")
    page.keyboard.press("Enter")
    told(f"{sheet.call(sheet.blanks[0])}: 99 is not right yet.")
    assert inside().startswith(f"gradient of {sheet.call(sheet.blanks[1])}")
    page.keyboard.press("h")
    told("It gets ")
    page.keyboard.type(f"{sheet.judge.right[sheet.blanks[1]]} + 0*2")
    page.keyboard.press("Tab")
    told(f"{sheet.call(sheet.blanks[1])}: right")
    desk.wait(lambda: fields.nth(1).input_value().endswith(" ✓"), 5)
    page.keyboard.press("s")
    told(f"{sheet.call(sheet.blanks[2])}: ")
    assert practice.get_by_text("right at once: 1, in a row: 0").count() == 1
    page.keyboard.press("n")
    told("The pass starts with a gradient of 1")
    desk.wait(lambda: inside().startswith("gradient of ") and fields.first.input_value() == "", 10)
    practice.get_by_label("level").focus()
    page.keyboard.press("ArrowDown")
    desk.wait(lambda: fields.count() > 6, 10)
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells, "no key got through to the notebook"


def test_draw_digit(desk):
    desk.run("play-digit-show")
    pad, page = desk.cell("play-digit-show").locator(".mg-digit"), desk.page
    button = lambda name: pad.get_by_role("button", name=name, exact=True)  # noqa: E731
    said = lambda: pad.get_by_role("status").inner_text()  # noqa: E731
    pressed = lambda *cells: [button(f"row {r}, column {c}").get_attribute("aria-pressed") for r, c in cells]  # noqa: E731

    def changes(act):
        """Return what is said after `act`, which must change it."""
        before = said()
        act()
        desk.wait(lambda: said() != before, 10)
        return said()

    def at(row, column):
        """Return where a cell is on the page."""
        box = button(f"row {row}, column {column}").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    pad.scroll_into_view_if_needed()
    assert "In truth it is a" in said()
    empty = changes(button("Clear").click)
    page.mouse.move(*at(1, 5))
    page.mouse.down()
    one = changes(lambda: page.mouse.move(*at(8, 5), steps=2))  # a fast stroke leaves no gap
    page.mouse.up()
    desk.wait(lambda: said().startswith("It reads a 1: "), 10)
    one = said()
    assert pressed(*[(r, 5) for r in range(1, 9)]) == ["true"] * 8 and pressed((1, 4), (8, 6)) == ["false"] * 2
    page.mouse.move(*at(4, 5))
    page.mouse.down()  # begins on ink: it erases
    changes(lambda: page.mouse.move(*at(5, 5)))
    page.mouse.up()
    assert pressed((3, 5), (4, 5), (5, 5), (6, 5)) == ["true", "false", "false", "true"]
    desk.wait(lambda: changes(button("Undo").click) == one, 10)
    assert pressed((4, 5), (5, 5)) == ["true"] * 2
    button("Another example").focus()
    page.keyboard.press("Tab")
    for key in ("Home", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    row, column = map(int, re.findall(r"\d", page.evaluate("document.activeElement.ariaLabel")))
    assert column == 1
    changes(lambda: page.keyboard.press("Space"))
    page.keyboard.press("ArrowRight")
    changes(lambda: page.keyboard.press("Enter"))
    assert pressed((row, 1), (row, 2), (row, 3)) == ["true", "true", "false"]
    changes(lambda: page.keyboard.press("Space"))
    assert pressed((row, 1), (row, 2)) == ["true", "false"]
    assert page.evaluate("document.activeElement.ariaLabel") == f"row {row}, column 2", "the focus stays"
    page.keyboard.press("Tab")
    assert not page.evaluate("!!document.activeElement.closest('[role=grid]')"), "the grid is one stop"
    assert changes(button("Clear").click) == empty
    pad.get_by_label("pen").select_option("thin")
    changes(lambda: page.mouse.click(*at(2, 2)))
    assert "In truth it is a" in changes(button("Another example").click)


def test_outputs_are_accessible(desk):
    assert desk.page.evaluate("document.body.dataset.jpThemeName") == f"JupyterLab {desk.theme}"
    assert violations(desk.page, [".jp-OutputArea-output", ".jp-MarkdownOutput"]) == []


def test_console_is_quiet(desk):
    assert noise(desk.page) == []


def test_other_theme_shows_every_picture_and_player(other):
    running = other.page.locator(".mg-player[data-live]")
    other.wait(lambda: running.count() == other.page.locator(".mg-player").count() == PLAYERS + EXPLORERS, 20)
    found = pictures(other.page.locator(".jp-OutputArea-output"))
    assert found == other.before and len(found) >= PICTURES - PLAYERS - EXPLORERS
    assert all(alt and width > 1 for alt, width in found)
    assert pictures(other.page.locator(".jp-MarkdownOutput")) == other.texts
    assert not SALAD.search(words(other.page))


def test_other_theme_moves(other):
    test_slider_by_keyboard(other)
    test_player_to_its_end(other)
    test_player_in_full_screen(other)
    move(other.page, other.cell("watch-move").locator(".mg-explore"))


def test_other_theme_is_accessible(other):
    """Of all that axe judges, a theme changes colors."""
    assert other.page.evaluate("document.body.dataset.jpThemeName") == f"JupyterLab {other.theme}"
    assert violations(other.page, [".jp-OutputArea-output", ".jp-MarkdownOutput"],
                      runOnly=["color-contrast", "link-in-text-block"]) == []


def test_other_theme_is_quiet(other):
    test_console_is_quiet(other)


def test_graph_moves_on_without_kernel_and_when_opened_again(desk):
    desk.run("watch-move")  # in this page, which the test of the other theme may have loaded again
    desk.save()
    for session in desk.server.ask("sessions"):
        desk.server.ask(f"sessions/{session['id']}", "DELETE")
    desk.wait(lambda: not desk.server.ask("kernels"), 20)
    move(desk.page, desk.cell("watch-move").locator(".mg-explore"))
    desk.page.reload()
    graph = desk.cell("watch-move").locator(".mg-explore")
    graph.wait_for(timeout=60_000)
    desk.wait(lambda: graph.get_attribute("data-live") or "Run this cell to move its numbers." in graph.inner_text(), 20)
    if graph.get_attribute("data-live"):
        move(desk.page, graph)
    else:
        assert pictures(graph)[0][1] > 1


def test_a_widget_without_its_kernel_leaves_a_picture_and_no_error(desk):
    """In the notebook that the test above has opened again."""
    for cell_id, words in (("slopes-secants", "Run this cell to move a secant"),
                           ("play-ground-show", "Run this cell to play with this network.")):
        cell = desk.cell(cell_id)
        cell.scroll_into_view_if_needed()
        error = cell.get_by_text("Error displaying widget")
        error.wait_for(state="attached", timeout=60_000)
        assert not error.is_visible() and cell.get_by_text(words).is_visible()
        assert [width > 1 for _, width in pictures(cell)] == [True]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_rooms_of_the_exported_page_are_folded(browser, exported, scripts):
    page = new_page(browser, java_script_enabled=scripts)
    page.goto(exported.as_uri())
    room = page.locator(".celltag_hide-input .jp-Cell-inputWrapper").nth(2)
    height = lambda: room.bounding_box()["height"]  # noqa: E731
    assert room.inner_text().count("# @title The drawer") == 1 and height() < 40
    room.hover()
    assert height() > 1000
    page.mouse.move(0, 0)
    room.focus()
    assert height() > 1000
    room.evaluate("room => room.blur()") if scripts else page.keyboard.press("Shift+Tab")
    assert height() < 40
    room.click(position={"x": 200, "y": 10})
    page.mouse.move(0, 0)
    assert height() > 1000
    page.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_exported_page(browser, exported, scripts):
    page = new_page(browser, java_script_enabled=scripts)
    page.goto(exported.as_uri())
    if scripts:
        live(page)
    found, players = pictures(page), page.locator(".mg-player[data-live]").count()
    assert len(found) >= PICTURES - players and all(alt and width > 1 for alt, width in found)
    assert players == scripts * page.locator(".mg-player").count()
    assert not SALAD.search(words(page))
    if scripts:  # axe would walk over the 57,000 elements of the colored code, which it is not to judge
        page.evaluate("document.querySelectorAll('.jp-CodeCell .jp-InputArea').forEach(e => e.replaceChildren())")
        assert violations(page, [".jp-OutputArea-output", ".jp-RenderedMarkdown"]) == []
        move(page, page.locator(".mg-explore").first)
    assert noise(page) == []
    page.close()
