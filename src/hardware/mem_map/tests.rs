use super::*;

/// A file of its own with `bytes` bytes, removed at the end.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str, bytes: u64) -> Scratch {
        let name = format!("rogue-mem-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        File::create(&path).unwrap().set_len(bytes).unwrap();
        Scratch(path)
    }

    fn map(&self, base: u64, size: u64, access_bytes: u32) -> Result<Arc<MemMap>> {
        let path = self.0.to_str().unwrap().to_owned();
        MemMap::new(base, size, &MemMapOptions { path, access_bytes })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_range_that_cannot_be_mapped_is_refused_in_words() {
    let file = Scratch::new("ranges", 8192);
    for (base, size, access_bytes, words) in [
        (0, 0, 4, "is empty"),
        (2, 8, 4, "aligned to 4"),
        (0, 6, 4, "aligned to 4"),
        (4, 8, 8, "aligned to 8"),
        (0, 8196, 4, "beyond the end"),
        (8192, 4, 4, "beyond the end"),
        (u64::MAX - 3, 8, 4, "beyond the address space"),
        (1 << 63, 8, 4, "beyond the address space"),
        (0, 8, 1, "choose 4 or 8"),
        (0, 8, 0, "choose 4 or 8"),
    ] {
        let error = file.map(base, size, access_bytes).expect_err(words);
        assert_eq!(error.status(), Status::InvalidArgument, "{error}");
        assert!(error.text().contains(words), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_named_with_the_cause() {
    let options = MemMapOptions { path: "/no/such/device".into(), ..MemMapOptions::default() };
    let error = MemMap::new(0, 4096, &options).err().unwrap();
    let expected = "Failed to open device file: /no/such/device: No such file or directory";
    assert_eq!(error.origin(), "MemMap::MemMap");
    assert!(error.text().starts_with(expected), "{error}");
}

#[test]
fn a_device_that_cannot_be_mapped_is_named_with_the_cause() {
    // A character device that refuses to be mapped.
    let options = MemMapOptions { path: "/dev/tty".into(), ..MemMapOptions::default() };
    let Err(error) = MemMap::new(0, 4096, &options) else { panic!("it has been mapped") };
    assert_eq!(error.status(), Status::OutOfResources, "{error}");
    assert!(error.text().contains("/dev/tty"), "{error}");
}

#[test]
fn a_map_begins_anywhere_and_accesses_exactly_its_own_words() {
    let file = Scratch::new("words", 3 * 4096);
    let content: Vec<u8> = (0..3 * 4096_u32).map(|n| (n / 7) as u8).collect();
    std::fs::write(&file.0, &content).unwrap();
    for (base, access_bytes) in [(0, 4), (100, 4), (4096 - 8, 8), (5000, 8)] {
        let map = file.map(base, 4096, access_bytes).unwrap();
        let mapping = map.mapping.lock().clone().unwrap();
        let mut seen = vec![0; 4096];
        let base = base as usize;
        match access_bytes {
            4 => mapping.read_by_4(0, &mut seen),
            _ => mapping.read_by_8(0, &mut seen),
        }
        assert_eq!(seen, content[base..base + 4096]);
        let (at, word) = (8, [1, 2, 3, 4, 5, 6, 7, 8]);
        match access_bytes {
            4 => mapping.write_by_4(at, &word),
            _ => mapping.write_by_8(at, &word),
        }
        let mut expected = content.clone();
        expected[base + at..base + at + 8].copy_from_slice(&word);
        assert_eq!(std::fs::read(&file.0).unwrap(), expected);
        mapping.write_by_4(at, &content[base + at..base + at + 8]);
    }
}

#[test]
fn the_file_is_unmapped_at_the_end_and_closed_from_the_beginning() {
    let file = Scratch::new("end", 4096);
    let is_mapped = || {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.contains(file.0.to_str().unwrap())
    };
    let map = file.map(0, 4096, 4).unwrap();
    if cfg!(target_os = "linux") {
        assert!(is_mapped());
        map.stop();
        map.stop();
        assert!(!is_mapped());
    }
}
