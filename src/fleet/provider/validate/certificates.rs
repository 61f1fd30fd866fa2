//! The certificates of a provider.

use crate::certificate::{self, Form};
use crate::change::Check;
use crate::fleet::FederatedIdentityProvider;

/// Most elements that the server accepts in `certificateChain`.
const MAX_CHAIN: usize = 3;

/// `certificateChain`: each element is a whole PEM text, of a certificate or of a chain.
pub(super) fn chain(check: &mut Check, chain: Option<&Vec<String>>) {
    const AT: &str = "/certificateChain";
    let Some(entries) = chain else { return };
    if let Some(index) = entries.iter().position(|entry| certificate::is_line_of_pem(entry)) {
        // The vendor's own example has this form, and the server rejects it.
        let detail = "is a line of a PEM text; send the whole text as one element, from -----BEGIN CERTIFICATE----- to \
                      -----END CERTIFICATE-----, with its line breaks written as \\n";
        check.wrong(format!("{AT}/{index}"), detail);
        return;
    }
    if entries.len() > MAX_CHAIN {
        let detail = format!("has {} elements, but VCF Operations accepts at most {MAX_CHAIN}", entries.len());
        check.wrong(AT, detail);
    }
    check.chain(AT, chain);
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
        if let Some(chain) = &mut self.certificate_chain {
            // Broadcom's lab measured one certificate in each element; a script for 9.1 sends a whole chain in one.
            let ders = certificate::ders(chain);
            match ders.len() <= MAX_CHAIN {
                true => *chain = ders.into_iter().map(certificate::pem).collect(),
                false => as_pem(chain.iter_mut()),
            }
        }
        for bind in self.synced_mut().iter_mut().flat_map(|directory| &mut directory.ldap_bind_configuration) {
            as_pem(bind.dns_lookup_certificate_chain.iter_mut().flatten());
            for host in [&mut bind.primary_domain_controller, &mut bind.secondary_domain_controller] {
                as_pem(host.iter_mut().flat_map(|host| &mut host.certificate));
            }
        }
        self
    }
}
