"""One file of a zip archive, in no more memory than its header declares."""

from __future__ import annotations

import zlib
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

WAYS = (ZIP_STORED, ZIP_DEFLATED)
"""The ways of compression that are taken: bzip2 and LZMA can only be expanded whole, 225 bytes to 100 MB."""


def content(archive: ZipFile, member: ZipInfo) -> bytes:
    """The bytes of a file. Raises BadZipFile where it is damaged, or compressed in another way than by deflate.

    `ZipFile.read` expands what is there, up to 2 GiB at once, before it cuts it to the size that the header declares.
    """
    if member.compress_type not in WAYS:
        raise BadZipFile(f"it is compressed in the way {member.compress_type}, not stored or deflated")
    try:
        with archive.open(member) as file:
            return file.read(member.file_size)
    except (zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        # Where a header says what cannot be, zipfile fails as it happens: by a seek before the beginning, say.
        raise BadZipFile(str(error)) from error
