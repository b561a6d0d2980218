#!/usr/bin/env python3
"""Checks what deploy/kubernetes builds, without a cluster: deploy/check_kubernetes.py [--program SHOAL]

Every folder that stands alone is built with `kubectl kustomize`. Its objects must fit the schemas of the Kubernetes versions
below, its pods the restricted profile (but for the folders of a node), and whatever refers to something (a selector, a port,
a volume, a ConfigMap) must find it. With --program the options of every container, the run files and the policies are judged
by the program itself. Needs kubectl and `pip install kubernetes-validate pyyaml`.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

FOLDER = pathlib.Path(__file__).resolve().parent / "kubernetes"
BUILDS = ["base", "nodes", "overlays/example", "archive"]
# The rules for alerts find a coordinator under this name.
SCRAPE_JOB = "shoal"
VERSIONS = ["1.29", "1.31", "1.33"]
# Made by the person who deploys: secrets by hand, the volume with the workers' text; and by the StatefulSet, its pod's.
GIVEN = {"Secret": {"shoal-monitor": {"token", "tls.crt", "tls.key"}, "shoal-joins": None},
         "PersistentVolumeClaim": {"shoal-data": None, "state-shoal-coordinator-0": None}}
# Of the restricted Pod Security Standard.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}

problems = []


def complain(where, what):
    problems.append(f"{where}: {what}")


def build(folder):
    text = subprocess.run(["kubectl", "kustomize", str(FOLDER / folder)], check=True, capture_output=True, text=True).stdout
    return [item for item in yaml.safe_load_all(text) if item]


def pod_of(item):
    return item["spec"]["template"] if item["kind"] in ("StatefulSet", "DaemonSet", "Job", "Deployment") else None


def matches(selector, labels):
    return all(labels.get(key) == value for key, value in (selector or {}).get("matchLabels", {}).items())


def check_schema(where, item):
    if item["apiVersion"].startswith("monitoring.coreos.com/"):
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            complain(where, f"Kubernetes {version}: {error.message} at {list(error.path)}")


def check_restricted(where, pod, may_use_node):
    shared = pod.get("securityContext", {})
    if shared.get("runAsNonRoot") is not True or not shared.get("runAsUser"):
        complain(where, "may run as root")
    if shared.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        complain(where, "has no seccomp profile")
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            complain(where, f"uses {key}")
    if pod.get("automountServiceAccountToken") is not False:
        complain(where, "gets a token of the cluster, which it does not need")
    for volume in pod.get("volumes", []):
        kind = next(key for key in volume if key != "name")
        if kind not in VOLUMES and not (may_use_node and kind == "hostPath"):
            complain(where, f"volume {volume['name']} is a {kind}")
    for container in pod.get("initContainers", []) + pod["containers"]:
        name = f"{where}, container {container['name']}"
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False:
            complain(name, "may gain privileges")
        if own.get("readOnlyRootFilesystem") is not True:
            complain(name, "may write its root file system")
        if own.get("capabilities", {}).get("drop") != ["ALL"] or own["capabilities"].get("add"):
            complain(name, "keeps capabilities")
        if own.get("privileged") or own.get("runAsUser") == 0 or own.get("runAsNonRoot") is False:
            complain(name, "runs as root")
        if "memory" not in container.get("resources", {}).get("limits", {}):
            complain(name, "has no memory limit")
        tag = container["image"].rpartition(":")[2]
        if "/" in tag or tag == "latest":
            complain(name, f"takes whatever image is newest: {container['image']}")
        for port in ("livenessProbe", "readinessProbe", "startupProbe"):
            wanted = container.get(port, {}).get("httpGet", {}).get("port")
            if wanted and wanted not in {each["name"] for each in container.get("ports", [])}:
                complain(name, f"{port} asks the port {wanted}, which it does not have")


def check_staying(where, item):
    """What ends with its run is started again, after longer and longer pauses, by whatever keeps pods running."""
    if item["kind"] not in ("DaemonSet", "StatefulSet", "Deployment"):
        return
    for container in pod_of(item)["spec"]["containers"]:
        if (container.get("args") or [""])[0] in ("worker", "coordinator") and "--stay" not in container["args"]:
            complain(f"{where}, container {container['name']}", "ends with its run, and would be started again for ever; give it --stay")


def check_references(folder, items):
    named = {(item["kind"], item["metadata"]["name"]) for item in items}
    pods = [(item, pod_of(item)) for item in items if pod_of(item)]

    def found(kind, name, where):
        if (kind, name) not in named and name not in GIVEN.get(kind, {}):
            complain(where, f"refers to the {kind} {name}, which nobody makes")

    for item, template in pods:
        where, pod = f"{folder}: {item['kind']} {item['metadata']['name']}", template["spec"]
        if not matches(item["spec"].get("selector"), template["metadata"]["labels"]):
            complain(where, "does not select its own pods")
        found("ServiceAccount", pod.get("serviceAccountName"), where)
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", [])}
        used = {mount["name"] for each in pod.get("initContainers", []) + pod["containers"]
                for mount in each.get("volumeMounts", [])}
        for name in used ^ volumes:
            complain(where, f"the volume {name} is mounted or declared, but not both")
        for volume in pod.get("volumes", []):
            if "configMap" in volume:
                found("ConfigMap", volume["configMap"]["name"], where)
            if "secret" in volume:
                found("Secret", volume["secret"]["secretName"], where)
            if "persistentVolumeClaim" in volume:
                found("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"], where)
        for each in pod.get("initContainers", []) + pod["containers"]:
            known = {variable["name"] for variable in each.get("env", [])}
            text = json.dumps([each.get("args"), each.get("command"), each.get("volumeMounts")])
            for name in {part.partition(")")[0] for part in text.split("$(")[1:]} - known:
                complain(where, f"container {each['name']} uses $({name}), which it does not have")
    for item in items:
        where, spec = f"{folder}: {item['kind']} {item['metadata']['name']}", item.get("spec", {})
        if item["kind"] == "Service":
            ports = [port for owner, template in pods
                     if matches({"matchLabels": spec["selector"]}, template["metadata"]["labels"])
                     for each in template["spec"]["containers"] for port in each.get("ports", [])]
            for port in spec["ports"]:
                if port["targetPort"] not in {each["name"] for each in ports}:
                    complain(where, f"no pod behind it has the port {port['targetPort']}")
        if item["kind"] in ("PodDisruptionBudget", "NetworkPolicy"):
            selector = spec.get("selector", spec.get("podSelector"))
            is_of_others = item["kind"] == "NetworkPolicy" and folder == "base"  # Workers come with a component.
            if not is_of_others and not any(matches(selector, pod["metadata"]["labels"]) for _, pod in pods):
                complain(where, "selects no pod")
        if item["kind"] == "ServiceMonitor":
            services = [each for each in items if each["kind"] == "Service"
                        and matches(spec["selector"], each["metadata"].get("labels", {}))]
            if not services:
                complain(where, "selects no service")
            job = spec.get("jobLabel")
            if any(each["metadata"].get("labels", {}).get(job) != SCRAPE_JOB for each in services):
                complain(where, f"what it scrapes is not the job {SCRAPE_JOB}, for which the alerts are")
            for endpoint in spec["endpoints"]:
                if not any(endpoint["port"] == port["name"] for each in services for port in each["spec"]["ports"]):
                    complain(where, f"no service has the port {endpoint['port']}")
                for secret in (endpoint["authorization"]["credentials"], endpoint["tlsConfig"]["ca"]["secret"]):
                    if secret["key"] not in GIVEN["Secret"][secret["name"]]:
                        complain(where, f"the Secret {secret['name']} has no {secret['key']}")


def options(command):
    return {"--" + name["name"] for argument in command.get("arguments", []) for name in argument.get("names", [])
            if name["kind"] == "long"}


def check_command(where, root, words):
    command, rest = root, list(words)
    while rest and not rest[0].startswith("-"):
        found = [each for each in command.get("subcommands", []) if each["commandName"] == rest[0]]
        if not found:
            break
        command, rest = found[0], rest[1:]
    places = [each for each in command.get("arguments", []) if each["kind"] == "positional"]
    if command is root or len([word for word in rest if not word.startswith("-")]) > len(places):
        complain(where, f"shoal has no command {' '.join(words)}")
    for word in rest:
        if word.startswith("-") and word.partition("=")[0] not in options(command):
            complain(where, f"shoal {' '.join(words[:len(words) - len(rest)])} has no {word}")


def check_with_program(program, folder, items):
    dump = subprocess.run([program, "--experimental-dump-help"], check=True, capture_output=True, text=True).stdout
    root = json.loads(dump)["command"]
    for item in items:
        where = f"{folder}: {item['kind']} {item['metadata']['name']}"
        for each in (pod_of(item) or {"spec": {"containers": []}})["spec"]["containers"]:
            check_command(where, root, each["args"])
        if item["kind"] == "ConfigMap":
            for name, text in item["data"].items():
                with tempfile.TemporaryDirectory() as scratch:
                    path = pathlib.Path(scratch) / name
                    path.write_text(text)
                    check = ["config", "policy", path] if name == "policy.yaml" else ["config", "check", "--config", path]
                    outcome = subprocess.run([program, *check], capture_output=True, text=True)
                    if outcome.returncode:
                        complain(where, f"{name}: {outcome.stderr.strip()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", help="a built shoal, to judge options, run files and policies as well")
    given = parser.parse_args()
    count = 0
    for folder in BUILDS:
        items = build(folder)
        count += len(items)
        spaces = {item["metadata"]["name"]: item["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
                  for item in items if item["kind"] == "Namespace"}
        for item in items:
            where = f"{folder}: {item['kind']} {item['metadata']['name']}"
            check_schema(where, item)
            check_staying(where, item)
            if item["kind"] != "Namespace" and item["metadata"].get("namespace") not in spaces:
                complain(where, "is in no namespace of this folder")
            if pod_of(item):
                check_restricted(where, pod_of(item)["spec"], spaces.get(item["metadata"].get("namespace")) == "privileged")
        check_references(folder, items)
        if given.program:
            check_with_program(given.program, folder, items)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(1)
    print(f"{count} objects of {len(BUILDS)} folders are well for Kubernetes {', '.join(VERSIONS)}")


if __name__ == "__main__":
    main()
