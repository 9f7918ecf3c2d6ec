#![no_main]

rogue_mem_fuzz::target!(testkit::fuzz::srp_client::version_0);
