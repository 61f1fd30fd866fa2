use crate::client::start;
use idhook_simulator::{Fault, FaultKind, Simulator};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Asks for a path over TLS, trusting only these certificates, and reads until the end.
async fn ask(url: &str, name: &'static str, trusted: &[&str], path: &str) -> io::Result<(String, io::Result<usize>)> {
    let mut roots = rustls::RootCertStore::empty();
    for pem in trusted {
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let port = url.strip_prefix("https://localhost:").unwrap();
    let tcp = TcpStream::connect(format!("127.0.0.1:{port}")).await?;
    let mut stream = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), tcp).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut received = Vec::new();
    let end = stream.read_to_end(&mut received).await;
    Ok((String::from_utf8(received).unwrap(), end))
}

const HEARTBEAT: &str = "/SAAS/API/1.0/REST/system/health/heartbeat";

async fn trusting(simulator: &Simulator, url: &str, path: &str) -> (String, io::Result<usize>) {
    ask(url, "localhost", &[simulator.ca_pem()], path).await.unwrap()
}

#[tokio::test]
async fn both_servers_are_reachable_over_https_with_the_ca() {
    let simulator = start().await;
    for name in ["localhost", "127.0.0.1", "::1"] {
        let got = ask(&simulator.vidm_tls_url(), name, &[simulator.ca_pem()], HEARTBEAT).await.unwrap();
        assert!(got.0.starts_with("HTTP/1.1 200") && got.0.ends_with("ok"), "{}", got.0);
    }
    let got = trusting(&simulator, &simulator.sddc_tls_url(), "/v1/identity-providers").await;
    assert!(got.0.starts_with("HTTP/1.1 401"), "{}", got.0);
    assert!(simulator.calls().iter().all(|call| call.tls));
}

#[tokio::test]
async fn other_credentials_are_rejected() {
    let (simulator, other) = (start().await, start().await);
    let url = simulator.vidm_tls_url();
    assert!(ask(&url, "localhost", &[other.ca_pem()], HEARTBEAT).await.is_err());
    assert!(ask(&url, "vidm.corp.example", &[simulator.ca_pem()], HEARTBEAT).await.is_err());
    assert!(simulator.calls().is_empty());
}

#[tokio::test]
async fn reset_and_cut_happen_over_https_too() {
    let simulator = start().await;
    simulator.add_fault(Fault::new(FaultKind::Reset));
    let (received, end) = trusting(&simulator, &simulator.vidm_tls_url(), HEARTBEAT).await;
    assert_eq!((received.as_str(), end.unwrap_err().kind()), ("", io::ErrorKind::ConnectionReset));
    simulator.add_fault(Fault::new(FaultKind::CutBody));
    let (received, end) = trusting(&simulator, &simulator.vidm_tls_url(), HEARTBEAT).await;
    assert!(received.to_lowercase().contains("content-length: 102") && received.ends_with("\r\n\r\nok"), "{received}");
    // Closed without TLS's own goodbye: a truncation.
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn the_control_is_on_the_plain_ports_only() {
    let simulator = start().await;
    let (received, _) = trusting(&simulator, &simulator.vidm_tls_url(), "/_simulator/state").await;
    assert!(received.starts_with("HTTP/1.1 404"), "{received}");
}

#[tokio::test]
async fn the_ca_can_be_written_to_a_file() {
    let simulator = start().await;
    let path = std::env::temp_dir().join(format!("idhook-simulator-{}.pem", std::process::id()));
    simulator.write_ca(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), simulator.ca_pem());
    std::fs::remove_file(path).unwrap();
}
