"""Checks the packages that the console is built from against deny.toml.

The same questions as `cargo deny check licenses bans sources`, of which deny.toml is the settings
file: is every licence allowed, is no banned package there, does every package come from a known
source? Building cargo-deny takes longer than building the console, so the few keys that we use are
read here; a key that is not understood is an error.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KNOWN = {
    "graph": {"targets", "all-features"},
    "licenses": {"allow", "exceptions", "private", "confidence-threshold", "unused-allowed-license", "unused-license-exception", "version"},
    "bans": {"deny", "multiple-versions", "wildcards"},
    "sources": {"unknown-registry", "unknown-git", "allow-registry", "allow-git"},
    "advisories": None,  # needs the advisory database: not checked here
}


def satisfied(expression, allowed):
    """Whether an SPDX expression can be met with allowed licences alone."""
    # Old manifests write "MIT/Apache-2.0" for a choice.
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    position = 0

    def peek():
        return words[position] if position < len(words) else None

    def take():
        nonlocal position
        position += 1
        return words[position - 1]

    def either():
        value = both()
        while peek() == "OR":
            take()
            value = both() or value
        return value

    def both():
        value = single()
        while peek() == "AND":
            take()
            value = single() and value
        return value

    def single():
        if peek() == "(":
            take()
            value = either()
            if take() != ")":
                raise ValueError(expression)
            return value
        name = take()
        if name in ("AND", "OR", "WITH", ")"):
            raise ValueError(expression)
        if peek() == "WITH":
            take()
            name = f"{name} WITH {take()}"
        return name in allowed

    value = either()
    if position != len(words):
        raise ValueError(expression)
    return value


def packages():
    """Name, version and licence of what is compiled: for running, building and testing, and for the browser."""
    browser = ["--target", "wasm32-unknown-unknown", "--no-default-features", "--features", "hydrate"]
    found = set()
    for build in [], browser:
        command = ["cargo", "tree", "--locked", "-e", "normal,build,dev", "--prefix", "none", "--no-dedupe", "--format", "{p}|{l}", *build]
        lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        for line in lines:
            package, licence = line.split("|")
            name, version = package.split()[:2]
            found.add((name, version, licence))
    return sorted(found)


def sources():
    """Every package of Cargo.lock that is not our own, with where it comes from."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return [(package["name"], package["source"]) for package in lock["package"] if "source" in package]


def main():
    settings = tomllib.loads((ROOT / "deny.toml").read_text())
    complaints = []
    for section, keys in settings.items():
        if section not in KNOWN:
            complaints.append(f"deny.toml: section {section} is not understood")
        elif KNOWN[section] is not None:
            complaints += [f"deny.toml: {section}.{key} is not understood" for key in set(keys) - KNOWN[section]]

    allowed = set(settings["licenses"]["allow"])
    exceptions = {}
    for exception in settings["licenses"].get("exceptions", []):
        exceptions.setdefault(exception.get("crate") or exception["name"], set()).update(exception["allow"])
    banned = {
        entry if isinstance(entry, str) else entry.get("crate") or entry["name"]
        for entry in settings.get("bans", {}).get("deny", [])
    }
    registries = set(settings.get("sources", {}).get("allow-registry", ["https://github.com/rust-lang/crates.io-index"]))
    repositories = set(settings.get("sources", {}).get("allow-git", []))

    for name, source in sources():
        kind, _, address = source.partition("+")
        address = address.split("?")[0].split("#")[0]
        if address not in (registries if kind in ("registry", "sparse") else repositories):
            complaints.append(f"{name}: comes from {source}")

    all_packages = packages()
    for name, version, licence in all_packages:
        if name in banned:
            complaints.append(f"{name} {version}: is banned")
        if not licence:
            complaints.append(f"{name} {version}: names no licence")
            continue
        try:
            if not satisfied(licence, allowed | exceptions.get(name, set())):
                complaints.append(f"{name} {version}: licence {licence} is not allowed")
        except (ValueError, IndexError):
            complaints.append(f"{name} {version}: licence expression {licence!r} is not understood")
    met = {name for name, _, _ in all_packages}
    complaints += [f"deny.toml: the exception for {name} is not needed" for name in set(exceptions) - met]

    for complaint in complaints:
        print(complaint)
    print(f"{len(all_packages)} packages, {len(complaints)} complaints")
    return 1 if complaints else 0


sys.exit(main())
