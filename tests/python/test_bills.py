"""The bills of materials, and the licences, of what is shipped."""

import json
import subprocess
import sys

from support import IS_CPYTHON, TOP


def said(*arguments):
    script = TOP / "scripts" / "third-party"
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout


def test_a_bill_names_what_is_linked_and_nothing_else():
    bill = json.loads(said("sbom", "library", "--purl", "pkg:pypi/rogue-mem-py@0.1.0"))
    names = [component["name"] for component in bill["components"]]
    assert "mio" in names and "Rust's standard library" in names
    # A macro's crate, one of the command line, one of the tests, one of another system.
    assert not {"zeroize_derive", "clap", "serde_json", "windows-sys"} & set(names)
    mio = next(component for component in bill["components"] if component["name"] == "mio")
    assert len(mio["hashes"][0]["content"]) == 64 and mio["licenses"] == [{"expression": "MIT"}]
    known = {component["bom-ref"] for component in bill["components"]} | {"artefact"}
    for need in bill["dependencies"]:
        assert known >= {need["ref"], *need["dependsOn"]}
    assert "clap" in said("sbom", "program")


def test_a_bill_is_what_cyclonedx_says():
    if not IS_CPYTHON:
        # The validator has parts in Rust, which PyPy would have to compile.
        return
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    for part in ("library", "program"):
        assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(said("sbom", part)) is None


def test_the_notices_have_a_licence_of_each_crate():
    text = said("notices")
    heading, *texts = text.split("-" * 80 + "\n")
    titles = ", ".join(texts[0::2])
    for line in heading.splitlines():
        if line.startswith("  "):
            name, version = line.split()[:2]
            assert "%s %s" % (name, version) in titles, line
