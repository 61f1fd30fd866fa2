"""Reads every example of a response with a client that openapi-python-client made from the document: `read_examples.py DOCUMENT CLIENT`.

CLIENT is the folder of the package. The exit code is 1 if it does not read an example, or reads it as something else.
"""

import importlib
import json
import re
import sys
from pathlib import Path

import httpx

METHODS = {"get", "put", "post", "delete", "patch"}


def resolved(document, value):
    """`value`, or the component to which it refers."""
    while "$ref" in value:
        target, value = value["$ref"], document
        for part in target.removeprefix("#/").split("/"):
            value = value[part]
    return value


def examples(document):
    """The examples: operation, status, media type, name and value."""
    for methods in document["paths"].values():
        for operation in (methods[name] for name in methods if name in METHODS):
            for status, response in operation["responses"].items():
                content = resolved(document, response).get("content", {})
                for media_type, body in content.items():
                    if media_type == "application/problem+json" and "application/json" in content:
                        # The client distinguishes responses by their status alone. Here both are possible: the failed checks of a doctor.
                        continue
                    for name, example in body.get("examples", {}).items():
                        yield operation["operationId"], status, media_type, name, resolved(document, example)["value"]


def same(written):
    """`written` with one spelling of times."""
    return json.loads(re.sub(r"(\.000)?(Z|\+00:00)\"", "\"", json.dumps(written)))


def main(document, client):
    document, client = json.loads(Path(document).read_text()), Path(client)
    sys.path.insert(0, str(client.parent))
    caller = importlib.import_module(client.name).Client(base_url="http://idhook.invalid")
    modules = {
        path.stem.replace("_", ""): ".".join(path.with_suffix("").relative_to(client.parent).parts)
        for path in client.glob("api/*/*.py")
    }
    read, faults = 0, []
    for operation, status, media_type, name, value in examples(document):
        if "json" not in media_type:
            continue
        place = f"{operation} {status} {name}"
        module = importlib.import_module(modules[operation.lower()])
        response = httpx.Response(int(status), json=value, headers={"content-type": media_type})
        try:
            document_read = module._parse_response(client=caller, response=response)
            again = document_read.to_dict() if hasattr(document_read, "to_dict") else document_read
        except Exception as fault:
            faults.append(f"{place}: {type(fault).__name__} {fault}")
            continue
        if same(again) != same(value):
            faults.append(f"{place}: read as {type(document_read).__name__} {json.dumps(again)[:300]}")
        read += 1
    print(f"{client.name} reads {read} examples of responses")
    if faults or read < 1000:
        sys.exit("\n".join(faults) or "that is too few: the examples were not found")


main(*sys.argv[1:])
