"""The text of a UUID, as Avro has it (RFC 4122): told from any other by one translation and one comparison."""

from typing import Final

HEX: Final = bytes(b"x0"[chr(byte) in "0123456789abcdefABCDEF"] if byte != 0x2D else byte for byte in range(256))
"""Makes each hexadecimal digit a 0, leaves dashes, and makes anything else an x."""
FORM: Final = b"00000000-0000-0000-0000-000000000000"
"""What becomes of a UUID."""
