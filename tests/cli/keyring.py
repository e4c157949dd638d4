"""A home's keyring, opened as docs/storage.md describes it, by libsodium alone: which secrets there are to be found."""
import ctypes
import ctypes.util
import hashlib
import struct

MAGIC = b"satchel-keyring"
VERSION = 1
ARGON2ID13 = 2  # libsodium's number of it; the file's is 1
DEVICE, ADMIN = 1, 2


def sodium():
    library = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
    if library.sodium_init() < 0:
        raise AssertionError("libsodium does not start")
    return library


def unseal(sealed, ad, nonce, key):
    """XChaCha20-Poly1305; None: it does not open."""
    plain = ctypes.create_string_buffer(len(sealed) - 16)
    failed = sodium().crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, None, None, sealed, ctypes.c_ulonglong(len(sealed)), ad, ctypes.c_ulonglong(len(ad)), nonce, key)
    return None if failed else plain.raw


class Section:
    def __init__(self, data, at):
        self.kdf, self.ops, self.mem_bytes = struct.unpack_from("<BQQ", data, at)
        self.salt, self.nonce = data[at + 17:at + 33], data[at + 33:at + 57]
        length, = struct.unpack_from("<I", data, at + 57)
        self.header, self.sealed = data[at:at + 61], data[at + 61:at + 61 + length]
        self.end = at + 61 + length

    def open(self, kind, passphrase):
        """The secrets, or None: that is not the passphrase."""
        key = ctypes.create_string_buffer(32)
        if sodium().crypto_pwhash(key, ctypes.c_ulonglong(32), passphrase, ctypes.c_ulonglong(len(passphrase)),
                                  self.salt, ctypes.c_ulonglong(self.ops), ctypes.c_size_t(self.mem_bytes), ARGON2ID13):
            raise AssertionError("no memory to hash a passphrase")
        return unseal(self.sealed, MAGIC + struct.pack("<HB", VERSION, kind) + self.header, self.nonce, key.raw)


class Keyring:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:15] != MAGIC or struct.unpack_from("<H", self.data, 15)[0] != VERSION:
            raise AssertionError("that is no keyring of this version")
        label = b"satchel/1/keyring"
        checksum = hashlib.blake2b(bytes([len(label)]) + label + self.data[:-8], digest_size=32).digest()[:8]
        if checksum != self.data[-8:]:
            raise AssertionError("the keyring is damaged")
        self.device = Section(self.data, 17)
        has_admin = self.data[self.device.end]
        self.admin = Section(self.data, self.device.end + 1) if has_admin else None
        if (self.admin or self.device).end + (0 if has_admin else 1) + 8 != len(self.data):
            raise AssertionError("the keyring's length is not that of its parts")

    def secrets(self, passphrase, admin_passphrase=None):
        """{name: bytes}: of signature keys the seed alone, as the other half is public."""
        plain = self.device.open(DEVICE, passphrase)
        if plain is None:
            raise AssertionError("that does not open the keyring")
        found = {"device signature": plain[36:68], "key box": plain[100:132], "nonce key": plain[132:164],
                 "store key": plain[164:196]}
        if self.admin:
            found["admin signature"] = self.admin.open(ADMIN, admin_passphrase or passphrase)[:32]
        return found
