//! `POST …/ldap-directories/{ldapDirectoryId}/principals`: brings one group into the identity broker without a sync.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::api::{Fleet, JSON, directory_path};
use super::client::Client;
use super::dn_proof::is_of_the_query;
use super::locate::{Located, Needs};
use super::principal_query::Group;
use super::proof::{State, States};
use crate::directory::{DirectoryRef, GroupQuery, Proof, ProvedBy};
use crate::dn::Key;
use crate::error::{Error, ErrorCode, Result};
use crate::retry::Repeat;
use crate::runtime::Runtime;
use crate::upstream::{Endpoint, invalid, json, read_json, with_body};

/// `POST /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/principals`
/// (VCF Operations API 9.1.1, `provisionPrincipal`)
///
/// Responds with 201 and the group as a principal. The response for a group that the broker has already is not documented.
#[derive(Debug)]
pub(super) struct ProvisionGroup<'a> {
    pub(super) provider: &'a str,
    pub(super) directory: &'a str,
    /// The group's distinguished name.
    pub(super) dn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    dn: &'a str,
    principal_type: &'a str,
}

/// The outcome of bringing a group in.
#[derive(Debug)]
pub enum Provisioning {
    /// The broker has the group.
    Done(Group),
    /// The response does not prove that: the group may have been there already, or the request may have taken effect
    /// without a usable response. If a look-up by distinguished name does not find the group, this is the failure.
    Unproved(Error),
}

impl Endpoint for ProvisionGroup<'_> {
    type Api = Fleet;
    type Response = Group;
    const CALL: &'static str = "POST /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/principals";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let path = format!("{}/principals", directory_path(self.provider, self.directory));
        with_body(Method::POST, &path, JSON, JSON, json(&Body { dn: self.dn, principal_type: "GROUP" })?)
    }

    /// Only an id, and no other group's name, proves that the broker has the group.
    fn response(&self, answer: Response<Bytes>) -> Result<Group> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            #[serde(default)]
            principal_id: Value,
            #[serde(default)]
            name: Value,
            #[serde(default)]
            dn: Value,
        }
        let text = |value: &Value| value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        let Answer { principal_id, name, dn } = read_json(Self::CALL, &answer)?;
        let id = text(&principal_id).ok_or_else(|| invalid(Self::CALL, &answer, "it has no principalId"))?;
        if text(&dn).is_some_and(|dn| Key::of(&dn) != Key::of(self.dn)) {
            return Err(invalid(Self::CALL, &answer, "it names another principal"));
        }
        let name = text(&name);
        Ok(Group { group_id: id, group_name: name.clone(), display_name: name, domain_name: None, extra: Map::new() })
    }
}

impl<R: Runtime> Client<'_, R> {
    /// Brings one group of a provider's directory into the identity broker, by its distinguished name and without a sync.
    /// VCF Operations has this call since 9.1.1.
    ///
    /// # Errors
    /// `not_supported` if this version does not have the call; and those of the login and the call, if the group was
    /// certainly not brought in.
    pub async fn provision(&self, provider_id: &str, directory_id: &str, dn: &str) -> Result<Provisioning> {
        match self.call(&ProvisionGroup { provider: provider_id, directory: directory_id, dn }).await {
            Ok(group) => Ok(Provisioning::Done(group)),
            Err(error) if is_unproved(&error) => Ok(Provisioning::Unproved(error)),
            Err(error) if error.answer_status().is_some_and(|status| status.as_u16() == 405) => {
                let detail = "this VCF Operations does not bring in single groups: it has this call since 9.1.1";
                Err(error.recode(ErrorCode::NotSupported, detail).hint("update it, or sync the directory instead"))
            }
            Err(error) => Err(error),
        }
    }
}

impl<R: Runtime> Client<'_, R> {
    /// Brings groups of a directory into the identity broker, by their distinguished names and without a sync, and proves
    /// each, in order. A directory in the mode `ON_DEMAND` has no syncs, and is accepted too.
    ///
    /// # Errors
    /// `not_supported` before 9.1.1, without a call that changes anything; `directory_not_found`, `directory_ambiguous`; and
    /// those of the login and the calls, if no group was brought in. A failure after that is the group's own detail.
    pub(crate) async fn provision_all(
        &self,
        which: &DirectoryRef,
        groups: &[GroupQuery],
    ) -> Result<(Located, Vec<Proof>)> {
        let version = self.version().await?;
        if !version.has_principals() {
            let release = version.release_name.as_deref().unwrap_or("this VCF Operations");
            let detail = format!("{release} does not bring in single groups: VCF Operations has this call since 9.1.1");
            return Err(Error::new(ErrorCode::NotSupported, detail)
                .hint("start a sync with addToProfile instead")
                .at(&self.target.name));
        }
        let mut located = self.locate_any(which).await?;
        let mut found = States::new();
        let mut doubtful: Vec<(&GroupQuery, Error)> = Vec::new();
        let mut failure: Option<Error> = None;
        for query in groups {
            if found.contains_key(&query.identity()) {
                continue;
            }
            if let Some(error) = &failure {
                found.insert(
                    query.identity(),
                    State::Unknown(format!("not tried after: {}", error.detail()), error.clone()),
                );
                continue;
            }
            let mut done = self.provision(&located.provider, &located.id, query.as_str()).await;
            if let Err(error) = done {
                done = match self.relocate(&mut located, Needs::Any, error).await {
                    Ok(()) => self.provision(&located.provider, &located.id, query.as_str()).await,
                    Err(error) => Err(error),
                };
            }
            match done {
                Ok(Provisioning::Done(group)) => {
                    found.insert(query.identity(), State::Present(group, ProvedBy::Id));
                }
                Ok(Provisioning::Unproved(error)) => {
                    found.insert(query.identity(), State::Unknown(error.detail().to_owned(), error.clone()));
                    // The others are not sent after the end of the request's time.
                    failure = self.out.remaining().is_zero().then(|| error.clone());
                    doubtful.push((query, error));
                }
                Err(error) if is_of_the_query(&error) && error.code() != ErrorCode::NotSupported => {
                    found.insert(query.identity(), State::Absent(Some(error.detail().to_owned())));
                    // How a group is rejected that the broker has already is not documented.
                    if error.answer_status().is_some_and(|status| matches!(status.as_u16(), 400 | 422)) {
                        doubtful.push((query, error));
                    }
                }
                Err(error) if found.is_empty() => return Err(error),
                Err(error) => {
                    found.insert(query.identity(), State::Unknown(error.detail().to_owned(), error.clone()));
                    failure = Some(error);
                }
            }
        }
        let queries: Vec<&GroupQuery> = doubtful.iter().map(|(query, _)| *query).collect();
        let mut looked_up = States::new();
        if let Err(error) = self.prove_dns(&located, &queries, &mut looked_up).await {
            if !found.values().any(|state| matches!(state, State::Present(..))) {
                return Err(error);
            }
            for (query, cause) in &doubtful {
                let detail = format!("{}; and it could not be looked up: {}", cause.detail(), error.detail());
                found.insert(query.identity(), State::Unknown(detail, cause.clone()));
            }
        }
        let present = looked_up.into_iter().filter(|(_, state)| matches!(state, State::Present(..)));
        found.extend(present);
        Ok((
            located,
            groups.iter().map(|query| Proof::in_broker(query.as_str(), found.get(&query.identity()))).collect(),
        ))
    }
}

/// Whether the group may be in the broker in spite of this failure.
fn is_unproved(error: &Error) -> bool {
    match error.answer_status().map(|status| status.as_u16()) {
        Some(409) => true,
        Some(400 | 422) => error.evidence().is_some_and(|said| {
            let texts = [said.code.as_deref(), said.message.as_deref()].into_iter().flatten();
            texts.chain(said.details.iter().map(String::as_str)).any(|text| text.to_lowercase().contains("already"))
        }),
        Some(status) => (200..300).contains(&status) || status >= 500,
        None => error.is_unanswered(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    const CALL: ProvisionGroup<'_> =
        ProvisionGroup { provider: "p", directory: "d", dn: "CN=R\\, \"D\",OU=Groups,DC=x" };

    #[test]
    fn request_is_encoded() {
        assert_eq!(
            sent(&CALL),
            "POST /suite-api/api/fleet-management/iam/identity-providers/p/ldap-directories/d/principals\n\
             accept: application/json\ncontent-type: application/json\n\n\
             {\"dn\":\"CN=R\\\\, \\\"D\\\",OU=Groups,DC=x\",\"principalType\":\"GROUP\"}"
        );
    }

    #[test]
    fn principal_is_read() {
        let read = |body: &str| CALL.response(answer(201, body));
        let body = r#"{"principalId":"550e8400-e29b-41d4-a716-446655440000","name":"R, D",
            "dn":"cn=R\\2C \"D\",OU=Groups,DC=X","principalType":"GROUP"}"#;
        let group = read(body).unwrap();
        assert_eq!(group.group_id, "550e8400-e29b-41d4-a716-446655440000");
        assert_eq!((group.group_name.as_deref(), group.display_name.as_deref()), (Some("R, D"), Some("R, D")));
        assert_eq!(read(r#"{"principalId":"i","dn":null}"#).unwrap().group_name, None);
        for body in
            ["", "[]", "{}", r#"{"principalId":" "}"#, r#"{"principalId":7}"#, r#"{"principalId":"i","dn":"CN=x"}"#]
        {
            assert_eq!(read(body).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{body}");
        }
    }
}
