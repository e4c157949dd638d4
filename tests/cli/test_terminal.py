#!/usr/bin/env python3
"""On a terminal: the passphrase is asked for without echo, twice when a home is made, and the terminal is not
left changed."""
import os
import pty
import select
import signal
import termios
import time

from harness import SATCHEL, World, clean_environment, equal, has, lacks, run, test

ANSWER_TIME_MAX_S = 60


class Terminal:
    """A command with a terminal of its own for stdin, stdout and stderr."""

    def __init__(self, *args):
        self.seen = b""
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(SATCHEL, [SATCHEL, *args], clean_environment())

    def read_some(self, wait_s):
        if not select.select([self.fd], [], [], wait_s)[0]:
            return True
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # the other end is gone
            data = b""
        self.seen += data
        return data != b""

    def wait_for(self, text):
        """Waits for the text and returns what came before it; the rest stays."""
        deadline = time.monotonic() + ANSWER_TIME_MAX_S
        while text.encode() not in self.seen:
            if time.monotonic() > deadline or not self.read_some(0.5):
                raise AssertionError("%r never came, but %r" % (text, self.seen))
        before, self.seen = self.seen.split(text.encode(), 1)
        return before.decode()

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def answer(self, prompt, text):
        """Types the answer once the prompt is there and the echo is off."""
        self.wait_for(prompt)
        equal(self.echoes(), False, "the terminal echoes what is typed at %r" % prompt)
        os.write(self.fd, text.encode())

    def finish(self):
        """The exit code, and what was shown since."""
        deadline = time.monotonic() + ANSWER_TIME_MAX_S
        while self.read_some(0.5):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
        _, self.status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(self.status), self.seen.decode("utf-8", "replace")


world = World(territories=["Eastern"])
world.admin.run("user", "add", "Nancy", "--role", "rep")
world.admin.run("territory", "grant", "Eastern", "Nancy")
home = os.path.join(world.folder, "home-terminal")


@test
def two_different_new_passphrases_make_no_home():
    terminal = Terminal("--home", home, "join", world.invite("Nancy"))
    terminal.answer("New passphrase: ", "secret one\n")
    terminal.answer("Once more: ", "secret two\n")
    code, text = terminal.finish()
    equal(code, 6, text)
    has(text, "not the same")
    lacks(text, "secret")
    equal(os.path.exists(home), False, "a home was made")


@test
def a_new_home_asks_for_its_passphrase_twice():
    terminal = Terminal("--home", home, "join", world.invite("Nancy"))
    terminal.answer("New passphrase: ", "secret one\n")
    terminal.answer("Once more: ", "secret one\n")
    code, text = terminal.finish()
    equal(code, 0, text)
    lacks(text, "secret")
    has(text, "Nancy")


@test
def an_old_home_asks_once_and_opens():
    terminal = Terminal("--home", home, "status")
    terminal.answer("Passphrase: ", "secret one\n")
    code, text = terminal.finish()
    equal(code, 0, text)
    lacks(text, "secret")
    has(text, "Nancy")


@test
def a_wrong_answer_is_a_wrong_passphrase():
    terminal = Terminal("--home", home, "status")
    terminal.answer("Passphrase: ", "secret two\n")
    code, text = terminal.finish()
    equal(code, 6, text)
    has(text, "wrong passphrase")


@test
def the_interrupt_key_leaves_the_terminal_as_it_was():
    for answer in ("\x03", "half\x03", "\n", "\x04"):
        terminal = Terminal("--home", home, "status")
        terminal.answer("Passphrase: ", answer)
        terminal.wait_for("no passphrase was given")
        equal(terminal.finish()[0], 6, repr(answer))


@test
def the_echo_is_back_after_the_answer():
    terminal = Terminal("--home", home, "sync", "--live")
    terminal.answer("Passphrase: ", "secret one\n")
    terminal.wait_for("in sync")
    equal(terminal.echoes(), True)
    os.write(terminal.fd, b"\x03")
    code, text = terminal.finish()
    equal(code, 0, text)
    has(text, "sent 0")


# ---- Changing them ----

@test
def a_change_asks_for_the_old_one_first_and_for_the_new_one_twice():
    terminal = Terminal("--home", home, "passphrase")
    terminal.answer("Passphrase: ", "secret wrong\n")
    code, text = terminal.finish()
    equal(code, 6, text)
    has(text, "wrong passphrase")
    lacks(text, "New")
    terminal = Terminal("--home", home, "passphrase")
    terminal.answer("Passphrase: ", "secret one\n")
    terminal.answer("New passphrase: ", "secret three\n")
    terminal.answer("Once more: ", "secret four\n")
    code, text = terminal.finish()
    equal(code, 6, text)
    has(text, "not the same")
    terminal = Terminal("--home", home, "passphrase")
    terminal.answer("Passphrase: ", "secret one\n")
    terminal.answer("New passphrase: ", "\n")
    equal(terminal.finish()[0], 6)
    terminal = Terminal("--home", home, "passphrase")
    terminal.answer("Passphrase: ", "secret one\n")
    terminal.answer("New passphrase: ", "secret three\n")
    terminal.answer("Once more: ", "secret three\n")
    code, text = terminal.finish()
    equal(code, 0, text)
    has(text, "the passphrase is changed")
    lacks(text, "secret")
    terminal = Terminal("--home", home, "status")
    terminal.answer("Passphrase: ", "secret three\n")
    equal(terminal.finish()[0], 0)


@test
def an_admins_own_is_asked_for_where_it_is_needed_and_nowhere_else():
    own = ["--home", world.admin.home, "--passphrase-file", world.admin.passphrase_file]
    terminal = Terminal(*own, "passphrase", "--admin")
    terminal.answer("New admin passphrase: ", "admin secret\n")
    terminal.answer("Once more: ", "admin secret\n")
    code, text = terminal.finish()
    equal(code, 0, text)
    lacks(text, "secret")
    terminal = Terminal(*own, "user", "add", "Janet", "--role", "rep")
    terminal.answer("Admin passphrase: ", "admin guess\n")
    code, text = terminal.finish()
    equal(code, 6, text)
    has(text, "wrong passphrase for the admin key")
    terminal = Terminal(*own, "user", "add", "Janet", "--role", "rep")
    terminal.answer("Admin passphrase: ", "admin secret\n")
    code, text = terminal.finish()
    equal(code, 0, text)
    terminal = Terminal(*own, "status")
    code, text = terminal.finish()
    equal(code, 0, text)
    lacks(text, "passphrase")
    terminal = Terminal(*own, "passphrase", "--admin")
    terminal.answer("Admin passphrase: ", "admin secret\n")
    terminal.answer("New admin passphrase: ", "admin secret two\n")
    terminal.answer("Once more: ", "admin secret two\n")
    code, text = terminal.finish()
    equal(code, 0, text)


if __name__ == "__main__":
    run()
