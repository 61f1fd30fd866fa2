//! `POST /vcf/{target}/v1/apply`.

use http::{Method, StatusCode};
use idhook::error::ErrorCode;
use serde_json::{Value, json};

use crate::operation::{Answer, Content, Operation, UPSTREAM, flag, shared};

/// The whole job, with this identity source.
pub(super) fn apply(source: Value) -> Operation {
    let body = json!({
        "identitySource": source,
        "roles": [
            { "group": "gg-vcf-admins@corp.example", "role": "ADMIN" },
            { "group": { "name": "gg-vcf-former", "domain": "corp.example" }, "state": "absent" }
        ]
    });
    let plan = json!({
        "dryRun": true,
        "steps": [
            { "step": "ensure", "object": "identity source corp.example", "outcome": "wouldCreate" },
            { "step": "verify", "object": "identity source corp.example", "outcome": "skipped" },
            {
                "step": "roles", "object": "gg-vcf-admins@corp.example", "outcome": "wouldCreate",
                "detail": "the group can be looked up once its domain is added"
            },
            { "step": "roles", "object": "gg-vcf-former@corp.example", "outcome": "unchanged" }
        ],
        "change": { "outcome": "created", "dryRun": true, "domainName": "corp.example" }
    });
    let done = json!({
        "steps": [
            { "step": "ensure", "object": "identity source corp.example", "outcome": "created" },
            { "step": "verify", "object": "identity source corp.example", "outcome": "passed" },
            { "step": "roles", "object": "gg-vcf-admins@corp.example", "outcome": "created", "detail": "ADMIN" },
            { "step": "roles", "object": "gg-vcf-former@corp.example", "outcome": "unchanged" }
        ],
        "change": {
            "outcome": "created", "domainName": "corp.example", "verified": true, "remaining": [], "secretsCompared": false,
            "notCompared": ["/ldap/password"]
        }
    });
    Operation::new(Method::POST, "/vcf/{target}/v1/apply", "applyIdentities", "Identity providers")
        .about(
            "Do a whole job: identity source or provider, and roles of groups",
            "Steps: SDDC Manager's precheck, the identity source or external provider, its verification, the role of each group. \
             Everything that can be known by reading is checked before the first change. A failed step stops the job: the problem \
             lists all steps in `steps`. Send the same request again to continue; finished steps report `unchanged`. `roles` also \
             requires the scope `vcf:roles`.",
        )
        .parameter(flag("dryRun", "Change nothing; return the plan."))
        .parameter(flag("force", "Update the source or provider even without a visible difference."))
        .parameter(shared("IfMatch"))
        .parameter(shared("Prefer"))
        .may(&[ErrorCode::PreconditionFailed])
        .takes(Content::of("ApplySpec").example("source_and_roles", body))
        .answers(
            Answer::new(StatusCode::OK, "The job is done; or, with `dryRun`, the plan.")
                .json(Content::of("Applied").example("done", done).example("plan", plan))
                .headers(&["Preference-Applied"]),
        )
        .may(&UPSTREAM)
}
