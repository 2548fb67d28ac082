"""Copied into the converted suite: where its Python 2 strings meet autobahn's bytes.

The cases were written for Python 2, where a string is a string of octets. Converted to Python 3 they go on as they were, with a
`str` of one character per octet (latin-1). Such a string becomes `bytes` where it enters autobahn (`send...`), and the bytes that
autobahn received become such a string before a case sees them. So no case had to be rewritten.
"""
import binascii


def to_bytes(octets):
    return octets.encode('latin-1') if isinstance(octets, str) else bytes(octets)


def to_octets(data):
    return data.decode('latin-1') if isinstance(data, (bytes, bytearray)) else data


def to_text(data):
    """For the reports, which are Unicode: octets in either form, read as UTF-8. What is no octets is text already."""
    try:
        return data.encode('latin-1').decode('utf8', 'replace') if isinstance(data, str) else \
            data.decode('utf8', 'replace') if isinstance(data, bytes) else data
    except UnicodeEncodeError:
        return data


def b2a_hex(octets):
    """In the place of binascii's, which returns bytes in Python 3."""
    return binascii.hexlify(to_bytes(octets)).decode('ascii')


hexlify = b2a_hex


class Octets:
    """A base in front of autobahn's protocol classes."""

    def sendFrame(self, opcode, payload='', *args, **kwargs):
        return super().sendFrame(opcode, to_bytes(payload), *args, **kwargs)

    def sendMessage(self, payload, *args, **kwargs):
        return super().sendMessage(to_bytes(payload), *args, **kwargs)

    def sendMessageFrame(self, payload, *args, **kwargs):
        return super().sendMessageFrame(to_bytes(payload), *args, **kwargs)

    def sendMessageFrameData(self, payload, *args, **kwargs):
        return super().sendMessageFrameData(to_bytes(payload), *args, **kwargs)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        reason = None if reasonUtf8 is None else to_bytes(reasonUtf8)
        return super().sendCloseFrame(code, reason, isReply)
