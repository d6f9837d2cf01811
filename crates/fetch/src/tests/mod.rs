//! Tests in which loopback addresses stand for the public internet. This is only possible inside
//! the crate.

mod sockets;
mod ssrf;
