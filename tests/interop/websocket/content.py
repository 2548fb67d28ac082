"""What the messages consist of; the same as testee/content.rs."""
from itertools import pairwise

SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20, 64 << 20]


def text(size):
    """Characters of four, three, two and one bytes; one of them lies across every boundary somewhere."""
    return '😀€éx' * (size // 10) + 'x' * (size % 10)


def binary(size):
    """Noise that repeats after a prime number of bytes, too far for deflate to see it."""
    return (NOISE * (size // len(NOISE) + 1))[:size]


def fragments(data):
    """Seven parts of about the same size, whatever characters that cuts, and an empty one."""
    cuts = [len(data) * n // 7 for n in range(8)]
    parts = [data[begin:end] for begin, end in pairwise(cuts)]
    return [*parts[:3], b'', *parts[3:]]


def noise():
    state = 1
    for _ in range(65521):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        yield state >> 16 & 0xFF


NOISE = bytes(noise())
