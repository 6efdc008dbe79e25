"""Writes N small PNG files with a comment into the current folder: the jobs of exiftool.sh."""
import struct
import sys
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


for number in range(int(sys.argv[1])):
    width, height = 8 + number, 16
    pixels = b"".join(b"\0" + bytes([number % 256] * width) for _ in range(height))
    with open(f"picture{number:04}.png", "wb") as file:
        file.write(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"tEXt", b"Comment\0picture %d" % number) + chunk(b"IDAT", zlib.compress(pixels))
            + chunk(b"IEND", b""))
