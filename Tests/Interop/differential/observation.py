"""What can be seen of a machine after a step, as a dictionary from an aspect to a text."""

import collections
import json
import os
import re
import stat

from lab.commands import run

#: Folders whose files belong to the agent, and which of their entries are looked at.
FOLDERS = {
    "var/lib/octavia": re.compile(""),
    "etc/octavia": re.compile(""),
    "etc/systemd/system": re.compile("octavia|amphora|haproxy|keepalived|/[a-z-]+[.]target[.]wants$"),
    "usr/lib/systemd/system": re.compile("octavia|amphora|haproxy|keepalived"),
    # Not what the machine itself keeps there.
    "run": re.compile(
        "^(?!run/(systemd|udev|dbus|lock|log|user|utmp|initctl|credentials|console|sudo|shm|host|mount|blkid|meminfo|"
        "rsyslog|rsyslogd[.]pid|sendsigs[.]omit[.]d|motd|agetty|tmpfiles[.]d|nscd|needrestart))")}
SYSCTLS = (
    "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.ip_nonlocal_bind", "net.ipv6.ip_nonlocal_bind",
    "net.core.somaxconn", "net.ipv4.ping_group_range", "net.ipv4.tcp_keepalive_time", "net.ipv4.ip_local_port_range")
UNITS = ("amphora-agent.service", "amphora-netns.service", "octavia-keepalived.service", "haproxy.service",
         "keepalived.service")


def observe(machine, units):
    """Everything that is compared."""
    result = {}
    for folder, pattern in FOLDERS.items():
        _files(machine, folder, pattern, result)
    _units(machine, [*UNITS, *units], result)
    _processes(machine, result)
    _links("root namespace ", ["nsenter", f"--net=/proc/{machine.container.pid}/ns/net"], result, addresses=False)
    if machine.namespace.exists():
        enter = ["nsenter", f"--net={machine.namespace}"]
        _links("", enter, result)
        _routes(enter, result)
        _firewall(enter, result)
        _sysctls(enter, result)
    return result


# Files: kind, mode and owner, and a content in which only what has a meaning differs.


def _files(machine, folder, pattern, result):
    base = machine.root
    for path, folders, files in os.walk(base / folder):
        for name in (*folders, *files):
            full = os.path.join(path, name)
            short = os.path.relpath(full, base)
            if not pattern.search(short):
                continue
            try:
                status = os.lstat(full)
                result[f"file /{short}"] = f"{_kind(status)} {stat.S_IMODE(status.st_mode):04o} {status.st_uid}:{status.st_gid}"
                content = _content(full, status)
            except FileNotFoundError:
                continue
            if content is not None:
                result[f"content /{short}"] = content
        folders[:] = [name for name in folders
                      if folder != "run" or pattern.search(os.path.relpath(os.path.join(path, name), base))]


def _kind(status):
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFSOCK: "socket",
             stat.S_IFIFO: "pipe"}
    return kinds.get(stat.S_IFMT(status.st_mode), "device")


def _content(path, status):
    if stat.S_ISLNK(status.st_mode):
        return f"-> {os.readlink(path)}"
    if not stat.S_ISREG(status.st_mode):
        return None
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        # The handle of a namespace.
        return None
    return _class(os.path.basename(path), data)


def _class(name, data):
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"bytes {data.hex()}"
    if name.endswith(".json"):
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return "counters" if name == "stats_counters.json" and _are_counters(value) else _json(value)
    if name.endswith(".service"):
        return "\n".join(sorted(_directives(text)))
    if name == "haproxy_check_script.sh":
        # The sockets stand there in the order of the folder.
        return " ".join(sorted(re.split("[ ;]+", text)))
    if name.endswith(".pid"):
        return re.sub("[0-9]+", "N", text)
    if name == "servers-state":
        return re.sub("[0-9.]+", "N", text)
    return text


def _json(value):
    return "json " + json.dumps(value, sort_keys=True)


def _are_counters(value):
    """Whether it is what the contract says (heartbeat §2.5); which listeners it has changes with each heartbeat."""
    return isinstance(value, dict) and all(
        set(row) == {"bin", "bout", "ereq", "stot"} and all(isinstance(number, int) for number in row.values())
        for row in value.values())


def _directives(text):
    """The settings of a unit; those that may be repeated keep their order by a number."""
    section, count = "", collections.Counter()
    for row in text.splitlines():
        if row.startswith("["):
            section = row
        elif row.strip() and not row.startswith(("#", ";")):
            key = row.split("=", 1)[0]
            count[key] += 1
            row = " ".join(row.split())
            yield f"{section} {row}" if not key.startswith("Exec") else f"{section} {count[key]:2} {row}"


# systemd and processes


def _units(machine, units, result):
    names = ("Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "NeedDaemonReload")
    text = machine.container.execute("systemctl", "show", "--property", ",".join(names), *units)
    for block in text.strip().split("\n\n"):
        row = dict(line.split("=", 1) for line in block.splitlines())
        unit = row.pop("Id")
        for key, value in row.items():
            result[f"unit {unit} {key}"] = value


def _processes(machine, result):
    lines = machine.container.execute("ps", "-eo", "args=").splitlines()
    rows = [re.sub(r"-sf [0-9 ]+", "-sf N ", line).replace("sockpair@", "").strip() for line in lines
            if re.match(r"\S*(haproxy|keepalived)( |$)", line)]
    rows = [re.sub(r"-x \S+", "-x S", row) for row in rows]
    for row, count in collections.Counter(rows).items():
        result[f"process {row}"] = f"{count}"


# The kernel's network state


def _links(prefix, enter, result, addresses=True):
    for link in json.loads(run(*enter, "ip", "-j", "addr")):
        name = link["ifname"]
        state = "up" if "UP" in link["flags"] else "down"
        # The management port is the lab's, and has another address in each machine.
        address = "" if prefix and name == "eth0" else link.get("address", "")
        result[f"{prefix}link {name}"] = f"{state} mtu {link['mtu']} {address}".strip()
        for row in link["addr_info"] if addresses else ():
            flags = [flag for flag in ("secondary", "tentative", "dynamic", "deprecated", "dadfailed") if row.get(flag)]
            result[f"address {name} {row['local']}/{row['prefixlen']}"] = " ".join([row["scope"], *flags])


def _routes(enter, result):
    for version in ("4", "6"):
        for line in _lines(enter, "ip", f"-{version}", "route", "show", "table", "all"):
            if " table local " not in f"{line} " and not line.startswith("multicast "):
                # A link without carrier yet says so for a moment.
                key = f"route{version} {line.replace(' linkdown', '').replace(' pref medium', '')}"
                result[key] = str(int(result.get(key, "0")) + 1)
        for line in _lines(enter, "ip", f"-{version}", "rule", "show"):
            key = f"rule{version} {line}"
            result[key] = str(int(result.get(key, "0")) + 1)


def _lines(enter, *words):
    return [" ".join(line.split()) for line in run(*enter, *words).splitlines() if line.strip()]


def _firewall(enter, result):
    place = []
    for line in _lines(enter, "nft", "-s", "list", "ruleset"):
        if line.endswith("{") and line.split()[0] in ("table", "chain"):
            place.append(line[:-1].strip())
            result[f"nft {' '.join(place)}"] = "there"
        elif line == "}":
            place.pop()
        else:
            key = f"nft {' '.join(place)}: {line}"
            result[key] = str(int(result.get(key, "0")) + 1)


def _sysctls(enter, result):
    for line in _lines(enter, "sysctl", *SYSCTLS):
        key, _, value = line.partition(" = ")
        result[f"sysctl {key}"] = value
