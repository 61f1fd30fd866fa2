"""Calls the library component as lines of JSON say, and answers each by a line: the binding that tests come through.

    {"open": {"vidm": {settings}}}                                   a session, in place of the one before
    {"call": "startSync", "arguments": ["corp.example", {"groups": []}]}

Arguments and answers are the webhook's JSON. What they become is told by the component's own types and names alone: `display-name`
is `displayName`, what is absent is left out, fields without a name in the types are those of `extra`.
"""

import json
import re
import sys

from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import (
    Component, EnumType, F64, Linker, ListType, OptionType, Record, RecordType, String, TupleType, Variant,
)

INTERFACES = {"vidm": "directories", "vcf": "identity-providers", "fleet": "fleet"}
# Texts that are JSON.
JSON = {"result", "from", "to", "sync"}
# Lists that are told when they are empty, too.
KEPT = {"checks", "domains", "elements", "syncs"}
# The vendor's own spelling.
SPELLING = {"sync-client-token-ttl": "syncClientTokenTTL"}


def camel(name):
    return SPELLING.get(name) or re.sub("-(.)", lambda found: found[1].upper(), name)


def kebab(name):
    return re.sub("([A-Z])", lambda found: "-" + found[1].lower(), name)


def lower(ty, value):
    """JSON as the component takes it."""
    if isinstance(ty, OptionType):
        return None if value is None else lower(ty.payload, value)
    if isinstance(ty, RecordType):
        record, rest = Record(), dict(value)
        rest |= rest.pop("extra", {})
        for name, field in ty.fields:
            setattr(record, name, lower(field, rest.pop(camel(name), None)) if name != "extra" else None)
        if rest and not hasattr(record, "extra"):
            raise TypeError(f"no such field: {', '.join(rest)}")
        if rest:
            record.extra = json.dumps(rest)
        return record
    if isinstance(ty, ListType):
        pairs = value.items() if isinstance(value, dict) else value
        return [lower(ty.element, item) for item in pairs]
    if isinstance(ty, TupleType):
        return tuple(lower(field, item) for field, item in zip(ty.elements, value))
    if isinstance(ty, EnumType):
        return value.lower()
    if isinstance(ty, String):
        # A specification that is a JSON text.
        return json.dumps(value) if isinstance(value, dict) else "" if value is None else value
    return float(value) if isinstance(ty, F64) else value


def lift(ty, value):
    """What the component gives, as JSON."""
    if isinstance(ty, OptionType):
        return None if value is None else lift(ty.payload, value)
    if isinstance(ty, RecordType):
        fields = {}
        for name, field in ty.fields:
            given = getattr(value, name)
            if given is not None and name == "extra":
                fields |= json.loads(given)
            elif given is not None and (given != [] or isinstance(field, OptionType) or name in KEPT):
                # The steps of a failed job are JSON; those of a result are records.
                is_json = name in JSON or (name == "steps" and isinstance(given, str))
                fields[camel(name)] = json.loads(given) if is_json else lift(field, given)
        return fields
    if isinstance(ty, ListType):
        items = [lift(ty.element, item) for item in value]
        return dict(items) if isinstance(ty.element, TupleType) else items
    if isinstance(ty, TupleType):
        return tuple(lift(field, item) for field, item in zip(ty.elements, value))
    if isinstance(ty, EnumType):
        # Codes have underscores in JSON, outcomes of steps are in camel case.
        return camel(value) if value.startswith("would-") else value.replace("-", "_")
    return value.payload if isinstance(value, Variant) else value


class Failure(Exception):
    """The component's own error, as JSON."""


class Library:
    def __init__(self, path):
        engine = Engine()
        linker = Linker(engine)
        linker.add_wasip2()
        linker.add_wasi_http()
        self.store = Store(engine)
        wasi = WasiConfig()
        wasi.inherit_stderr()
        self.store.set_wasi(wasi)
        self.store.set_wasi_http()
        self.instance = linker.instantiate(self.store, Component.from_file(engine, path))

    def function(self, interface, name):
        found = self.instance.get_export_index(self.store, f"idhook:identity/{interface}@0.1.0")
        found = self.instance.get_export_index(self.store, name, found)
        return self.instance.get_func(self.store, found)

    def call(self, interface, name, first, arguments):
        function = self.function(interface, name)
        ty = function.type(self.store)
        given = list(arguments)
        for parameter, wanted in ty.params[len(first):]:
            value = given.pop(0) if given else None
            plain = wanted.payload if isinstance(wanted, OptionType) else wanted
            # The last argument of some functions is an object with one option in it.
            if isinstance(value, dict) and not isinstance(plain, (RecordType, String)):
                value = value.get(camel(parameter))
            first = [*first, lower(wanted, value)]
        answer, ok, error = function(self.store, *first), ty.result.ok, ty.result.err
        # Where both are records they come under a tag, else as they are.
        if isinstance(answer, Variant):
            failed, answer = answer.tag == "err", answer.payload
        else:
            failed = isinstance(answer, Record)
        if failed:
            told = lift(error, answer)
            told["detail"] = told.pop("message")
            raise Failure(told)
        if ok is None or name.startswith("[static]"):
            return answer
        # No function returns a text other than JSON.
        return json.loads(answer) if isinstance(ok, String) else lift(ok, answer)


def main():
    library, session, interface = Library(sys.argv[1]), None, None
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if "open" in order:
                [(kind, settings)] = order["open"].items()
                if session:
                    session.drop(library.store)
                session = None
                interface = INTERFACES[kind]
                session = library.call(interface, "[static]session.open", [], [settings])
                answer = {"ok": None}
            else:
                name = f"[method]session.{kebab(order['call'])}"
                answer = {"ok": library.call(interface, name, [session], order.get("arguments", []))}
        except Failure as failure:
            answer = {"error": failure.args[0]}
        except (TypeError, ValueError) as refused:
            answer = {"error": {"code": "refused_by_the_host", "detail": str(refused)}}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
