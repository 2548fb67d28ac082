"""Where Autobahn|Testsuite comes from: its Docker image, or a Python environment of our own."""
import os
import subprocess

from . import environment

IMAGE = 'crossbario/autobahn-testsuite'


class Python:
    """The suite of the Python environment in `folder`."""

    def __init__(self, folder):
        self.wstest = environment.ensure(folder).parent / 'wstest'

    def command(self, mode, spec, _folder):
        return [self.wstest, '-m', mode, '-s', spec, '-u', '0']  # -u 0: no web server


class Docker:
    """The suite of the image. It sees the folder that all runs work in under the same path, and the host's loopback."""

    def __init__(self, image):
        self.image = image

    def command(self, mode, spec, folder):
        work = folder.parent
        # --init passes SIGTERM on to wstest, which would ignore it as process 1.
        return ['docker', 'run', '--rm', '--init', '--network', 'host', '--user', f'{os.getuid()}:{os.getgid()}',
                '--volume', f'{work}:{work}', '--workdir', folder, self.image,
                'wstest', '-m', mode, '-s', spec, '-u', '0']


def find(kind, image, folder):
    """The suite by `kind`: `docker`, `python`, or `auto` for the image where an engine answers and has or gets it."""
    if kind == 'docker' or kind == 'auto' and succeeds('docker', 'version') and has_image(image):
        print(f'autobahn: the suite is that of the Docker image {image}', flush=True)
        return Docker(image)
    return Python(folder)


def has_image(image):
    return succeeds('docker', 'image', 'inspect', image) or succeeds('docker', 'pull', image, timeout=600)


def succeeds(*command, timeout=30):
    """Whether a command ends well; also `False` if there is no such command."""
    try:
        return subprocess.run(command, timeout=timeout, capture_output=True).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
