"""What workers on an SDK do with batches, whatever their language."""
import json
import shutil
import sys
import unittest

from worker_process import ROOT, WorkerCase, answers

sys.path.insert(0, ROOT + "/workers/sdk/python")

import prefork_worker


class Common:
    """Run for each of the classes below."""

    def ask_all(self, worker, *jobs, method="job"):
        """What a batch is answered, by job: the result, or the message of the error."""
        worker.write(json.dumps([
            {"jsonrpc": "2.0", "id": number, "method": method, "params": {"job": job}}
            for number, job in enumerate(jobs)]) + "\n")
        responses = worker.receive()
        self.assertEqual(sorted(response["id"] for response in responses), list(range(len(jobs))))
        responses.sort(key=lambda response: response["id"])
        return [response.get("result", response.get("error", {}).get("message")) for response in responses]

    def test_a_batch_is_one_call(self):
        worker = self.start(self.command)
        self.assertEqual(self.ask_all(worker, "a", "b", "é"), ["A", "B", "É"])
        self.assertEqual(self.ask_all(worker, "a", "b", method="count"), [2, 2])
        self.assertEqual(self.ask_all(worker, "a"), ["A"], "one that is alone, but in an array")
        self.assertEqual(worker.ask("a"), {"jsonrpc": "2.0", "id": 1, "result": "A"})

    def test_an_exception_in_the_list_fails_its_job_alone(self):
        worker = self.start(self.command)
        self.assertEqual(self.ask_all(worker, "a", "fail", "b"), ["A", self.raised + "no luck", "B"])
        self.assertIn("a job returned bytes", self.ask_all(worker, "bytes", "b")[0])
        self.assertEqual(self.ask_all(worker, "failure", "b"), ["no such page", "B"])
        self.assertEqual(worker.ask("failure")["error"], {"code": 404, "message": "no such page", "data": [1]})

    def test_an_exception_that_is_raised_and_a_wrong_list_fail_them_all(self):
        worker = self.start(self.command)
        for message in self.ask_all(worker, "a", "raise", "b"):
            self.assertIn("Error: of 3", message)
        self.assertEqual(self.ask_all(worker, "a", "short", "b"), ["a batch of 3 jobs returned 2 results"] * 3)
        self.assertEqual(worker.ask("short")["error"]["message"], "a batch of one job returned 0 results")
        for message in self.ask_all(worker, "text", "b", "c", "d"):
            self.assertRegex(message, "a batch of 4 jobs needs an? .* of as many results; it returned a str")
        self.assertEqual(self.ask_all(worker, "a"), ["A"])

    def test_a_batch_for_a_function_of_single_jobs(self):
        worker = self.start(self.command)
        self.assertEqual(
            self.ask_all(worker, "a", "fail", "b", method="single"), ["a!", self.raised + "no luck", "b!"])

    def test_messages_of_all_kinds_in_one_array(self):
        worker = self.start(self.command)
        job = lambda id, method="job": {"jsonrpc": "2.0", "id": id, "method": method, "params": {"job": "a"}}
        worker.write(json.dumps([
            job(1), job("x", "single"), job(2, "dance"), 7, {}, {"method": "something/else"}, {"result": 1, "id": 5},
            {"id": 3, "method": "job"}, job(4), {"id": "p", "method": "probe"}, job(6, "count")]) + "\n")
        responses = worker.receive()
        codes = [response["error"]["code"] for response in responses if response["id"] is None]
        self.assertEqual(codes, [-32600, -32600])
        by_id = {response["id"]: response for response in responses if response["id"] is not None}
        self.assertEqual(
            [by_id[id].get("result") for id in (1, "x", 4, "p", 6)], ["A", "a!", "A", None, 1])
        self.assertEqual([by_id[id]["error"]["code"] for id in (2, 3)], [-32601, -32602])
        self.assertEqual(len(responses), 9)
        worker.write('[{"method":"something/else"}]\n')  # is not answered
        self.assertEqual(worker.ask("next")["result"], "NEXT")

    def test_parameters(self):
        worker = self.start(self.command)
        worker.write(json.dumps([
            {"id": 1, "method": "job", "params": ["a"]}, {"id": 2, "method": "job", "params": {"x": 1}},
            {"id": 3, "method": "job", "params": [1, 2]}]) + "\n")
        results = {response["id"]: response["result"] for response in worker.receive()}
        self.assertEqual(results, {1: "A", 2: {"got": {"x": 1}}, 3: {"got": [1, 2]}})

    def test_progress_is_that_of_all_its_jobs(self):
        worker = self.start(self.command)
        worker.write(json.dumps([
            {"id": id, "method": "job", "params": {"job": "progress"}} for id in (7, 8)]) + "\n")
        self.assertEqual([worker.receive()["params"]["id"] for _ in range(2)], [7, 8])
        self.assertEqual(len(worker.receive()), 2)

    def test_a_batch_is_cancelled_when_all_its_jobs_are(self):
        worker = self.start(self.command)
        worker.write(json.dumps([
            {"id": id, "method": "job", "params": {"job": "until-cancelled"}} for id in (1, 2)]) + "\n")
        self.assertEqual(worker.receive()["params"]["message"], "waits")
        worker.send(method="cancel", params={"id": 1})
        worker.send(method="cancel", params={"id": 1})
        worker.send(method="cancel", params={"id": 2})
        while isinstance(responses := worker.receive(), dict):
            self.assertEqual(responses["params"]["message"], "called on cancel")
        self.assertEqual([response["error"]["code"] for response in responses], [-32800, -32800])
        self.assertEqual(worker.ask("next", id=3)["result"], "NEXT")

    def test_by_hand_each_line_is_a_batch(self):
        output, errors, status = answers(self.command, "a\nshort\nfail\n2\nb\n")
        self.assertEqual((output, status), ("A\n\n\n2\nB\n", 1))
        self.assertIn("a batch of one job returned 0 results", errors)
        self.assertIn(self.raised + "no luck", errors)

    def test_lines_with_counts(self):
        output, errors, status = answers(self.command, "2\na\nb\n1\n\n3\nc\n5\nd\n", "lines", PREFORK_BATCH="8")
        self.assertEqual((output, status), ("A\nB\n\nC\n5\nD\n", 0), errors)

    def test_lines_have_no_failures_so_that_the_worker_ends_at_the_first(self):
        output, errors, status = answers(
            self.command, "2\na\nb\n4\nc\nfail\nd\nfail\n1\ne\n", "lines", PREFORK_BATCH="8")
        self.assertEqual((output, status), ("A\nB\nC\n", 1))
        self.assertIn(self.raised + "no luck", errors)
        output, errors, status = answers(self.command, "2\na\nshort\n1\ne\n", "lines", PREFORK_BATCH="8")
        self.assertEqual((output, status), ("", 1))
        self.assertIn("a batch of 2 jobs returned 1 results", errors)

    def test_counts_that_are_none(self):
        for text, words in [
            ("a\n", "must begin with a line that holds its number of jobs, not "), ("0\n", "must begin with"),
            ("-1\na\n", "must begin with"), ("3\na\n", "stdin has ended")]:
            with self.subTest(text):
                output, errors, status = answers(self.command, text, "lines", PREFORK_BATCH="8")
                self.assertEqual((output, status), ("", 1))
                self.assertIn(words, errors)


class PythonTests(Common, WorkerCase):
    command = [sys.executable, ROOT + "/Tests/SDK/batch_worker.py"]
    raised = "ValueError: "

    def test_what_was_cancelled_before_it_began_is_left_out(self):
        worker = self.start(self.command)
        worker.send_job(1, "until-cancelled")
        self.assertEqual(worker.receive()["params"]["message"], "waits")
        worker.write(json.dumps([
            {"id": id, "method": "count", "params": {"job": "a"}} for id in (2, 3, 4)]) + "\n")
        worker.send(method="cancel", params={"id": 3})
        worker.send(method="cancel", params={"id": 1})
        seen = [worker.receive() for _ in range(3)]
        responses = {response["id"]: response for response in seen[-1]}
        self.assertEqual((responses[2]["result"], responses[4]["result"]), (2, 2))
        self.assertEqual(responses[3]["error"]["message"], "cancelled before it began")


class AsyncPythonTests(PythonTests):
    command = [*PythonTests.command, "async"]
    test_what_was_cancelled_before_it_began_is_left_out = None


class CountingCall(prefork_worker._Call):
    """A job of a batch which counts how often one is compared with another, or is asked whether it is cancelled."""

    count = 0
    __hash__ = object.__hash__

    def __eq__(self, other):
        CountingCall.count += 1
        return self is other

    @property
    def is_cancelled(self):
        CountingCall.count += 1
        return self._is_cancelled

    @is_cancelled.setter
    def is_cancelled(self, value):
        self._is_cancelled = value


class LargeBatchTests(unittest.TestCase):
    """The work grows with the number of jobs, not with its square."""

    size = 1000

    def setUp(self):
        self.answers, self.cancelled = [], []
        calls = [
            CountingCall(None, ["a"], id=id, answer=lambda call, result, error: self.answers.append((call.id, result)))
            for id in range(self.size)]
        self.batch = prefork_worker._BatchCall(lambda jobs: jobs, calls)
        self.requests = prefork_worker._Requests(self)
        self.requests.open = {call.id: call for call in calls}
        CountingCall.count = 0

    def cancel(self, batch):
        """As the engine of the requests."""
        self.cancelled.append(batch)

    def test_answers(self):
        self.batch.run()
        self.assertEqual(self.answers, [(id, "a") for id in range(self.size)])
        self.assertLess(CountingCall.count, 10 * self.size)

    def test_cancellation(self):
        for id in range(self.size):
            self.assertEqual(self.cancelled, [])
            self.requests._cancel({"id": id})
        self.assertEqual(self.cancelled, [self.batch])
        self.assertLess(CountingCall.count, 10 * self.size)


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class NodeTests(Common, WorkerCase):
    command = ["node", ROOT + "/Tests/SDK/batch_worker.mjs"]
    raised = "RangeError: "


if __name__ == "__main__":
    unittest.main()
