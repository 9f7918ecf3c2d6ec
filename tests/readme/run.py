"""Builds and runs the C and C++ programs of the README against an installed rogue_mem.

A block marked `c` or `cpp` is a whole program that takes no arguments and ends with status 0; one
marked `c no_run` or `cpp no_run` is only built. The C++ programs are built by the README's own
`cmake` block; the C programs are built, and run, by its `sh` block with pkg-config.
"""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

# An upper bound against a hang.
RUN_TIMEOUT_S = 60
FENCE = re.compile(r"^```(.*)$")


def blocks(text):
    """The fenced blocks: (words behind the fence, line number, content)."""
    found, opened = [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and opened is None:
            opened = (re.split(r"[ ,]+", fence.group(1).strip()), number, [])
        elif fence:
            words, first, lines = opened
            found.append((words, first, "\n".join(lines) + "\n"))
            opened = None
        elif opened:
            opened[2].append(line)
    if opened:
        raise SystemExit("the block at line %d is not closed" % opened[1])
    return found


def call(*command, **options):
    print("+", " ".join(shlex.quote(str(word)) for word in command), flush=True)
    subprocess.run([str(word) for word in command], check=True, **options)


#: Where the README's words put the installation.
README_PREFIX = "/opt/rogue-mem"


class Builder:
    def __init__(self, arguments, cmake_project, pkg_config_lines):
        self.arguments = arguments
        self.cmake_project = cmake_project
        self.pkg_config_lines = pkg_config_lines
        self.lib = pathlib.Path(arguments.prefix) / arguments.libdir

    def c(self, source, folder):
        """The program that the README's lines make of a C file, and run (f26)."""
        (folder / "main.c").write_text(source)
        lines = self.pkg_config_lines.replace(README_PREFIX + "/lib", str(self.lib))
        assert README_PREFIX not in lines, lines
        flags = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
        lines = re.sub(
            r"^cc ", shlex.join([self.arguments.cc, *flags]) + " ", lines, flags=re.MULTILINE
        )
        environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
        call("sh", "-ec", lines, cwd=folder, env=environment, timeout=RUN_TIMEOUT_S)
        return folder / "main"

    def cpp(self, source, folder):
        """The program that the README's CMake project makes of a C++ file."""
        (folder / "main.cpp").write_text(source)
        (folder / "CMakeLists.txt").write_text(self.cmake_project)
        build = folder / "build"
        prefix = "-DCMAKE_PREFIX_PATH=%s" % self.arguments.prefix
        call(self.arguments.cmake, "-S", folder, "-B", build, prefix, stdout=subprocess.DEVNULL)
        call(self.arguments.cmake, "--build", build, stdout=subprocess.DEVNULL)
        name = re.search(r"add_executable\((\w+)", self.cmake_project).group(1)
        return build / name


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("readme", "prefix", "libdir", "scratch", "cmake", "cc"):
        parser.add_argument("--" + name, required=True)
    arguments = parser.parse_args()

    found = blocks(pathlib.Path(arguments.readme).read_text(encoding="utf-8"))
    unmarked = [line for words, line, _ in found if words == [""]]
    if unmarked:
        raise SystemExit("blocks without a language, at lines %s" % unmarked)
    projects = [content for words, _, content in found if words[0] == "cmake"]
    if len(projects) != 1:
        raise SystemExit("%d cmake blocks instead of one" % len(projects))

    lines = [
        content for words, _, content in found if words[0] == "sh" and "$(pkg-config" in content
    ]
    if len(lines) != 1:
        raise SystemExit("%d blocks with pkg-config instead of one" % len(lines))

    scratch = pathlib.Path(arguments.scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    builder = Builder(arguments, projects[0], lines[0])
    environment = dict(os.environ, LD_LIBRARY_PATH=str(builder.lib))
    built = {"c": 0, "cpp": 0}
    for words, line, content in found:
        if words[0] not in built:
            continue
        print("--- README.md, line %d: %s" % (line, " ".join(words)), flush=True)
        folder = scratch / ("line_%d" % line)
        folder.mkdir(parents=True)
        program = getattr(builder, words[0])(content, folder)
        built[words[0]] += 1
        if "no_run" not in words:
            call(program, env=environment, timeout=RUN_TIMEOUT_S, stdin=subprocess.DEVNULL)
    missing = [language for language, count in built.items() if count == 0]
    if missing:
        raise SystemExit("README.md shows no program in: %s" % ", ".join(missing))
    print("%d programs in C and %d in C++ are right" % (built["c"], built["cpp"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
