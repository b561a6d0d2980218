#!/usr/bin/env python3
"""Drives the dashboard in a headless Chromium against live fleets, and takes a picture of each of its states.

    apt-get install chromium chromium-driver; pip install selenium
    python3 deploy/check_dashboard.py .build/release/shoal --out DIR

Exits with 1 where something is not as it should be: a console error, a request to another host, a page that scrolls
sideways on a phone, a button that does nothing, text that became markup. States that a small live fleet does not reach
(1,000 workers, a failed coordinator, secret participation) are the same page on made-up answers.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from dashboard_states import StandIn, made_up_states

PORT = 18670
PHONE = 380
failures = []


def check(is_true, what):
    print(("ok      " if is_true else "FAILED  ") + what, flush=True)
    if not is_true:
        failures.append(what)


class Program:
    """A shoal command with a monitor."""

    def __init__(self, shoal, *arguments, port=PORT):
        self.url = f"http://127.0.0.1:{port}/"
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log", delete=False)
        self.process = subprocess.Popen(
            [shoal, *arguments, "--http", f"127.0.0.1:{port}"], stdout=self.log, stderr=self.log, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        os.unlink(self.log.name)


def wait_for_run(url):
    """Until its run is open a program answers 503, which a browser would call an error."""
    for attempt in range(300):
        try:
            urllib.request.urlopen(url.split("#")[0] + "api/v1/run", timeout=10).close()
            return
        except urllib.error.HTTPError as error:
            if error.code != 503:
                return
        except OSError:
            pass
        time.sleep(0.1)


class Page:
    def __init__(self, out):
        self.out = out
        self.urls = []
        options = webdriver.ChromeOptions()
        for flag in ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        self.resize(1280)

    def resize(self, width, height=900):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def open(self, url):
        self.urls.append(url)
        wait_for_run(url)
        # A page may take longer than a program to begin.
        for attempt in range(100):
            try:
                self.driver.get(url)
                if self.driver.find_elements(By.ID, "headline"):
                    break
            except Exception:
                pass
            time.sleep(0.2)
        self.driver.get_log("browser")

    def text(self, identifier):
        return self.driver.find_element(By.ID, identifier).text

    def wait(self, what, condition, seconds=60):
        try:
            WebDriverWait(self.driver, seconds, poll_frequency=0.2).until(lambda _: condition())
            check(True, what)
        except Exception as error:
            check(False, f"{what} ({type(error).__name__}; state '{self.text('state')}', '{self.text('headline')}')")

    def rows(self):
        # In one step: the table may be drawn anew meanwhile.
        return self.driver.execute_script(
            "return [...document.querySelectorAll('#fleet tbody th')].map((cell) => cell.firstChild.textContent)")

    def theme(self, name):
        Select(self.driver.find_element(By.ID, "theme")).select_by_value(name)

    def shoot(self, name):
        """Both themes on a wide screen, one on a phone; neither may scroll sideways."""
        for theme, width in [("light", 1280), ("dark", 1280), ("light", PHONE)]:
            self.resize(width)
            self.theme(theme)
            self.driver.execute_script("document.activeElement.blur()")
            time.sleep(0.6)
            seen = self.driver.execute_script(
                "return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
            check(seen[0] <= width, f"{name}: no sideways scrolling at {width} px ({seen[0]})")
            wide = self.driver.execute_script(
                "return [...document.querySelectorAll('.card')].filter((card) => card.scrollWidth > card.clientWidth + 1)"
                ".map((card) => `${card.textContent.trim().slice(0, 20)}: ${card.scrollWidth} of ${card.clientWidth}`)")
            check(not wide, f"{name}: nothing sticks out of its card at {width} px {wide or ''}")
            self.resize(width, min(seen[1], 6000))
            time.sleep(0.4)
            kind = "phone" if width == PHONE else theme
            self.driver.save_screenshot(str(self.out / f"{name}-{kind}.png"))
        self.resize(1280)

    def check_quiet(self, name):
        """No console error, and nothing asked of another host."""
        errors = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        check(not errors, f"{name}: no console errors {errors or ''}")
        outside = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith((*self.urls, "data:", "about:", "chrome:")):
                    outside.add(url)
        check(not outside, f"{name}: no outside requests {outside or ''}")

    def press(self, button):
        self.driver.find_element(By.ID, button).click()
        self.driver.find_element(By.ID, "confirm-yes").click()


def check_structure(page):
    found = page.driver.execute_script("""
        const named = (control) => control.labels?.length || control.textContent.trim() || control.ariaLabel;
        return {
          landmarks: ["header", "main", "footer"].filter((tag) => document.querySelector(tag)).length,
          headings: document.querySelectorAll("h1").length,
          unnamed: [...document.querySelectorAll("#board button, #board input, #board select")].filter((one) =>
            one.offsetParent && !named(one)).length,
          headers: [...document.querySelectorAll("#fleet thead th")].every((cell) => cell.scope === "col" && cell.ariaSort),
          live: document.querySelectorAll("[aria-live=polite], [role=status]").length,
          svg: document.querySelector("#chart svg")?.getAttribute("aria-label") ?? "",
        }""")
    check(found["landmarks"] == 3 and found["headings"] == 1, "landmarks and one top heading")
    check(found["unnamed"] == 0, "every control has a name")
    check(found["headers"], "column headers tell their scope and order")
    check(found["live"] >= 2, "changes are told politely")
    check("held-out loss" in found["svg"], f"the chart says what it shows: {found['svg']}")
    page.driver.execute_script("document.activeElement.blur()")
    page.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    outline = page.driver.execute_script(
        "const one = document.activeElement; return [one.className, getComputedStyle(one).outlineStyle]")
    check(outline == ["skip", "solid"], f"the first Tab leads to the skip link, with its focus visible {outline}")


def check_empty(page, shoal, folder):
    config = folder / "empty.yaml"
    config.write_text("model: built-in\ndata: {path: built-in}\nfederation: {workers: 4, rounds: 5, workers-per-round: 4}\n")
    with Program(shoal, "coordinator", "--config", str(config), "--state", str(folder / "empty"),
                 "--bind", "tcp://127.0.0.1:0") as program:
        page.open(program.url)
        page.wait("empty: it says what it waits for", lambda: "0 of 4 workers are connected" in page.text("cause"))
        check("start the others" in page.text("remedy"), "empty: it says what to do")
        page.wait("empty: it says how to invite a worker", lambda: "shoal keys invite" in page.text("fleet-empty"))
        page.shoot("empty")
        page.check_quiet("empty")


def check_live(page, shoal, folder):
    with Program(shoal, "simulate", "--set", "federation.rounds=400", "--set", "evaluation.every=1", "--set",
                 "evaluation.source=workers", "--state", str(folder / "live")) as program:
        page.open(program.url)
        page.wait("live: it runs", lambda: page.text("state") == "Running")
        page.wait("live: ten workers are shown", lambda: len(page.rows()) == 10)
        page.wait("live: three rounds are drawn", lambda: len(page.driver.find_elements(By.CSS_SELECTOR, ".mark-held-dot")) >= 3, 180)
        page.wait("live: and what the workers say that it serves worst",
                  lambda: len(page.driver.find_elements(By.CSS_SELECTOR, ".mark-worst-dot")) >= 3)
        page.wait("live: each worker's own held-out loss", lambda: " first " in page.text("fleet").replace("\n", " "))
        check_structure(page)

        search = page.driver.find_element(By.ID, "search")
        search.send_keys("clin")
        page.wait("live: search finds one", lambda: page.rows() == ["clinic"], 10)
        check("1 found" in page.text("fleet-count"), "live: search says how many")
        search.clear()
        search.send_keys(" ", Keys.BACKSPACE)
        page.wait("live: an empty search finds all", lambda: len(page.rows()) == 10, 10)
        names = page.rows()
        page.driver.find_element(By.CSS_SELECTOR, "#fleet th[data-column=worker] button").click()
        page.wait("live: sorting turns round", lambda: page.rows() == names[::-1], 10)
        sorts = page.driver.find_element(By.CSS_SELECTOR, "#fleet th[data-column=worker]").get_attribute("aria-sort")
        check(sorts == "descending", "live: the header says the order")
        page.driver.find_element(By.CSS_SELECTOR, "#fleet th[data-column=worker] button").send_keys(Keys.ENTER)
        page.wait("live: sorting by keyboard", lambda: page.rows() == names, 10)
        Select(page.driver.find_element(By.ID, "filter")).select_by_value("away")
        page.wait("live: nobody is away", lambda: not page.rows() and page.text("fleet-empty") == "No worker is like that.", 10)
        Select(page.driver.find_element(By.ID, "filter")).select_by_value("all")
        page.wait("live: all again", lambda: len(page.rows()) == 10, 10)

        for theme in ["dark", "light"]:
            page.theme(theme)
            scheme = page.driver.execute_script("return getComputedStyle(document.documentElement).colorScheme")
            check(scheme == theme, f"live: the {theme} theme")
        page.driver.refresh()
        page.wait("live: a reloaded page", lambda: page.text("state") == "Running" and len(page.rows()) == 10)
        chosen = Select(page.driver.find_element(By.ID, "theme")).first_selected_option.get_attribute("value")
        check(chosen == "light", "live: the theme is kept")
        page.shoot("running")

        page.driver.find_element(By.ID, "pause").click()
        page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
        time.sleep(2)
        check(page.text("state") == "Running", "live: Escape changes nothing")
        page.press("pause")
        page.wait("live: paused", lambda: page.text("state") == "Paused", 20)
        check(page.driver.find_element(By.ID, "resume").is_displayed(), "live: the remedy is a button")
        time.sleep(2)
        page.shoot("paused")
        page.press("resume")
        page.wait("live: goes on", lambda: page.text("state") in ("Running", "Waiting"), 20)
        rounds = page.driver.execute_script("return known.run.publishedRounds")
        page.wait("live: rounds follow", lambda: page.driver.execute_script("return known.run.publishedRounds") > rounds, 90)
        page.check_quiet("live")
        os.killpg(program.process.pid, signal.SIGKILL)
        page.wait("live: a killed coordinator is noticed", lambda: page.text("state") == "No answer", 20)
        page.shoot("no-answer")


def check_finished(page, shoal, folder):
    with Program(shoal, "simulate", "--set", "federation.rounds=4", "--set", "evaluation.every=1",
                 "--state", str(folder / "finished")) as program:
        page.open(program.url)
        page.wait("finished: it comes to its end", lambda: page.text("state") == "Finished", 180)
        page.wait("finished: all rounds are shown", lambda: len(
            page.driver.find_elements(By.CSS_SELECTOR, "#rounds tbody tr")) == 4, 20)
        program.process.wait(180)
        page.wait("finished: it says that the coordinator has ended",
                  lambda: "ended" in page.text("link-text") and page.text("state") == "Finished", 20)
        page.shoot("finished")


def check_token(page, shoal, folder):
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text("0123456789abcdef0123456789abcdef\n")
    with Program(shoal, "simulate", "--set", "federation.rounds=400", "--state", str(folder / "token-state"),
                 "--http-token-file", str(token)) as program:
        page.open(program.url)
        page.wait("token: it is asked for", lambda: page.driver.find_element(By.ID, "token").is_displayed())
        page.shoot("token")
        page.driver.find_element(By.ID, "token").send_keys("not-the-token-at-all", Keys.ENTER)
        page.wait("token: a wrong one is refused", lambda: "not the coordinator's" in page.text("token-error"), 10)
        check(not page.driver.find_element(By.ID, "board").is_displayed(), "token: nothing is shown without it")
        page.driver.get_log("browser")
        page.driver.find_element(By.ID, "token").send_keys("0123456789abcdef0123456789abcdef", Keys.ENTER)
        page.wait("token: the right one opens", lambda: page.text("state") in ("Running", "Waiting"))
        page.driver.refresh()
        page.wait("token: a reloaded page keeps it", lambda: page.text("state") in ("Running", "Waiting"))
        check(page.driver.execute_script("return localStorage.length <= 1 && !JSON.stringify(localStorage).includes('0123')"),
              "token: it is nowhere but in this tab's session")
        page.check_quiet("token")
    page.driver.execute_script("sessionStorage.clear()")


def check_made_up(page, html, policy):
    for name, state in made_up_states().items():
        stand_in = StandIn(html, policy, state)
        try:
            page.open(stand_in.url)
            page.wait(f"{name}: {state['expect']}", lambda: page.text("state") == state["expect"], 15)
            if state["workers"]:
                page.wait(f"{name}: workers are shown", lambda: len(page.rows()) == min(50, len(state["workers"])), 15)
            if name == "thousand":
                page.driver.find_element(By.ID, "next").click()
                page.wait("thousand: the next page", lambda: "51–100 of 1,000" in page.text("page"), 10)
                page.driver.find_element(By.ID, "previous").click()
                page.wait("thousand: the page before", lambda: "1–50 of 1,000" in page.text("page"), 10)
                markup = page.driver.execute_script("return document.querySelectorAll('main img, main b b').length")
                check(markup == 0 and "<img src=x" in page.text("events"), "thousand: a worker's words stay text")
            energy = page.driver.execute_script("return document.querySelector('#tiles').textContent.match(/Energy[^E]*/)?.[0]")
            check({"secret": energy is None, "stays": energy and "≈" not in energy and "measured" in energy}.get(
                name, energy and "≈" in energy and "estimate" in energy), f"{name}: energy is marked as what it is ({energy})")
            if name == "stays":
                shown = [each for each in ("pause", "resume", "stop") if page.driver.find_element(By.ID, each).is_displayed()]
                check(not shown and page.text("link-text") == "live", f"stays: there is nothing to press {shown}")
            if name != "secret":
                page.wait(f"{name}: the workers that are served worst have a line",
                          lambda: page.driver.find_elements(By.CSS_SELECTOR, "polyline.mark-worst"), 10)
            page.wait(f"{name}: earlier runs stand below this one", lambda: page.driver.execute_script(
                "return [...document.querySelectorAll('#runs tbody th')].map((cell) => cell.textContent)")[1:]
                == ["41d09c77a2be6650", "9ae01f5521c4d30b"], 10)
            if name == "secret":
                columns = page.driver.find_elements(By.CSS_SELECTOR, "#fleet thead th")
                check([cell.get_attribute("data-column") for cell in columns] == ["worker", "memory", "software"],
                      "secret: what would tell who takes part has no column")
                check(page.driver.find_element(By.ID, "secret").is_displayed(), "secret: the page says so")
            page.shoot(name)
            page.check_quiet(name)
        finally:
            stand_in.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shoal", help="the program")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for the screenshots")
    parser.add_argument("--only", nargs="*", help="of: empty live finished token made-up")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = arguments.only or ["empty", "live", "finished", "token", "made-up"]
    shoal = os.path.abspath(arguments.shoal)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        page = Page(arguments.out)
        try:
            for name, work in [("empty", check_empty), ("live", check_live), ("finished", check_finished), ("token", check_token)]:
                if name in wanted:
                    work(page, shoal, folder)
            if "made-up" in wanted:
                check_made_up(page, *StandIn.page(shoal, PORT, folder))
        finally:
            page.driver.quit()
    print(f"{len(failures)} failed; screenshots in {arguments.out}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
