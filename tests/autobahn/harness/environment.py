"""Makes a Python 3 environment with Autobahn|Testsuite, from PyPI alone.

The suite is Python 2 code. It goes through 2to3 and a few exact replacements; each must find its text exactly as often as it
says, so that another version of the suite stops here instead of being half converted.
"""
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE.parent / 'requirements.txt'
AUTOBAHN = 'autobahn==0.10.9'
CASES = 517

# Modules of modes that are not ours (WAMP, wsperf), and what only they import.
UNUSED = ['wamp*.py', 'wampcase', 'wsperf*.py', 'serializer.py', 'testdb.py', 'testrun.py', 'util.py', 'interfaces.py', 'rinterfaces.py']

OLD_CLASS = 'class FrameProducer:\n\n   implements(interfaces.IPushProducer)\n'
NEW_CLASS = '@implementer(interfaces.IPushProducer)\nclass FrameProducer:\n'
OPEN_REPORT = "f = open(os.path.join(outdir, report_filename), 'w'"
HTTP = "\"%s\": self.%s if hasattr(self, '%s') else '?',"
HTTP_TEXT = "\"%s\": to_text(getattr(self, '%s', '?')),"
REQUEST = ('httpRequest', 'http_request_data')
RESPONSE = ('httpResponse', 'http_response_data')

# File of site-packages, then pairs of what is there (once, or as often as the third member says) and what takes its place.
AFTER_2TO3 = {
    'autobahn/websocket/protocol.py': [
        ('range(payload_len / len(payload))', 'range(payload_len // len(payload))'),
        # Its validator has found out that a reason is not UTF-8; then it decodes it all the same.
        ("self.remoteCloseReason = reasonRaw.decode('utf8')",
         "self.remoteCloseReason = reasonRaw.decode('utf8', 'replace')"),
    ],
    'autobahntestsuite/caseset.py': [("'\\.'", "r'\\.'", 3)],
    # Pickles of equal objects differ where one holds the same object twice.
    'autobahntestsuite/case/case.py': [('return pickle.dumps(obj1) == pickle.dumps(obj2)', 'return obj1 == obj2')],
    'autobahntestsuite/case/case6_x_x.py': [('v.validate(vss[:i])', "v.validate(vss[:i].encode('latin-1'))")],
    'autobahntestsuite/case/case9_9_1.py': [
        ('from zope.interface import implements\n', 'from zope.interface import implementer\n'), (OLD_CLASS, NEW_CLASS)],
    'autobahntestsuite/case/case10_1_1.py': [
        ('len(self.payload) / self.p.autoFragmentSize', 'len(self.payload) // self.p.autoFragmentSize')],
    # The one that knows bytes from text.
    'autobahntestsuite/case/case12_x_x.py': [
        ('import copy, os, pkg_resources, hashlib, binascii',
         'import copy, os, pkg_resources, hashlib\nfrom autobahntestsuite import octets as binascii'),
        ("      msg = ''\n", "      msg = b'' if self.TESTDATA['binary'] else ''\n"),
        ('def onMessage(self, msg, binary):\n', 'def onMessage(self, msg, binary):\n   msg = binascii.to_bytes(msg)\n'),
    ],
    'autobahntestsuite/fuzzing.py': [
        ('import os, json, binascii, time, textwrap, pkg_resources',
         'import os, json, time, textwrap, pkg_resources\nfrom . import octets as binascii\n'
         'from .octets import Octets, to_bytes, to_octets, to_text'),
        ('class FuzzingProtocol:\n', 'class FuzzingProtocol(Octets):\n'),
        ('self.runCase.onPong(payload)', 'self.runCase.onPong(to_octets(payload))'),
        ('"Pong received: " + payload', '"Pong received: " + to_octets(payload)'),
        ('self.runCase.onMessage(msg, binary)', 'self.runCase.onMessage(to_octets(msg), binary)'),
        # Logs and reports.
        ('def asciiLogData(data, maxlen = 64, replace = False):\n   ellipses = " ..."\n',
         'def asciiLogData(data, maxlen = 64, replace = False):\n   ellipses = b" ..."\n   data = to_bytes(data)\n'),
        ("p = ''.join(payload)\n", "p = b''.join(payload)\n"),
        ('"description": self.Case.DESCRIPTION,', '"description": to_text(self.Case.DESCRIPTION),'),
        ('"localCloseReason": self.localCloseReason,', '"localCloseReason": to_text(self.localCloseReason),'),
        (HTTP % (REQUEST[0], REQUEST[1], REQUEST[1]), HTTP_TEXT % REQUEST),
        (HTTP % (RESPONSE[0], RESPONSE[1], RESPONSE[1]), HTTP_TEXT % RESPONSE),
        ("'description': self.factory.CaseSet.caseClassToPrettyDescription(self.Case),",
         "'description': to_text(self.factory.CaseSet.caseClassToPrettyDescription(self.Case)),"),
        ('% CCase.DESCRIPTION)', '% to_text(CCase.DESCRIPTION))'),
        (OPEN_REPORT + ')', OPEN_REPORT + ", encoding = 'utf8')", 4),
        ('% (c[0], case[c[0]], c[1])).encode("utf-8"))', '% (c[0], case[c[0]], c[1])))'),
        ("ll.encode('utf8')))", 'll))'),
        ("webdir.putChild('cwd', curdir)", "webdir.putChild(b'cwd', curdir)"),
    ],
}


def ensure(folder):
    """Makes the environment unless it is there already, made by this very code; returns its Python."""
    python, stamp = folder / 'bin/python', folder / 'made-by'
    if stamp.exists() and stamp.read_text() == fingerprint():
        return python
    if sys.version_info < (3, 11):
        raise SystemExit('autobahn: the packages of requirements.txt need Python 3.11 or later')
    print(f'autobahn: making a Python environment in {folder}', flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    call(sys.executable, '-m', 'venv', folder)
    pip = [python, '-m', 'pip', '--disable-pip-version-check', '--quiet', 'install', '--no-deps']
    call(*pip, '-r', REQUIREMENTS)
    call(*pip, '--no-build-isolation', AUTOBAHN)
    site = Path(output(python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'))
    convert(python, site)
    check(python)
    stamp.write_text(fingerprint())
    return python


def fingerprint():
    sources = [Path(__file__), HERE / 'octets.py', REQUIREMENTS]
    return hashlib.sha256(b''.join(source.read_bytes() for source in sources)).hexdigest()


def convert(python, site):
    suite = site / 'autobahntestsuite'
    for pattern in UNUSED:
        for path in suite.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in suite.rglob('*.py'):
        # As Python 2 read them: literals are octets, whatever the coding line says.
        path.write_bytes(path.read_bytes().replace(b'\r\n', b'\n').replace(b'coding=utf-8', b'coding=latin-1', 1))
    edit(suite / 'wstest.py', lambda code: re.sub(r"^import serializer\n|^ *'serializer'.*\n", '', code, flags=re.M))
    # Below this line the generator of WAMP's reports begins, which wants jinja2.
    edit(suite / 'report.py', lambda code: code.replace('import jinja2\n', '').split('\nREPORT_DIR_PERMISSIONS')[0] + '\n')
    call(python, '-W', 'ignore', '-m', 'fissix', '-w', '-n', '--no-diffs', suite, quiet=True)
    shutil.copy(HERE / 'octets.py', suite / 'octets.py')
    for path in (suite / 'case').glob('*.py'):
        edit(path, lambda code: re.sub(
            r'^import binascii$', 'from autobahntestsuite import octets as binascii', code, flags=re.M
        ).replace('(object, Case, )', '(Case, )'))  # all classes are new-style
    for name, replacements in AFTER_2TO3.items():
        edit(site / name, lambda code: replace(name, code, replacements))


def replace(name, code, replacements):
    for old, new, *times in replacements:
        found, wanted = code.count(old), times[0] if times else 1
        if found != wanted:
            raise SystemExit(f'autobahn: {name} has {old!r} {found} times, not {wanted}: another version?')
        code = code.replace(old, new)
    return code


def edit(path, change):
    path.write_text(change(path.read_text('latin-1')), 'latin-1')


def check(python):
    """Every case can be made, and a string that is not ASCII has kept its octets."""
    count = output(python, '-W', 'ignore', '-c', '''
from autobahntestsuite.case import Cases
from autobahntestsuite.case.case6_2_1 import Case6_2_1
assert "\u00e4".encode("utf8").decode("latin-1") in Case6_2_1.PAYLOAD
print(len(Cases))''')
    if int(count) != CASES:
        raise SystemExit(f'autobahn: the suite has {count} cases, not {CASES}')


def call(*command, quiet=False):
    done = subprocess.run(command, timeout=600, stdout=subprocess.PIPE if quiet else None,
                          stderr=subprocess.STDOUT if quiet else None)
    if done.returncode:
        sys.stdout.buffer.write(done.stdout or b'')
        raise SystemExit(f'autobahn: {command[0]} {command[1]} ... failed')


def output(*command):
    return subprocess.run(command, timeout=60, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
