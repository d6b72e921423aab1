//! The program as a whole: a real git repository, a fake GitHub, a fake coordinator.

mod context;
mod escalations;
mod github;
mod hook;
mod scene;
mod tokens;
