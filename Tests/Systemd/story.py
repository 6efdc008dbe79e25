"""The shipped units under a real systemd, from the first connection to the last. Runs as root in the machine that test.sh boots."""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

UNIT = "prefork@x.service"
JOBS = "/run/prefork/x.sock"
DEATH = "b95861d7b1574cb18ac90e66d2099ee6"
# Answers each job with its own process id and the job.
WORKER = """#!/bin/sh
while read -r job rest; do
  case $job in
    sleep) sleep "$rest";;
    die) echo "I must go" >&2; kill -SEGV $$;;
  esac
  echo "$$ $job"
done
"""


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def run(*words, check=True):
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and result.returncode != 0:
        fail(f"{' '.join(words)}: {result.returncode}: {result.stdout}")
    return result.stdout


def fail(what):
    print(f"FAILED: {what}", file=sys.stderr)
    print(run("systemctl", "status", "--no-pager", "-l", "-n", "40", "prefork@*", check=False), file=sys.stderr)
    sys.exit(1)


def expect(condition, what):
    if not condition:
        fail(what)


def wait_until(condition, what, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            fail(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def property_of(name, unit=UNIT):
    return run("systemctl", "show", "-P", name, unit).strip()


def state(unit=UNIT):
    return run("systemctl", "is-active", unit, check=False).strip()


def ask(*jobs):
    """The answers to these jobs on one connection."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(120)
        client.connect(JOBS)
        client.sendall("".join(job + "\n" for job in jobs).encode())
        client.shutdown(socket.SHUT_WR)
        return client.makefile().read().splitlines()


def processes():
    """All processes of the service."""
    found = []
    for folder, _, _ in os.walk("/sys/fs/cgroup" + (property_of("ControlGroup") or "/nowhere")):
        try:
            with open(folder + "/cgroup.procs") as file:
                found += [int(line) for line in file]
        except OSError:  # the group of a worker that has just ended
            pass
    return found


def journal(*matches):
    run("journalctl", "--sync")
    lines = run("journalctl", "-o", "json", "--no-pager", *matches).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def chapter(text):
    print(f"{time.monotonic() - BEGAN:5.1f} s  {text}", flush=True)


BEGAN = time.monotonic()
run("ldconfig")
write("/run/test/worker", WORKER, 0o755)
write("/etc/prefork/x.yaml", "command: [/run/test/worker]\nworkers: 2\n")
run("systemctl", "daemon-reload")
warnings = run("systemd-analyze", "verify", "--man=no", UNIT, "prefork@x.socket")
expect(warnings == "", f"systemd-analyze verify: {warnings}")
chapter("systemd-analyze verify has nothing to say")

run("systemctl", "start", "prefork@x.socket")
expect(state() == "inactive", "the service waits for its first client")
expect([answer.split()[1] for answer in ask("a", "b", "c")] == ["a", "b", "c"], "the first client is answered")
expect(state() == "active" and property_of("SubState") == "running", "it runs")
chapter("the first connection starts it, and is answered")

wait_until(lambda: "3 ok" in property_of("StatusText"), "the status tells of three jobs")
expect(property_of("StatusText").startswith("2 of 2 workers; "), property_of("StatusText"))
expect(run("prefork", "status", "unix:/run/prefork/x/control.sock") != "", "root may ask at the control socket")
owner = os.stat(f"/proc/{property_of('MainPID')}").st_uid
expect(owner >= 61184, f"it runs as a user of its own, not as {owner}")

write("/etc/prefork/slow.yaml", "command: [sh, -c, 'until [ -e /run/prefork/slow/go ]; do sleep 0.05; done; echo up; exec cat']\nworkers: 1\nready: line\nlisten: unix:/run/prefork/slow/jobs\n")
run("systemctl", "start", "--no-block", "prefork@slow.service")
wait_until(lambda: "starting" in property_of("StatusText", "prefork@slow"), "it tells that it starts")
expect(state("prefork@slow") == "activating", "it is not active before a worker is ready")
start = subprocess.Popen(["systemctl", "start", "prefork@slow.service"])
time.sleep(1)
expect(start.poll() is None and state("prefork@slow") == "activating", "a start waits until it is")
write("/run/prefork/slow/go", "")
expect(start.wait() == 0 and state("prefork@slow") == "active", "it is active when a worker is ready")
run("systemctl", "stop", "prefork@slow.service")
chapter("it is active when its workers are ready, and not before")

write("/etc/prefork/bad.yaml", "command: [cat]\nworkerz: 2\nlisten: unix:/run/prefork/bad/jobs\n")
run("systemctl", "start", "prefork@bad.service", check=False)
expect(state("prefork@bad") == "failed" and property_of("NRestarts", "prefork@bad") == "0", "a mistake is not tried again")
expect(property_of("ExecMainStatus", "prefork@bad") == "78", "EX_CONFIG")
reasons = [entry["MESSAGE"] for entry in journal("_SYSTEMD_UNIT=prefork@bad.service") if entry["PRIORITY"] == "3"]
expect(any("/etc/prefork/bad.yaml:2" in reason and "workerz" in reason for reason in reasons), reasons)
chapter(f"a bad configuration: {reasons[0]}")

main, workers = int(property_of("MainPID")), [int(answer.split()[0]) for answer in ask("a", "sleep 0.2", "b")]
os.kill(main, signal.SIGKILL)
expect(ask("after")[0].endswith(" after"), "who connects while it is down is answered when it is up again")
expect(int(property_of("MainPID")) != main and property_of("NRestarts") == "1", "it was restarted once")
left = [pid for pid in workers + [main] if os.path.exists(f"/proc/{pid}") and pid in processes()]
expect(left == [], f"no process of before is left, but {left}")
chapter("kill -9: restarted, the socket survives, no worker of before is left")

write("/run/systemd/system/prefork@x.service.d/watchdog.conf", "[Service]\nWatchdogSec=6\n")
run("systemctl", "daemon-reload")
run("systemctl", "restart", UNIT)
for _ in range(5):  # when the machine stalls, the watchdog may take the process to stand still
    main, restarts = int(property_of("MainPID")), int(property_of("NRestarts"))
    time.sleep(9)
    if int(property_of("MainPID")) == main:
        break
expect(int(property_of("MainPID")) == main, "while all is well, the watchdog is content")
os.kill(main, signal.SIGSTOP)
wait_until(lambda: int(property_of("NRestarts")) == restarts + 1 and state() == "active", "the watchdog restarts it")
expect(ask("alive")[0].endswith(" alive") and not os.path.exists(f"/proc/{main}"), "it serves again")
expect(any("Watchdog timeout" in entry["MESSAGE"] for entry in journal(f"UNIT={UNIT}")), "systemd says why")
chapter("watchdog: a process that stands still is replaced")

main, old = property_of("MainPID"), processes()
run("systemctl", "reload", UNIT)
wait_until(lambda: state() == "active" and not any(int(answer.split()[0]) in old for answer in ask("a", "b", "c", "d")),
           "the workers are replaced")
expect(property_of("MainPID") == main, "a reload is no restart")
chapter("reload: the workers are replaced, the process stays")

ask("sleep 0", "die")
wait_until(lambda: journal(f"MESSAGE_ID={DEATH}"), "the death is in the journal")
death = journal(f"MESSAGE_ID={DEATH}")[-1]
expect(death["PRIORITY"] == "4" and death["SYSLOG_IDENTIFIER"] == "prefork" and death["_SYSTEMD_UNIT"] == UNIT, death)
name = f"worker {death['PREFORK_SLOT']} (pid {death['PREFORK_WORKER_PID']})"
expect(death["MESSAGE"].startswith(f"{name} died of SIGSEGV"), death)
expect(f" into job {death['PREFORK_JOB']} " in death["MESSAGE"], death)
words = journal(f"PREFORK_WORKER_PID={death['PREFORK_WORKER_PID']}")
expect(any(entry["MESSAGE"].endswith(": I must go") and entry["PRIORITY"] == "6" for entry in words), words)
chapter(f"journal: {death['MESSAGE']}")

answers = []
client = threading.Thread(target=lambda: answers.extend(ask(*["sleep 0.1"] * 50)))
client.start()
wait_until(lambda: '"running":2' in run("prefork", "status", "--json", "unix:/run/prefork/x/control.sock").replace(" ", ""),
           "jobs are running")
run("systemctl", "stop", "prefork@x.socket", UNIT)
client.join()
expect(len(answers) == 50, f"every job that was accepted is answered, not {len(answers)} of 50")
expect((property_of("Result"), property_of("ExecMainStatus")) == ("success", "0"), "it has ended well")
expect(state() == "inactive" and not os.path.exists(JOBS), "service and socket are gone")
expect(not os.path.exists("/run/prefork/x") and processes() == [], "nothing is left")
chapter("stop under load: every accepted job answered, exit 0, nothing left")
