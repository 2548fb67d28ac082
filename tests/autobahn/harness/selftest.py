"""Proof that a wrong implementation is reported: peers that break one rule each, with the case that must tell."""
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .examine import Broken, Examination, examine
from .verdicts import differences, select

# Bug of bad_peer.py, and a case that finds it: by its verdict, or by the close code that expected.txt wants.
BUGS = {
    'corrupt': '1.1.2',
    'other-type': '1.2.2',
    'wrong-mask': '1.1.2',
    'no-pong': '2.2',
    'long-control': '2.5',
    'reserved-bits': '3.1',
    'reserved-opcode': '4.1.1',
    'fragmented-control': '5.1',
    'stray-continuation': '5.9',
    'interrupted-message': '5.18',
    'no-utf8': '6.3.1',
    'late-utf8': '6.4.3',
    'no-close': '7.1.1',
    'short-close': '7.3.2',
    'any-close-code': '7.9.5',
    'wrong-code': '3.1',
    'no-code': '3.1',
    'stop-early': '7.9.5',
}
CASES = sorted(set(BUGS.values()))
#: For the peer that never answers.
PATIENCE = 5


def run(suite, expected, jobs):
    """Examines the peers in both roles; 0 if each bug was found, and none in the peer without one."""
    expected = {case: expected[case] for case in select(expected, CASES)}
    peers = [(role, bug) for role in ('server', 'client') for bug in ['none', *BUGS, 'hang']]
    with tempfile.TemporaryDirectory(prefix='autobahn-') as work, ThreadPoolExecutor(jobs) as pool:
        results = pool.map(lambda peer: judge(*peer, suite, expected, Path(work)), peers)
        failures = [peer for peer, is_right in zip(peers, results) if not is_right]
    missed = ', '.join(map(' '.join, failures))
    print(f'autobahn: self-test: not as it should be: {missed}' if missed else 'autobahn: self-test: every bug was found')
    return 1 if failures else 0


def judge(role, bug, suite, expected, work):
    """Whether the peer was found out, or found right if it is."""
    command = [sys.executable, '-B', Path(__file__).with_name('bad_peer.py'), role, bug]
    examination = Examination(f'{role}-{bug}', role == 'server', command)
    try:
        verdicts = examine(examination, suite, CASES, work, PATIENCE if bug == 'hang' else 120)
        lines = differences(expected, verdicts)
        told = [line for line in lines if line.startswith(f'{BUGS.get(bug)}: ')]
        note, is_right = '; '.join(told or lines) or 'no difference', not lines if bug == 'none' else bool(told)
    except Broken as error:
        note, is_right = str(error), bug == 'hang'
    print(f'{"ok    " if is_right else "WRONG "}  {role} {bug}: {note}', flush=True)
    return is_right
