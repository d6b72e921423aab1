//! The double of Discord from outside.

mod client;
mod play;
