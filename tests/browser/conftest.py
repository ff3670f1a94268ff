from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from demonstration import LiveDemonstration
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDemonstration]:
    """A demonstration in which one observation is done and others are still to come.

    From then on its clock goes as clocks do, so that the night is not over before the last test on a busy machine.
    """
    demonstration = LiveDemonstration.start(tmp_path_factory.mktemp("browser") / "demo-data", speed=60.0)
    portal = demonstration.portal("astronomer")

    def one_is_done() -> bool:
        schedule = list(portal.schedule(states=("PENDING", "IN_PROGRESS", "COMPLETED")))
        states = {it.state for it in schedule}
        if "PENDING" in states and not states & {"IN_PROGRESS", "COMPLETED"}:
            demonstration.skip_to(min(it.start for it in schedule) - timedelta(minutes=5))
        return "COMPLETED" in states

    demonstration.wait_for(one_is_done, "the first observation to be done")
    demonstration.run_at(1.0)
    yield demonstration
    demonstration.interrupt()


class Visitor:
    """Somebody with a browser."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def visit(self, path: str) -> None:
        self.driver.get(self.url + path)

    def sign_in(self, username: str, password: str) -> None:
        self.find("[name=username]").send_keys(username)
        self.find("[name=password]").send_keys(password)
        self.find("[name=password]").submit()

    def find(self, selector: str) -> Any:
        """The first element of a CSS selector, as soon as there is one."""
        return self.wait(lambda: self.driver.find_elements(By.CSS_SELECTOR, selector), f"{selector} to appear")[0]

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until the condition is fulfilled, whatever pages and parts of pages come and go meanwhile."""
        patience = WebDriverWait(self.driver, 60, ignored_exceptions=[StaleElementReferenceException])
        try:
            return patience.until(lambda _: condition())
        except TimeoutException:
            shown = self.driver.find_element(By.TAG_NAME, "body").text[:1500]
            raise AssertionError(f"waited in vain for {what}; {self.driver.current_url} says: {shown}") from None

    def text(self) -> str:
        return str(self.find("main").text)

    def complaints(self) -> list[str]:
        """What the browser's console holds against the page: scripts that fail, files that are missing."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def overflow_px(self) -> int:
        """By how much the page is wider than the window."""
        script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.driver.execute_script(script))

    def narrowest_fact_px(self) -> int:
        """The width of the narrowest value in the lists of facts of the page; the window's width if there is none."""
        script = "return Math.min(innerWidth, ...[...document.querySelectorAll('dl dd')].map((it) => it.clientWidth))"
        return int(self.driver.execute_script(script))


@contextmanager
def _browser(width_px: int, *, dark: bool = False) -> Iterator[webdriver.Chrome]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        for switch in (*_SWITCHES, f"--user-data-dir={profile}", f"--window-size={width_px},900"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        downloads = {"download.default_directory": str(Path(profile) / "downloads")}
        options.add_experimental_option("prefs", downloads)
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        screen = {"width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": width_px < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        try:
            yield driver
        finally:
            driver.quit()


@pytest.fixture
def visitor(night: LiveDemonstration) -> Iterator[Visitor]:
    """Somebody who has not signed in, at a desk."""
    with _browser(1280) as driver:
        yield Visitor(driver, night.url)


@pytest.fixture
def astronomer(night: LiveDemonstration, visitor: Visitor) -> Visitor:
    """The astronomer, signed in, at a desk."""
    visitor.visit("/accounts/login/?next=/tonight/")
    visitor.sign_in("astronomer", night.password("astronomer"))
    visitor.find(".who form")
    return visitor


@pytest.fixture(params=[(1280, False), (1280, True), (390, False), (390, True)], ids=str)
def any_screen(request: pytest.FixtureRequest, night: LiveDemonstration) -> Iterator[Visitor]:
    """The astronomer at a desk and on a phone, by day and by night."""
    width_px, dark = request.param
    with _browser(width_px, dark=dark) as driver:
        visitor = Visitor(driver, night.url)
        visitor.visit("/accounts/login/?next=/tonight/")
        visitor.sign_in("astronomer", night.password("astronomer"))
        visitor.find(".who form")
        yield visitor
