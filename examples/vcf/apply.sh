#!/bin/sh
# Does a whole job at SDDC Manager through idhook: an identity source, and the roles of its groups. Run it again after a failure: it
# continues, and reports "unchanged" for what is done. Needs curl and jq.
#
#   IDHOOK_URL=https://idhook.example IDHOOK_KEY=… LDAP_PASSWORD=… ./apply.sh apply.json [--dry-run] [--force]
#
# Environment  IDHOOK_KEY: a key with the scopes vcf:write and vcf:roles
#              LDAP_PASSWORD: the password of the account in the file, which is never in the file
#              IDHOOK_TARGET (default), CURL_CA_BUNDLE (a private CA; curl's own variable)
# Exit code    0: the job is done, or with --dry-run planned; the steps are on stdout. 1: anything else; the steps, what failed and what
#              to do about it are on stderr.
# sh -x would show the secrets. A key from a file often ends in a line break.
{ set +x; } 2>/dev/null
set -eu
: "${IDHOOK_URL:?}" "${IDHOOK_KEY:?}" "${LDAP_PASSWORD:?}" "${1:?the JSON file is missing}"
IDHOOK_KEY=$(printf %s "$IDHOOK_KEY" | tr -d '\r\n')
file=$1 query=
shift
for option do
  case $option in
    --dry-run) query="$query&dryRun=true" ;;
    --force) query="$query&force=true" ;;
    *) echo "unknown option $option; use --dry-run or --force" >&2; exit 1 ;;
  esac
done

# A group of a new source may appear after a delay: Prefer allows that idhook waits for it. The key goes to curl through file descriptor 3,
# where no list of processes shows it; so does the password, through stdin.
job=$(jq '.identitySource.ldap.password = env.LDAP_PASSWORD' "$file")
answer=$(printf '%s' "$job" | curl -sS -K /dev/fd/3 --max-time 180 -w '\n%{http_code}' -X POST -H 'Content-Type: application/json' \
  -H 'Prefer: wait=60' --data-binary @- "${IDHOOK_URL%/}/vcf/${IDHOOK_TARGET:-default}/v1/apply${query:+?${query#&}}" 3<<END
header = "Authorization: Bearer $IDHOOK_KEY"
END
) || { echo "idhook cannot be reached" >&2; exit 1; }
status=${answer##*
}
answer=${answer%
*}
lines='.steps[]? | "\(.step)\t\(.outcome)\t\(.object // "")\t\(.detail // "")"'
case $status in
  200)
    printf '%s' "$answer" | jq -er "$lines" 2>/dev/null ||
      { printf 'the answer is not idhook'"'"'s: %s\n' "$answer" >&2; exit 1; }
    ;;
  3*) echo "IDHOOK_URL redirects ($status): use the address that it redirects to, often with https" >&2; exit 1 ;;
  *)
    # jq accepts an empty answer in silence. The detail names a single field itself.
    { [ "$answer" ] && printf '%s' "$answer" | jq -r "($lines)"', "\(.code): \(.detail)",
        (.errors // [] | select(length > 1)[] | "\(.pointer): \(.detail)"), (.hint // empty)' >&2 2>/dev/null; } ||
      printf 'idhook returned %s: %s\n' "$status" "$answer" >&2
    exit 1
    ;;
esac
