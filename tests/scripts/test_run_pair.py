"""scripts/run-pair, which decides whether a demonstration or a pair of examples went right."""

import pathlib
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]

SERVER = "echo 'listening on port 4242'; cat >/dev/null; echo 'end of input'"
CLIENT = 'echo "called with $*"'


class RunPair(unittest.TestCase):
    def run_pair(self, server=SERVER, client=CLIENT, options=()):
        """The exit status and everything that was said."""
        with tempfile.TemporaryDirectory() as folder:
            programs = []
            for name, body in (("server", server), ("client", client)):
                path = pathlib.Path(folder) / name
                path.write_text("#!/usr/bin/env bash\n" + body + "\n")
                path.chmod(0o755)
                programs.append(str(path))
            done = subprocess.run(
                [str(TOP / "scripts" / "run-pair"), *options, *programs],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
            )
        return done.returncode, done.stdout

    def test_the_client_gets_the_port_and_the_server_ends_with_its_input(self):
        status, said = self.run_pair()
        self.assertEqual(status, 0, said)
        self.assertIn("client: called with 127.0.0.1 4242", said)
        self.assertIn("server: end of input", said)

    def test_a_failing_client_is_a_failure(self):
        status, said = self.run_pair(client="exit 3")
        self.assertNotEqual(status, 0)
        self.assertIn("client ended with status 3", said)

    def test_a_failing_server_is_a_failure(self):
        status, said = self.run_pair(server=SERVER + "; exit 4")
        self.assertNotEqual(status, 0)
        self.assertIn("server ended with status 4", said)

    def test_a_server_that_says_no_port_is_a_failure(self):
        status, said = self.run_pair(server="echo hello")
        self.assertNotEqual(status, 0)
        self.assertIn("did not say", said)

    def test_a_wrapper_runs_both_programs(self):
        client = '[ "$WRAPPED" = yes ] || exit 9'
        server = '[ "$WRAPPED" = yes ] || exit 9; ' + SERVER
        status, said = self.run_pair(server, client, ("--wrap", "env WRAPPED=yes"))
        self.assertEqual(status, 0, said)


if __name__ == "__main__":
    unittest.main()
