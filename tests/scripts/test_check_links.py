"""scripts/check-links on small sites."""

import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-links"


class CheckLinks(unittest.TestCase):
    def check(self, **pages):
        """The exit status, and what was said of a site with these pages."""
        with tempfile.TemporaryDirectory() as folder:
            for name, body in pages.items():
                path = pathlib.Path(folder, name.replace("__", "/") + ".html")
                path.parent.mkdir(exist_ok=True)
                path.write_text("<html><body>\n%s\n</body></html>\n" % body)
            done = subprocess.run(
                [str(SCRIPT), folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            return done.returncode, done.stdout

    def test_links_to_pages_folders_anchors_and_other_sites_are_good(self):
        links = "a__b.html#here a a/ #top https://example.org/nothing mailto:x index.html?q=1"
        body = "".join('<a href="%s">x</a>' % link.replace("__", "/") for link in links.split())
        status, said = self.check(
            index='<p id="top"></p>' + body,
            a__b='<a name="here" href="../index.html"></a>',
            a__index="<img src='b.html'>",
        )
        self.assertEqual((status, said.count("\n")), (0, 1), said)
        self.assertIn("7 links in 3 pages, 0 dead", said)

    def test_dead_links_are_named_with_their_page_and_line(self):
        status, said = self.check(
            index='<a href="none.html">x</a>\n<a href="a.html#no%20where">x</a>',
            a='<script src="../../outside.js"></script>',
        )
        self.assertEqual(status, 1)
        self.assertIn("index.html:2: none.html: no such file", said)
        self.assertIn("index.html:3: a.html#no%20where: no such anchor", said)
        self.assertIn("a.html:2: ../../outside.js: leads out of the site", said)

    def test_a_site_without_pages_is_none(self):
        status, _ = self.check()
        self.assertEqual(status, 1)


if __name__ == "__main__":
    unittest.main()
