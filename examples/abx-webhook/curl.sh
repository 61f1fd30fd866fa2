#!/bin/sh
# Starts a sync at idhook and follows it until it is final: curl and a POSIX shell, nothing else (no jq), so it runs in an image
# that has only curl, in a Kubernetes Job, in cron.
#
#   IDHOOK_URL=https://idhook.example IDHOOK_KEY=… ./curl.sh corp.example 'CN=gg-new,OU=Groups,DC=corp,DC=example' …
#
# Arguments    the directory (id, name or domain), then the groups that must be in vIDM in the end, if any
# Environment  IDHOOK_KEY: a key with the scopes vidm:read and vidm:sync
#              IDHOOK_TARGET (default), IDHOOK_PATIENCE (600 seconds), CURL_CA_BUNDLE (a private CA; curl's own variable)
# Exit code    0: it succeeded, and the final state is on stdout. 1: it did not; the state or the problem is on stderr.
set -eu
: "${IDHOOK_URL:?}" "${IDHOOK_KEY:?}" "${1:?the directory is missing}"
ends=$(($(date +%s) + ${IDHOOK_PATIENCE:-600}))

# The key goes to curl by stdin, where no list of processes shows it. Gives the status, a line break, and the answer.
call() {
  printf 'header = "Authorization: Bearer %s"\n' "$IDHOOK_KEY" |
    curl -sS -K - --max-time 60 -H 'Prefer: wait=25' -w '\n%{http_code}' "$@"
}
fail() { printf '%s\n' "$answer" "$1" >&2; exit 1; }
# The text of the first field of that name.
field() { rest=${answer#*\""$1"\":\"}; printf %s "${rest%%\"*}"; }

# A form instead of JSON: so curl does all the quoting.
directory=$1
shift
for group do
  shift
  set -- "$@" --data-urlencode "groups=$group"
done
answer=$(call --data-urlencode "directory=$directory" "$@" "$IDHOOK_URL/vidm/${IDHOOK_TARGET:-default}/v1/syncs") ||
  fail "idhook cannot be reached"

while :; do
  code=${answer##*
}
  answer=${answer%
*}
  case $code$answer in
    20[02]*) ;;
    *'"retryable":true'*) [ -n "${place:-}" ] || fail "the sync could not be started" ;;
    *) fail "idhook answered $code" ;;
  esac
  case $code$(field status) in
    20?succeeded) printf '%s\n' "$answer"; exit ;;
    20?failed) fail "the sync failed" ;;
    20?*) place=$(field self) ;;
  esac
  [ "$(date +%s)" -lt "$ends" ] || fail "the sync is not final yet"
  sleep 2
  answer=$(call "$IDHOOK_URL$place") || fail "idhook cannot be reached"
done
