"""Shows a generated C header to Doxygen: its sections become groups, and its first comment a page.

    doxygen_filter.py HEADER     writes to standard output, as Doxygen's INPUT_FILTER does

Lines keep their numbers, so that Doxygen's messages name those of the header.
"""

import pathlib
import re
import sys

#: A section: its title, and the comment that introduces it.
SECTION = re.compile(r"^/\* --- (.*?) -+ \*/\n\n/\* (.*?) \*/$", re.MULTILINE | re.DOTALL)
#: A rule in such a comment begins with its subject: a word or two with a full stop.
SUBJECT = re.compile(r"^ \* ([A-Z][a-z]+(?: [a-z]+)?)\. (?=[A-Z])", re.MULTILINE)
#: The first comment: what the file is, and the rules for all of it.
HEAD = re.compile(r"\A/\* \S+: (.*?)\.\n(.*?)\*/", re.DOTALL)
END = "\n#ifdef __cplusplus\n}\n"

PAGES = {
    "rogue_mem.h": "@mainpage The C interface",
    "rogue_mem_binding.h": "@page bindings For bindings to other languages",
}


def shown(name, text):
    groups = 0

    def group(section):
        nonlocal groups
        groups += 1
        title, words = section.groups()
        end = "/**@}*/ " if groups > 1 else ""
        key = re.sub(r"\W+", "_", "%s %s" % (name, title)).lower()
        words = SUBJECT.sub(r" * **\1.** ", words)
        return "%s/** @defgroup %s %s\n *\n * %s @{ */" % (end, key, title, words)

    def head(comment):
        what, rules = comment.groups()
        rules = SUBJECT.sub(r" * **\1.** ", rules)
        return "/** @file */ /** %s\n * %s.\n%s*/" % (
            PAGES[name],
            what[0].upper() + what[1:],
            rules,
        )

    text = SECTION.sub(group, HEAD.sub(head, text))
    at = text.rindex(END)
    return "%s/**@}*/%s" % (text[:at], text[at:])


def main():
    path = pathlib.Path(sys.argv[1])
    sys.stdout.write(shown(path.name, path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
