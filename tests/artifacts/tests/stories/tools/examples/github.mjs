// GitHub's runner for an action of one folder: its own parser and expressions (the npm packages of its language
// services), and a shell as the documentation of `jobs.<job_id>.steps[*].shell` has it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { register } from "node:module";
import { join } from "node:path";

// These packages are made for bundlers, which import JSON without being told that it is.
const hook = `export const load = (url, context, next) =>
  next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { data, Evaluator, Lexer, Parser } = await import("@actions/expressions");
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import("@actions/workflow-parser");
const { convertActionTemplate, parseAction } = await import("@actions/workflow-parser/actions/index");

const { folder, contexts } = JSON.parse(process.env.RUN);

/** The file as a tree of GitHub's tokens, if its parser has nothing against it. */
async function parsed(name, parse, convert) {
  const { context, value } = parse({ name, content: readFileSync(join(folder, name), "utf8") }, new NoOperationTraceWriter());
  if (value) await convert(context, value);
  const errors = context.errors.getErrors().map((e) => e.message);
  if (errors.length) throw new Error(`${name}: ${errors.join("; ")}`);
  return value;
}
const workflow = await parsed("workflow.yml", parseWorkflow, convertWorkflowTemplate);
const action = await parsed("action.yml", parseAction, convertActionTemplate);

const dictionary = (object) =>
  new data.Dictionary(...Object.entries(object).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? new data.StringData(value) : dictionary(value),
  })));
/** A token's text, its expressions evaluated. */
const text = (token, contexts) => {
  if (!token.isExpression) return token.toString();
  const { tokens } = new Lexer(token.expression).lex();
  const expression = new Parser(tokens, Object.keys(contexts), []).parse();
  return new Evaluator(expression, dictionary(contexts)).evaluate().coerceString();
};
/** A mapping, each value as `read` has it. */
const mapping = (token, read) => Object.fromEntries([...(token ?? [])].map(({ key, value }) => [key.toString(), read(value)]));
const sequence = (token) => Array.from({ length: token.count }, (_, at) => token.get(at));

// The workflow's step that uses the action, then the action's steps with what that gives them.
const job = workflow.find("jobs").get(0).value;
const use = sequence(job.find("steps")).find((step) => step.find("uses")?.toString().startsWith("./.github/actions/"));
const given = mapping(use.find("with"), (value) => text(value, contexts));
const declared = mapping(action.find("inputs"), (input) => input);
const unknown = Object.keys(given).filter((name) => !(name in declared));
const missing = Object.entries(declared).filter(([name, input]) => input.find("required")?.value && !given[name]).map(([name]) => name);
if (unknown.length || missing.length) throw new Error(`the action has no inputs ${unknown}, and needs ${missing}`);
const inputs = mapping(action.find("inputs"), (input) => input.find("default")?.toString() ?? "");
Object.assign(inputs, given);

const place = mkdtempSync(join(tmpdir(), "runner-"));
const steps = {};
let status = 0;
for (const step of sequence(action.find("runs").find("steps"))) {
  const read = (token) => text(token, { inputs, steps });
  const [script, output, summary] = ["script.sh", "output", "summary"].map((name) => join(place, name));
  writeFileSync(script, read(step.find("run")));
  [output, summary].forEach((name) => writeFileSync(name, ""));
  if (read(step.find("shell")) !== "bash") throw new Error("the step names another shell");
  const env = { ...mapping(step.find("env"), read), PATH: process.env.PATH, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary };
  status = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", script], { env, stdio: "inherit" }).status;
  const outputs = readFileSync(output, "utf8").split("\n").filter(Boolean).map((line) => line.match(/^(\w+)=(.*)$/).slice(1));
  steps[step.find("id").toString()] = { outputs: Object.fromEntries(outputs) };
  process.stdout.write(readFileSync(summary, "utf8"));
  if (status !== 0) break;
}
const outputs = mapping(action.find("outputs"), (output) => text(output.find("value"), { inputs, steps }));
if (status === 0) process.stdout.write(`${outputs.status} ${outputs.state}\n`);
rmSync(place, { recursive: true });
process.exitCode = status;
