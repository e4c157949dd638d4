#!/usr/bin/python3
"""Computes the golden vectors of common/vault again, from docs, hashlib and python3-cryptography.

Shares the notation and the comparison with check_proof.py and no code with the C side. HChaCha20, XSalsa20 and
Argon2id, which python3-cryptography does not have, are written out here. Only for inflating is zstd's own library
asked, through ctypes, with a frame put together here and the dictionary read from its source.

    check_vault.py [vault.json]
"""

import base64
import ctypes
import hashlib
import pathlib
import re
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.poly1305 import Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from check_proof import H, HK, check, counted, u8, u16, u32, u64

ROOT = pathlib.Path(__file__).resolve().parents[2]
MASK32, MASK64 = 2**32 - 1, 2**64 - 1
CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def raw(public_key):
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def ed25519_pair(seed):
    """libsodium's secret key (seed and public key) and the public key."""
    public = raw(Ed25519PrivateKey.from_private_bytes(seed).public_key())
    return seed + public, public


def x25519_public(secret):
    return raw(X25519PrivateKey.from_private_bytes(secret).public_key())


# ---- XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) ----

def rotate(value, n):
    return (value << n | value >> (32 - n)) & MASK32


def chacha_quarter(x, a, b, c, d):
    for p, q, r, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[p] = (x[p] + x[q]) & MASK32
        x[r] = rotate(x[r] ^ x[p], n)


def hchacha20(key, nonce16):
    x = [*CONSTANTS, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce16)]
    for _ in range(10):
        for i in range(4):
            chacha_quarter(x, i, i + 4, i + 8, i + 12)
        for i in range(4):
            chacha_quarter(x, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    return struct.pack("<8I", *x[:4], *x[12:])


def xchacha(key, nonce):
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])), bytes(4) + nonce[16:]


def aead_seal(key, nonce, plain, ad):
    cipher, nonce12 = xchacha(key, nonce)
    return cipher.encrypt(nonce12, plain, ad)


def aead_open(key, nonce, sealed, ad):
    cipher, nonce12 = xchacha(key, nonce)
    return cipher.decrypt(nonce12, sealed, ad)


# ---- crypto_box_seal: XSalsa20-Poly1305 (Bernstein, "Extending the Salsa20 nonce") under X25519 ----

def salsa_rounds(x):
    for _ in range(10):
        for group in ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
                      (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)):
            for i, n in enumerate((7, 9, 13, 18), 1):
                x[group[i % 4]] ^= rotate((x[group[(i - 1) % 4]] + x[group[(i - 2) % 4]]) & MASK32, n)


def salsa_state(key, nonce16):
    k, n, c = struct.unpack("<8I", key), struct.unpack("<4I", nonce16), CONSTANTS
    return [c[0], *k[:4], c[1], *n, c[2], *k[4:], c[3]]


def hsalsa20(key, nonce16):
    x = salsa_state(key, nonce16)
    salsa_rounds(x)
    return struct.pack("<8I", *(x[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)))


def xsalsa20(key, nonce24, length):
    subkey, stream = hsalsa20(key, nonce24[:16]), b""
    for block in range((length + 63) // 64):
        start = salsa_state(subkey, nonce24[16:] + u64(block))
        x = list(start)
        salsa_rounds(x)
        stream += struct.pack("<16I", *((a + b) & MASK32 for a, b in zip(start, x)))
    return stream[:length]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def box_parts(own_secret, other_public, ephemeral_public, recipient_public):
    shared = X25519PrivateKey.from_private_bytes(own_secret).exchange(X25519PublicKey.from_public_bytes(other_public))
    nonce = hashlib.blake2b(ephemeral_public + recipient_public, digest_size=24).digest()
    stream = xsalsa20(hsalsa20(shared, bytes(16)), nonce, 64)
    return stream[:32], stream[32:]  # Poly1305's one-time key, and what covers a 32-byte message


def box_seal(plain, ephemeral_secret, recipient_public):
    ephemeral_public = x25519_public(ephemeral_secret)
    mac_key, stream = box_parts(ephemeral_secret, recipient_public, ephemeral_public, recipient_public)
    covered = xor(plain, stream)
    return ephemeral_public + Poly1305.generate_tag(mac_key, covered) + covered


def box_open(box, recipient_secret):
    ephemeral_public, tag, covered = box[:32], box[32:48], box[48:]
    mac_key, stream = box_parts(recipient_secret, ephemeral_public, ephemeral_public, x25519_public(recipient_secret))
    Poly1305.verify_tag(mac_key, covered, tag)
    return xor(covered, stream)


# ---- Argon2id, one lane (RFC 9106) ----

def blake2b_long(data, length):
    data = u32(length) + data
    if length <= 64:
        return hashlib.blake2b(data, digest_size=length).digest()
    out, v = b"", hashlib.blake2b(data).digest()
    while length - len(out) > 64:
        out += v[:32]
        left = length - len(out)
        v = hashlib.blake2b(v, digest_size=min(left, 64)).digest()
    return out + v


def argon_mix(v, a, b, c, d):
    for p, q, r, n in ((a, b, d, 32), (c, d, b, 24), (a, b, d, 16), (c, d, b, 63)):
        v[p] = (v[p] + v[q] + 2 * (v[p] & MASK32) * (v[q] & MASK32)) & MASK64
        w = v[r] ^ v[p]
        v[r] = (w >> n | w << (64 - n)) & MASK64


def argon_permute(v, at):
    part = [v[i] for i in at]
    for i in range(4):
        argon_mix(part, i, i + 4, i + 8, i + 12)
    for i in range(4):
        argon_mix(part, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    for i, value in zip(at, part):
        v[i] = value


def argon_compress(x, y):
    r = [a ^ b for a, b in zip(x, y)]
    z = list(r)
    for row in range(8):
        argon_permute(z, range(16 * row, 16 * row + 16))
    for column in range(8):
        argon_permute(z, [16 * row + 2 * column + half for row in range(8) for half in (0, 1)])
    return [a ^ b for a, b in zip(z, r)]


def argon_addresses(n, lane_len, memory, passes, segment_len):
    """The pseudo-random numbers of one segment that does not depend on the data (the first half of the first pass)."""
    zeros, out = [0] * 128, []
    for counter in range(1, (segment_len + 127) // 128 + 1):
        block = argon_compress(zeros, [*n, memory, passes, 2, counter] + [0] * (128 - len(n) - 4))
        out += argon_compress(zeros, block)
    return out


def argon2id(passphrase, salt, passes, memory_bytes, length=32):
    kib = memory_bytes // 1024
    memory = max(kib // 4 * 4, 8)
    segment = memory // 4
    h0 = hashlib.blake2b(u32(1) + u32(length) + u32(kib) + u32(passes) + u32(0x13) + u32(2) + counted(passphrase)
                         + counted(salt) + u32(0) + u32(0)).digest()
    lane = [None] * memory
    for i in range(2):
        lane[i] = list(struct.unpack("<128Q", blake2b_long(h0 + u32(i) + u32(0), 1024)))
    for number in range(passes):
        for part in range(4):
            fixed = number == 0 and part < 2
            addresses = argon_addresses([number, 0, part], memory, memory, passes, segment) if fixed else None
            for i in range(2 if number == 0 and part == 0 else 0, segment):
                at = part * segment + i
                before = lane[at - 1]
                j1 = (addresses[i] if fixed else before[0]) & MASK32
                usable = at - 1 if number == 0 else memory - segment + i - 1
                relative = usable - 1 - (usable * (j1 * j1 >> 32) >> 32)
                start = 0 if number == 0 or part == 3 else (part + 1) * segment
                block = argon_compress(before, lane[(start + relative) % memory])
                lane[at] = block if number == 0 else [a ^ b for a, b in zip(block, lane[at])]
    return blake2b_long(struct.pack("<128Q", *lane[-1]), length)


# ---- Epochs ----

def ctx(i, epoch=None):
    return i.hex("org") + i.hex("space") + u32(i.number("epoch") if epoch is None else epoch) + u16(i.number("suite"))


def make_kc(i):
    return {"kc": HK(i.hex("key"), "kc", ctx(i))}


def make_box_open(i):
    secret = i.hex("recipient_secret")
    key = box_open(i.hex("box"), secret)
    return {"key": key, "kc": HK(key, "kc", ctx(i)),
            "sealed_again": box_seal(key, i.hex("ephemeral_secret"), x25519_public(secret))}


def make_chain(i):
    own, before = ctx(i), ctx(i, i.number("epoch") - 1)
    previous, nonce = i.hex("previous_key"), i.hex("nonce")
    sealed = aead_seal(HK(i.hex("key"), "chain", own), nonce, previous, own + before)
    return {"chain": nonce + sealed, "previous_kc": HK(previous, "kc", before)}


def make_chain_over(i):
    """The nonce says how many epochs are stepped over."""
    number, back = i.number("epoch"), i.number("previous_epoch")
    own, before = ctx(i), ctx(i, back)
    previous, nonce = i.hex("previous_key"), (number - 1 - back).to_bytes(4, "little") + bytes(20)
    sealed = aead_seal(HK(i.hex("key"), "chain", own), nonce, previous, own + before)
    return {"chain": nonce + sealed, "previous_kc": HK(previous, "kc", before)}


def make_twin(i):
    found = HK(i.hex("key"), "twin", ctx(i))
    return {"twin": found, "kc": HK(found, "kc", ctx(i))}


# ---- Bundles ----

def make_n16(i):
    plain = b"".join(counted(h) + counted(b) for h, b in zip(i.hexes("headers"), i.hexes("bodies"), strict=True))
    return {"nonce": HK(i.hex("nonce_key"), "nonce", i.hex("random") + H("pt", plain))[:16]}


def make_bk(i):
    place = u32(i.number("device")) + u64(i.number("first")) + u32(i.number("count")) + i.hex("nonce")
    return {"bk": HK(HK(i.hex("key"), "bundle", ctx(i)), "bk", place)}


def make_change(i):
    p = (u16(i.number("suite")) + i.hex("org") + i.hex("space") + u32(i.number("epoch")) + u32(i.number("device"))
         + u64(i.number("first")) + u32(i.number("count")) + i.hex("nonce"))
    ad = p + i.hex("record") + u32(i.number("index")) + counted(i.hex("header"))
    content = b"\x00" + i.hex("body_stored") + b"\x80"
    squeezed = content + bytes(bucket_of(len(content)) - len(content))
    return {"sealed": aead_seal(i.hex("bk"), u64(i.number("index")) + bytes(16), squeezed, ad)}


# ---- The squeezed form ----

def bucket_of(length):
    bucket = 32
    while bucket < length:
        bucket = bucket + 32 if bucket < 256 else -(-(bucket + bucket // 4) // 32) * 32
    return bucket


def make_bucket(i):
    return {"bucket": bucket_of(i.number("len"))}


def read_dictionary():
    source = (ROOT / "common/vault/dictionary_1.c").read_bytes()
    text = b"".join(re.findall(rb'^"(.*)";?$', source, re.M))
    return re.sub(rb"\\([0-7]{3})", lambda m: u8(int(m.group(1), 8)), text)


def inflate(block):
    """One compressed block: the last of a frame with a window of 128 KiB and nothing else in its header."""
    frame = bytes.fromhex("28b52ffd0038") + (len(block) << 3 | 2 << 1 | 1).to_bytes(3, "little") + block
    zstd, dictionary, out = ctypes.CDLL("libzstd.so.1"), read_dictionary(), ctypes.create_string_buffer(1 << 17)
    zstd.ZSTD_createDCtx.restype = ctypes.c_void_p
    zstd.ZSTD_decompress_usingDict.restype = ctypes.c_size_t
    size = zstd.ZSTD_decompress_usingDict(
        ctypes.c_void_p(zstd.ZSTD_createDCtx()), out, ctypes.c_size_t(len(out)), frame, ctypes.c_size_t(len(frame)),
        dictionary, ctypes.c_size_t(len(dictionary)))
    if zstd.ZSTD_isError(ctypes.c_size_t(size)):
        raise ValueError("zstd refuses the block")
    return out.raw[:size]


def make_unsqueeze(i):
    squeezed = i.hex("squeezed")
    content = squeezed.rstrip(b"\x00")
    if len(content) < 2 or content[-1] != 0x80 or len(squeezed) != bucket_of(len(content)):
        raise ValueError("wrong padding")
    data = content[1:-1]
    return {"plain": data if squeezed[0] == 0 else inflate(data)}


# ---- At rest on the device ----

def make_draft(i):
    nonce = i.hex("nonce")
    key = HK(i.hex("store_key"), "draft", u64(i.number("counter")))
    return {"sealed": nonce + aead_seal(key, nonce, i.hex("body"), i.hex("record") + i.hex("header"))}


def make_stored_key(i):
    nonce, place = i.hex("nonce"), i.hex("space") + u32(i.number("epoch"))
    key = HK(i.hex("store_key"), "key", place)
    return {"sealed": nonce + aead_seal(key, nonce, i.hex("key"), i.hex("org") + place)}


def open_section(passphrase, kind, data):
    """The secrets of the section that `data` begins with, and what follows it."""
    kdf, ops, mem, salt, nonce, length = struct.unpack_from("<BQQ16s24sI", data)
    if kdf != 1:
        raise ValueError("not Argon2id")
    sealed, rest = data[61:61 + length], data[61 + length:]
    ad = b"satchel-keyring" + u16(1) + u8(kind) + data[:61]
    return aead_open(argon2id(passphrase, salt, ops, mem), nonce, sealed, ad), rest


def make_keyring(i):
    passphrase, file, checksum = i.text("passphrase").encode(), i.hex("file")[:-8], i.hex("file")[-8:]
    if checksum != H("keyring", file)[:8]:
        raise ValueError("damaged")
    if file[:17] != b"satchel-keyring" + u16(1):
        raise ValueError("no keyring")
    device, rest = open_section(passphrase, 1, file[17:])
    admin, end = open_section(passphrase, 2, rest[1:]) if rest[0] else (b"", rest[1:])
    if end or len(device) != 196 or len(admin) != 64 * rest[0]:
        raise ValueError("wrong lengths")
    sign, box = device[36:100], device[100:132]
    if sign != ed25519_pair(sign[:32])[0] or (admin and admin != ed25519_pair(admin[:32])[0]):
        raise ValueError("a signature key whose halves do not belong together")
    return {"org": device[:32], "device": int.from_bytes(device[32:36], "little"), "sign": sign, "box": box,
            "nonce_key": device[132:164], "store_key": device[164:], "sign_public": sign[32:],
            "box_public": x25519_public(box), "admin": admin}


# ---- Invites ----

def pairs(sign_seed, box_seed):
    """A signature pair and a box pair of their seeds."""
    sign, sign_public = ed25519_pair(sign_seed)
    box = hashlib.sha512(box_seed).digest()[:32]
    return {"sign": sign, "sign_public": sign_public, "box": box, "box_public": x25519_public(box)}


def make_invite_code(i):
    url = i.text("url").encode()
    data = (u8(1) + u16(len(url)) + url + i.hex("server") + i.hex("org") + u64(i.number("dir_seq")) + i.hex("dir_hash")
            + i.hex("secret"))
    return {"code": "satchel1" + base64.urlsafe_b64encode(data + H("code", data)[:4]).decode().rstrip("=")}


def make_invite_keys(i):
    seed = HK(i.hex("secret") * 2, "invite", i.hex("org"))
    return pairs(HK(seed, "sign", b""), HK(seed, "box", b""))


# ---- The recovery kit ----

def make_kit_keys(i):
    return pairs(HK(i.hex("seed"), "kit-sign", b""), HK(i.hex("seed"), "kit-box", b""))


CONSTRUCTIONS = {
    "kc": make_kc, "box-open": make_box_open, "chain": make_chain, "chain-over": make_chain_over,
    "twin": make_twin, "n16": make_n16, "bk": make_bk,
    "change": make_change, "bucket": make_bucket, "unsqueeze": make_unsqueeze, "draft": make_draft,
    "stored-key": make_stored_key, "keyring": make_keyring, "invite-code": make_invite_code,
    "invite-keys": make_invite_keys, "kit-keys": make_kit_keys,
}


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("vault.json")
    return check(pathlib.Path(path), "vault", CONSTRUCTIONS)


if __name__ == "__main__":
    sys.exit(main())
