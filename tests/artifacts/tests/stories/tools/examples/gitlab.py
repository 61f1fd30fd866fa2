"""Runs the job of `.gitlab-ci.yml` as GitLab's runner does: the template is merged in, the variables are in the environment, and each
line of the script runs in one shell with `errexit` and, if the shell has it, `pipefail`."""

import json
import os
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

folder, work = Path(sys.argv[1]), Path(sys.argv[2])
read = YAML(typ="safe").load
pipeline = read(folder / ".gitlab-ci.yml")
template = read((work / pipeline["include"][0]["local"]).read_text())
job = pipeline["sync-vidm"]
base = template[job["extends"]]
# The pipeline, as its author writes it.
variables = {**base["variables"], **job["variables"], **json.loads(os.environ["JOB_VARIABLES"])}
shell = "if set -o | grep pipefail > /dev/null; then set -o pipefail; fi; set -o errexit\n" + "\n".join(base["script"])
done = subprocess.run(["sh", "-c", shell], cwd=work, env={**os.environ, **variables})
for path in base["artifacts"]["paths"]:
    assert done.returncode or (work / path).stat().st_size, path
sys.exit(done.returncode)
