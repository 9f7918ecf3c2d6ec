"""Builds and runs the C and C++ programs of the README and of the tutorials against an installed
rogue_mem.

A block marked `c` or `cpp` is a whole program that takes no arguments and ends with status 0; one
marked `c no_run` or `cpp no_run` is only built. The C++ programs are built by the `cmake` block of
their page; the C programs are built, and run, by its `sh` block with pkg-config. A page without
such a block has those of the README. A program that names port 9000 of this machine finds a server
there, and one that maps a device maps a file.
"""

import argparse
import ctypes
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

#: The server of the tutorials, and the registers of their Zynq.
SERVER = '"127.0.0.1", 9000'
DEVICE, DEVICE_BYTES = '0x43C00000, 0x10000, "/dev/mem"', 0x10000


def serve(library):
    """Serves an emulated memory, until this process ends; its port."""
    native = ctypes.CDLL(str(library))
    native.rogue_mem_tcp_server_master.restype = ctypes.c_void_p
    memory, server = ctypes.c_void_p(), ctypes.c_void_p()
    made = native.rogue_mem_emulate_new(4, 0x1000, ctypes.byref(memory))
    made = made or native.rogue_mem_tcp_server_new(b"127.0.0.1", 0, None, ctypes.byref(server))
    assert made == 0, made
    master = ctypes.c_void_p(native.rogue_mem_tcp_server_master(server))
    native.rogue_mem_master_set_slave(master, memory)
    return native.rogue_mem_tcp_server_port(server)


class Builder:
    def __init__(self, arguments, found, port):
        """Builds as the blocks of a page say."""
        self.arguments = arguments
        self.cmake_project = only([text for words, _, text in found if words[0] == "cmake"])
        scripts = [text for words, _, text in found if words[0] == "sh"]
        self.pkg_config_lines = only([text for text in scripts if "$(pkg-config" in text])
        self.lib = pathlib.Path(arguments.prefix) / arguments.libdir
        self.port = port

    def placed(self, source, folder):
        """The program with what this machine has in place of the tutorials' server and board."""
        if DEVICE in source:
            (folder / "registers").write_bytes(bytes(DEVICE_BYTES))
            device = '0, 0x%x, "%s"' % (DEVICE_BYTES, folder / "registers")
            source = source.replace(DEVICE, device)
        return source.replace(SERVER, '"127.0.0.1", %d' % self.port)

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


def only(found):
    assert len(found) == 1, "%d blocks instead of one: %s" % (len(found), found)
    return found[0]


def pages(arguments):
    """The path and the blocks of each page; those that build are the README's if it has none."""
    readme = blocks(pathlib.Path(arguments.readme).read_text(encoding="utf-8"))
    yield arguments.readme, readme
    for path in sorted(pathlib.Path(arguments.tutorials).glob("*.md")):
        found = blocks(path.read_text(encoding="utf-8"))
        for language, mark in (("cmake", ""), ("sh", "$(pkg-config")):
            if not any(words[0] == language and mark in text for words, _, text in found):
                found += [one for one in readme if one[0][0] == language and mark in one[2]]
        yield path, found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("readme", "tutorials", "prefix", "libdir", "scratch", "cmake", "cc"):
        parser.add_argument("--" + name, required=True)
    arguments = parser.parse_args()
    scratch = pathlib.Path(arguments.scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    lib = pathlib.Path(arguments.prefix) / arguments.libdir
    environment = dict(os.environ, LD_LIBRARY_PATH=str(lib))
    port = serve(lib / "librogue_mem.so")
    built = {"c": 0, "cpp": 0}
    for page, found in pages(arguments):
        unmarked = [line for words, line, _ in found if words == [""]]
        if unmarked:
            raise SystemExit("%s: blocks without a language, at lines %s" % (page, unmarked))
        builder = Builder(arguments, found, port)
        for words, line, content in found:
            if words[0] not in built:
                continue
            print("--- %s, line %d: %s" % (page, line, " ".join(words)), flush=True)
            folder = scratch / pathlib.Path(page).stem / ("line_%d" % line)
            folder.mkdir(parents=True)
            program = getattr(builder, words[0])(builder.placed(content, folder), folder)
            built[words[0]] += 1
            if "no_run" not in words:
                call(program, env=environment, timeout=RUN_TIMEOUT_S, stdin=subprocess.DEVNULL)
    missing = [language for language, count in built.items() if count == 0]
    if missing:
        raise SystemExit("no page shows a program in: %s" % ", ".join(missing))
    print("%d programs in C and %d in C++ are right" % (built["c"], built["cpp"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
