//! The register bus, behaviour by behaviour. A test named after a defect (`d01_...`) fails on the
//! behaviour that number describes.

mod completion;
mod expiry;
mod hubs;
mod masters;
mod stress;
mod timers;
mod unclaimed;
