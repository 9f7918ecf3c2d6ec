//! The memory TCP bridge over real sockets: our client, our server, and peers that speak the
//! protocol octet by octet.
//!
//! What needs a process for itself (memory, descriptors, idleness) is in `bridge_alone.rs`, what
//! needs several in `bridge_processes/`.

mod access;
mod addresses;
mod adopted;
mod audit;
mod basics;
mod blocks;
mod budget;
mod clients;
mod crowds;
mod curve;
mod direct;
mod drain;
mod duplex;
mod handshake;
mod hostile;
mod lifecycle;
mod locks;
mod news;
mod paths;
mod queues;
mod read_only;
mod sending;
mod servers;
mod stale;
