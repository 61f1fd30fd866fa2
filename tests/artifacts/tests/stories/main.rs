//! The main job and its possible failures, with the shipped component.
//!
//! The stories here need only Rust. Those below `tools` need Node.js, Python, a browser or another host, and require the
//! feature `tools`, with which the others use a Redis server as well: `cargo xtask ci tools` runs them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests, helpers included")]

/// Each story holds this while it runs. One that counts how often idhook does something within a time excludes all others: on a busy
/// machine calls of the store exceed their time, and instances that go without it do more.
static RUNNING: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

/// Makes each story a test per artifact: `story::spin` and so on. A story is a function of an
/// [`Artifact`](xtask::artifact::Artifact) and is compiled once.
macro_rules! stories {
    (all: $($story:ident,)+) => {
        $(stories! { @ [] [Spin spin, SpinWasip2 spin_wasip2, Wasi wasi] $story })+
    };
    (all, several_threads: $($story:ident,)+) => {
        $(stories! { @ [several_threads] [Spin spin, SpinWasip2 spin_wasip2, Wasi wasi] $story })+
    };
    (in_spin: $($story:ident,)+) => {
        $(stories! { @ [] [Spin spin, SpinWasip2 spin_wasip2] $story })+
    };
    (in_spin, several_threads: $($story:ident,)+) => {
        $(stories! { @ [several_threads] [Spin spin, SpinWasip2 spin_wasip2] $story })+
    };
    (in_spin, alone: $($story:ident,)+) => {
        $(stories! { @ [alone] [Spin spin, SpinWasip2 spin_wasip2] $story })+
    };
    (in_one_instance: $($story:ident,)+) => {
        $(stories! { @ [] [Spin spin] $story })+
    };
    (in_one_instance, several_threads: $($story:ident,)+) => {
        $(stories! { @ [several_threads] [Spin spin] $story })+
    };
    (@ $threads:tt [$($artifact:ident $test:ident),+] $story:ident) => {
        mod $story {
            $(stories! { # $threads $test super::$story(xtask::artifact::Artifact::$artifact) })+
        }
    };
    (# [] $test:ident $story:expr) => {
        #[tokio::test]
        async fn $test() {
            let _others = crate::RUNNING.read().await;
            $story.await;
        }
    };
    (# [several_threads] $test:ident $story:expr) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let _others = crate::RUNNING.read().await;
            $story.await;
        }
    };
    (# [alone] $test:ident $story:expr) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let _alone = crate::RUNNING.write().await;
            $story.await;
        }
    };
}

mod apply;
mod artifact;
mod callback;
mod callers;
mod certificates;
mod clocks;
mod contract;
mod crowds;
mod doctor;
mod documents;
mod fault_table;
mod faults;
mod fleet;
mod fleet_faults;
mod fleet_providers;
mod gate;
mod hooks;
mod idempotency;
mod metrics;
mod oidc;
mod page;
mod payloads;
mod proof;
mod put;
mod scene;
mod secrets;
#[path = "../../../it/support/signer.rs"]
mod signer;
mod store;
mod syncs;
mod together;
#[cfg(feature = "tools")]
mod tools;
mod vcf;
mod vcf_versions;
mod vidm;
mod watchers;
