"""The calls of a client through the gate, by name: those that pass, and those whose response the client cannot read."""

import json

passed, unread = [], []


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def note(names, call, outcome=None):
    """Counts a call with this outcome once."""
    name = call if isinstance(call, str) else call.__name__
    name = f"{name}: {outcome}" if outcome else name
    if name not in names:
        names.append(name)


def passes(call, *arguments, **named):
    """The result of a call."""
    result = call(*arguments, **named)
    note(passed, call)
    return result


def drops(call, *arguments):
    """A call whose response the client drops, although it has one."""
    result = call(*arguments)
    expect(result is None, f"{call} returns its response now: {result}")
    note(unread, call)


def fails(kind, outcome, call, *arguments, **named):
    """The error of a call, which the client raises as `kind`; the caller looks at its words."""
    try:
        call(*arguments, **named)
    except kind as error:
        note(passed, call, outcome)
        return error
    raise AssertionError(f"{call} did not fail")


def fails_without_words(kind, outcome, call, *arguments):
    """The client raises an error without the response's words."""
    try:
        call(*arguments)
    except kind:
        note(unread, call, outcome)
        return
    raise AssertionError(f"{call} did not fail, or the client reads the error now")


def end():
    """Ends the program well, with the counted calls."""
    print(json.dumps({"passed": passed, "unread": unread}))
    print("OK")
