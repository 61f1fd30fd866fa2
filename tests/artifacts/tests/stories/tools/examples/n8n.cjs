// Runs a workflow file by n8n's own engine (n8n-core), its own nodes (n8n-nodes-base) and its own expressions (n8n-workflow),
// without n8n's server, database and editor. `RUN` has the file, the key, and what another workflow passes in.
const { readFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { WorkflowExecute, ExecutionLifecycleHooks } = require("n8n-core");
const { NodeHelpers, Workflow } = require("n8n-workflow");

const { file, key, passedIn } = JSON.parse(process.env.RUN);
const saved = JSON.parse(readFileSync(file, "utf8"));

// The nodes of n8n, by the list that comes with them.
const base = dirname(require.resolve("n8n-nodes-base/package.json"));
const known = { nodes: require(join(base, "dist/known/nodes.json")), credentials: require(join(base, "dist/known/credentials.json")) };
const load = (kind, name) => {
  const { className, sourcePath } = known[kind][name];
  return new (require(join(base, sourcePath))[className])();
};
const types = {};
const nodeTypes = {
  getByName: (type) => (types[type] ??= load("nodes", type.replace("n8n-nodes-base.", ""))),
  getByNameAndVersion: (type, version) => NodeHelpers.getVersionedNodeType(nodeTypes.getByName(type), version),
  getKnownTypes: () => known.nodes,
};

// One credential, as its node finds it when the user has saved it.
const credentialsHelper = {
  getParentTypes: () => [],
  getCredentialsProperties: (type) => load("credentials", type).properties,
  async getDecrypted(_, { name }, type) {
    if (name !== "idhook" || type !== "httpHeaderAuth") throw new Error(`no such credential: ${type} ${name}`);
    return { name: "Authorization", value: `Bearer ${key}` };
  },
};

async function main() {
  const workflow = new Workflow({ id: "1", active: false, nodeTypes, ...saved });
  for (const { name, type, typeVersion } of saved.nodes) {
    const { description } = nodeTypes.getByNameAndVersion(type, typeVersion);
    if (![].concat(description.version).includes(typeVersion)) throw new Error(`${name}: there is no ${type} ${typeVersion}`);
  }
  const hooks = new ExecutionLifecycleHooks("manual", "1", saved);
  const additionalData = { credentialsHelper, hooks, executionId: "1", variables: {}, restApiUrl: "", instanceBaseUrl: "" };
  const trigger = passedIn ? "By another workflow" : "By hand";
  const startNode = workflow.getNode(trigger);
  const triggerToStartFrom = { name: trigger, data: { data: { main: [[{ json: passedIn ?? {} }]] } } };
  const run = await new WorkflowExecute(additionalData, "manual").run({ workflow, startNode, triggerToStartFrom });
  const { error, lastNodeExecuted, runData } = run.data.resultData;
  for (const [name, runs] of Object.entries(runData)) console.log(`${name}: ${runs.length}`);
  if (error) {
    console.error([error.message, error.description].filter(Boolean).join(" "));
    process.exit(1);
  }
  const [last] = runData[lastNodeExecuted].slice(-1);
  console.log(JSON.stringify(last.data.main[0][0].json));
  process.exit(0);
}
main();
