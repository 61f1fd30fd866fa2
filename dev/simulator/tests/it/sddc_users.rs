//! Domains, roles and users of SDDC Manager; every response and every accepted request keeps the vendor's schema.

use crate::client::{Got, send};
use crate::sddc_tokens::pair;
use idhook_simulator::{EntityNames, Options, Simulator, contract, seeds};
use serde_json::{Value, json};
use std::time::Duration;

struct Admin {
    simulator: Simulator,
    token: String,
}

impl Drop for Admin {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let exchanges = self.simulator.exchanges();
            assert!(!exchanges.is_empty());
            let violations = contract::violations_of_accepted(&exchanges);
            assert!(violations.is_empty(), "{}", violations.join("\n"));
        }
    }
}

impl Admin {
    async fn new(version: &str) -> Self {
        let simulator = Simulator::start(Options::default()).await.unwrap();
        simulator.configure_sddc(|settings| settings.version = version.to_owned());
        simulator.record_bodies();
        let (token, _) = pair(&simulator).await;
        Self { simulator, token }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Got {
        let headers = [("authorization", self.token.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        send(method, &format!("{}/v1/{path}", self.simulator.sddc_url()), &headers, body).await
    }

    async fn elements(&self, path: &str) -> Vec<Value> {
        self.send("GET", path, Value::Null).await.json()["elements"].as_array().unwrap().clone()
    }

    async fn role(&self, name: &str) -> Value {
        self.elements("roles").await.into_iter().find(|role| role["name"] == name).unwrap()["id"].clone()
    }

    async fn names(&self, path: &str) -> Vec<String> {
        let name =
            |entity: &Value| format!("{} {}", entity["type"].as_str().unwrap(), entity["name"].as_str().unwrap());
        self.elements(path).await.iter().map(name).collect()
    }
}

#[tokio::test]
async fn groups_get_and_lose_their_only_role() {
    for version in ["5.2.1.0-24307856", "9.1.0.0-1"] {
        let admin = Admin::new(version).await;
        let role = admin.role("ADMIN").await;
        let group =
            |name: &str, domain: &str| json!([{"name": name, "domain": domain, "type": "GROUP", "role": {"id": role}}]);
        let domain = seeds::LDAP_SOURCE_DOMAIN.to_uppercase();
        let added = admin.send("POST", "users", group(seeds::VCF_GROUP, &domain)).await;
        assert_eq!(added.status, 201, "{}", added.body);
        let entry = added.json()["elements"][0].clone();
        assert_eq!(entry["name"], format!("{domain}\\{}", seeds::VCF_GROUP));
        for refused in [
            group(seeds::VCF_GROUP, &domain),
            group("gg-nobody", &domain),
            group(seeds::VCF_GROUP, "other.example"),
            json!([{"name": seeds::VCF_OPERATORS, "domain": domain, "type": "GROUP", "role": {"id": "x"}}]),
            json!([{"name": seeds::VCF_OPERATORS, "type": "GROUP", "role": {"id": role}}]),
            json!({}),
        ] {
            assert_eq!(admin.send("POST", "users", refused.clone()).await.status, 400, "{refused}");
        }
        let path = format!("users/{}", entry["id"].as_str().unwrap());
        assert_eq!(admin.elements("users").await.len(), 5);
        assert_eq!(admin.send("DELETE", &path, Value::Null).await.status, 204);
        assert_eq!(admin.send("DELETE", &path, Value::Null).await.status, 404);
        assert_eq!(admin.elements("users").await.len(), 4);
    }
}

#[tokio::test]
async fn domains_list_their_entities_by_a_search() {
    let admin = Admin::new("5.2.1.0-24307856").await;
    let domains = admin.elements("sso-domains").await;
    assert_eq!(domains, ["vsphere.local", seeds::LDAP_SOURCE_DOMAIN, seeds::LDAPS_SOURCE_DOMAIN]);
    let path = format!("sso-domains/{}/entities?entityName=VCF-admins", seeds::LDAP_SOURCE_DOMAIN);
    assert_eq!(admin.names(&path).await, ["GROUP gg-vcf-admins", "GROUP gg-vcf-admins-emea", "USER gg-vcf-admins"]);
    admin.simulator.configure_sddc(|settings| settings.entity_names = EntityNames::OfDomain);
    assert_eq!(admin.names(&path).await[0], "GROUP EMBEDDED-IDS.EXAMPLE\\gg-vcf-admins");
    let unknown = admin.send("GET", "sso-domains/other.example/entities", Value::Null).await;
    assert_eq!(unknown.status, 500);
}

#[tokio::test]
async fn groups_of_a_new_source_appear_after_the_delay() {
    let admin = Admin::new("5.2.1.0-24307856").await;
    admin.simulator.configure_sddc(|settings| settings.group_delay = Duration::from_secs(60));
    let source = json!({"name": "new", "ldap": {
        "type": "ActiveDirectory", "domainName": "new.example", "username": "svc@new.example", "password": "planted",
        "sourceDetails": {"usersBaseDn": "DC=new", "groupsBaseDn": "DC=new", "serverEndpoints": ["ldap://dc.new.example"]},
    }});
    let sources = format!("identity-providers/{}/identity-sources", seeds::EMBEDDED_PROVIDER);
    assert_eq!(admin.send("POST", &sources, source).await.status, 201);
    let path = "sso-domains/new.example/entities";
    assert!(admin.names(path).await.is_empty());
    admin.simulator.configure_sddc(|settings| settings.group_delay = Duration::ZERO);
    assert_eq!(admin.names(path).await.len(), 5);
}
