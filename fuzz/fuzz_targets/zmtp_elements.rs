#![no_main]

rogue_mem_fuzz::target!(testkit::fuzz::zmtp::elements);
