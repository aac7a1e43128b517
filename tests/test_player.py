"""The player of a pass and the GIF in the page, in a real browser: click, type, watch, at all widths."""
import html
import io
import random
import re
import time
import urllib.parse

import numpy as np
import pytest
from browser import live, unpacked
from PIL import Image


@pytest.fixture
def network(nb):
    """A 2-4-1 network with its loss on two points."""
    model = nb.MLP(2, [4, 1], rng=random.Random(1))
    return nb.hinge_loss([model([0.91, 0.9]), model([-0.89, -0.83])], [1, -1])


@pytest.fixture
def tensors(nb):
    """A layer on arrays."""
    x, w = nb.Tensor([[1.0, -2.0], [3.0, 1.0]], "input"), nb.Tensor([[0.5], [0.25]], "weight")
    return (x @ w + nb.Tensor([0.5], "bias")).relu().sum()


def button(player, name):
    """Return a button of a player."""
    return player.get_by_role("button", name=name, exact=True)


def counter(player):
    """Return what the counter of a player says."""
    return player.locator("output").inner_text()


def test_clicks_lead_through_all_steps(show, neuron, quiet):
    player = show(neuron.backward(animate=True, animation_delay=0.05).html).locator(".mg-player")
    assert (counter(player), player.locator("b").inner_text()) == ("Start", "relu n starts with gradient 1")
    for i in range(1, 6):
        button(player, "next step").click()
        assert counter(player) == f"Step {i} of 5"
        assert player.inner_text().count("Step ") == 1, "there is one counter"
    button(player, "next step").click()
    button(player, "next step").click(force=True)
    assert counter(player) == "Done" and "every node knows its gradient" in player.inner_text()
    assert "0.5 × 1" in player.locator("svg.mg-graph").inner_html()
    button(player, "previous step").click()
    assert counter(player) == "Step 5 of 5"
    button(player, "first step").click()
    assert counter(player) == "Start" and "0.5 × 1" not in player.locator("svg.mg-graph").inner_html()


def test_it_plays_to_the_end_pauses_and_starts_again(show, neuron, quiet):
    player = show(neuron.backward(animate=True, animation_delay=0.1).html).locator(".mg-player")
    button(player, "play").click()
    player.get_by_text("every node knows").wait_for(timeout=5000)
    button(player, "play").wait_for(timeout=2000)
    assert player.locator("[data-k=beads] *").count() == 0
    button(player, "play").click()
    assert counter(player) == "Start", "again from the start, and not past it"
    button(player, "pause").click()
    button(player, "next step").click()
    button(player, "play").click()
    button(player, "pause").click()
    assert counter(player) == "Step 2 of 5"


def test_the_ends(show, neuron, quiet):
    player = show(neuron.backward(animate=True, animation_delay=0.05).html).locator(".mg-player")
    off = lambda name: button(player, name).get_attribute("aria-disabled")  # noqa: E731
    assert [off(name) for name in ("first step", "previous step", "next step", "last step")] == ["true"] * 2 + ["false"] * 2
    button(player, "last step").click()
    assert counter(player) == "Done"
    assert [off(name) for name in ("first step", "previous step", "next step", "last step")] == ["false"] * 2 + ["true"] * 2
    button(player, "last step").click(force=True)
    button(player, "next step").click(force=True)
    assert counter(player) == "Done"


def test_two_on_a_page_do_not_disturb_each_other(show, shared, quiet):
    page = show(*[shared.backward(animate=True, forward=True).html] * 2)
    first, second = (page.locator(".mg-player").nth(k) for k in (0, 1))
    button(first, "next step").click()
    assert (counter(first), counter(second)) == ("Forward 1 of 3", "Forward pass")


def test_keys_and_slider(show, shared, quiet):
    page = show(shared.backward(animate=True, forward=True, animation_delay=0.05).html)
    player = page.locator(".mg-player")
    player.focus()
    names = ["Forward pass", *[f"Forward {k} of 3" for k in (1, 2, 3)], "Start", *[f"Step {k} of 3" for k in (1, 2, 3)], "Done"]
    for key, at in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 8),
                    ("ArrowRight", 8), ("Home", 0), ("ArrowLeft", 0)):
        page.keyboard.press(key)
        assert counter(player) == names[at], key
    page.keyboard.down("Space")
    page.keyboard.down("Space")  # as a key that is held repeats itself
    page.keyboard.up("Space")
    assert button(player, "pause").count() == 1
    page.keyboard.press("Space")
    slider = player.get_by_role("slider", name="step")
    slider.fill("6")
    assert counter(player) == names[6] == slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert counter(player) == names[7] and player.locator("[aria-live]").count() == 1
    speed = player.get_by_label("speed")
    speed.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert counter(player) == names[7] and speed.input_value() == "2", "arrow keys belong to the list of speeds"


@pytest.mark.slow
def test_speed(show, neuron, quiet):
    player = show(neuron.backward(animate=True, animation_delay=0.2).html).locator(".mg-player")
    spent = {}
    for speed in ("½ ×", "2 ×"):  # 2.4 s and 0.6 s, and what the browser needs
        player.get_by_label("speed").select_option(label=speed)
        player.get_by_role("slider", name="step").fill("0")
        begin = time.perf_counter()
        button(player, "play").click()
        player.get_by_text("every node knows").wait_for()
        spent[speed] = time.perf_counter() - begin
    assert spent["½ ×"] > 1.6 * spent["2 ×"] and spent["½ ×"] > 2.3


FLIGHT = """player => new Promise(done => {
  const seen = [], beads = player.querySelector('[data-k=beads]');
  const look = () => {
    const at = [...beads.querySelectorAll('g')].map(g => {
      const [x, y] = g.getAttribute('transform')?.match(/-?[\\d.]+/g).map(Number) ?? [];
      return [x, y, g.textContent]; });
    if (at.length && at[0][0] !== undefined) seen.push([at,
      player.querySelector('[data-k=box-1]').textContent, [...player.querySelectorAll('[data-k^=arrow]')]
        .filter(a => a.innerHTML.includes('#C04A00')).map(a => a.textContent)]);
    if (seen.length && !at.length) return done(seen);
    requestAnimationFrame(look); };
  requestAnimationFrame(look);
  player.querySelector('[aria-label="next step"]').click(); })"""


def test_beads_fly_along_their_arrows_and_then_the_receiver_counts(nb, show, shared, quiet):
    made = shared.backward(animate=True, animation_delay=0.6)
    page = show(made.html)
    player = page.locator(".mg-player")
    assert made.stage.scene.title(1) == "b = 2 × □"
    for said, grads in ((["7", "6"], ("0", "7")), (["6"], ("7", "7 + 6 = 13"))):
        seen = player.evaluate(FLIGHT)
        step = ["Step 1 of 3", "Step 2 of 3"].index(counter(player)) + 1
        arrows = dict(made.frames[step]["moves",])
        assert len(seen) > 5 and [text for *_, text in seen[0][0]] == said == list(arrows.values())
        for beads, receiver, labels in seen:
            assert receiver.endswith(f"grad{grads[0]}"), "it counts too early"
            assert not any("= " in label for label in labels), "the result is there too early"
            for (x, y, _), arrow in zip(beads, arrows):
                points, _ = made.stage.route(arrow)
                assert np.hypot(*(points - (x, y)).T).min() < 7  # its points are up to 12 apart
        for n, arrow in enumerate(arrows):  # from the sender to the receiver
            x = [beads[n][0] for beads, *_ in seen]
            assert x == sorted(x, reverse=True) and x[0] > x[-1]
        assert player.locator("[data-k=box-1]").text_content().endswith(f"grad{grads[1]}")


def test_a_click_in_mid_flight_leaves_nothing_behind(show, shared, quiet):
    player = show(shared.backward(animate=True).html).locator(".mg-player")
    for name in ["next step"] * 3 + ["previous step", "first step"]:
        button(player, name).click()
    assert player.locator("[data-k=beads] *").count() == 0
    fresh = show(shared.backward(animate=True).html).locator("svg.mg-graph")
    assert player.locator("svg.mg-graph").inner_html() == fresh.inner_html()


def test_nothing_moves_for_those_who_ask_for_that(show, shared, quiet):
    player = show(shared.backward(animate=True).html, reduced_motion="reduce").locator(".mg-player")
    button(player, "next step").click()
    assert player.locator("[data-k=beads] *").count() == 0
    assert player.locator("[data-k=box-1]").text_content().endswith("grad7")


def test_the_whole_picture_and_back(show, network, quiet):
    player = show(network.backward(animate=True).html).locator(".mg-player")
    room = "v => [v.scrollWidth > v.clientWidth, v.scrollHeight > v.clientHeight]"
    view, fit = player.locator(".mg-view"), button(player, "whole picture")
    assert view.evaluate(room)[0] and fit.get_attribute("aria-pressed") == "false"
    fit.click()
    assert view.evaluate(room) == [False, False] and fit.get_attribute("aria-pressed") == "true"
    fit.click()
    assert view.evaluate(room)[0]


IN_SIGHT = """p => { const view = p.querySelector('.mg-view').getBoundingClientRect();
          return [...p.querySelectorAll('[data-k^=box] > rect[fill="#FFD0B0"]')].every(r => {
            const at = r.getBoundingClientRect();
            return at.right > view.left && at.left < view.right && at.bottom > view.top && at.top < view.bottom; }); }"""


@pytest.mark.slow
def test_the_action_is_in_sight(show, network, quiet):
    page = show(network.backward(animate=True, animation_delay=0.05).html, width=600, height=700)
    player = page.locator(".mg-player")
    for _ in range(6):
        button(player, "next step").click()
        player.locator("[data-k=beads]:empty").wait_for(state="attached")
        page.wait_for_timeout(700)  # it scrolls there
        assert player.evaluate(IN_SIGHT)


@pytest.mark.slow
def test_the_action_is_in_sight_again_when_the_window_changes(show, network, quiet):
    page = show(network.backward(animate=True, animation_delay=0.05).html, width=1400)
    player = page.locator(".mg-player")
    player.get_by_role("slider", name="step").fill("20")
    page.set_viewport_size({"width": 500, "height": 600})
    page.wait_for_timeout(900)
    assert player.evaluate(IN_SIGHT)


def test_a_name_without_spaces_does_not_widen_the_page(nb, show, quiet):
    page = show((nb.Node(1.0, name="n" * 300) * 2).backward(animate=True, forward=True).html)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_full_screen(show, network, quiet):
    page = show(network.backward(animate=True).html)
    player = page.locator(".mg-player")
    button(player, "full screen").click()
    page.wait_for_function("document.fullscreenElement?.className === 'mg-player'")
    page.wait_for_timeout(300)
    inside = player.evaluate("p => { const v = p.querySelector('.mg-view'); return [v.scrollWidth <= v.clientWidth, "
                             "p.querySelector('.mg-bar').getBoundingClientRect().bottom <= innerHeight]; }")
    assert inside == [True, True]
    button(player, "next step").click()
    assert counter(player) == "Step 1 of 26"
    scale = "s => s.getScreenCTM().a"
    large = player.locator("svg.mg-graph").evaluate(scale)
    button(player, "whole picture").click()
    assert player.locator("svg.mg-graph").evaluate(scale) == large, "it is the whole picture already"
    button(player, "full screen").click()
    page.wait_for_function("!document.fullscreenElement")
    page = show(network.backward(animate=True).html,
                script="Object.defineProperty(document, 'fullscreenEnabled', {value: false})")
    assert not page.locator(".mg-player [aria-label='full screen']").is_visible()


@pytest.mark.slow
@pytest.mark.parametrize("width", [480, 830, 1280])
def test_caption_and_controls_stay_in_sight_and_letters_legible(show, neuron, network, tensors, quiet, width):
    bodies = [root.backward(animate=True, animation_delay=0.05).html for root in (neuron, network, tensors)]
    for body in bodies:
        page = show(body, width=width, height=800)
        player = page.locator(".mg-player")
        box = player.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 800 and box["x"] + box["width"] <= width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        scale = player.locator("svg.mg-graph").evaluate("s => s.getScreenCTM().a")
        sizes = player.locator("svg.mg-graph text").evaluate_all(
            "all => all.map(t => parseFloat(getComputedStyle(t).fontSize))")
        assert 11 <= scale * min(sizes) <= 15
        assert player.evaluate("p => Math.min(...[...p.querySelectorAll('p, span, output, select')]"
                               ".map(e => parseFloat(getComputedStyle(e).fontSize)))") >= 11
        button(player, "whole picture").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [480, 1000])
@pytest.mark.parametrize("large", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_nothing_moves_but_the_graph(show, shared, network, quiet, width, large):
    root = network if large else shared
    player = show(root.backward(animate=True, forward=not large, animation_delay=0.1).html, width=width).locator(".mg-player")
    places = lambda: player.evaluate("p => [...p.querySelectorAll('button, select, input, .mg-view')].map(e => {"  # noqa: E731
                                     "const {x, y, width, height} = e.getBoundingClientRect(); return [x, y, width, height]})")
    before = places()
    for _ in range(8 + 18 * large):
        button(player, "next step").click()
        assert places() == before
    button(player, "first step").click()
    button(player, "play").click()
    assert button(player, "pause").count() == 1 and places() == before


@pytest.mark.slow
def test_no_text_is_wider_than_its_box(show, neuron, network, tensors, quiet):
    for root in (neuron, network, tensors):
        player = show(root.backward(animate=True, animation_delay=0.05).html).locator(".mg-player")
        player.get_by_role("slider", name="step").fill("99")
        assert counter(player) == "Done"
        out = player.evaluate("""p => [...p.querySelectorAll('[data-k^=box]')].flatMap(g => {
          const box = g.querySelector('rect').getBBox();
          return [...g.querySelectorAll('text')].map(t => [t.getBBox(), t.textContent])
            .filter(([t]) => t.x < box.x || t.x + t.width > box.x + box.width).map(([, text]) => text); })""")
        assert out == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_in_light_and_dark(show, nb, neuron, tensors, quiet, scheme, tmp_path):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    saved = neuron.backward(gif=tmp_path / "n.gif")
    page = show("<meta name=color-scheme content='light dark'><h1>players</h1>", neuron.backward(animate=True).html,
                tensors.backward(animate=True).html, saved._repr_mimebundle_()["text/html"], color_scheme=scheme)
    found = axe.Axe().run(page).response["violations"]
    assert [(rule["id"], node["html"][:200]) for rule in found for node in rule["nodes"]] == []


def test_the_focus_ring_is_whole(show, neuron, quiet):
    page = show(neuron.backward(animate=True).html)
    seen = set()
    for _ in range(11):
        page.keyboard.press("Tab")
        name, *ring = page.evaluate("""() => { const e = document.activeElement, look = getComputedStyle(e);
          const player = e.closest('.mg-player'); if (!player) return [''];
          const far = parseFloat(look.outlineOffset) + parseFloat(look.outlineWidth);
          const a = e.getBoundingClientRect(), b = player.getBoundingClientRect();
          return [e.ariaLabel, look.outlineStyle, parseFloat(look.outlineWidth),
                  Math.min(a.left - b.left, b.right - a.right, a.top - b.top, b.bottom - a.bottom) - far]; }""")
        if name:
            seen.add(name)
            assert ring[0] == "solid" and ring[1] >= 2 and ring[2] >= 0, name
    assert {"graph", "first step", "previous step", "play", "next step", "last step", "step", "speed", "whole picture",
            "full screen"} <= seen


def test_before_it_is_run_it_shows_the_first_step_and_says_what_to_do(unscripted, neuron, quiet):
    made = neuron.backward(animate=True)
    unrun = made.html.split("<script>")[0]  # what is left of it in a notebook that is not trusted
    assert "Run this cell to play." in unrun
    image = urllib.parse.unquote(html.unescape(re.search(r'src="data:image/svg\+xml,([^"]+)"', unrun)[1]))
    for words in (image, re.search(r'alt="([^"]*)"', unrun)[1]):
        assert "starts with gradient 1" in words and not re.search(r"0\.5 × 1|>= |grad = |Step \d", words)
    width, words = unscripted(made.html)
    assert width > 500 and words == "Run this cell to play."


def test_the_gif_in_the_page_can_be_hidden_and_saved(show, neuron, quiet, tmp_path):
    saved = neuron.backward(gif=tmp_path / "n.gif")
    page = show(saved._repr_mimebundle_()["text/html"])
    image = page.locator("img")
    assert image.is_visible() and image.evaluate("i => i.decode().then(() => i.naturalWidth)") == saved.size[0]
    with page.expect_download() as download:
        page.get_by_role("link", name="save this GIF").click()
    data = download.value.path().read_bytes()
    assert data == saved.data and Image.open(io.BytesIO(data)).n_frames == saved.frames
    page.locator("summary").click()
    assert not image.is_visible()


# ---- The script of an output, packed
CODE = re.compile(r"( *//.*)?\n *")


@pytest.fixture
def outputs(nb, neuron, shared, tensors, quiet):
    """HTML of players and explorers, by name."""
    made = {"neuron": neuron.backward(animate=True), "shared": shared.backward(animate=True, forward=True),
            "tensors": tensors.backward(animate=True), "moved": nb.explore(shared)}
    return {name: thing.html for name, thing in made.items()}


def test_what_is_unpacked_is_the_text_that_was_packed(nb, show):
    text = "self.ran = [self.ran, document.currentScript.text, document.currentScript.parentNode.id];\n"
    text += "/* ünïcödé ∂ 数 𝕏 </script> <!-- \\n $& */ " + "x = 1;" * 9999
    made = nb._deflated("a1", text)
    assert unpacked(made) == text and made == nb._deflated("a1", text) and made.isascii() and len(made) < 1500
    page = show("<div id=other data-film=a0></div><div id=own data-film=a1></div>", made)
    page.wait_for_function("self.ran")
    assert page.evaluate("self.ran") == [None, text, "own"] and page.locator("#other *").count() == 0


def test_the_script_in_an_output_is_the_readable_one(nb, outputs):
    for name, readable in [(name, nb._PLAYER_SCRIPT) for name in list(outputs)[:3]] + [("moved", nb._EXPLORER_SCRIPT)]:
        text, at = unpacked(outputs[name]), 0
        lines = [line for line in CODE.sub("\n", readable).split("\n")
                 if line and not re.search("SHELL|FILM|GRAPH|RULES", line)]
        assert len(lines) > 100
        for line in lines:
            at = text.index(line, at) + len(line)


def test_a_script_takes_less_than_13_kb(outputs):
    for name, page in outputs.items():
        still, script = page.split("<script>")
        assert "Run this cell" in still and len(script.encode()) < 13_000 < len(unpacked(page)), name


def test_each_on_a_page_has_its_own_controls(show, outputs):
    page = show(*outputs.values(), outputs["shared"])
    players = [page.locator(".mg-player").nth(k) for k in range(5)]
    before = [counter(player) for player in players]
    for k, name in ((0, "next step"), (1, "last step"), (2, "next step"), (4, "next step")):
        button(players[k], name).click()
    button(players[3], "Step downhill").click()
    after = [counter(player) for player in players]
    assert before == ["Start", "Forward pass", "Start", "L = 42", "Forward pass"]
    assert [after[k] for k in (0, 1, 2, 4)] == ["Step 1 of 5", "Done", "Step 1 of 4", "Forward 1 of 3"]
    assert after[3] not in ("L = 42", "L = –") and page.locator(".mg-player script").count() == 0


def test_one_that_the_page_is_still_reading_is_left_to_its_own_script(show, outputs):
    name = re.search('data-film="([^"]+)"', outputs["neuron"])[1]
    page = show(outputs["neuron"], f"<div data-film={name}>read up to here")
    page.wait_for_timeout(100)
    assert page.get_by_text("read up to here").get_attribute("data-live") is None
    assert counter(page.locator(".mg-player")) == "Start"


LATE = """const read = Response.prototype.text, wait = new Promise(done => { self.release = done; });
Response.prototype.text = async function() { const text = await read.call(this); await wait; return text; };"""


def test_one_that_is_off_the_page_while_its_script_is_unpacked_runs_when_it_is_back(show, outputs):
    page = show("<div>", outputs["neuron"], "</div><div>", outputs["neuron"], "</div>", script=LATE, wait=False)
    assert page.get_by_text("Run this cell to play.").count() == 2
    page.evaluate("""async () => {  // as a notebook does with cells that are out of sight
      self.away = document.querySelector(".mg-player"); away.home = away.parentNode; away.remove();
      release(); }""")
    live(page)
    assert not page.evaluate("!!away.dataset.live") and page.locator(".mg-player").count() == 1
    page.evaluate("away.home.append(away)")
    live(page)
    first, second = (page.locator(".mg-player").nth(k) for k in (0, 1))
    button(first, "next step").click()
    assert (counter(first), counter(second)) == ("Step 1 of 5", "Start")
    assert page.locator(".mg-player script").count() == 0


def test_in_a_browser_that_cannot_unpack_the_still_picture_stands(show, outputs):
    page = show(*outputs.values(), script="delete self.DecompressionStream", wait=False)  # Safari before 16.4
    page.wait_for_timeout(300)
    assert page.locator("[data-live]").count() == 0 and page.locator(".mg-player script").count() == 0
    widths = page.locator(".mg-player img").evaluate_all("all => Promise.all(all.map(i => i.decode().then(() => i.width)))")
    assert len(widths) == 4 and min(widths) > 400
    assert page.get_by_text("Run this cell to play.").count() == 3
    assert page.get_by_text("Run this cell to move its numbers.").is_visible()


def test_it_runs_where_a_page_may_neither_fetch_nor_eval(show, outputs):
    rights = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
    page = show(*outputs.values(), head=f'<meta http-equiv="Content-Security-Policy" content="{rights}">')
    button(page.locator(".mg-player").first, "next step").click()
    assert counter(page.locator(".mg-player").first) == "Step 1 of 5"
