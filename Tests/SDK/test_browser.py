"""workers/gallery/render_page.py, with a browser that sends its events at inconvenient times."""
import os
import sys
import tempfile
import unittest

from worker_process import ROOT, WorkerCase

PAGE = [sys.executable, ROOT + "/workers/gallery/render_page.py"]


class BrowserTests(WorkerCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        program = folder.name + "/chromium-headless-shell"
        with open(program, "w") as script:
            script.write(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/Tests/SDK/fake_browser.py"\n')
        os.chmod(program, 0o755)
        self.path = folder.name + ":" + os.environ["PATH"]

    def test_a_page_is_measured_when_it_is_loaded(self):
        worker = self.start(PAGE, PATH=self.path)
        for kind in ("late", "early", "fragment", "early", "late"):
            with self.subTest(kind):
                self.assertEqual(worker.ask(f"http://{kind}/")["result"]["title"], "loaded")


if __name__ == "__main__":
    unittest.main()
