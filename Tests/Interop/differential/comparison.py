"""What differs between two answers and two observations, a line each."""

import collections
import difflib
import json
import re

Difference = collections.namedtuple("Difference", "step aspect upstream ours")
ABSENT = "absent"


def line(difference):
    """A difference for people."""
    upstream, ours = difference.upstream, difference.ours
    if len(upstream) + len(ours) > 300 and ABSENT not in (upstream, ours):
        upstream, ours = _changed(upstream, ours)
    return f"{difference.step}: {difference.aspect}: upstream={_short(upstream)} ours={_short(ours)}"


def _short(text):
    return repr(text if len(text) < 400 else f"{text[:400]}…")


def _changed(upstream, ours):
    """Of two long texts what only one of them has."""
    pieces = [re.findall(r"\{[^{}]*\}|[^{}\n]+|[{}\n]", text) for text in (upstream, ours)]
    rows = list(difflib.ndiff(*pieces)) if max(map(len, pieces)) < 400 else []
    only = ["".join(f"{row[2:]}\n" for row in rows if row.startswith(sign)).strip() for sign in "-+"]
    return only if any(only) else (upstream, ours)


# Answers


def answers(step, upstream, ours):
    """The differences between two answers."""
    rows = [(key, upstream[key], ours[key]) for key in upstream if key not in ("headers", "body")]
    if "headers" in upstream:
        rows += _response(upstream, ours, step.shape)
    return [Difference(step.name, *row) for row in rows if row[1] != row[2]]


def _response(upstream, ours, shape):
    rows = []
    for name in sorted({*upstream["headers"], *ours["headers"]}):
        rows.append((f"header {name}", _header(upstream, name), _header(ours, name)))
    if _is_json(upstream) and _is_json(ours):
        rows += _values("body", json.loads(upstream["body"]), json.loads(ours["body"]), shape)
    else:
        rows.append(("body", _text(upstream["body"]), _text(ours["body"])))
    return rows


def _header(answer, name):
    value = answer["headers"].get(name, ABSENT)
    return ", ".join(sorted(re.split(", *", value))) if name == "allow" else value


def _is_json(answer):
    if not answer["headers"].get("content-type", "").startswith("application/json"):
        return False
    try:
        json.loads(answer["body"])
        return True
    except ValueError:
        return False


def _text(body):
    try:
        return normalised(body.decode())
    except UnicodeDecodeError:
        return f"bytes {body.hex()}"


def normalised(text):
    """A text without what no two machines have in common: process ids and times."""
    text = re.sub(r"\([0-9]+\)", "(N)", text)
    return re.sub(r"\b[A-Z][a-z]{2} [0-9 ][0-9] [0-9:]{8}\b", "TIME", text)


def _values(place, upstream, ours, shape):
    if isinstance(upstream, dict) and isinstance(ours, dict):
        rows = []
        for key in sorted({*upstream, *ours}):
            if key not in upstream or key not in ours:
                rows.append((f"{place}.{key}", _shown(upstream.get(key, ...)), _shown(ours.get(key, ...))))
            else:
                rows += _values(f"{place}.{key}", upstream[key], ours[key], shape)
        return rows
    if isinstance(upstream, list) and isinstance(ours, list) and len(upstream) == len(ours):
        # Objects in a list are listeners, which stand there in the order of the folder.
        upstream, ours = (sorted(each, key=lambda value: json.dumps(value, sort_keys=True)) for each in (upstream, ours))
        return [row for index, pair in enumerate(zip(upstream, ours)) for row in _values(f"{place}[{index}]", *pair, shape)]
    if shape and not isinstance(upstream, (dict, list)):
        return [(f"{place} type", type(upstream).__name__, type(ours).__name__)]
    return [(place, _shown(upstream), _shown(ours))]


def _shown(value):
    if value is ...:
        return ABSENT
    return normalised(value) if isinstance(value, str) else json.dumps(value, sort_keys=True)


# Observations


def observations(upstream, ours):
    """From each aspect in which two observations differ to both texts."""
    return {key: (upstream.get(key, ABSENT), ours.get(key, ABSENT))
            for key in sorted({*upstream, *ours}) if upstream.get(key) != ours.get(key)}
