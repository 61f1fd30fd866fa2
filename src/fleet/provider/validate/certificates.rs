//! The certificates of a provider.

use crate::certificate::{self, Form};
use crate::change::Check;
use crate::fleet::FederatedIdentityProvider;

/// Most certificates that the server accepts in `certificateChain`.
const MAX_CHAIN: usize = 3;

/// `certificateChain`: the server wants one whole certificate in each element.
pub(super) fn chain(check: &mut Check, chain: Option<&Vec<String>>) {
    const AT: &str = "/certificateChain";
    let Some(entries) = chain else { return };
    if let Some(index) = entries.iter().position(|entry| is_line_of_pem(entry)) {
        // The vendor's own example has this form, and the server rejects it.
        let detail = "is a line of a PEM text; send each certificate as one element, from -----BEGIN CERTIFICATE----- to \
                      -----END CERTIFICATE-----, with its line breaks written as \\n";
        check.wrong(format!("{AT}/{index}"), detail);
        return;
    }
    if entries.len() > MAX_CHAIN {
        let detail = format!("has {} elements, but VCF Operations accepts at most {MAX_CHAIN}", entries.len());
        check.wrong(AT, detail);
    }
    for (index, entry) in entries.iter().enumerate() {
        let count = certificate::in_entry(entry).map_or(1, |certificates| certificates.len());
        if count > 1 {
            let detail =
                format!("contains {count} certificates; send each as an element of its own, at most {MAX_CHAIN}");
            check.wrong(format!("{AT}/{index}"), detail);
        }
    }
    check.chain(AT, chain);
}

/// Whether `entry` is the first or last line of a PEM text without the rest.
fn is_line_of_pem(entry: &str) -> bool {
    entry.contains("-----BEGIN ") != entry.contains("-----END ")
}

/// Converts certificates to the vendor's form, PEM.
pub(in crate::fleet::provider) fn as_pem<'c>(certificates: impl Iterator<Item = &'c mut String>) {
    for entry in certificates {
        *entry = certificate::on_the_wire(entry, Form::Pem).into_owned();
    }
}

/// A certificate outside a chain.
pub(super) fn one_certificate(check: &mut Check, pointer: &str, entry: &String) {
    match certificate::in_entry(entry) {
        Some(certificates) if certificates.len() > 1 => {
            check.wrong(pointer, format!("contains {} certificates; send one", certificates.len()));
        }
        _ => check.certificates(vec![(pointer.to_owned(), entry)]),
    }
}

impl FederatedIdentityProvider {
    /// The same with all certificates in the vendor's form.
    pub(super) fn with_pem(mut self) -> Self {
        as_pem(self.certificate_chain.iter_mut().flatten());
        for bind in self.synced_mut().iter_mut().flat_map(|directory| &mut directory.ldap_bind_configuration) {
            as_pem(bind.dns_lookup_certificate_chain.iter_mut().flatten());
            for host in [&mut bind.primary_domain_controller, &mut bind.secondary_domain_controller] {
                as_pem(host.iter_mut().flat_map(|host| &mut host.certificate));
            }
        }
        self
    }
}
