#!/bin/sh
# Starts a sync of a directory of vIDM or VCF Operations at idhook, waits until it is final, and fails unless it succeeded and every group
# is present. Needs curl and a POSIX shell with sed and grep, but no jq: it runs in an image that has only curl, in a Kubernetes Job, in cron.
#
#   IDHOOK_URL=https://idhook.example IDHOOK_KEY=… ./curl.sh corp.example 'CN=gg-new,OU=Groups,DC=corp,DC=example' …
#
# Arguments    the directory (id, name or domain), then the groups that must be present in the end, if any: as DN or name@domain
# Environment  IDHOOK_KEY: a key with the scopes vidm:read and vidm:sync, or fleet:read and fleet:sync for VCF Operations
#              IDHOOK_TARGET: a vIDM target by name, or fleet/NAME for VCF Operations (default)
#              IDHOOK_TIMEOUT (600 seconds), CURL_CA_BUNDLE (a private CA; curl's own variable)
#              IDHOOK_ADD_TO_PROFILE=true: first add the groups (DNs) to the directory's sync profile; needs vidm:profile or fleet:profile
# Exit code    0: it succeeded and every group is present; the final state is on stdout. 1: anything else; what failed and what to do
#              is on stderr.
# sh -x would show the secrets. A key from a file often ends in a line break.
{ set +x; } 2>/dev/null
set -eu
: "${IDHOOK_URL:?}" "${IDHOOK_KEY:?}" "${1:?the directory is missing}"
IDHOOK_KEY=$(printf %s "$IDHOOK_KEY" | tr -d '\r\n')
ends=$(($(date +%s) + ${IDHOOK_TIMEOUT:-600}))
target=${IDHOOK_TARGET:-default}
case $target in */*) ;; *) target=vidm/$target ;; esac
syncs=${IDHOOK_URL%/}/$target/v1/syncs

# The key goes to curl through stdin, where no list of processes shows it. Prints the answer, a line break, and the status.
call() {
  left=$((ends - $(date +%s)))
  [ "$left" -gt 0 ] || left=0
  [ "$left" -lt 25 ] || left=25
  printf 'header = "Authorization: Bearer %s"\n' "$IDHOOK_KEY" |
    curl -sS -K - --max-time $((left + 30)) -H "Prefer: wait=$left" -w '\n%{http_code}' "$@"
}
# The text, and the number, of the first field of that name; nothing if there is none. A quote within a text is \" in JSON.
field() {
  case $answer in *\""$1"\":\"*)
    printf %s "${answer#*\""$1"\":\"}" | sed -nE 's/^(([^"\\]|\\.)*)".*/\1/p' | sed -E 's/\\(["\\/])/\1/g'
  esac
}
number() { printf %s "$answer" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | head -n 1; }
fail() {
  printf '%s\n' "$answer" "$1" "$(field code)" "$(field detail)" "$(field message)" "$(field hint)" | sed '/^$/d' >&2
  exit 1
}

# A form instead of JSON, because curl can encode it.
directory=$1
shift
for group do
  shift
  # A blank name, such as that of an empty variable, counts as none, as it does at idhook.
  case $group in *[![:space:]]*) set -- "$@" --data-urlencode "groups=$group" ;; esac
done
wanted=$(($# / 2))
[ "${IDHOOK_ADD_TO_PROFILE:-}" != true ] || set -- "$@" --data-urlencode addToProfile=true
answer='' place=''
answer=$(call --data-urlencode "directory=$directory" "$@" "$syncs") ||
  fail "idhook cannot be reached"

while :; do
  code=${answer##*
}
  answer=${answer%
*}
  status=
  case $code$answer in
    20[02]*'"id":"'*) status=$(field status) ;;
    20[02]*) fail "the answer is not idhook's: check IDHOOK_URL" ;;
    30?*) fail "IDHOOK_URL redirects: use the address that it redirects to, often with https" ;;
    *'"retryable":true'*) [ -n "$place" ] || fail "the sync could not be started" ;;
    # A proxy's answer, or none at all.
    429*|502*|503*|504*|000*) [ -n "$place" ] || fail "idhook returned $code" ;;
    *) fail "idhook returned $code" ;;
  esac
  case $status in
    succeeded) break ;;
    failed) fail "the sync failed: $(field reason)" ;;
    ?*) place=$syncs/$(field id) ;;
  esac
  now=$(date +%s) pause=$(number retryAfter)
  [ "$now" -lt "$ends" ] || fail "sync_timeout: the sync is still ${status:-unknown}; ask for it at $place"
  pause=${pause:-2}
  [ "$pause" -le $((ends - now)) ] || pause=$((ends - now))
  sleep "$pause"
  answer=$(call "$place") || answer='
000'
done
present=$(printf %s "$answer" | { grep -o '"state":"present"' || :; } | wc -l)
[ "$present" -ge "$wanted" ] || fail "group_absent: the sync succeeded, but only $((present)) of $wanted groups are present"
printf '%s\n' "$answer"
