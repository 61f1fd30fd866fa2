// Colours for code. One expression per language finds the tokens; the text between them stays plain.

const STRINGS = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`;
const NUMBER = String.raw`\b\d+(?:\.\d+)?\b`;
const words = (list) => String.raw`\b(?:${list.split(" ").join("|")})\b`;

const grammar = (parts) =>
  new RegExp(Object.entries(parts).map(([name, source]) => `(?<${name}>${source})`).join("|"), "g");

const SCRIPT = "const let var function return if else for while new throw try catch async await typeof true false null undefined of in";
const GRAMMARS = {
  json: grammar({ key: String.raw`"(?:[^"\\\n]|\\.)*"(?=\s*:)`, string: STRINGS, number: String.raw`-?${NUMBER}`, word: words("true false null") }),
  javascript: grammar({ comment: String.raw`\/\/[^\n]*`, string: STRINGS, number: NUMBER, word: words(SCRIPT) }),
  python: grammar({ comment: String.raw`#[^\n]*`, string: STRINGS, number: NUMBER, word: words("import from def return if elif else for while in not and or is raise try except with as None True False lambda") }),
  powershell: grammar({ comment: String.raw`#[^\n]*`, string: STRINGS, key: String.raw`\$\w+`, word: words("function if else while try catch throw return param foreach") }),
  shell: grammar({ comment: String.raw`(?<=^|\s)#[^\n]*`, string: String.raw`"(?:[^"\\]|\\.)*"|'[^']*'`, key: String.raw`\$\{?\w+\}?`, word: words("if then else fi while do done for in case esac exit set curl jq") }),
  yaml: grammar({ comment: String.raw`(?<=^|\s)#[^\n]*`, key: String.raw`(?<=^|\n)[ \-]*[\w.]+(?=:)`, string: STRINGS, number: NUMBER, word: words("true false") }),
};

/** The text as nodes: plain text, and spans whose class names the kind of token. */
function highlight(text, language) {
  const pattern = GRAMMARS[language];
  if (!pattern) return [text];
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    nodes.push(text.slice(at, match.index), element("span", { class: `t-${kind}` }, match[0]));
    at = match.index + match[0].length;
  }
  nodes.push(text.slice(at));
  return nodes;
}
