//! Reads the groups or users that match a SCIM filter, page by page, and reports whether the list is complete.

use std::collections::BTreeSet;

use super::client::Client;
use super::scim::{Find, FindByBody, Page, Resource, Search, belongs_in_body};
use crate::error::Result;
use crate::runtime::Runtime;

/// The most pages read for one look-up.
pub(super) const PAGES: usize = 100;

/// Longer filters, in bytes, are not tried in the URI if the search with a body fails.
const URI: usize = 4_000;

/// How much of a filter's result was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// All of it, with this many entries.
    Whole(usize),
    /// Reading stopped early, because enough was found.
    Enough,
    /// Not all of it.
    Cut { held: usize, total: Option<usize> },
}

impl Listing {
    /// Why a `noun` that was not listed may exist anyway; `None` if the list proves that it does not.
    pub(super) fn doubt(self, noun: &str) -> Option<String> {
        match self {
            Self::Enough | Self::Whole(_) => None,
            Self::Cut { held, total: Some(total) } => {
                Some(format!("vIDM reports {total} {noun}s, but its pages contain {held} readable ones"))
            }
            Self::Cut { held, total: None } => {
                Some(format!("vIDM's response has more than the {held} {noun}s that idhook reads"))
            }
        }
    }
}

impl<R: Runtime> Client<'_, R> {
    /// Passes every entry that matches `filter` to `enough`, until that returns true; reads at most `pages`.
    pub(super) async fn search<T: Resource>(
        &self,
        filter: &str,
        attributes: Option<&'static str>,
        pages: usize,
        enough: &mut dyn FnMut(T) -> bool,
    ) -> Result<Listing> {
        let (mut ids, mut total, mut unread) = (BTreeSet::new(), None, 0);
        // The first entry is 1. If the server counts from 0 (the documented default is 0), one is missing, and is read from
        // there.
        for first in [1, 0] {
            let mut start = first;
            for _ in 0..pages {
                let search = Search { filter, attributes, start };
                let page = match self.page::<T>(search).await {
                    Ok(page) => page,
                    Err(_) if first == 0 => return Ok(Listing::Cut { held: ids.len(), total }),
                    Err(error) => return Err(error),
                };
                total = total.max(page.total);
                unread += page.unread;
                for entry in page.entries {
                    ids.insert(entry.id().to_owned());
                    if enough(entry) {
                        return Ok(Listing::Enough);
                    }
                }
                let Some(next) = page.next else { break };
                start = next;
            }
            if unread > 0 || total != Some(ids.len() + 1) {
                break;
            }
        }
        let held = ids.len();
        let is_whole = unread == 0 && total.is_none_or(|total| held >= total);
        Ok(if is_whole { Listing::Whole(held) } else { Listing::Cut { held, total } })
    }

    /// One page: with a body if the filter requires it and vIDM has that call, else with the URI.
    async fn page<T: Resource>(&self, search: Search<'_>) -> Result<Page<T>> {
        if !belongs_in_body(search.filter) || (self.cache.no_search.get() && search.filter.len() <= URI) {
            return self.call(&Find::new(search)).await;
        }
        let error = match self.call(&FindByBody::new(search)).await {
            Err(error) => error,
            page => return page,
        };
        let is_missing = matches!(error.answer_status().map(|status| status.as_u16()), Some(404 | 405 | 415 | 501));
        let is_refused = matches!(error.answer_status().map(|status| status.as_u16()), Some(400 | 403 | 406));
        if search.filter.len() > URI || !(is_missing || is_refused) {
            return Err(error);
        }
        let page = self.call(&Find::new(search)).await?;
        if is_missing {
            self.cache.no_search.set(true);
        }
        Ok(page)
    }
}
