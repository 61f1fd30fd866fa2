//! The ids in a provider: the server assigns them, a creation must not contain them, and an update must repeat them.

use super::FederatedIdentityProvider;
use super::ldap::LdapConfiguration;

/// A secret that a provider could have, and has not.
pub(crate) struct MissingSecret {
    /// JSON Pointer to its place.
    pub(crate) pointer: String,
    /// JSON Pointers to the fields that decide which server receives it.
    pub(crate) receiver: Vec<String>,
}

impl FederatedIdentityProvider {
    /// This provider as a creation sends it: without ids and times.
    pub(crate) fn without_ids(&self) -> Self {
        let mut sent = Self { id: None, created_at: None, updated_at: None, ..self.clone() };
        for directory in sent.directories.iter_mut().flatten() {
            directory.id = None;
        }
        for directory in sent.synced_mut() {
            directory.ldap_configuration_id = None;
        }
        sent
    }

    /// This provider as an update of `present` sends it: with its id and those of its directories, without times.
    pub(crate) fn with_ids_of(&self, present: &Self) -> Self {
        let mut sent = Self { id: present.id.clone(), created_at: None, updated_at: None, ..self.clone() };
        for (directory, shown) in sent.directories.iter_mut().flatten().zip(present.directories.iter().flatten()) {
            directory.id = shown.id.clone().or(directory.id.take());
        }
        let shown = present.synced();
        let count = sent.synced().len();
        for directory in sent.synced_mut() {
            directory.ldap_configuration_id =
                directory.among(shown, count).and_then(|shown| shown.ldap_configuration_id.clone());
        }
        sent
    }

    /// The directories of `present` that this specification lacks: an update would remove them.
    pub(crate) fn lacking<'p>(&self, present: &'p Self) -> Vec<&'p LdapConfiguration> {
        let (shown, count) = (present.synced(), self.synced().len());
        let kept: Vec<_> = self.synced().iter().filter_map(|directory| directory.among(shown, count)).collect();
        shown.iter().filter(|one| kept.iter().all(|kept| !std::ptr::eq(*kept, *one))).collect()
    }

    /// The secrets that it could have, and has not.
    pub(crate) fn missing_secrets(&self) -> Vec<MissingSecret> {
        let mut missing = Vec::new();
        let oidc = self.idp_config.as_ref().and_then(|config| config.oidc_configuration.as_ref());
        if oidc.is_some_and(|oidc| oidc.client_secret.is_none()) {
            let around = "/idpConfig/oidcConfiguration".to_owned();
            missing.push(MissingSecret { pointer: format!("{around}/clientSecret"), receiver: vec![around] });
        }
        for (index, directory) in self.synced().iter().enumerate() {
            let Some(bind) = &directory.ldap_bind_configuration else { continue };
            if bind.bind_dn_password.is_none() {
                let at = format!("/provisioningConfig/ldapConfigurations/{index}");
                let around = format!("{at}/ldapBindConfiguration");
                let pointer = format!("{around}/bindDnPassword");
                let mut receiver = vec![around];
                if bind.primary_domain_controller.is_none() {
                    // The servers are looked up by the domains.
                    receiver.push(format!("{at}/domains"));
                }
                missing.push(MissingSecret { pointer, receiver });
            }
        }
        missing
    }

    /// Its directories that are synced over LDAP.
    pub(crate) fn synced(&self) -> &[LdapConfiguration] {
        let config = self.provisioning_config.as_ref();
        config.and_then(|config| config.ldap_configurations.as_deref()).unwrap_or_default()
    }

    /// The same, to change them.
    pub(crate) fn synced_mut(&mut self) -> &mut [LdapConfiguration] {
        let config = self.provisioning_config.as_mut();
        config.and_then(|config| config.ldap_configurations.as_deref_mut()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(ids: bool) -> FederatedIdentityProvider {
        let id = |text: &str| ids.then(|| text.to_owned());
        serde_json::from_value(json!({
            "id": id("p"), "name": "n", "createdAt": 7, "updatedAt": 8,
            "directories": [{"id": id("d"), "name": "d"}],
            "provisioningConfig": {"ldapConfigurations": [
                {"ldapConfigurationId": id("a"), "name": "A"}, {"ldapConfigurationId": id("b"), "name": "B"}
            ]}
        }))
        .unwrap()
    }

    fn text(provider: &FederatedIdentityProvider) -> serde_json::Value {
        serde_json::to_value(provider).unwrap()
    }

    #[test]
    fn creation_sends_no_ids() {
        let sent = text(&provider(true).without_ids());
        let expected = json!({"name": "n", "directories": [{"name": "d"}],
            "provisioningConfig": {"ldapConfigurations": [{"name": "A"}, {"name": "B"}]}});
        assert_eq!(sent, expected);
    }

    #[test]
    fn update_sends_the_present_ids_in_any_order() {
        let mut wanted = provider(false);
        wanted.synced_mut().reverse();
        let sent = text(&wanted.with_ids_of(&provider(true)));
        assert_eq!(sent["id"], "p");
        assert_eq!(sent["directories"], json!([{"id": "d", "name": "d"}]));
        let directories = json!([{"ldapConfigurationId": "b", "name": "B"}, {"ldapConfigurationId": "a", "name": "A"}]);
        assert_eq!(sent["provisioningConfig"]["ldapConfigurations"], directories);
        assert_eq!(sent.get("createdAt"), None);
    }

    /// The vendor's examples of providers with users that are not synced show no ids of directories.
    #[test]
    fn update_keeps_the_id_of_a_directory_that_is_not_shown() {
        let sent = text(&provider(true).with_ids_of(&provider(false)));
        assert_eq!(sent["directories"], json!([{"id": "d", "name": "d"}]));
    }

    #[test]
    fn new_directory_has_no_id() {
        let mut wanted = provider(false);
        wanted.synced_mut()[1].name = Some("C".to_owned());
        let sent = wanted.with_ids_of(&provider(true));
        let ids: Vec<_> = sent.synced().iter().map(|one| one.ldap_configuration_id.as_deref()).collect();
        assert_eq!(ids, [Some("a"), None]);
    }
}
