#!/usr/bin/env python3
"""Breaks the pure cores, and what couples them, on purpose, one defect at a time, and expects the tests to notice each.

    Tests/mutations.py                 tries all mutations
    Tests/mutations.py --only 7        tries number 7 alone (may be repeated)
    Tests/mutations.py --list          prints them, and tries none
    Tests/mutations.py --keep FOLDER   builds in FOLDER and leaves it there: the next run starts warm

A mutation replaces one piece of text in one file by another, as a tired programmer might. The cores and their tests
are copied into a package of their own, so that a mutation is built and tested in seconds. What couples them (JobEngine,
WorkerPoolDriver) is judged by the simulation of the whole pipeline, in a copy of the whole package. The repository itself is
not changed. The tests must pass before the first mutation. Each mutation then is

    caught          a test failed, crashed, or did not end within the time limit
    SURVIVED        the tests passed: a test is missing
    STALE           the old text is not in the file exactly once: update this script
    NOT COMPILED    the new text is not Swift: update this script

The exit status is 0 if all were caught, 1 if not, 2 if the tests fail without any mutation.
"""

import argparse
import collections
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIME_LIMIT = 300  # seconds for the tests of one core, which take about 20, and for the simulation of the pipeline
COUPLINGS = ("JobEngine", "WorkerPoolDriver")
EVENTS = 300_000  # of the simulation of the pipeline, for one mutation
FAILURE = " recorded an issue "  # of Swift Testing
BROKEN = ("PREFORK_SEED=", "SingleLife.", "too little of this")  # of the simulation of the pipeline
PACKAGE = """\
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "cores",
  targets: [
    .target(name: "Time"),
    .target(name: "PoolCore", dependencies: ["Time"]),
    .target(name: "JobCore", dependencies: ["Time"]),
    .target(name: "Timers", dependencies: ["Time"]),
    .target(name: "TestSupport", dependencies: ["Time"], path: "Tests/TestSupport"),
    .testTarget(name: "PoolCoreTests", dependencies: ["Time", "PoolCore", "TestSupport"]),
    .testTarget(name: "JobCoreTests", dependencies: ["Time", "JobCore", "TestSupport"]),
    .testTarget(name: "TimersTests", dependencies: ["Time", "Timers", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
"""
SOURCES = ["Time", "PoolCore", "JobCore", "Timers"]
TESTS = ["TestSupport", "PoolCoreTests", "JobCoreTests", "TimersTests"]

Mutation = collections.namedtuple("Mutation", "file defect old new")

MUTATIONS = [Mutation(file, *mutation) for file, mutations in {
    "PoolCore/PoolStateMachine+Leasing.swift": [("an offer does not reduce the demand",
         "      demand -= 1\n      actions.append(.offer", "      actions.append(.offer")],
    "PoolCore/PoolStateMachine+Offering.swift": [
        ("a free worker is not considered when the demand rises",
         "guard available.pick(.lifo) == nil else { return false }", ""),
        ("a demand that ended leaves workers reserved for it", "    dropUnneededClaims()\n", "")],
    "PoolCore/PoolStateMachine+Shortcut.swift": [
        ("a continued lease does not reduce the demand", "    demand -= 1\n", ""),
        ("a continued lease does not count its job",
         "    demand -= 1\n    slots[slot].recordJobs(1, at: now)\n", "    demand -= 1\n"),
        ("a lease continues without a job that waits",
         "      uncoveredDemand > 0, waiters", "      uncoveredDemand >= 0, waiters"),
        ("a continued lease keeps the flag of its jobs before",
         "    slots[slot].idleSince = now\n    slots[slot].hasServedInLease = false\n",
         "    slots[slot].idleSince = now\n"),
        ("the shortcut takes a worker to its last job and beyond",
         "jobs < slots[slot].jobLimit &&", "jobs <= slots[slot].jobLimit &&")],
    "PoolCore/PoolStateMachine+Seats.swift": [
        ("seats are one too many before the job limit",
         "let left = limit - slots[slot].jobs\n", "let left = limit - slots[slot].jobs + 1\n"),
        ("a worker that retires may be sent more jobs",
         "guard allowsManyJobs, slots[slot].retiring == nil, !servesTooMany,",
         "guard allowsManyJobs, !servesTooMany,"),
        ("a lease that did jobs is thought not to have served", "    slots[slot].hasServedInLease = true\n", ""),
        ("one worker too many stays while it has jobs",
         "    guard slots[slot].retiring == nil, servesTooMany else { return }\n"
         "    setRetiring(slot, .surplus, into: &actions)\n",
         "")],
    "PoolCore/PoolStateMachine+Recycling.swift": [("a limit is overlooked that several jobs at once step over",
         "jobs >= limit && jobs - count < limit", "jobs == limit")],
    "JobEngine/JobEngine+Parking.swift": [
        ("jobs are parked after a breach of the protocol", "breachesOfStep == 0", "breachesOfStep >= 0")],
    "JobEngine/JobEngine+Attempts.swift": [
        ("parked jobs are forgotten when their worker is lost", "    returnUnstarted(lostJobs.unstarted, from: worker, loop)\n", ""),
        ("jobs come back in reverse", "for sent in unstarted.reversed()", "for sent in unstarted"),
        ("parked jobs are forgotten when the head runs out of time",
         "    returnUnstarted(lost.unstarted, from: worker, loop)\n", ""),
        ("the worker of a parked job that is cancelled is stopped",
         "pool.runsJobsAtOnce || pool.head(of: worker)?.tag == job.tag", "true"),
        ("a parked job has no run clock when its turn comes",
         "      jobs.ledger.handle(.started(job), into: &jobs.actions)\n", ""),
        ("a job that was cancelled while it was parked runs on",
         "    } else if !pool.hasReply(worker) {", "    } else if pool.hasReply(worker) {"),
        ("a reply that came after its job was cancelled is settled",
         "    guard has(worker, job), !pool.answersCancelledJob(worker) else { return finishReply(of: worker, &loop, &reporter) }\n", ""),
        ("no worker is remembered that may have room",
         "    if pool.givesSeveralJobs { workersWithRoom.append(worker) }\n", ""),
        ("a job that no worker has read has had an attempt",
         "noteAttemptEnd(job, failure: \"given back unread\")\n      jobs.ledger.handle(.returnedUnstarted(job)",
         "noteAttemptEnd(job, failure: \"given back unread\")\n      jobs.ledger.handle(.attemptFailed(job, .crashed)"),
        ("a job stays when its worker was lost before it was sent",
         "    if isSent { return }\n", "    if isSent || !isSent { return }\n"),
        ("an attempt that ends when it begins is not recorded", ", jobs.ledger.isParked(job) {", ", !jobs.ledger.isLeased(job) {")],
    "JobEngine/JobEngine+Timers.swift": [
        ("a job that a fresh worker has not read runs out of time",
         ", !pool.hasBegun(worker) {\n      runLimit", " {\n      runLimit")],
    "JobEngine/JobEngine+Breaches.swift": [
        ("breaches are not counted", "{ breachesOfStep += 1 }", "{ breachesOfStep += 0 }"),
        ("a doubtful answer is not withdrawn",
         "    jobs.ledger.handle(.answerWithdrawn(job), into: &jobs.actions)\n", "")],
    "JobEngine/JobTable.swift": [
        ("the bytes of settled jobs are counted", "    unsettledBytes -= store.size(of: job)\n", ""),
        ("a held answer is not kept", "if answering == job { reply {", "if answering != job { reply {")],
    "JobEngine/JobStore.swift": [
        ("a job is sent with the bytes of the one before it",
         "    buffers[index].removeAll(keepingCapacity: true)\n", "")],
    "WorkerPoolDriver/JobsInHand.swift": [
        ("jobs of one message begin one by one", "self[begun - 1].start >= read", "self[begun - 1].start > read"),
        ("the jobs are mixed when there are more of them",
         "larger.append(ring[(first + index) & (ring.count - 1)])", "larger.append(ring[index])")],
    "WorkerPoolDriver/WorkerPoolDriver+Jobs.swift": [
        ("gathered jobs are written only when others are",
         "guard isFirst else { return true }\n    if gathered", "guard !isFirst else { return true }\n    if gathered"),
        ("output is not looked at before the next job is sent",
         "if workers[slot].hasMoreOutput {", "if workers[slot].inputBroken {"),
        ("a worker is sent more jobs than it may do", ", core.seatsLeft(id), room)", ", room)"),
        ("jobs are parked at workers that read ahead", "    guard mayPark(slot) else { return 1 }\n", "")],
    "WorkerPoolDriver/WorkerPoolDriver+Channel.swift": [
        ("a reply is read again", "    workers[slot].inbound.removeFirst(consumed)\n    if workers", "    if workers"),
        ("a worker that closed its stdin keeps its job for ever",
         "    loop.remove(workers[slot].process.input)\n    guard !workers",
         "    loop.remove(workers[slot].process.input)\n    guard workers"),
        ("the replies to parked jobs are a surplus", "workers[slot].hand.count == 1 {", "workers[slot].hand.count >= 1 {"),
        ("what comes before the job is read is its answer",
         "together: together), !workers[slot].looksRead() else",
         "together: together), !workers[slot].looksRead(), workers[slot].inputBroken else"),
        ("a job is forgotten when its worker spoke before it read it",
         "events.append(.leaseLost(id, .neverStarted, workers[slot].loseJobs()))\n      events.append(.protocolBroken",
         "events.append(.leaseLost(id, .neverStarted, LostJobs()))\n      events.append(.protocolBroken")],
    "WorkerPoolDriver/WorkerPoolDriver+LastOutput.swift": [
        ("what a worker writes that is stopped in its job is a surplus",
         "guard isGraceful, workers[slot].jobs > 0 else", "guard workers[slot].jobs > 0 else"),
        ("what a worker still writes at its end is not looked at",
         "guard isGraceful, workers[slot].jobs > 0 else", "guard isGraceful, workers[slot].jobs < 0 else")],
    "WorkerPoolDriver/WorkerPoolDriver+Checks.swift": [
        ("the right answer to a check is wrong", "!answer.elementsEqual(expected) else", "answer.elementsEqual(expected) else"),
        ("a check that was answered is unread for ever", "    workers[slot].setCheck(start: nil)\n", "")],
    "WorkerPoolDriver/WorkerPoolDriver+Order.swift": [
        ("a worker that has not read its jobs has left answers out",
         "workers[slot].outbound.isEmpty, workers[slot].process.unreadInput() == 0, look",
         "workers[slot].outbound.isEmpty, look")],
    "WorkerPoolDriver/WorkerPoolDriver+Life.swift": [
        ("the last output of a dead worker is lost", "while !isIgnored(slot), readOutput", "while isIgnored(slot), readOutput"),
        ("a job is given back though its worker died on it", "workers[slot].hasBegunJob || !workers[slot].inbound.isEmpty:", "!workers[slot].inbound.isEmpty:")],
    "WorkerPoolDriver/WorkerPoolDriver.swift": [
        ("a worker that is interrupted lives on", "    tell(.workerBroken(worker, interrupted: true), &loop)\n", "")],
    "PoolCore/SeatEstimate.swift": [
        ("probation is one job too long", "answered >= probation", "answered > probation"),
        ("slow jobs are believed little by little",
         "time >= typicalTime ? time :", "time >= typicalTime ? typicalTime + (time - typicalTime) / 4 :"),
        ("an empty worker's pause counts as time of its jobs", "    measuredSince = now\n  }", "  }")],
    "PoolCore/EffortEstimate.swift": [
        ("CPU time counts though the worker sleeps in its jobs",
         "guard sleeps - before <= writes + 1, typicalCost", "guard typicalCost"),
        ("a late batch changes nothing", "provenSeats = max(1, provenSeats / Self.growth)\n", "")],
    "PoolCore/WorkerKind.swift": [
        ("a worker that does several jobs at a time changes nothing", "{ self = WorkerKind() }", "{}")],
    "PoolCore/PoolStateMachine.swift": [
        ("a timer is armed under the generation of another",
         "timerGeneration = timerGeneration == .max ? 1 : timerGeneration + 1",
         "timerGeneration = max(timerGeneration, 1)"),
        ("a worker that is to go keeps the job that it is probed for", "    takeBackClaim(of: slot)\n    amend", "    amend"),
        ("the age timer of a worker that stops is not disarmed", "    disarm(slot, .age, into: &actions)\n", "")],
    "PoolCore/PoolStateMachine+Retiring.swift": [
        ("the stop ladder skips a step", "min(step + 1, steps)", "min(step + 2, steps)")],
    "PoolCore/PoolStateMachine+Starting.swift": [
        ("a slot forgets its failed starts when the next one is tried", "    slots[slot].failures = failures\n", "")],
    "PoolCore/PoolStateMachine+Sizing.swift": [("workers that fail to start do not count as present",
         " + census.backingOff + census.failing\n", " + census.failing\n")],
    "PoolCore/Breaker.swift": [("the breaker's timer keeps its generation",
         "    generation += 1\n    openings", "    generation = 1\n    openings")],
    "PoolCore/WaiterQueue.swift": [("a waiter returns to the end of the queue",
         "entries.insert(Entry(waiter: waiter), at: position(of: waiter.id))",
         "entries.append(Entry(waiter: waiter))")],
    "JobCore/JobLedger+Leasing.swift": [
        ("the run clock of a parked job starts when it is sent",
         "if !parked { startRunClock", "if parked || !parked { startRunClock"),
        ("the clock of the queue runs on for a job that was sent",
         "    didLeaveQueue(index, into: &actions)\n    counts.leased += 1\n",
         "    counts.queued -= 1\n    counts.leased += 1\n"),
        ("a full order window asks for a worker that it has no job for", "nextToSend == nil ? 0 : 1", "1"),
        ("all clients share one order", "record.order = UInt32(client)", "record.order = 0")],
    "JobCore/JobLedger.swift": [
        ("the jobs of paused clients count as demand", "{ counts.queued - slab.pausedCount }", "{ counts.queued }"),
        ("the room for parked jobs is not there",
         "addingReportingOverflow(prefetchRoom)", "addingReportingOverflow(0)"),
        ("the endless queue overflows with the room for parked jobs", "return overflow ? .max : sum", "return sum")],
    "JobCore/JobLedger+Attempts.swift": [
        ("a parked job that starts stays parked", "    slab[index].isParked = false\n    start", "    start"),
        ("an attempt is charged to a job that no worker saw",
         "    slab[index].attempts -= 1\n    endLease(index)\n    if isOver", "    endLease(index)\n    if isOver"),
        ("a return is counted against a job that was parked",
         "if !slab[index].isParked {\n      slab[index].freeReturns", "do {\n      slab[index].freeReturns"),
        ("a job that comes back has one return too many",
         "freeReturns >= Self.mostFreeReturns", "freeReturns > Self.mostFreeReturns"),
        ("jobs that come back go behind the others in reverse",
         "settle(index, .cancelled, into: &actions) } else { requeue(index, into: &actions) }",
         "settle(index, .cancelled, into: &actions) } else { slab.enqueueLast(index); counts.queued += 1 }"),
        ("a job is retried once too often", "attempts > slab[index].retries", "attempts > slab[index].retries + 1"),
        ("a reply leaves its run clock armed",
         "    stopRunClock(index, into: &actions)\n    slab[index].resultBytes = resultBytes\n"
         "    endLease(index)\n    settle(index, .ok",
         "    slab[index].resultBytes = resultBytes\n    endLease(index)\n    settle(index, .ok"),
        ("the first median arms clocks for parked jobs", " && !slab[index].isParked {", " {"),
        ("quarantine comes one kill late",
         "kills >= configuration.quarantineAfter", "kills > configuration.quarantineAfter")],
    "JobCore/JobLedger+Settling.swift": [
        ("what is emitted goes on filling the order window",
         "      counts.heldBytes -= slab[index].resultBytes + Self.heldJobCost\n",
         "      counts.heldBytes -= slab[index].resultBytes\n"),
        ("what came out goes on waiting for its client",
         "      slab.countHeld(-slab[index].resultBytes, in: order)\n", ""),
        ("a withdrawn answer counts as ok, too", "    counts.recount(.ok, as: .failed)\n", ""),
        ("a cancelled job leaves its run clock armed",
         "    stopRunClock(index, into: &actions)\n    actions.append(.interrupt", "    actions.append(.interrupt")],
    "JobCore/JobSlab+Turns.swift": [("the wrong client is charged when a lease ends",
         "let client = Int(records[index].client)\n    clients[client].counts.leased -= 1",
         "let client = Int(records[0].client)\n    clients[client].counts.leased -= 1")],
    "JobCore/JobSlab.swift": [("a job has the name of the one before it",
         "let generation = records[index].generation &+ 1", "let generation = records[index].generation")],
    "JobCore/RunTimes.swift": [
        ("the rank of a quantile is rounded down",
         "(Double(count) * share).rounded(.up)", "(Double(count) * share).rounded(.down)"),
        ("a quantile exceeds the longest time",
         "return min(longest, Self.middle(of: index))", "return Self.middle(of: index)")],
    "Timers/TimerQueue.swift": [
        ("a disarmed timer's place goes to an entry that does not move",
         "    heap[index] = last\n    settle(index)\n", "    heap[index] = last\n"),
        ("a timer fires after its moment, not at it", "first.deadline <= now", "first.deadline < now"),
        ("the right child is never the smallest", "smallest + 1 < heap.count,", "smallest + 2 < heap.count,")],
    "Timers/LoopClock.swift": [("pauses that are forgotten come back in",
         "{ forgotten = pauses.removeFirst().leftOut }", "{ pauses.removeFirst() }")],
}.items() for mutation in mutations]


class Copy:
    """A package with copies of sources and tests, which can be mutated."""

    BUILD = []  # further words of `swift build`

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def write(file, text):
        """Only what differs is written, so that the rest is not compiled again."""
        if not file.exists() or file.read_text() != text:
            file.write_text(text)

    def build(self):
        """Returns whether it succeeded, and the output."""
        result = subprocess.run(
            ["swift", "build", *self.BUILD, "--ignore-lock", "--package-path", str(self.folder)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return result.returncode == 0, result.stdout

    @staticmethod
    def run(command):
        """Runs tests up to the first that fails. Returns whether all passed, and the output."""
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "SWIFT_BACKTRACE": "enable=no", "NO_COLOR": "1"})
        alarm = threading.Timer(TIME_LIMIT, process.kill)
        alarm.start()
        output = ""
        for line in process.stdout:
            output += line
            if FAILURE in line:
                process.kill()
                break
        alarm.cancel()
        return process.wait() == 0, output

    def verdict(self, mutation):
        """Mutates the file, runs the tests of its target, and restores it. Returns the verdict and a remark."""
        file = source(self.folder, mutation.file)
        original = file.read_text() if file.exists() else ""
        if original.count(mutation.old) != 1:
            return "STALE", f"the old text is there {original.count(mutation.old)} times"
        file.write_text(original.replace(mutation.old, mutation.new))
        try:
            succeeds, output = self.build()
            if not succeeds:
                return "NOT COMPILED", first_line(output, "error:")
            succeeds, output = self.test(file.parent.name + "Tests")
        finally:
            file.write_text(original)
        return ("SURVIVED", "") if succeeds else ("caught", first_line(output, FAILURE, *BROKEN) or "crashed, or did not end")


def source(root, name):
    """Where a target, or a file of one, is: on a floor of the tree, or beside the others in a copy of the cores."""
    return next(root.glob(f"Sources/*/{name}"), root / "Sources" / name)


class Pipeline(Copy):
    """A copy of the whole package, of which only the simulation of the pipeline is built and run."""

    BUILD = ["--product", "simulate-pipeline"]
    TESTS = ["the simulation"]

    def __init__(self, folder):
        super().__init__(folder)
        self.write(self.folder / "Package.swift", (ROOT / "Package.swift").read_text())
        for part in ("Sources", "Tests"):
            self.copy(ROOT / part, self.folder / part)

    def copy(self, source, target):
        target.mkdir(exist_ok=True)
        names = {entry.name for entry in source.iterdir()}
        for entry in target.iterdir():
            if entry.name not in names:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for entry in source.iterdir():
            if entry.is_dir():
                self.copy(entry, target / entry.name)
            else:
                self.write(target / entry.name, entry.read_text())

    def test(self, _):
        return self.run([self.folder / ".build/debug/simulate-pipeline", str(EVENTS), "--brief"])


class Cores(Copy):
    """The package with the copies of the cores and of their tests."""

    BUILD = ["--build-tests"]
    TESTS = [name for name in TESTS if name.endswith("Tests")]

    def __init__(self, folder):
        super().__init__(folder)
        self.write(self.folder / "Package.swift", PACKAGE)
        for part, names in (("Sources", SOURCES), ("Tests", TESTS)):
            for name in names:
                self.copy(source(ROOT, name) if part == "Sources" else ROOT / part / name, self.folder / part / name)

    def copy(self, source, target):
        wanted = {file.name for file in source.glob("*.swift")}
        target.mkdir(parents=True, exist_ok=True)
        for file in target.iterdir():
            if file.name not in wanted:
                file.unlink()
        for name in wanted:
            self.write(target / name, (source / name).read_text())

    def test(self, target):
        """Not by `swift test`: its child would go on when it is killed."""
        return self.run(
            [self.folder / ".build/debug/coresPackageTests.xctest", "--testing-library", "swift-testing",
             "--filter", f"^{target}\\."])


def first_line(output, *signs):
    """The first line that contains one of the signs, shortened."""
    return next((line.strip()[:150] for line in output.splitlines() if any(sign in line for sign in signs)), "")


def check_unmutated(copy):
    succeeds, output = copy.build()
    for target in copy.TESTS:
        if succeeds:
            succeeds, output = copy.test(target)
    if not succeeds:
        print(output[-5000:], file=sys.stderr)
        print("mutations: the tests fail without any mutation", file=sys.stderr)
        sys.exit(2)


def run(numbers, folder):
    """Returns how many of the mutations were not caught."""
    missed = 0
    is_coupling = lambda number: MUTATIONS[number - 1].file.startswith(COUPLINGS)
    for kind, group in itertools.groupby(sorted(numbers, key=is_coupling), key=is_coupling):
        copy = Pipeline(folder / "pipeline") if kind else Cores(folder)
        check_unmutated(copy)
        for number in group:
            missed += try_one(copy, number)
    print(f"{len(numbers) - missed} of {len(numbers)} mutations caught")
    return missed


def try_one(copy, number):
    """Returns 1 if the mutation was not caught, else 0."""
    mutation = MUTATIONS[number - 1]
    began = time.monotonic()
    verdict, remark = copy.verdict(mutation)
    seconds = time.monotonic() - began
    print(f"{number:3} {verdict:8} {seconds:4.0f} s  {mutation.file}: {mutation.defect}", flush=True)
    if remark:
        print(f"{'':21}{remark}", flush=True)
    return verdict != "caught"


def main():
    parser = argparse.ArgumentParser(description="Breaks the cores and their couplings on purpose; tests must notice it.")
    parser.add_argument("--list", action="store_true", help="print the mutations, and try none")
    parser.add_argument("--only", type=int, action="append", metavar="N", choices=range(1, len(MUTATIONS) + 1),
                        help="try number N alone; may be repeated")
    parser.add_argument("--keep", metavar="FOLDER", help="build in FOLDER and leave it there")
    options = parser.parse_args()
    if options.list:
        for number, mutation in enumerate(MUTATIONS, 1):
            print(f"{number:3} {mutation.file}: {mutation.defect}")
        return
    folder = options.keep or tempfile.mkdtemp(prefix="prefork-mutations-")
    try:
        sys.exit(1 if run(options.only or range(1, len(MUTATIONS) + 1), pathlib.Path(folder)) else 0)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
