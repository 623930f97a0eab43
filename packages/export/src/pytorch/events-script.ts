/** Writes the training log in the format of TensorBoard, whose package training should not need. */
export const eventsPy = `"""
Writes scalars as TensorBoard reads them, without its package; written by Lamella. A file is a list of TFRecords (length, checksum,
data, checksum); the data are \`Event\` messages in the wire format of protocol buffers.
"""
import os
import socket
import struct
import time


def crc32c(data):
    """CRC-32C (Castagnoli), bit by bit: events are short."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    """The checksum of a TFRecord: rotated and shifted, as the format demands."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def message(field, data):
    """A field of bytes: strings and nested messages."""
    return varint(field << 3 | 2) + varint(len(data)) + data


class EventFile:
    """A new event file in \`folder\`; a run that goes on adds another, and TensorBoard joins them."""

    def __init__(self, folder):
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self.file = open(os.path.join(folder, name), "ab")
        self.write(message(3, b"brain.Event:2"))

    def write(self, event):
        data = b"\\x09" + struct.pack("<d", time.time()) + event
        length = struct.pack("<Q", len(data))
        self.file.write(length + masked(length) + data + masked(data))
        self.file.flush()

    def scalars(self, step, values):
        """Numbers by tag, at a step."""
        summary = b"".join(message(1, message(1, tag.encode()) + b"\\x15" + struct.pack("<f", value)) for tag, value in values.items())
        self.write(b"\\x10" + varint(step) + message(5, summary))
`;
