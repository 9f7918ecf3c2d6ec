"""The recipes of conda and Yocto name the version of the manifests."""

import pathlib
import re
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]


def version_in(path, before):
    text = (TOP / path).read_text(encoding="utf-8")
    return re.search(r'^%s"(.*)"$' % re.escape(before), text, re.MULTILINE).group(1)


class Recipes(unittest.TestCase):
    def test_recipes_and_both_manifests_have_one_version(self):
        version = version_in("Cargo.toml", "version = ")
        self.assertEqual(version_in("cli/Cargo.toml", "version = "), version)
        self.assertEqual(version_in("packaging/conda/recipe.yaml", "  version: "), version)
        recipes = [path.name for path in (TOP / "packaging" / "yocto").glob("*.bb")]
        self.assertEqual(recipes, ["rogue-mem_%s.bb" % version])


if __name__ == "__main__":
    unittest.main()
