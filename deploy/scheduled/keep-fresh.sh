#!/bin/sh
# Looks after syncs that nobody watches: queued runs begin, and messages about ended syncs are sent. Then starts a sync of each directory
# that has no recent successful one, and waits for it. Run it by a timer. Needs curl and jq.
#
#   IDHOOK_URL=https://idhook.example IDHOOK_KEY=… ./keep-fresh.sh [STALE_AFTER]
#
# Argument     STALE_AFTER (2h): a directory is synced if no sync succeeded within this time: 90m, 2h, 8d; never: only look after syncs
# Environment  IDHOOK_KEY: a key with the scopes vidm:read and vidm:sync (fleet/NAME: fleet:read and fleet:sync); or IDHOOK_KEY_FILE
#              IDHOOK_TARGET (vidm/default): the target with its kind; IDHOOK_WAIT (600): seconds to wait for each sync, one after another
#              IDHOOK_QUERY (empty): selects directories as in a URL, such as domain=corp.example. idhook rejects more than 20 that can be
#              synced; then run the script once for each part of them
#              CURL_CA_BUNDLE (a private CA; curl's own variable)
# Exit code    0: the state of every open sync could be read, and every selected directory is fresh or was just synced; 1: anything else,
#              after all the work. One line for each sync and directory is on stdout; what failed and how to fix it is on stderr.
set -eu
: "${IDHOOK_URL:?}"
[ -z "${IDHOOK_KEY_FILE:-}" ] || IDHOOK_KEY=$(cat "$IDHOOK_KEY_FILE")
: "${IDHOOK_KEY:?}"
target=${IDHOOK_URL%/}/${IDHOOK_TARGET:-vidm/default}/v1
# curl empties a file before it tries again; on a pipe the body of the failed attempt would remain.
response=$(mktemp)
trap 'rm -f "$response"' EXIT

# curl waits as long as Retry-After says, which may be 900 s; --retry-max-time bounds that. 90 s leave time for an attempt after a wait of 60 s.
# The key goes to curl through file descriptor 3, where no list of processes shows it. Sets body; fails, with the reason, unless the status
# is 2xx.
call() {
  : > "$response"
  body=
  status=$(curl -sS -K /dev/fd/3 --max-time 120 --retry 3 --retry-max-time 90 -o "$response" -w '%{http_code}' "$@" 3<<END
header = "Authorization: Bearer $IDHOOK_KEY"
END
  ) || { echo "idhook cannot be reached" >&2; return 1; }
  body=$(cat "$response")
  case $status in
    2*) return 0 ;;
  esac
  printf '%s' "$body" | jq -r '"\(.code): \(.detail)", (.hint // empty)' >&2 2>/dev/null ||
    printf 'idhook returned %s: %s\n' "$status" "$body" >&2
  return 1
}

# Joins a sync that is queued or running; the timer and a workflow do not start two.
bring_up_to_date() {
  directory=$1 deadline=$(($(date +%s) + ${IDHOOK_WAIT:-600}))
  call -X POST -H 'Content-Type: application/json' -H 'Prefer: wait=60' --data '{}' "$target/directories/$directory/syncs" || return 1
  while :; do
    case $(printf '%s' "$body" | jq -r .status) in
      succeeded) return 0 ;;
      failed) printf '%s' "$body" | jq -r '"\(.reason): \(.message // "no message")", (.hint // empty)' >&2; return 1 ;;
    esac
    [ "$(date +%s)" -lt "$deadline" ] || { echo "the sync did not end in time; idhook continues to observe it" >&2; return 1; }
    id=$(printf '%s' "$body" | jq -r .id)
    call -H 'Prefer: wait=60' "$target/syncs/$id" || return 1
  done
}

# Looks at the open syncs of the target, each as if its caller had asked for its state. Without a store idhook knows none. Fails if the state
# of one could not be read.
look_after_syncs() {
  call -X POST "$target/advance" || [ "$(printf '%s' "$body" | jq -r .code 2>/dev/null)" = not_supported ] || return 1
  printf '%s' "$body" | jq -r '.syncs[]? | "\(if .open then "open" else "ended" end)\t\(.status // .code)\t\(.directory)"'
  printf '%s' "$body" | jq -r '.syncs[]? | select(.code) | "the sync of \(.directory): \(.code): \(.detail)"' >&2
  ! printf '%s' "$body" | jq -e 'any(.syncs[]?; .code)' > /dev/null
}

code=0
look_after_syncs || code=1
[ "${1:-2h}" != never ] || exit $code
call -G --data-urlencode "staleAfter=${1:-2h}" ${IDHOOK_QUERY:+--data-raw "$IDHOOK_QUERY"} "$target/directories" || exit 1
for line in $(printf '%s' "$body" | jq -r '.stale[] | "\(.directory.id | @uri)|\(.reason)|\(.directory.name // "" | @uri)"'); do
  id=${line%%|*} rest=${line#*|}
  if bring_up_to_date "$id"; then outcome=synced; else outcome=failed code=1; fi
  printf '%s\t%s\t%s\t%s\n' "$outcome" "${rest%%|*}" "$id" "${rest#*|}"
done
exit $code
