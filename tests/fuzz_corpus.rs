//! The committed inputs of the fuzz targets, and mutations of them, on any compiler and without a
//! fuzzer. `scripts/fuzz` runs the same bodies with libFuzzer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use testkit::fuzz::heap::Counting;
use testkit::fuzz::{target, Target, TARGETS};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes of all committed inputs together.
const SEED_BYTES_MAX: u64 = 1 << 20;
/// Mutations of all inputs of one target together: enough to meet what one change away from a known
/// input breaks, and a second's work for a debug build.
const MUTATIONS_COUNT: usize = 2000;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder, in an order that is always the same.
fn files(folder: PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Some small changes of the kinds that find faults: bits, magic numbers, and pieces that are
/// repeated, removed, or taken from another input.
fn mutate(rng: &mut ChaCha8Rng, seeds: &[Vec<u8>], bytes_max: usize) -> Vec<u8> {
    let mut bytes = seeds[rng.random_range(0..seeds.len())].clone();
    for _ in 0..rng.random_range(1..5) {
        let at = rng.random_range(0..=bytes.len());
        let end = rng.random_range(at..=bytes.len());
        match rng.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => {
                bytes[at] = [0, 1, 4, 0x7F, 0x80, 0xFF][rng.random_range(0..6)]
            }
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                let other = &seeds[rng.random_range(0..seeds.len())];
                let from = rng.random_range(0..=other.len());
                bytes.splice(at..end, other[from..].iter().copied());
            }
            _ => bytes.insert(at, rng.random()),
        }
        bytes.truncate(bytes_max);
    }
    bytes
}

fn replay(name: &str) {
    rogue_mem::logging::set_emit_stdout(false);
    let Target { run, bytes_max, .. } = target(name).expect("a target of this name");
    let seeds: Vec<Vec<u8>> = files(top().join("fuzz/seeds").join(name))
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(!seeds.is_empty(), "no input of {name} is committed");
    // A failure shows its input, which `scripts/fuzz show` runs again.
    let check = |bytes: &[u8]| {
        let result = std::panic::catch_unwind(|| run(bytes));
        if let Err(panic) = result {
            eprintln!("{name} fails with the input {bytes:02x?}");
            std::panic::resume_unwind(panic);
        }
    };
    check(&[]);
    seeds.iter().for_each(|bytes| check(bytes));
    let mut rng = ChaCha8Rng::seed_from_u64(name.len() as u64);
    for _ in 0..MUTATIONS_COUNT {
        check(&mutate(&mut rng, &seeds, *bytes_max));
    }
}

macro_rules! replay {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        /// Each has a test, a program for libFuzzer and a folder of inputs, and nothing is left of
        /// a target that is no more.
        #[test]
        fn every_target_is_replayed_and_has_a_program() {
            let targets: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
            let tests: BTreeSet<&str> = [$(stringify!($name)),*].into();
            assert_eq!(tests, targets);
            for (folder, ending) in [("fuzz/fuzz_targets", ".rs"), ("fuzz/seeds", "")] {
                let found: BTreeSet<String> = files(top().join(folder))
                    .iter()
                    .map(|path| path.file_name().unwrap().to_str().unwrap().trim_end_matches(ending).to_owned())
                    .collect();
                let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
                assert_eq!(found, targets, "{folder}");
            }
            let manifest = std::fs::read_to_string(top().join("fuzz/Cargo.toml")).unwrap();
            for Target { name, body, .. } in TARGETS {
                assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{name}");
                let program = top().join(format!("fuzz/fuzz_targets/{name}.rs"));
                let program = std::fs::read_to_string(program).unwrap();
                assert!(program.contains(&format!("(testkit::fuzz::{body});")), "{name}");
            }
        }
    };
}

replay! {
    batcher
    c_abi
    data_file
    log_filters
    memory_request
    memory_response
    packetizer
    ready_properties
    registers
    rssi_header
    rssi_link
    srp_v0
    srp_v0_client
    srp_v3
    srp_v3_client
    stream_frame
    zmtp_curve
    zmtp_elements
    zmtp_sealed
    zmtp_session
}

#[test]
fn committed_inputs_are_few() {
    let folders = files(top().join("fuzz/seeds"));
    let sizes = folders.into_iter().flat_map(files).map(|path| path.metadata().unwrap().len());
    let bytes: u64 = sizes.sum();
    assert!(bytes <= SEED_BYTES_MAX, "{bytes} bytes");
}
