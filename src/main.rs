//! The `ebm` command.
fn main() {}
