//! The double of Discord from outside.

mod client;
mod expect;
mod faults;
mod interactions;
mod play;
mod rules;
