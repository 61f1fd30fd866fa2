//! The main job and what can go wrong with it, over the component that ships.

mod artifact;
mod callers;
mod documents;
mod faults;
mod scene;
mod secrets;
mod vcf;
mod vidm;
