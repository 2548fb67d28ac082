"""Processes that end with us."""
import signal
import subprocess
import threading

LIVE = set()
LOCK = threading.Lock()
STOPPED = threading.Event()


class Process:
    """A command, ended at the end of its `with` at the latest. Its output goes to the file `log`."""

    def __init__(self, command, log, stdout=None):
        self.command = [str(part) for part in command]
        self.log = log
        self.stdout = stdout

    def __enter__(self):
        with LOCK, self.log.open('w') as log:
            if STOPPED.is_set():
                raise SystemExit('stopped')
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.stdout or log, stderr=log,
                                          text=True)
            LIVE.add(self.child)
        return self.child

    def __exit__(self, *_):
        end(self.child)
        if self.child.stdout:
            self.child.stdout.close()
        with LOCK:
            LIVE.discard(self.child)


def end(child):
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def end_all_on_signals():
    """Ctrl-C and SIGTERM end what was started, and let nothing more be."""
    def stop(number, _frame):
        STOPPED.set()  # without the lock, which this very thread may hold
        for child in list(LIVE):
            end(child)
        raise SystemExit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
