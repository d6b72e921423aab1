//! A program that does nothing: what a start costs before any hook does its work.

fn main() {}
