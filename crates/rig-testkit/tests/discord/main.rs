//! The double of Discord from outside.

mod client;
mod expect;
mod faults;
mod play;
mod rules;
