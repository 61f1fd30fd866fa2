//! The main job and what can go wrong with it, over the component that ships.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests, helpers included")]

/// Has stories told over each of these artifacts, as tests of their own: `story::spin` and so on. A story is a function over an
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
    (in_one_instance: $($story:ident,)+) => {
        $(stories! { @ [] [Spin spin] $story })+
    };
    (@ $threads:tt [$($artifact:ident $test:ident),+] $story:ident) => {
        mod $story {
            $(stories! { # $threads async fn $test() {
                super::$story(xtask::artifact::Artifact::$artifact).await;
            } })+
        }
    };
    (# [] $test:item) => {
        #[tokio::test]
        $test
    };
    (# [several_threads] $test:item) => {
        #[tokio::test(flavor = "multi_thread")]
        $test
    };
}

mod artifact;
mod browser;
mod callback;
mod callers;
mod clocks;
mod contract;
mod crowds;
mod dist;
mod doctor;
mod documents;
mod doors;
mod driver;
mod examples;
mod fault_table;
mod faults;
mod hooks;
mod idempotency;
mod library;
mod npm;
mod page;
mod payloads;
mod programs;
mod proof;
mod put;
mod scene;
mod secrets;
mod snippets;
mod store;
mod stub;
mod syncs;
mod together;
mod tools;
mod vcf;
mod vidm;
mod wasmtime_serve;
mod watchers;

/// Says that a story is not told here, and why; with `CI` set in the environment that is a failure.
#[track_caller]
fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value.is_empty()), "{why}");
    // Not `eprintln!`, which a passing test keeps to itself.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED: {why}\n").as_bytes());
}
