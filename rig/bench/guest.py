# SPDX-License-Identifier: GPL-2.0
"""Start a guest to measure, talk to it, and end it.

Inside the guest runs ../boot/jobs/bench.sh.  Its head comment explains the commands.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT = os.path.join(HERE, "..", "boot", "boot.sh")

# Megabytes.  Writes of all dm-crypt volumes together get pages of at most 2 % of it, and
# each volume needs 32 MiB with 32 bios of 1 MiB under way.  In native mode a guest has
# two volumes.  Unused memory of a guest takes no memory of the host.
QEMU_MEMORY = 2048
UML_MEMORY = 4096

BOOT_SECONDS = 180
COMMAND_SECONDS = 300


class GuestError(Exception):
    """A guest did something wrong, or did not answer; names the logs."""


def words(text):
    """Make a dictionary of the name=value words of a line."""
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


class Guest:
    """A running guest; subclasses start it."""

    def __init__(self, name, logs):
        self.name = name
        self.console = os.path.join(logs, name + ".console")
        self.report = os.path.join(logs, name + ".report")
        self.output = os.path.join(logs, name + ".out")
        os.makedirs(logs, exist_ok=True)
        for path in (self.console, self.report, self.output):
            open(path, "wb").close()
        self.directory = tempfile.mkdtemp(prefix="mdu-bench-")
        self.process = None
        self.socket = None
        self.received = b""
        self.drivers = {}
        try:
            self.start()
            self.answer(BOOT_SECONDS, "ready")
            self.info = words(self.command("info"))
        except BaseException:
            self.kill()
            raise

    def start(self):
        """Start the process, and connect to it."""
        raise NotImplementedError

    def run(self, command, pass_fds=()):
        """Start command in its own session, so that Ctrl-C does not reach it."""
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=pass_fds, start_new_session=True)

    def fail(self, text):
        """Raise an error that names the guest and the logs."""
        raise GuestError(f"{self.name}: {text} (logs: {self.console}, {self.output})")

    def answer(self, seconds, first="ok"):
        """Wait for a line that begins with first; returns the rest of it."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.received:
            left = deadline - time.monotonic()
            if left <= 0:
                # Do not take a late answer for the answer to a later command.
                self.kill()
                self.fail(f"no answer within {seconds} s")
            # Wait in steps, to notice the end of a guest at once.
            self.socket.settimeout(min(left, 1))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                if self.process.poll() is not None:
                    self.fail(f"ended with status {self.process.returncode}")
                continue
            if not data:
                self.fail("hung up")
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        text = line.decode(errors="replace").strip()
        if text.split(" ", 1)[0] != first:
            self.fail(text)
        return text[len(first):].strip()

    def command(self, line, seconds=COMMAND_SECONDS):
        """Send a command to the guest; returns its answer."""
        self.socket.sendall(line.encode() + b"\n")
        try:
            return self.answer(seconds)
        except GuestError as error:
            raise GuestError(f"{error}; it was told: {line}") from None

    def driver(self, algorithm):
        """The driver that dm-crypt gets for an algorithm, or None."""
        if algorithm not in self.drivers:
            try:
                answer = words(self.command(f"run what=driver alg={algorithm}"))
                self.drivers[algorithm] = answer["driver"]
            except GuestError as error:
                if "error -2" not in str(error):
                    raise
                self.drivers[algorithm] = None
        return self.drivers[algorithm]

    def close(self):
        """Ask the guest to end; fail if the guest does not, or ends badly."""
        try:
            self.command("quit", 30)
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            self.fail("did not end")
        except BaseException:
            self.kill()
            raise
        self.kill()
        self.check_end(status)

    def check_end(self, status):
        """Fail if the guest ended badly."""
        with open(self.report, encoding="utf-8", errors="replace") as report:
            lines = report.read().split("\n")
        if status or "verdict: exit 0" not in [line.strip() for line in lines]:
            self.fail(f"ended badly, with status {status}")

    def kill(self):
        """End the guest if it runs, and remove its directory."""
        if self.process and self.process.poll() is None:
            # boot.sh ends its guest when it is terminated.
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
        if self.socket:
            self.socket.close()
            self.socket = None
        shutil.rmtree(self.directory, ignore_errors=True)


class QemuGuest(Guest):
    """A guest of QEMU, which counts instructions."""

    def __init__(self, name, logs, kernel, rootfs):
        self.kernel = os.path.join(kernel, "image")
        self.rootfs = rootfs
        super().__init__(name, logs)

    def start(self):
        path = os.path.join(self.directory, "socket")
        command = [BOOT, "--arch", "x86_64", "--kernel", self.kernel,
                   "--rootfs", self.rootfs, "--job", "bench", "--icount",
                   "--mem", str(QEMU_MEMORY), "--timeout", "36000",
                   "--log", self.console, "--report", self.report, "--quiet"]
        for word in ("-chardev", f"socket,id=bench,path={path},server=on,wait=on",
                     "-device", "virtserialport,chardev=bench,name=bench"):
            command += ["--qemu", word]
        self.run(command)
        deadline = time.monotonic() + 30
        while self.socket is None:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(path)
            except (FileNotFoundError, ConnectionRefusedError):
                self.socket.close()
                self.socket = None
                if self.process.poll() is not None:
                    self.fail("did not start")
                if time.monotonic() > deadline:
                    self.fail("QEMU does not listen")
                time.sleep(0.05)


class UmlGuest(Guest):
    """User-mode Linux, which runs at the processor's own speed."""

    def __init__(self, name, logs, kernel, rootfs):
        self.kernel = os.path.join(kernel, "linux")
        self.modules = os.path.join(kernel, "modules.img")
        self.rootfs = rootfs
        super().__init__(name, logs)

    def start(self):
        self.socket, theirs = socket.socketpair()
        console = os.open(self.console, os.O_WRONLY | os.O_APPEND)
        report = os.open(self.report, os.O_WRONLY | os.O_APPEND)
        channel = theirs.fileno()
        # The descriptors keep their numbers in the new process.
        command = [self.kernel, f"mem={UML_MEMORY}M", f"ubd0r={self.rootfs}",
                   f"ubd1r={self.modules}", "mdu.modules=/dev/ubdb",
                   "root=/dev/ubda", "ro",
                   "rootfstype=ext4", "init=/sbin/init", "panic=-1",
                   "cryptomgr.notests=1",
                   "con=null", f"con0=null,fd:{console}", "console=tty0",
                   "ssl=null", f"ssl0=fd:{channel},fd:{channel}",
                   f"ssl1=null,fd:{report}", "mdu.job=bench",
                   "mdu.args=/dev/ttyS0", "mdu.report=/dev/ttyS1"]
        try:
            self.run(command, (channel, console, report))
        finally:
            theirs.close()
            os.close(console)
            os.close(report)
