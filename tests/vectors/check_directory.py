#!/usr/bin/python3
"""Computes the golden vectors of the directory again, from docs and hashlib alone.

Shares the notation and the comparison with check_proof.py and no code with the C side. Every link is built from its
members, hashed, signed and countersigned anew, so each must also follow from the one before it.

    check_directory.py [directory.json]
"""

import pathlib
import sys

from check_proof import H, SIG, check, counted, merkle_root, u8, u16, u32, u64

TYPES = {
    "genesis": 1, "user": 2, "role": 3, "space": 4, "grant": 5, "epoch": 6, "invite": 7, "invite-cancel": 8, "join": 9,
    "reindex": 10, "revoke": 11, "wipe": 12, "accept": 13, "policy": 14, "kit": 15,
    "log-epoch": 17, "expel": 20, "repudiate": 21, "mass-change": 22,
}
DEVICE, ADMIN, INVITE, KIT = 1, 2, 3, 4
# Who signs, of the kinds that differ from [device, admin key]; where there are several ways, each of them.
SIGNER_KINDS = {
    "epoch": [[DEVICE]], "expel": [[DEVICE]], "join": [[INVITE, DEVICE]], "reindex": [[DEVICE, DEVICE]],
    "revoke": [[DEVICE, ADMIN], [DEVICE]],
    "policy": [[DEVICE, ADMIN], [DEVICE, ADMIN, ADMIN]],
    "kit": [[DEVICE, ADMIN], [DEVICE, ADMIN, ADMIN], [DEVICE, KIT]], "repudiate": [[DEVICE, KIT]],
}
head = {"seq": 0, "id": bytes(32), "org": bytes(32)}  # of the chain so far


# ---- Bodies ----

def boxes(i):
    return i.hex("boxes_root") + u32(i.number("boxes_count"))


def body_genesis(i):
    keys = ["device_sign", "device_box", "admin_sign", "kit_sign", "kit_box", "server"]
    return u16(i.number("version")) + i.hex("random") + b"".join(i.hex(key) for key in keys)


def body_user(i):
    return u32(i.number("user")) + u8(i.number("role")) + u8(i.number("state"))


def body_role(i):
    return u32(i.number("user")) + u8(i.number("role"))


def body_space(i):
    return i.hex("space") + u8(i.number("kind"))


def body_grant(i):
    return i.hex("space") + u32(i.number("user")) + u8(i.number("rights")) + boxes(i)


def body_epoch(i):
    place = i.hex("space") + u32(i.number("epoch")) + u16(i.number("epoch_suite"))
    return place + i.hex("kc") + i.hex("chain") + boxes(i)


def body_invite(i):
    spaces, rights = i.hexes("grant_spaces"), i.hex("grant_rights")
    grants = u16(len(spaces)) + b"".join(space + u8(right) for space, right in zip(spaces, rights, strict=True))
    return (i.hex("sign") + i.hex("box") + u32(i.number("user")) + u8(i.number("role")) + grants
            + u64(i.number("expires_ms")) + boxes(i))


def body_invite_cancel(i):
    return i.hex("invite")


def body_join(i):
    return i.hex("invite") + i.hex("sign") + i.hex("box") + i.hex("admin_sign")


def body_reindex(i):
    return u32(i.number("parent")) + i.hex("sign") + i.hex("box")


def body_revoke(i):
    spaces, bundles, counters = i.hexes("cut_spaces"), i.hexes("cut_bundles"), i.hex("cut_counters")
    if spaces != sorted(set(spaces)):
        raise ValueError("the cuts are not in order")
    eights = [counters[at:at + 8] for at in range(0, len(counters), 8)]
    cuts = [space + counter + bundle for space, counter, bundle in zip(spaces, eights, bundles, strict=True)]
    return u32(i.number("device")) + u16(len(cuts)) + b"".join(cuts)


def body_wipe(i):
    return u32(i.number("device"))


def body_expel(i):
    return u32(i.number("device"))


def body_accept(i):
    return u8(i.number("what")) + u32(i.number("device")) + i.hex("space") + i.hex("bundle") + boxes(i)


def body_log_epoch(i):
    return u64(i.number("from"))


def body_mass_change(i):
    return i.hex("space") + u32(i.number("device")) + u64(i.number("first")) + u64(i.number("last"))


def body_policy(i):
    values, count = i.hex("keys_and_values"), i.number("count")
    if len(values) != 10 * count:
        raise ValueError("the policies have another size")
    return u16(count) + values


def body_kit(i):
    device = i.hex("device_sign") + i.hex("device_box") + i.hex("admin_sign")
    return i.hex("kit_sign") + i.hex("kit_box") + u32(i.number("user")) + device + boxes(i)


def body_repudiate(i):
    return u32(i.number("device")) + u64(i.number("from")) + body_kit(i)


# ---- What a repudiation does ----

said = []  # (seq, kind, author, co-signed, inputs) of every link


def disowned(device, since):
    """Positions of the links by the device from there on, and by whoever came in through it. Nobody vouches for any."""
    issued = {H("invite", i.hex("sign") + i.hex("box")): seq for seq, kind, _, _, i in said if kind == "invite"}
    start, hit = {device: since}, set()
    for seq, kind, author, cosigned, i in said:
        if kind == "join" and issued[i.hex("invite")] in hit:
            start[author] = seq
        if seq >= start.get(author, seq + 1):
            if cosigned:
                raise ValueError("a second signature is not modelled")
            hit.add(seq)
            if kind == "accept" and i.number("what") == 1:
                start.setdefault(i.number("device"), seq)
    return start, hit


def effect(author, device, since, user):
    """Users with what they were granted in each space, devices and policies, each as others said last."""
    start, hit = disowned(device, since)
    users, spaces, invites, policies, out = {1: [1, 1, {}]}, [], {}, {}, set(start)
    for seq, kind, by, _, i in said:
        fresh = kind == "user" and i.number("user") not in users
        if fresh:
            users[i.number("user")] = [i.number("role"), 2 if seq in hit else 1, {}]
        if kind == "space":
            spaces.append(i.hex("space"))
        if seq in hit or fresh:
            continue
        if kind == "user":
            users[i.number("user")][:2] = [i.number("role"), i.number("state")]
        elif kind == "role":
            users[i.number("user")][0] = i.number("role")
        elif kind == "grant":
            users[i.number("user")][2][i.hex("space")] = i.number("rights")
        elif kind == "invite":
            invites[H("invite", i.hex("sign") + i.hex("box"))] = i
        elif kind == "join":
            invite = invites[i.hex("invite")]
            held = users[invite.number("user")][2]
            for space, rights in zip(invite.hexes("grant_spaces"), invite.hex("grant_rights"), strict=True):
                held[space] = held.get(space, 0) | rights
        elif kind == "policy":
            values = i.hex("keys_and_values")
            policies |= {values[at:at + 2]: values[at + 2:at + 10] for at in range(0, len(values), 10)}
        elif kind == "revoke":
            out.add(i.number("device"))
    users[user][1] = 1
    return (b"".join(u8(role) + u8(state) + b"".join(u8(held.get(space, 0)) for space in spaces)
                     for _, (role, state, held) in sorted(users.items()))
            + b"".join(u8(number in out) for number in range(1, author + 1))
            + b"".join(key + value for key, value in sorted(policies.items(), key=lambda pair: pair[0][::-1])))


# ---- Links ----

def signatures(i, kind, org, message):
    """u8 n ‖ n × (u8 kind ‖ u32 number ‖ sig64), as the inputs name the signers."""
    out = b""
    signers = []
    while f"signer_{len(signers) + 1}_kind" in i.fields:
        n = len(signers) + 1
        signers.append(i.number(f"signer_{n}_kind"))
        signed = SIG(i.hex(f"signer_{n}_seed"), "link", org, message)
        out += u8(signers[-1]) + u32(i.number(f"signer_{n}_number")) + signed["signature"]
    if signers not in SIGNER_KINDS.get(kind, [[DEVICE, ADMIN]]):
        raise ValueError(f"the signatures are of the kinds {signers}")
    return u8(len(signers)) + out


def make_link(kind, body_of):
    def make(i):
        body = body_of(i)
        seq, prev, org = i.number("seq"), i.hex("prev"), i.hex("org")
        if (seq, prev, org) != (head["seq"] + 1, head["id"], head["org"]):
            raise ValueError("the link does not follow from the one before it")
        if i.number("type") != TYPES[kind]:
            raise ValueError("the type is another")
        message = (u64(seq) + prev + u32(i.number("author")) + u16(TYPES[kind]) + u8(i.number("critical"))
                   + u16(i.number("suite")) + counted(body))
        link_id = H("link", message)
        org_id = H("org", message) if kind == "genesis" else org
        countersigned = u64(seq) + link_id + u64(i.number("time_ms"))
        head.update(seq=seq, id=link_id, org=org_id)
        more = {}
        if kind == "repudiate":
            more["effect"] = effect(i.number("author"), i.number("device"), i.number("from"), i.number("user"))
        said.append((seq, kind, i.number("author"), "signer_3_kind" in i.fields, i))
        return more | {"body": body, "message": message, "link_id": link_id, "org_id": org_id,
                "bytes": counted(message) + signatures(i, kind, org, message),
                "countersignature": SIG(i.hex("server_seed"), "countersign", org_id, countersigned)["signature"]}
    return make


# ---- Names, invites, boxes ----

def stamped(hashed):
    """The first 16 bytes of a hash, stamped as a UUID of version 8 and of RFC 9562's variant."""
    value = int.from_bytes(hashed[:16], "big")
    value = value & ~(0xF << 76) | 8 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return value.to_bytes(16, "big")


def name_record(org, kind, number):
    return {"record": stamped(H("name-id", org + u8(kind) + number))}


def make_disclosure(i):
    first = stamped(H("disclosure-id", i.hex("org") + u32(i.number("device"))))[:12]
    return {"record": first + u32(i.number("number"))}


def make_name_user(i):
    return name_record(i.hex("org"), 1, u32(i.number("number")))


def make_name_device(i):
    return name_record(i.hex("org"), 2, u32(i.number("number")))


def make_name_space(i):
    return name_record(i.hex("org"), 3, i.hex("space"))


def make_invite_id(i):
    return {"invite_id": H("invite", i.hex("sign") + i.hex("box"))}


def box_leaf(wire):
    place, box = wire[:29], wire[29:]
    if len(box) != 80:
        raise ValueError(f"a box of {len(box)} bytes")
    return H("box", place + H("boxbytes", box))


def make_box(i):
    wire = i.hex("space") + u32(i.number("epoch")) + u8(i.number("kind")) + u64(i.number("number")) + i.hex("box")
    return {"bytes": wire, "leaf": box_leaf(wire)}


def make_boxes(i):
    wires = sorted(i.hexes("boxes"), key=box_leaf)
    return {"sorted": b"".join(wires), "boxes_root": merkle_root([box_leaf(wire) for wire in wires])}


BODIES = {
    "genesis": body_genesis, "user": body_user, "role": body_role, "space": body_space, "grant": body_grant,
    "epoch": body_epoch, "invite": body_invite, "invite-cancel": body_invite_cancel, "join": body_join,
    "reindex": body_reindex, "revoke": body_revoke, "wipe": body_wipe, "accept": body_accept,
    "policy": body_policy, "kit": body_kit, "log-epoch": body_log_epoch, "repudiate": body_repudiate,
    "mass-change": body_mass_change, "expel": body_expel,
}
CONSTRUCTIONS = {kind: make_link(kind, body) for kind, body in BODIES.items()} | {
    "name-user": make_name_user, "name-device": make_name_device, "name-space": make_name_space,
    "disclosure": make_disclosure,
    "invite-id": make_invite_id, "box": make_box, "boxes": make_boxes,
}


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("directory.json")
    return check(pathlib.Path(path), "directory", CONSTRUCTIONS)


if __name__ == "__main__":
    sys.exit(main())
