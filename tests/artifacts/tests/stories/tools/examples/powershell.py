"""Reads the script by a grammar of PowerShell. Prints each place that it does not understand, and each call of a function of the script
that stands before the function: PowerShell defines a function when it comes to it."""

import sys

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser


def faults(node: Node):
    if node.type == "ERROR" or node.is_missing:
        yield f"line {node.start_point[0] + 1}: {node.text.decode()[:80]!r}"
    for child in node.children:
        yield from faults(child)


def found_in(node: Node, kind: str, enters_functions: bool):
    if node.type == kind:
        yield node
    for child in node.children:
        if enters_functions or child.type != "function_statement":
            yield from found_in(child, kind, enters_functions)


def early_calls(root: Node):
    names = list(found_in(root, "function_name", True))
    begins = {name.text.lower(): name.start_byte for name in names}
    for call in found_in(root, "command_name", False):
        if call.start_byte < begins.get(call.text.lower(), 0):
            yield f"line {call.start_point[0] + 1}: {call.text.decode()} is called before it is defined"


with open(sys.argv[1], "rb") as file:
    tree = Parser(Language(tree_sitter_powershell.language())).parse(file.read())
found = [*faults(tree.root_node), *early_calls(tree.root_node)]
print(*found, sep="\n")
sys.exit(bool(found))
