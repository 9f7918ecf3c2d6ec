//! RSSI: the state machine against recorded sessions, and two of them on a virtual network.

mod late;
mod network;
mod node;
mod observer;
mod strangers;
mod udp;
mod vectors;
mod wire;
