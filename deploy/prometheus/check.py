#!/usr/bin/env python3
"""Checks the alerts, their tests, the example configuration and the dashboard: deploy/prometheus/check.py [--metrics FILE]

Every expression of deploy/grafana/dashboard.json must be one that Prometheus reads. With --metrics, the answer of a
coordinator's /metrics (`curl -s 127.0.0.1:8670/metrics >FILE`), that answer is judged as well, and alerts and dashboard may
name no metric that a coordinator never serves. Needs promtool (Debian's package prometheus).
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
DASHBOARD = FOLDER.parent / "grafana" / "dashboard.json"
ALERTS = FOLDER / "alerts.yaml"
METRIC = re.compile(r"\b(?:shoal|process)_[a-z_]+")


def promtool(*arguments, **options):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, **options)


def require(outcome, what):
    if outcome.returncode:
        sys.exit(f"{what}\n{outcome.stdout}{outcome.stderr}")


def expressions(dashboard):
    """Of every panel and annotation, with what it belongs to."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def check_dashboard(dashboard):
    names = [panel["id"] for panel in dashboard["panels"]]
    if len(set(names)) != len(names):
        sys.exit("two panels of the dashboard have the same id")
    places = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        squares = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        if squares & places or at["x"] + at["w"] > 24:
            sys.exit(f"the panel {panel['title']} lies over another or beyond the page")
        places |= squares
    rules = []
    for index, (title, expression) in enumerate(expressions(dashboard)):
        # Grafana fills its variables in before Prometheus sees an expression.
        filled = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
        if "$" in filled:
            sys.exit(f"the panel {title} uses a variable that nobody fills in: {expression}")
        rules.append({"record": f"panel:{index}", "expr": filled})
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)  # JSON is YAML.
        file.flush()
        require(promtool("check", "rules", file.name), "an expression of the dashboard cannot be read:")
    return len(rules)


def check_metrics(path, dashboard):
    text = path.read_text()
    require(promtool("check", "metrics", input=text), "promtool dislikes the metrics:")
    served = set(re.findall(r"^([a-z_]+)(?:\{| )", text, re.MULTILINE))
    wanted = set(METRIC.findall(ALERTS.read_text()))
    for _, expression in expressions(dashboard):
        wanted |= set(METRIC.findall(expression))
    # Some are served once there is something to tell: a budget, energy, a refusal.
    sources = "\n".join(path.read_text() for path in (FOLDER.parent.parent / "Sources").rglob("*.swift"))
    missing = sorted(name for name in wanted - served if f'"{name}"' not in sources)
    if missing:
        sys.exit("alerts and dashboard name what no coordinator serves: " + ", ".join(missing))
    return len(wanted & served), len(wanted - served)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--metrics", type=pathlib.Path, help="the answer of a coordinator's /metrics")
    given = parser.parse_args()
    require(promtool("check", "rules", ALERTS), "the alerts cannot be read:")
    require(promtool("test", "rules", "alerts.test.yaml", cwd=FOLDER), "a test of the alerts fails:")
    require(promtool("check", "config", FOLDER / "prometheus.yaml"), "the example configuration cannot be read:")
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text())
    tests = (FOLDER / "alerts.test.yaml").read_text()
    for alert in alerts:
        if f"alertname: {alert}" not in tests:
            sys.exit(f"no test makes {alert} fire")
    dashboard = json.loads(DASHBOARD.read_text())
    count = check_dashboard(dashboard)
    print(f"{len(alerts)} alerts, each with a test, and {count} expressions of the dashboard are well")
    if given.metrics:
        served, later = check_metrics(given.metrics, dashboard)
        print(f"{served} metrics that they name are served, {later} more once there is something to tell")


if __name__ == "__main__":
    main()
