// Snippets to paste: one piece of code for each tool, filled in with `order`:
// {root, syncs, product, directory, groups, more}; `more` has the optional fields that are set. No key is ever in it.

/** A text or a list as a literal of JavaScript or Python; every JSON string is one of both. */
const json = (value) => JSON.stringify(value);

/** A text for a POSIX shell. `${{` would be an expression to GitHub even in there, so it is taken apart. */
const shell = (text) => `'${text.replace(/'/g, "'\\''").replace(/\$\{\{/g, () => "$''{{")}'`;

/** A text for PowerShell, to which typographic quotes are quotes too. */
const powershell = (text) => `'${text.replace(/['\u2018-\u201b]/g, "$&$&")}'`;

/** A text for Ansible, where braces are a template unless they are marked as unsafe. */
const ansible = (text) => (/\{[{%#]/.test(text) ? "!unsafe " : "") + json(text);

/** The optional fields of the body, each as `write` makes it of its name and value: `true` or a list of texts. */
const more = (order, write) => Object.entries(order.more).map(([name, value]) => write(name, value)).join("");

function curl(order) {
  const body = { directory: order.directory, ...(order.groups.length && { groups: order.groups }), ...order.more };
  return `#!/bin/sh
# Needs curl and jq, and the key in IDHOOK_KEY. Ends with 0 only if the sync succeeded and ${order.product} has every group.
set -eu
: "\${IDHOOK_KEY:?}"
syncs=${shell(order.root + order.syncs)}
body=${shell(json(body))}
ends=$(($(date +%s) + \${IDHOOK_TIMEOUT:-600})) # seconds

call() {
  left=$((ends - $(date +%s)))
  [ "$left" -gt 0 ] || left=0
  [ "$left" -lt 25 ] || left=25
  # Other users of this machine see a command's arguments: the key is not among them.
  printf 'header = "Authorization: Bearer %s"\\n' "$IDHOOK_KEY" |
    curl -sS --config - --fail-with-body --max-time $((left + 30)) -H "Prefer: wait=$left" "$@"
}
field() { printf '%s' "$sync" | jq -r "$1 // empty" 2>/dev/null; }
fail() { printf '%s\\n' "$sync" "$1" "$(field .message)" "$(field .detail)" "$(field .hint)" >&2; exit 1; }

sync=$(call -H "Content-Type: application/json" -d "$body" "$syncs") || fail "the sync could not be started"
id=$(field .id)
place=$syncs/$id
while [ "$(field .status)" != succeeded ]; do
  if [ "$(field .status)" = failed ] || [ -z "$id" ]; then fail "the sync failed: $(field .reason)"; fi
  left=$((ends - $(date +%s)))
  [ "$left" -gt 0 ] || fail "the sync is not final in time; its state is at $place"
  pause=$(field .retryAfter)
  pause=\${pause:-2}
  [ "$pause" -lt "$left" ] || pause=$left
  sleep "$pause"
  sync=$(call "$place") || [ "$(field .retryable)" = true ] || fail "the state of the sync could not be read"
done
absent=$(printf '%s' "$sync" | jq -c --argjson body "$body" \\
  '($body.groups // []) - [.groups[]? | select(.state == "present") | .requested]')
[ "$absent" = "[]" ] || fail "group_absent: the sync succeeded, but ${order.product} does not have $absent"
printf '%s\\n' "$sync"`;
}

function abxJavaScript(order) {
  return `// Inputs: idhookKey (a secret), groups (optional: DNs or name@domain). Fails unless the sync succeeds and ${order.product} has every group.
const http = require("${order.root.startsWith("https:") ? "https" : "http"}");

const SYNCS = ${json(order.root + order.syncs)};
const TIMEOUT = 150; // seconds; keep it 30 s below the action's timeout

exports.handler = async (context, inputs) => {
  const key = context.getSecret(inputs.idhookKey);
  const ends = Date.now() + (Number(inputs.timeoutSeconds) || TIMEOUT) * 1000;
  const groups = [inputs.groups || ${json(order.groups)}].flat();
  let sync = await call(key, ends, "POST", "", { directory: ${json(order.directory)}, groups${more(order, (name, value) => `, ${name}: ${json(value)}`)} });
  while (sync.status !== "succeeded") {
    if (sync.status === "failed" || !sync.id) throw new Error(text("the sync failed", sync));
    const left = ends - Date.now();
    if (left <= 0) throw new Error(text("the sync is still " + sync.status + "; its state is at " + SYNCS + "/" + sync.id, sync));
    await new Promise((resolve) => setTimeout(resolve, Math.min((sync.retryAfter || 2) * 1000, left)));
    try {
      sync = await call(key, ends, "GET", "/" + sync.id);
    } catch (e) {
      if (!e.retryable) throw e;
      sync = { ...sync, message: e.message, retryAfter: e.retryAfter };
    }
  }
  const absent = groups.filter((name) => !(sync.groups || []).some((group) => group.requested === name && group.state === "present"));
  if (absent.length) throw new Error("group_absent: the sync succeeded, but ${order.product} does not have " + absent.join(", "));
  return { status: sync.status, id: sync.id, groups: sync.groups };
};

function text(happened, sync) {
  return [happened, sync.reason, sync.message, sync.hint].filter(Boolean).join(": ");
}

function call(key, ends, method, path, body) {
  return new Promise((resolve, reject) => {
    const wait = Math.max(0, Math.min(20, Math.floor((ends - Date.now()) / 1000)));
    const headers = { Authorization: "Bearer " + key, "Content-Type": "application/json", Prefer: "wait=" + wait };
    const request = http.request(SYNCS + path, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", reject);
      response.on("data", (piece) => (text += piece));
      response.on("end", () => {
        if (response.statusCode < 300) return resolve(JSON.parse(text));
        const retryAfter = Number(response.headers["retry-after"]);
        const retryable = /"retryable": ?true/.test(text);
        reject(Object.assign(new Error(method + " " + SYNCS + path + ": " + response.statusCode + " " + text), { retryable, retryAfter }));
      });
    });
    request.setTimeout((wait + 30) * 1000, () => request.destroy(new Error("idhook did not answer in time")));
    request.on("error", reject);
    request.end(body && JSON.stringify(body));
  });
}`;
}

function abxPython(order) {
  return `# Inputs: idhookKey (a secret), groups (optional: DNs or name@domain). Fails unless the sync succeeds and ${order.product} has every group.
# The standard library is enough.
import json
import time
import urllib.error
import urllib.request

SYNCS = ${json(order.root + order.syncs)}
TIMEOUT = 150  # seconds; keep it 30 s below the action's timeout


def handler(context, inputs):
    key = context.getSecret(inputs["idhookKey"])
    ends = time.monotonic() + float(inputs.get("timeoutSeconds") or TIMEOUT)
    groups = inputs.get("groups") or ${json(order.groups)}
    groups = [groups] if isinstance(groups, str) else groups
    sync = call(key, ends, "POST", "", {
        "directory": ${json(order.directory)},
        "groups": groups,${more(order, (name, value) => `\n        "${name}": ${value === true ? "True" : json(value)},`)}
    })
    while sync["status"] != "succeeded":
        if sync["status"] == "failed" or "id" not in sync:
            raise RuntimeError(text("the sync failed", sync))
        left = ends - time.monotonic()
        if left <= 0:
            raise RuntimeError(text("the sync is still {}; its state is at {}/{}".format(sync["status"], SYNCS, sync["id"]), sync))
        time.sleep(min(sync.get("retryAfter") or 2, left))
        sync = {**sync, **call(key, ends, "GET", "/" + sync["id"])}
    present = [group["requested"] for group in sync.get("groups", []) if group["state"] == "present"]
    absent = [name for name in groups if name not in present]
    if absent:
        raise RuntimeError("group_absent: the sync succeeded, but ${order.product} does not have " + ", ".join(absent))
    return {"status": sync["status"], "id": sync.get("id"), "groups": sync.get("groups", [])}


def text(happened, sync):
    return ": ".join(filter(None, [happened, sync.get("reason"), sync.get("message"), sync.get("hint")]))


def call(key, ends, method, path, body=None):
    wait = max(0, min(20, int(ends - time.monotonic())))
    headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json", "Prefer": "wait={}".format(wait)}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SYNCS + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=wait + 30) as response:
            return json.load(response)
    except urllib.error.HTTPError as e:
        problem = e.read().decode(errors="replace")
        if method == "GET" and '"retryable":true' in problem.replace(" ", ""):
            problem = json.loads(problem)
            return {"message": problem["detail"], "hint": problem.get("hint"), "retryAfter": problem.get("retryAfter")}
        raise RuntimeError("{} {}: {} {}".format(method, SYNCS + path, e.code, problem)) from None`;
}

function abxPowerShell(order) {
  return `# Inputs: idhookKey (a secret), groups (optional: DNs or name@domain). Fails unless the sync succeeds and ${order.product} has every group.
function handler($context, $inputs) {
    $ErrorActionPreference = 'Stop'
    $syncs = ${powershell(order.root + order.syncs)}
    $headers = @{ Authorization = "Bearer $($context.getSecret($inputs.idhookKey))"; Prefer = 'wait=20' }
    $ends = (Get-Date).AddSeconds(120) # keep it a minute below the action's timeout

    $groups = @(${order.groups.map(powershell).join(", ")})
    if ($inputs.groups) { $groups = @($inputs.groups) }
    $body = @{
        directory = ${powershell(order.directory)}
        groups    = $groups${more(order, (name, value) => `\n        ${name} = ${value === true ? "$true" : `@(${value.map(powershell).join(", ")})`}`)}
    } | ConvertTo-Json

    try {
        $sync = Invoke-RestMethod -Method Post -Uri $syncs -Headers $headers \`
            -ContentType 'application/json; charset=utf-8' -Body ([Text.Encoding]::UTF8.GetBytes($body)) -TimeoutSec 60
    } catch { throw "the sync could not be started: $($_.Exception.Message) $($_.ErrorDetails.Message)" }
    $id = $sync.id
    $place = "$syncs/$id"
    while ($sync.status -ne 'succeeded') {
        if ($sync.status -eq 'failed' -or -not $id) { throw "the sync failed: $($sync.reason): $($sync.message) $($sync.hint)" }
        $left = ($ends - (Get-Date)).TotalSeconds
        if ($left -le 0) { throw "the sync is still $($sync.status); its state is at $($place): $($sync.detail) $($sync.hint)" }
        $pause = if ($sync.retryAfter) { $sync.retryAfter } else { 2 }
        Start-Sleep -Milliseconds ([int](1000 * [Math]::Min($pause, $left)))
        try { $sync = Invoke-RestMethod -Uri $place -Headers $headers -TimeoutSec 60 } catch {
            $problem = $_.ErrorDetails.Message
            $sync = try { $problem | ConvertFrom-Json } catch { $null }
            if (-not $sync.retryable) { throw "the state of the sync could not be read: $($_.Exception.Message) $problem" }
        }
    }
    $present = @($sync.groups | Where-Object { $_.state -eq 'present' } | ForEach-Object { $_.requested })
    $absent = @($groups | Where-Object { $present -cnotcontains $_ })
    if ($absent) { throw "group_absent: the sync succeeded, but ${order.product} does not have $($absent -join ', ')" }
    return @{ status = $sync.status; id = $sync.id; groups = $sync.groups }
}`;
}

function orchestrator(order) {
  return `// Input: idhookKey (SecureString). Fails unless the sync succeeds and ${order.product} has every group.
var idhook = RESTHostManager.createTransientHostFrom(RESTHostManager.createHost("idhook"));
idhook.url = ${json(order.root)};
idhook.operationTimeout = 60;
var groups = ${json(order.groups)}; // or an input, Array/string: DNs or name@domain
var syncs = ${json(order.syncs)};
var timeoutSeconds = 600;

function call(method, path, body) {
    var request = idhook.createRequest(method, path, body);
    request.contentType = "application/json";
    request.setHeader("Authorization", "Bearer " + idhookKey);
    request.setHeader("Prefer", "wait=20");
    var response = request.execute();
    var isProblem = response.statusCode >= 300;
    var answer = isProblem && !/^\\s*\\{/.test(response.contentAsString) ? {} : JSON.parse(response.contentAsString);
    if (isProblem && !(method === "GET" && answer.retryable)) {
        throw new Error(method + " " + path + ": " + response.statusCode + " " + response.contentAsString);
    }
    if (isProblem) {
        answer.status = "unknown";
        answer.message = answer.detail;
    }
    return answer;
}
function why(happened, sync) {
    return [happened, sync.reason, sync.message, sync.hint].filter(function (part) { return part; }).join(": ");
}

var ends = new Date().getTime() + timeoutSeconds * 1000;
var sync = call("POST", syncs, JSON.stringify({
    directory: ${json(order.directory)},${more(order, (name, value) => `\n    ${name}: ${json(value)},`)}
    groups: groups
}));
var id = sync.id;
var place = syncs + "/" + id;
while (sync.status !== "succeeded") {
    if (sync.status === "failed" || !id) {
        throw new Error(why("the sync failed", sync));
    }
    var left = ends - new Date().getTime();
    if (left <= 0) {
        throw new Error(why("the sync is still " + sync.status + "; its state is at " + place, sync));
    }
    System.sleep(Math.min((sync.retryAfter || 2) * 1000, left));
    sync = call("GET", place, null);
}
for (var i = 0; i < groups.length; i++) {
    var proofs = (sync.groups || []).filter(function (group) { return group.requested === groups[i] && group.state === "present"; });
    if (!proofs.length) {
        throw new Error("group_absent: the sync succeeded, but ${order.product} does not have " + groups[i]);
    }
}
System.log("the sync succeeded: " + JSON.stringify(sync.groups || []));`;
}

function playbook(order) {
  const headers = `use_netrc: false # or an entry of ~/.netrc would replace the key
        headers:
          Authorization: "Bearer {{ lookup('ansible.builtin.env', 'IDHOOK_KEY') }}"`;
  const groups = order.groups.map((group) => `\n      - ${ansible(group)}`).join("") || " []";
  // `provision` starts no sync, and its outcome is in the response.
  const waiting = `    - name: Note when it must be final
      ansible.builtin.set_fact:
        ends: "{{ now().timestamp() + idhook_timeout | float }}"

    # Waits for \`retryAfter\` seconds, which changes between responses; \`delay\` cannot change.
    - name: Wait until it is final
      ansible.builtin.uri:
        url: "{{ syncs }}/{{ started.json.id }}"
        ${headers}
          Prefer: wait=20
        timeout: 60
      register: sync
      until: >-
        sync.json.status | default('') in ['succeeded', 'failed']
        or (sync.status != 200 and not sync.json.retryable | default(false))
        or now().timestamp() >= ends | float
        or lookup('ansible.builtin.pipe', 'sleep ' ~ ([sync.json.retryAfter | default(2) | int, 60] | min)) != ''
      retries: 10000
      delay: 0
      failed_when: sync.status != 200

`;
  return `# Fails unless the sync succeeds and ${order.product} has every group.
- name: Sync the directory
  hosts: localhost
  gather_facts: false
  vars:
    syncs: ${ansible(order.root + order.syncs)}
    idhook_timeout: 600 # seconds
    idhook_groups:${groups}
  tasks:
    - name: Start a sync
      ansible.builtin.uri:
        url: "{{ syncs }}"
        method: POST
        ${headers}
        body_format: json
        body:
          directory: ${ansible(order.directory)}
          groups: "{{ idhook_groups }}"${more(order, (name, value) => `\n          ${name}: ${value === true ? true : `[${value.map(ansible).join(", ")}]`}`)}
        status_code: ${order.more.provision ? 200 : 202}
        timeout: 60
      register: ${order.more.provision ? "sync" : "started"}

${order.more.provision ? "" : waiting}    - name: Fail unless it succeeded
      ansible.builtin.fail:
        msg: >-
          the sync is {{ sync.json.status }}: {{ sync.json.reason | default('not final in time') }}:
          {{ sync.json.message | default('') }} {{ sync.json.hint | default('') }}
      when: sync.json.status != 'succeeded'

    - name: Fail if ${order.product} lacks a group
      ansible.builtin.fail:
        msg: "group_absent: the sync succeeded, but ${order.product} does not have {{ absent | join(', ') }}"
      vars:
        present: "{{ sync.json.groups | default([]) | selectattr('state', 'eq', 'present') | map(attribute='requested') }}"
        absent: "{{ idhook_groups | difference(present) }}"
      when: absent | length > 0`;
}

function githubStep(order) {
  return `- name: Sync ${order.product}
  shell: sh
  env:
    IDHOOK_KEY: \${{ secrets.IDHOOK_KEY }}
  run: |
${curl(order).replace(/^#!.*\n/, "").replace(/^(?=.)/gm, "    ")}`;
}

/** The tabs, in this order. */
const SNIPPETS = [
  { name: "curl", language: "shell", note: "A POSIX shell script; it needs curl 7.76 and jq.", write: curl },
  {
    name: "ABX JavaScript", language: "javascript",
    note: "Save the key as a project secret and pass it to the action as the input idhookKey. Set the action timeout to 180 s or more.",
    write: abxJavaScript,
  },
  {
    name: "ABX Python", language: "python",
    note: "Save the key as a project secret and pass it to the action as the input idhookKey. Set the action timeout to 180 s or more.",
    write: abxPython,
  },
  {
    name: "ABX PowerShell", language: "powershell",
    note: "Save the key as a project secret and pass it to the action as the input idhookKey. Set the action timeout to 180 s or more.",
    write: abxPowerShell,
  },
  {
    name: "Orchestrator", language: "javascript",
    note: "A scriptable task. Orchestrator must trust the certificate of this address; or use a REST host from your inventory.",
    write: orchestrator,
  },
  { name: "Ansible", language: "yaml", note: "A playbook; its tasks work in any other. Set the key in the environment variable IDHOOK_KEY.", write: playbook },
  { name: "GitHub Actions", language: "yaml", note: "A step. Save the key as the secret IDHOOK_KEY of the repository.", write: githubStep },
];
