"""Reads the script by a grammar of PowerShell. Prints each place that it does not understand."""

import sys

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser


def faults(node: Node):
    if node.type == "ERROR" or node.is_missing:
        yield f"line {node.start_point[0] + 1}: {node.text.decode()[:80]!r}"
    for child in node.children:
        yield from faults(child)


with open(sys.argv[1], "rb") as file:
    found = list(faults(Parser(Language(tree_sitter_powershell.language())).parse(file.read()).root_node))
print(*found, sep="\n")
sys.exit(bool(found))
