//! Tests that replace the public internet, which is only possible inside this crate.

mod sockets;
mod ssrf;
