use crate::client::{Admin, DIRECTORIES, Got, send};
use idhook_simulator::{credentials, seeds};
use serde_json::json;

async fn control(admin: &Admin, method: &str, path: &str, body: &str) -> Got {
    send(method, &format!("{}/_simulator{path}", admin.simulator.vidm_url()), &[], body.to_owned()).await
}

#[tokio::test]
async fn help_is_on_every_plain_port_and_names_every_fault() {
    let admin = Admin::new().await;
    let help = control(&admin, "GET", "", "").await;
    assert_eq!(help.status, 200);
    for url in [admin.simulator.sddc_url(), admin.simulator.fleet_url(), admin.simulator.broker_url()] {
        assert_eq!(send("GET", &format!("{url}/_simulator"), &[], "").await.body, help.body);
    }
    // Each curl line with a fault in it is taken as it stands.
    let bodies: Vec<&str> = help.body.lines().filter_map(|line| line.split('\'').nth(1)).collect();
    let faults: Vec<&&str> = bodies.iter().filter(|body| body.contains("\"kind\"")).collect();
    assert_eq!(faults.len(), 13);
    for body in faults {
        assert_eq!(control(&admin, "POST", "/faults", body).await.status, 204, "{body}");
    }
    assert_eq!(control(&admin, "GET", "/faults", "").await.json().as_array().unwrap().len(), 13);
    assert_eq!(control(&admin, "DELETE", "/faults", "").await.status, 204);
    assert_eq!(admin.get(DIRECTORIES).await.status, 200);
}

#[tokio::test]
async fn control_interface_drives_a_whole_sync() {
    let admin = Admin::new().await;
    let group = r#"{"directory":"corp.example","dn":"CN=gg-new,OU=Groups,DC=corp,DC=example"}"#;
    assert_eq!(control(&admin, "POST", "/groups", group).await.status, 204);
    assert_eq!(control(&admin, "POST", "/settings", r#"{"syncManual":true}"#).await.status, 204);
    admin.sync(seeds::CORP, "").await;
    let state = control(&admin, "GET", "/state", "").await.json();
    assert_eq!(state["vidm"][0]["directories"][1]["running"], true);
    let finish = format!("/directories/{}/finish", seeds::CORP);
    assert_eq!(control(&admin, "POST", &finish, "").await.status, 204);
    assert_eq!(control(&admin, "POST", &finish, "").await.status, 400);
    assert_eq!(admin.groups("displayName eq \"gg-new@corp.example\"").await.len(), 1);
    admin.sync(seeds::CORP, "").await;
    let failed = r#"{"outcome":"failed","message":"The connector is down."}"#;
    assert_eq!(control(&admin, "POST", "/directories/corp.example/finish", failed).await.status, 204);
    assert_eq!(admin.status().await["message"], "The connector is down.");
}

#[tokio::test]
async fn calls_settings_and_tokens_by_hand() {
    let admin = Admin::new().await;
    admin.simulator.clear_calls();
    admin.get(DIRECTORIES).await;
    let calls = control(&admin, "GET", "/calls", "").await.json();
    assert_eq!((calls.as_array().unwrap().len(), &calls[0]["authorization"]), (1, &json!("HZN")));
    assert_eq!(control(&admin, "DELETE", "/calls", "").await.status, 204);
    assert!(admin.simulator.calls().is_empty());
    control(&admin, "POST", "/settings", r#"{"strictMediaTypes":false,"syncMilliseconds":0}"#).await;
    assert_eq!(admin.send("GET", DIRECTORIES, &[("accept", "application/json")], "").await.status, 200);
    control(&admin, "POST", "/directories/corp.example/safeguards", "true").await;
    admin.sync(seeds::CORP, "").await;
    assert_eq!(admin.status().await["status"], "FAILED");
    control(&admin, "POST", "/tokens/expire", "").await;
    assert_eq!(admin.get(DIRECTORIES).await.status, 401);
}

#[tokio::test]
async fn mistakes_are_reported() {
    let admin = Admin::new().await;
    for (path, body) in [
        ("/faults", r#"{"kind":"nonsense"}"#),
        ("/settings", r#"{"typo":1}"#),
        ("/groups", r#"{"directory":"lab.example","dn":"CN=a,DC=lab"}"#),
        ("/groups", r#"{"directory":"corp.example","dn":"OU=a,DC=lab"}"#),
        ("/directories/corp.example/finish", r#"{"outcome":"maybe"}"#),
        ("/fleet/settings", r#"{"version":"9.2"}"#),
        ("/fleet/groups", r#"{"directory":"lab.example","dn":"CN=a,DC=lab"}"#),
        ("/fleet/users", r#"{"directory":"corp.example","dn":"CN=a,DC=x","account":"a","groups":["CN=b"]}"#),
        ("/fleet/directories/corp.example/finish", ""),
    ] {
        let got = control(&admin, "POST", path, body).await;
        assert!(got.status == 400 && got.body.len() > 10, "{path} {body}: {}", got.body);
    }
    assert_eq!(control(&admin, "GET", "/nowhere", "").await.status, 404);
}

#[tokio::test]
async fn control_interface_drives_a_sync_of_vcf_operations() {
    let admin = Admin::new().await;
    let settings = r#"{"version":"9.1.1","syncMilliseconds":1,"syncManual":true,"irregular":false}"#;
    assert_eq!(control(&admin, "POST", "/fleet/settings", settings).await.status, 204);
    let group = r#"{"directory":"corp.example","dn":"CN=gg-new,OU=Groups,DC=corp,DC=example"}"#;
    assert_eq!(control(&admin, "POST", "/fleet/groups", group).await.status, 204);
    let user = r#"{"directory":"corp.example","dn":"CN=Alan Turing,OU=Users,DC=corp,DC=example","account":"alan",
        "groups":["CN=gg-new,OU=Groups,DC=corp,DC=example"]}"#;
    assert_eq!(control(&admin, "POST", "/fleet/users", user).await.status, 204);
    let token = crate::ops::log_in(&admin.simulator, credentials::FLEET_USERNAME, credentials::FLEET_PASSWORD).await;
    let url =
        format!("{}{}{}/sync", admin.simulator.fleet_url(), crate::ops::IAM, crate::ops::path_of(seeds::FLEET_CORP));
    let headers = [("authorization", token.as_str()), ("accept", "application/json")];
    assert_eq!(send("POST", &url, &headers, "").await.status, 202);
    let state = control(&admin, "GET", "/state", "").await.json();
    assert_eq!(state["fleet"]["directories"][0]["running"], true);
    let failed = r#"{"outcome":"failed","message":"ldap.server.unreachable"}"#;
    assert_eq!(control(&admin, "POST", "/fleet/directories/corp.example/finish", failed).await.status, 204);
    let state = control(&admin, "GET", "/state", "").await.json();
    assert_eq!(state["fleet"]["directories"][0]["runs"][1]["syncResultMessageKey"], "ldap.server.unreachable");
    assert_eq!(state["fleet"]["directories"].as_array().unwrap().len(), 7);
}
