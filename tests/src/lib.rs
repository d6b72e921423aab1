//! The harness of the scenarios: installed files of the rig, the real client, a model that
//! plays a script, all of it shut in with nothing but a loopback network.
//!
//! The scenarios stand in `tests/scenarios`. How to run them and how to add one is told in
//! `docs/testing.md`.

pub mod client;
pub mod image;
pub mod install;
pub mod model;
pub mod needs;
pub mod sandbox;
pub mod scene;

pub use client::Session;
pub use model::{Model, ToolResult, Turn};
pub use scene::{Scene, with_client};
