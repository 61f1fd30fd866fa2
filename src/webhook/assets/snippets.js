// What automation pastes: one piece of code for each tool, filled in with `order`:
// {root, target, directory, groups, addToProfile}. No key is ever in it.

/** A text or a list as a literal of JavaScript or Python; every JSON string is one of both. */
const json = (value) => JSON.stringify(value);

/** A text for a POSIX shell. `${{` would be an expression to GitHub even in there, so it is taken apart. */
const shell = (text) => `'${text.replace(/'/g, "'\\''").replace(/\$\{\{/g, () => "$''{{")}'`;

/** A text for PowerShell, to which typographic quotes are quotes too. */
const powershell = (text) => `'${text.replace(/['\u2018-\u201b]/g, "$&$&")}'`;

/** A text for Ansible, where braces are a template unless it is told otherwise. */
const ansible = (text) => (/\{[{%#]/.test(text) ? "!unsafe " : "") + json(text);

const startPath = (order) => `/vidm/${encodeURIComponent(order.target)}/v1/syncs`;

function curl(order) {
  const body = { directory: order.directory };
  if (order.groups.length) body.groups = order.groups;
  if (order.addToProfile) body.addToProfile = true;
  return `#!/bin/sh
# Needs curl and jq, and the key in IDHOOK_KEY.
set -eu
: "\${IDHOOK_KEY:?}"
idhook=${shell(order.root)}
body=${shell(json(body))}

call() {
  curl -sS --fail-with-body --max-time 60 -H "Authorization: Bearer $IDHOOK_KEY" -H "Prefer: wait=25" "$@"
}
field() { printf '%s' "$sync" | jq -r "$1"; }
fail() { printf '%s\\n' "$sync" "$1" >&2; exit 1; }

ends=$(($(date +%s) + 600))
sync=$(call -H "Content-Type: application/json" -d "$body" "$idhook${startPath(order)}") || fail "the sync could not be started"
while [ "$(field .status)" != succeeded ]; do
  [ "$(field .status)" != failed ] || fail "the sync failed: $(field .reason): $(field .hint)"
  [ "$(date +%s)" -lt "$ends" ] || fail "the sync did not end within 10 minutes"
  sleep 2
  place=$(field .links.self)
  sync=$(call "$idhook$place") || fail "the state of the sync could not be read"
done
printf '%s\\n' "$sync"`;
}

function abxJavaScript(order) {
  return `// Inputs: idhookKey (a secret), groups (optional: DNs or names to wait for).
const http = require("${order.root.startsWith("https:") ? "https" : "http"}");

const IDHOOK = ${json(order.root)};
const PATIENCE = 150; // seconds; keep it below the action's timeout

exports.handler = async (context, inputs) => {
  const key = context.getSecret(inputs.idhookKey);
  const ends = Date.now() + PATIENCE * 1000;
  let sync = await call(key, "POST", ${json(startPath(order))}, {
    directory: ${json(order.directory)},
    groups: inputs.groups || ${json(order.groups)},
    addToProfile: ${order.addToProfile},
  });
  while (sync.status !== "succeeded") {
    if (sync.status === "failed") throw new Error("the sync failed: " + sync.reason + ": " + sync.hint);
    if (Date.now() > ends) throw new Error("the sync is still " + sync.status);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    sync = await call(key, "GET", sync.links.self);
  }
  return { status: sync.status, id: sync.id, groups: sync.groups };
};

function call(key, method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: "Bearer " + key, "Content-Type": "application/json", Prefer: "wait=20" };
    const request = http.request(IDHOOK + path, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", reject);
      response.on("data", (piece) => (text += piece));
      response.on("end", () => {
        if (response.statusCode < 300) resolve(JSON.parse(text));
        else reject(new Error(method + " " + path + ": " + response.statusCode + " " + text));
      });
    });
    request.setTimeout(60000, () => request.destroy(new Error("idhook did not answer within 60 s")));
    request.on("error", reject);
    request.end(body && JSON.stringify(body));
  });
}`;
}

function abxPython(order) {
  return `# Inputs: idhookKey (a secret), groups (optional: DNs or names to wait for). The standard library is enough.
import json
import time
import urllib.error
import urllib.request

IDHOOK = ${json(order.root)}
PATIENCE = 150  # seconds; keep it below the action's timeout


def handler(context, inputs):
    key = context.getSecret(inputs["idhookKey"])
    ends = time.monotonic() + PATIENCE
    sync = call(key, "POST", ${json(startPath(order))}, {
        "directory": ${json(order.directory)},
        "groups": inputs.get("groups") or ${json(order.groups)},
        "addToProfile": ${order.addToProfile ? "True" : "False"},
    })
    while sync["status"] != "succeeded":
        if sync["status"] == "failed":
            raise RuntimeError("the sync failed: {}: {}".format(sync.get("reason"), sync.get("hint")))
        if time.monotonic() > ends:
            raise RuntimeError("the sync is still " + sync["status"])
        time.sleep(2)
        sync = call(key, "GET", sync["links"]["self"])
    return {"status": sync["status"], "id": sync["id"], "groups": sync.get("groups", [])}


def call(key, method, path, body=None):
    headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json", "Prefer": "wait=20"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(IDHOOK + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as e:
        problem = e.read().decode(errors="replace")
        raise RuntimeError("{} {}: {} {}".format(method, path, e.code, problem)) from None`;
}

function abxPowerShell(order) {
  return `# Inputs: idhookKey (a secret), groups (optional: DNs or names to wait for).
function handler($context, $inputs) {
    $ErrorActionPreference = 'Stop'
    $idhook = ${powershell(order.root)}
    $headers = @{ Authorization = "Bearer $($context.getSecret($inputs.idhookKey))"; Prefer = 'wait=20' }
    $ends = (Get-Date).AddSeconds(150) # keep it below the action's timeout

    $groups = @(${order.groups.map(powershell).join(", ")})
    if ($inputs.groups) { $groups = @($inputs.groups) }
    $body = @{
        directory    = ${powershell(order.directory)}
        groups       = $groups
        addToProfile = $${order.addToProfile}
    } | ConvertTo-Json

    $sync = Invoke-RestMethod -Method Post -Uri ($idhook + ${powershell(startPath(order))}) -Headers $headers \`
        -ContentType 'application/json; charset=utf-8' -Body $body -TimeoutSec 60
    while ($sync.status -ne 'succeeded') {
        if ($sync.status -eq 'failed') { throw "the sync failed: $($sync.reason): $($sync.hint)" }
        if ((Get-Date) -gt $ends) { throw "the sync is still $($sync.status)" }
        Start-Sleep -Seconds 2
        $sync = Invoke-RestMethod -Uri ($idhook + $sync.links.self) -Headers $headers -TimeoutSec 60
    }
    return @{ status = $sync.status; id = $sync.id; groups = $sync.groups }
}`;
}

function orchestrator(order) {
  return `// Input: idhookKey (SecureString).
var idhook = RESTHostManager.createTransientHostFrom(RESTHostManager.createHost("idhook"));
idhook.url = ${json(order.root)};
idhook.operationTimeout = 60;

function call(method, path, body) {
    var request = idhook.createRequest(method, path, body);
    request.contentType = "application/json";
    request.setHeader("Authorization", "Bearer " + idhookKey);
    request.setHeader("Prefer", "wait=20");
    var response = request.execute();
    if (response.statusCode >= 300) {
        throw new Error(method + " " + path + ": " + response.statusCode + " " + response.contentAsString);
    }
    return JSON.parse(response.contentAsString);
}

var ends = new Date().getTime() + 600 * 1000;
var sync = call("POST", ${json(startPath(order))}, JSON.stringify({
    directory: ${json(order.directory)},
    groups: ${json(order.groups)}, // or an input, Array/string: DNs or names to wait for
    addToProfile: ${order.addToProfile}
}));
while (sync.status !== "succeeded") {
    if (sync.status === "failed") {
        throw new Error("the sync failed: " + sync.reason + ": " + sync.hint);
    }
    if (new Date().getTime() > ends) {
        throw new Error("the sync is still " + sync.status);
    }
    System.sleep(2000);
    sync = call("GET", sync.links.self, null);
}
System.log("the sync succeeded: " + JSON.stringify(sync.groups || []));`;
}

function playbook(order) {
  const headers = `headers:
          Authorization: "Bearer {{ lookup('ansible.builtin.env', 'IDHOOK_KEY') }}"`;
  const groups = order.groups.map((group) => `\n            - ${ansible(group)}`).join("") || " []";
  return `- name: Sync the directory
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Start a sync
      ansible.builtin.uri:
        url: ${ansible(order.root + startPath(order))}
        method: POST
        ${headers}
        body_format: json
        body:
          directory: ${ansible(order.directory)}
          groups:${groups}
          addToProfile: ${order.addToProfile}
        status_code: 202
      register: started

    - name: Wait until it is final
      ansible.builtin.uri:
        url: "{{ idhook + started.json.links.self }}"
        ${headers}
      vars:
        idhook: ${ansible(order.root)}
      register: sync
      until: sync.json.status | default('') in ['succeeded', 'failed'] or sync.status | default(0) in [401, 403, 404]
      retries: 120
      delay: 5

    - name: Fail when the sync failed
      ansible.builtin.fail:
        msg: "the sync failed: {{ sync.json.reason | default('') }}: {{ sync.json.hint | default('') }}"
      when: sync.json.status == 'failed'`;
}

function githubStep(order) {
  return `- name: Sync vIDM
  shell: sh
  env:
    IDHOOK_KEY: \${{ secrets.IDHOOK_KEY }}
  run: |
${curl(order).replace(/^#!.*\n/, "").replace(/^(?=.)/gm, "    ")}`;
}

/** The tabs, in this order. */
const SNIPPETS = [
  { name: "curl", note: "A POSIX shell script; it needs curl 7.76 and jq.", write: curl },
  {
    name: "ABX JavaScript",
    note: "Make the key a secret of the project and give it to the action as the input idhookKey. Action timeout: 180 s or more.",
    write: abxJavaScript,
  },
  {
    name: "ABX Python",
    note: "Make the key a secret of the project and give it to the action as the input idhookKey. Action timeout: 180 s or more.",
    write: abxPython,
  },
  {
    name: "ABX PowerShell",
    note: "Make the key a secret of the project and give it to the action as the input idhookKey. Action timeout: 180 s or more.",
    write: abxPowerShell,
  },
  {
    name: "Orchestrator",
    note: "A scriptable task. Orchestrator must trust the certificate of this address; or take a REST host of your inventory instead.",
    write: orchestrator,
  },
  { name: "Ansible", note: "A playbook; the tasks fit into any other. The key is in the environment variable IDHOOK_KEY.", write: playbook },
  { name: "GitHub Actions", note: "A step. Save the key as the secret IDHOOK_KEY of the repository.", write: githubStep },
];
