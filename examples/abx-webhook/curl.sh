#!/bin/sh
# Starts a sync at idhook and follows it until it is final: curl and a POSIX shell, nothing else (no jq), so it runs in an image
# that has only curl, in a Kubernetes Job, in cron.
#
#   IDHOOK_URL=https://idhook.example IDHOOK_KEY=… ./curl.sh corp.example 'CN=gg-new,OU=Groups,DC=corp,DC=example' …
#
# Arguments    the directory (id, name or domain), then the groups that must be in vIDM in the end, if any: as DN or name@domain
# Environment  IDHOOK_KEY: a key with the scopes vidm:read and vidm:sync
#              IDHOOK_TARGET (default), IDHOOK_TIMEOUT (600 seconds), CURL_CA_BUNDLE (a private CA; curl's own variable)
# Exit code    0: it succeeded and vIDM has every group; the final state is on stdout. 1: anything else; what failed and what to do
#              about it is on stderr.
set -eu
: "${IDHOOK_URL:?}" "${IDHOOK_KEY:?}" "${1:?the directory is missing}"
ends=$(($(date +%s) + ${IDHOOK_TIMEOUT:-600}))
syncs=${IDHOOK_URL%/}/vidm/${IDHOOK_TARGET:-default}/v1/syncs

# The key goes to curl by stdin, where no list of processes shows it. Gives the answer, a line break, and the status.
call() {
  left=$((ends - $(date +%s)))
  [ "$left" -gt 0 ] || left=0
  [ "$left" -lt 25 ] || left=25
  printf 'header = "Authorization: Bearer %s"\n' "$IDHOOK_KEY" |
    curl -sS -K - --max-time $((left + 30)) -H "Prefer: wait=$left" -w '\n%{http_code}' "$@"
}
# The text, and the number, of the first field of that name; nothing where there is none.
field() { case $answer in *\""$1"\":\"*) rest=${answer#*\""$1"\":\"}; printf %s "${rest%%\"*}" ;; esac; }
number() { printf %s "$answer" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | head -n 1; }
fail() { printf '%s\n' "$answer" "$1" "$(field message)" "$(field hint)" >&2; exit 1; }

# A form instead of JSON: so curl does all the quoting.
directory=$1
shift
for group do
  shift
  set -- "$@" --data-urlencode "groups=$group"
done
wanted=$(($# / 2)) answer='' place=''
answer=$(call --data-urlencode "directory=$directory" "$@" "$syncs") ||
  fail "idhook cannot be reached"

while :; do
  code=${answer##*
}
  answer=${answer%
*}
  status=
  case $code$answer in
    20[02]*) status=$(field status) ;;
    *'"retryable":true'*) [ -n "$place" ] || fail "the sync could not be started" ;;
    *) fail "idhook answered $code" ;;
  esac
  case $status in
    succeeded) break ;;
    failed) fail "the sync failed: $(field reason)" ;;
    ?*) place=$syncs/$(field id) ;;
  esac
  now=$(date +%s) pause=$(number retryAfter)
  [ "$now" -lt "$ends" ] || fail "the sync is still ${status:-unknown}; ask for it at $place"
  pause=${pause:-2}
  [ "$pause" -le $((ends - now)) ] || pause=$((ends - now))
  sleep "$pause"
  answer=$(call "$place") || fail "idhook cannot be reached"
done
present=$(printf %s "$answer" | { grep -o '"state":"present"' || :; } | wc -l)
[ "$present" -ge "$wanted" ] || fail "group_absent: the sync succeeded, but vIDM has only $((present)) of $wanted groups"
printf '%s\n' "$answer"
