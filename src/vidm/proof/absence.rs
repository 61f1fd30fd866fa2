//! The check before a group counts as absent: a look-up together with others, or in one case of its letters, may miss it.
//!
//! Whether vIDM evaluates all parts of a filter with `or`, and whether `eq` compares the case of values, is unknown: no
//! document says so. A response that lists two of the requested names proves that more than one part counts; this is
//! remembered. Otherwise each name that a combined filter did not find is looked up by itself. Then its domain, and the
//! whole name, are looked up in lower case, as Active Directory's domains and most names are written.
//!
//! A name that vIDM stores in another case is not found by a vIDM that compares it, unless it is requested in that case or
//! stored in lower case.
//!
//! Names that are present cost no call here. Absent ones cost at most [`CALLS`], and half of the request's time, unless one of
//! them shows that vIDM does not evaluate `or`. Names that are left were looked up together only, and are unknown.

use super::{ByName, Listing, LookUp, State};
use crate::error::Result;
use crate::runtime::Runtime;
use crate::vidm::client::Client;
use crate::vidm::scim::Resource as _;
use crate::vidm::scim_search::PAGES;

/// Most look-ups that confirm absence.
const CALLS: usize = 40;

/// Why a name is unknown that was looked up only with others.
const TOGETHER: &str = "but only in a look-up of several names, and it is unknown whether this vIDM compares them all; request fewer \
    absent names at once";

impl<R: Runtime> Client<'_, R> {
    /// Looks up again each of `queries` that counts as absent; at most [`CALLS`] calls.
    pub(super) async fn confirm_absence<Q: ByName>(&self, queries: &[&Q], look_up: &mut LookUp<Q>) -> Result<()> {
        let (mut calls, least) = (0, self.out.remaining() / 2);
        for &query in queries {
            let identity = query.identity();
            if !matches!(look_up.found.get(&identity), Some(State::Absent)) {
                continue;
            }
            let is_doubtful = look_up.together.contains(&identity) && !self.cache.evaluates_or.get();
            let alone = if is_doubtful { query.exact_filters() } else { Vec::new() };
            let filters = [(alone, true), (query.lower_case_filters(), false)];
            let more: usize = filters.iter().map(|(filters, _)| filters.len()).sum();
            let is_too_much = calls + more > CALLS || self.out.remaining() < least;
            if is_too_much && !(is_doubtful && self.cache.one_group_each.get()) {
                if is_doubtful {
                    look_up.set(query, Some(format!("vIDM lists no such {}, {TOGETHER}", Q::Resource::NOUN)));
                }
                continue;
            }
            for (filter, is_same) in filters.iter().flat_map(|(filters, same)| filters.iter().map(move |f| (f, *same)))
            {
                calls += 1;
                if self.confirms(filter, query, look_up).await? {
                    continue;
                }
                if is_same && look_up.is_found(query) {
                    // The combined filter did not find it.
                    self.cache.one_group_each.set(true);
                }
                break;
            }
        }
        Ok(())
    }

    /// Whether the response to `filter` does not list `query` either, and proves it.
    async fn confirms<Q: ByName>(&self, filter: &str, query: &Q, look_up: &mut LookUp<Q>) -> Result<bool> {
        let doubt = match self.list(filter, &[query], PAGES, look_up).await {
            Ok((Listing::Enough, _)) => return Ok(false),
            Ok((listing, lacks)) => {
                look_up.answered();
                listing.doubt(Q::Resource::NOUN).or(lacks)
            }
            Err(error) => Some(look_up.failed(error)?),
        };
        let is_confirmed = doubt.is_none();
        look_up.set(query, doubt);
        Ok(is_confirmed)
    }
}
