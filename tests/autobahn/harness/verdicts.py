"""Verdicts: what is expected, what came, and the table of them."""
import re
from collections import Counter
from typing import NamedTuple

EXPECTED_HEAD = '''\
# The verdict of Autobahn|Testsuite on every case: behavior, behavior when closing, and the close code that the peer sent.
# Held against every run, in both roles and by each API. Written by `tests/autobahn/run --full --accept`.
'''

SHORT = {'INFORMATIONAL': 'info', 'UNIMPLEMENTED': 'missing'}


class Verdict(NamedTuple):
    behavior: str
    close: str
    #: The code of the peer's close frame; `-` without one. The suite is content with no code where we want the right one.
    code: str

    @classmethod
    def of(cls, entry):
        """From an entry of the suite's `index.json`."""
        code = entry['remoteCloseCode']
        return cls(entry['behavior'], entry['behaviorClose'], '-' if code is None else str(code))

    def __str__(self):
        return ', '.join(self)


def number(case):
    return [int(part) for part in case.split('.')]


def select(cases, patterns):
    """The cases that the suite runs for these patterns: `*` is anything, and the beginning of a case must match."""
    wanted = [re.compile(re.escape(p).replace(r'\*', '.*') + ('' if '*' in p else '$')) for p in patterns]
    return sorted((case for case in cases if any(w.match(case) for w in wanted)), key=number)


def load(path):
    """The expected verdicts, by case."""
    expected = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith('#'):
            case, *verdict = re.split(r'  +', line)
            expected[case] = Verdict(*verdict)
    return expected


def save(path, verdicts):
    lines = [f'{case:8}  ' + '  '.join(verdicts[case]) for case in sorted(verdicts, key=number)]
    path.write_text(EXPECTED_HEAD + '\n'.join(lines) + '\n')


def differences(expected, found):
    """One line for each case that is not as expected, that did not run, or that was not asked for."""
    lines = []
    for case in sorted(expected | found, key=number):
        if case not in found:
            lines.append(f'{case}: did not run')
        elif case not in expected:
            lines.append(f'{case}: not expected to run; {found[case]}')
        elif found[case] != expected[case]:
            lines.append(f'{case}: {found[case]}; expected {expected[case]}')
    return lines


def table(runs):
    """Markdown: a row for each run, a column for each chapter of the suite."""
    chapters = sorted({case.split('.')[0] for verdicts in runs.values() for case in verdicts}, key=int)
    rows = [['run', *(f'{chapter}.*' for chapter in chapters), 'all'], None]
    for name, verdicts in runs.items():
        by_chapter = [[v for case, v in verdicts.items() if case.split('.')[0] == chapter] for chapter in chapters]
        rows.append([name, *map(summary, [*by_chapter, verdicts.values()])])
    widths = [max(len(row[column]) for row in rows if row) for column in range(len(rows[0]))]
    rows[1] = ['-' * width for width in widths]
    return '\n'.join('| ' + ' | '.join(cell.ljust(width) for cell, width in zip(row, widths)) + ' |' for row in rows)


def summary(verdicts):
    """Say `34 OK, 3 info`. A bad close counts like a bad behavior."""
    counts = Counter(v.behavior if v.close in ('OK', v.behavior) else f'{v.behavior}/{v.close}' for v in verdicts)
    in_order = sorted(counts.items(), key=lambda item: (item[0] != 'OK', item[0]))
    return ', '.join(f'{count} {SHORT.get(name, name)}' for name, count in in_order) or '-'
