# SPDX-License-Identifier: GPL-2.0
"""Start a guest to measure, talk to it, and end it.

Inside the guest runs ../boot/jobs/bench.sh.  Its head comment explains the commands.
"""

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT = os.path.join(HERE, "..", "boot", "boot.sh")

BOOT_SECONDS = 180
COMMAND_SECONDS = 300


class GuestError(Exception):
    """A guest did something wrong, or did not answer.  The text names the logs."""


def words(text):
    """Make a dictionary of the name=value words of a line."""
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


class Guest:
    """A running guest, in QEMU or, with arch um, in User-mode Linux.

    options are more options of boot.sh, which checks the kernel's messages and the verdict.
    """

    def __init__(self, name, logs, arch, options):
        self.arch = arch
        self.name = name
        self.console = os.path.join(logs, name + ".console")
        self.output = os.path.join(logs, name + ".out")
        os.makedirs(logs, exist_ok=True)
        self.directory = tempfile.mkdtemp(prefix="mdu-bench-")
        self.process = self.socket = None
        self.received = b""
        command = [BOOT, "--arch", arch, "--job", "bench", "--timeout", "36000", "--quiet",
                   "--log", self.console, "--report", os.path.join(logs, name + ".report"),
                   *options]
        try:
            if arch == "um":
                self.start_uml(command)
            else:
                self.start_qemu(command)
            self.answer(BOOT_SECONDS, "ready")
            self.info = words(self.command("info"))
        except BaseException:
            self.kill()
            raise

    def start_qemu(self, command):
        """Start QEMU, which connects to a socket."""
        path = os.path.join(self.directory, "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            self.run([*command, "--qemu", "-chardev",
                      "--qemu", f"socket,id=bench,path={path}", "--qemu", "-device",
                      "--qemu", "virtserialport,chardev=bench,name=bench"])
            listener.settimeout(1)
            self.socket, _ = self.wait(listener.accept, BOOT_SECONDS)

    def start_uml(self, command):
        """Start User-mode Linux, which gets one end of a socket as its second serial line.

        The descriptor has a large number, because boot.sh uses small ones itself.
        """
        self.socket, theirs = socket.socketpair()
        with theirs:
            number = fcntl.fcntl(theirs, fcntl.F_DUPFD, 100)
        try:
            self.run([*command, "--smp", "1", "--args", "/dev/ttyS1", "--append",
                      f"cryptomgr.notests=1 ssl1=fd:{number},fd:{number}"], (number,))
        finally:
            os.close(number)

    def run(self, command, pass_fds=()):
        """Start command in its own session, so that Ctrl-C does not reach it."""
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=pass_fds, start_new_session=True)

    def fail(self, text):
        """Raise an error that names the guest and the logs."""
        raise GuestError(f"{self.name}: {text} (logs: {self.console}, {self.output})")

    def fail_ended(self):
        """Fail, because the guest closed the connection.  First wait for boot.sh, which may
        still have to write the reason."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.kill()
        self.fail(f"ended with status {self.process.returncode}")

    def wait(self, function, seconds):
        """Call function until it does not time out; fail if the guest ends meanwhile."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return function()
            except TimeoutError:
                if self.ended():
                    self.fail_ended()
                if time.monotonic() > deadline:
                    # Do not take a late answer for the answer to a later command.
                    self.kill()
                    self.fail(f"no answer within {seconds} s")
            except OSError:
                self.fail_ended()

    def answer(self, seconds, first="ok"):
        """Wait for a line that begins with first; returns the rest of it."""
        self.socket.settimeout(1)
        while b"\n" not in self.received:
            data = self.wait(lambda: self.socket.recv(65536), seconds)
            if not data:
                self.fail_ended()
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        text = line.decode(errors="replace").strip()
        if text.split(" ", 1)[0] != first:
            self.fail(text)
        return text[len(first):].strip()

    def command(self, line, seconds=COMMAND_SECONDS):
        """Send a command to the guest; returns its answer."""
        try:
            self.wait(lambda: self.socket.sendall(line.encode() + b"\n"), seconds)
            return self.answer(seconds)
        except GuestError as error:
            raise GuestError(f"{error}; it was told: {line}") from None

    def find_cipher(self, algorithms):
        """The first of the algorithms that this kernel has, and the driver that dm-crypt
        gets for it."""
        for algorithm in algorithms:
            try:
                answer = self.command(f"run cipher {algorithm} read pages 512 0 0 0 0 0")
                return algorithm, words(answer)["driver"]
            except GuestError as error:
                if "error -2 " not in str(error):
                    raise
        return self.fail(f"no cipher {' or '.join(algorithms)} in this kernel")

    def ended(self):
        """Has the guest ended?"""
        return self.process.poll() is not None

    def close(self):
        """Ask the guest to end; fail if the guest does not, or ends badly."""
        try:
            self.command("quit", 30)
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.fail("did not end")
        finally:
            self.kill()
        if status:
            self.fail(f"ended badly, with status {status}")

    def kill(self):
        """End the guest if it runs, and remove its directory."""
        if self.process:
            # boot.sh ends its guest when it is terminated.
            self.process.terminate()
            self.process.wait()
        if self.socket:
            self.socket.close()
        shutil.rmtree(self.directory, ignore_errors=True)
