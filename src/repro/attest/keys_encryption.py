"""A private key's file encrypted against guessing: PKCS#8 (RFC 5958) by PBES2 (RFC 8018), scrypt (RFC 7914).

The library that signs can write such files with PBKDF2 of 2048 rounds only, which a graphics card tries by
the hundred thousand each second. It reads these, as OpenSSL does.
"""

from __future__ import annotations

import base64
import os

COST, BLOCK_SIZE, PARALLEL = 1 << 14, 8, 5
"""Parameters N, r and p of scrypt: 16 MiB, five times (OWASP Password Storage Cheat Sheet, 2024).

More memory is not read by OpenSSL without a setting (`EVP_PBE_scrypt`, maxmem 32 MiB).
"""

SALT_BYTES = 16
KEY_BYTES, IV_BYTES = 32, 16
"""Of AES-256-CBC."""

PBES2 = bytes.fromhex("06092a864886f70d01050d")
SCRYPT = bytes.fromhex("06092b06010401da47040b")
AES256_CBC = bytes.fromhex("060960864801650304012a")
"""Object identifiers 1.2.840.113549.1.5.13, 1.3.6.1.4.1.11591.4.11 and 2.16.840.1.101.3.4.1.42, as DER."""

SEQUENCE, INTEGER, OCTETS = 0x30, 0x02, 0x04


def encrypted_pem(pkcs8: bytes, password: bytes) -> bytes:
    """An `ENCRYPTED PRIVATE KEY` in PEM (RFC 7468, section 11) from a `PrivateKeyInfo` as DER."""
    from cryptography.hazmat.primitives import padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    salt, iv = os.urandom(SALT_BYTES), os.urandom(IV_BYTES)
    key = Scrypt(salt=salt, length=KEY_BYTES, n=COST, r=BLOCK_SIZE, p=PARALLEL).derive(password)
    padder = padding.PKCS7(8 * IV_BYTES).padder()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    data = encryptor.update(padder.update(pkcs8) + padder.finalize()) + encryptor.finalize()
    numbers = b"".join(_integer(number) for number in (COST, BLOCK_SIZE, PARALLEL))
    derivation = _der(SEQUENCE, SCRYPT + _der(SEQUENCE, _der(OCTETS, salt) + numbers))
    cipher = _der(SEQUENCE, AES256_CBC + _der(OCTETS, iv))
    algorithm = _der(SEQUENCE, PBES2 + _der(SEQUENCE, derivation + cipher))
    return pem("ENCRYPTED PRIVATE KEY", _der(SEQUENCE, algorithm + _der(OCTETS, data)))


def pem(label: str, der: bytes) -> bytes:
    """DER in the text form of RFC 7468: base64 in lines of 64."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def _integer(number: int) -> bytes:
    """A positive INTEGER: one more bit than it has, so that its sign is plus."""
    return _der(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def _der(tag: int, content: bytes) -> bytes:
    """One element (X.690, 8.1): tag, length, content."""
    size = len(content)
    if size < 0x80:  # noqa: PLR2004 - where the short form of a length ends
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content
