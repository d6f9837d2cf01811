//! Tests that have to stand in for the public internet, which from outside this room nobody can.

mod sockets;
mod ssrf;
