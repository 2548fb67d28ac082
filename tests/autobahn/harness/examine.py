"""One examination: the suite against one peer, as server or as client."""
import json
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .processes import Process
from .verdicts import Verdict


@dataclass
class Examination:
    """A peer, by the commands that start it, and the role that it plays."""
    name: str
    is_server: bool
    #: For a server, the whole command: it prints its URL. For a client, what comes before URL and name.
    command: list
    #: Folder of `cert.pem` and `key.pem`, if it is over TLS.
    tls: Path = None


class Broken(Exception):
    """No verdicts came out."""


def examine(examination, suite, cases, folder, timeout):
    """Runs it and returns the verdicts by case. Raises `Broken` if there is no report within `timeout` seconds."""
    folder = folder / examination.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run = examine_server if examination.is_server else examine_client
    try:
        run(examination, suite, cases, folder, timeout)
    except subprocess.TimeoutExpired:
        raise Broken(f'not done within {timeout} s; see {folder}') from None
    return read(folder / 'reports', examination.name)


def examine_server(examination, suite, cases, folder, timeout):
    with Process(examination.command, folder / 'peer.log', subprocess.PIPE) as peer:
        url = first_line(peer, folder)
        spec = {'servers': [{'agent': examination.name, 'url': url}]}
        with fuzzing('fuzzingclient', suite, spec, cases, folder) as fuzzer:
            fuzzer.wait(timeout)


def examine_client(examination, suite, cases, folder, timeout):
    port = free_port()
    # The suite refuses a Host whose port is another one than this URL has.
    spec = {'url': f'{"wss" if examination.tls else "ws"}://127.0.0.1:{port}'}
    if examination.tls:
        spec |= {'cert': str(examination.tls / 'cert.pem'), 'key': str(examination.tls / 'key.pem')}
    with fuzzing('fuzzingserver', suite, spec, cases, folder) as fuzzer:
        wait_until_listening(port, fuzzer, folder)
        with Process([*examination.command, spec['url'], examination.name], folder / 'peer.log') as peer:
            if peer.wait(timeout):
                raise Broken(f'the client failed; see {folder}/peer.log')


def fuzzing(mode, suite, spec, cases, folder):
    spec = {'outdir': str(folder / 'reports'), 'cases': cases, 'exclude-cases': [], 'exclude-agent-cases': {}} | spec
    path = folder / 'spec.json'
    path.write_text(json.dumps(spec, indent=1))
    return Process(suite.command(mode, path, folder), folder / 'suite.log')


def first_line(peer, folder):
    """What a server prints when it listens. One that prints nothing is ended."""
    watchdog = threading.Timer(30, peer.kill)
    watchdog.start()
    line = peer.stdout.readline().strip()
    watchdog.cancel()
    if not line:
        raise Broken(f'the server does not start; see {folder}/peer.log')
    return line


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


def wait_until_listening(port, fuzzer, folder):
    deadline = time.monotonic() + 60
    while fuzzer.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise Broken(f'the fuzzing server does not start; see {folder}/suite.log')


def read(reports, name):
    """The verdicts: `wstest` ends well whatever they are, and leaves out the cases that did not come to an end."""
    try:
        cases = json.loads((reports / 'index.json').read_text())[name]
    except (OSError, ValueError, KeyError) as error:
        raise Broken(f'no report in {reports}: {error!r}') from None
    return {case: Verdict.of(entry) for case, entry in cases.items()}
