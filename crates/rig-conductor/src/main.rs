//! `rig-conductor` takes escalations, routes them to people and does not forget them.

fn main() {}
