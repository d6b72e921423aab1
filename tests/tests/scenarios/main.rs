//! Scenarios across the crates, run against the installed files of `RIG_TEST_PREFIX`.
//!
//! Each test is a claim about the product; the harness is the library of this package.

mod command_lines;
mod context;
mod escalate;
mod escalate_here;
mod escalate_service;
mod escalate_session;
mod guarding;
mod guarding_broken;
mod guarding_disarmed;
mod guarding_tools;
mod harness;
mod hostile_project;
mod identity;
mod image;
mod receipts;
mod reporting;
mod robustness;
mod settings;
