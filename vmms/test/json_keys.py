#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# json_keys.py MAN VERB < OUTPUT: whether the JSON of a verb has exactly the fields that the section
# JSON of vmctl(1) tells. The output must show at least one object.
import json
import re
import sys

man, verb = sys.argv[1:]
section = open(man).read().split('.SH JSON')[1].split('.SH')[0]
text = re.search(r'\n\.BR? ["]?%s["]?(?: .*)?\n((?:[^.].*\n)+)' % re.escape(verb), section).group(1)
fields = re.search(r'\{(.*)\}', text, re.S).group(1)
told = {re.sub(r'\s*\(.*', '', field, flags=re.S).strip()
        for field in re.split(r',(?![^(]*\))', fields)}
shown = [json.loads(line) for line in sys.stdin if line.strip()]
objects = [o for part in shown for o in (part if isinstance(part, list) else [part])]
assert objects, 'nothing is shown'
for o in objects:
    assert set(o) == told, '%s: shows %s, %s(1) tells %s' % (
        verb, sorted(o), 'vmctl', sorted(told))
