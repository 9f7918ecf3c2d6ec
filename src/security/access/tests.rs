//! Access lists: their texts, which rule decides, and changes.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::security::keys::KeyPair;

use testkit_base::wait::LONG;

fn ip(text: &str) -> Origin {
    Origin::Ip(text.parse::<IpAddr>().unwrap())
}

fn key() -> PublicKey {
    *KeyPair::generate().unwrap().public()
}

fn list(text: &str) -> Arc<AccessList> {
    AccessList::from_text(text).unwrap()
}

/// The rights of a peer without a key, as text.
fn rights(list: &AccessList, origin: Origin) -> String {
    list.rights_of(origin, None).map_or("no access".to_owned(), |rights| rights.to_string())
}

#[test]
fn the_first_rule_for_a_peer_decides_and_a_peer_without_a_rule_has_no_access() {
    let list = list(
        "# a comment\n\n192.168.1.7 none # a person\n192.168.1.0/24 read\n10.0.0.0/8 read-write\n\
         10.1.2.3 none\n2001:db8::/32 read\nuid:1000 read-write\n",
    );
    for (peer, expected) in [
        ("192.168.1.7", "no access"),
        ("192.168.1.6", "read only"),
        ("192.168.1.255", "read only"),
        ("192.168.2.0", "no access"),
        ("::ffff:192.168.1.6", "read only"),
        ("10.255.255.255", "read and write"),
        ("10.1.2.3", "read and write"),
        ("11.0.0.0", "no access"),
        ("2001:db8:ffff::1", "read only"),
        ("2001:db9::", "no access"),
        ("::1", "no access"),
    ] {
        assert_eq!(rights(&list, ip(peer)), expected, "{peer}");
    }
    assert_eq!(rights(&list, Origin::User(1000)), "read and write");
    assert_eq!(rights(&list, Origin::User(0)), "no access");
}

#[test]
fn ranges_hold_the_whole_address_space_or_one_address() {
    let all = list("0.0.0.0/0 read\n::/0 read-write");
    assert_eq!(rights(&all, ip("255.255.255.255")), "read only");
    assert_eq!(rights(&all, ip("::ffff:1.2.3.4")), "read only", "an IPv4 peer");
    assert_eq!(rights(&all, ip("ffff::")), "read and write");
    assert_eq!(rights(&all, Origin::User(1)), "no access");
    let one = list("192.0.2.1/32 read\n::1/128 read");
    assert_eq!(rights(&one, ip("192.0.2.1")), "read only");
    assert_eq!(rights(&one, ip("192.0.2.0")), "no access");
    assert_eq!(rights(&one, ip("::1")), "read only");
    let mapped = list("::ffff:192.0.2.0/120 read\n::ffff:198.51.100.1 read");
    assert_eq!(rights(&mapped, ip("192.0.2.77")), "read only");
    assert_eq!(rights(&mapped, ip("198.51.100.1")), "read only");
    assert_eq!(rights(&mapped, ip("198.51.100.2")), "no access");
    let everybody = list("* read");
    assert_eq!(rights(&everybody, ip("::1")), "read only");
    assert_eq!(rights(&everybody, Origin::User(5)), "read only");
}

#[test]
fn a_key_has_the_rights_of_its_rule_wherever_it_comes_from() {
    let (mine, other) = (key(), key());
    let list = list(&format!("203.0.113.0/24 none\nkey:{mine} read-write\n10.0.0.0/8 read"));
    let text = |origin, key| list.rights_of(origin, Some(key)).map(|rights| rights.to_string());
    assert_eq!(text(ip("10.0.0.1"), &mine).as_deref(), Some("read and write"));
    assert_eq!(text(Origin::User(1), &mine).as_deref(), Some("read and write"));
    assert_eq!(text(ip("10.0.0.1"), &other).as_deref(), Some("read only"));
    assert_eq!(text(ip("203.0.113.1"), &mine), None, "the first rule decides");
    assert_eq!(text(ip("192.0.2.1"), &other), None);
}

#[test]
fn an_address_is_admitted_until_its_key_is_known_only_if_some_key_may_help() {
    let keyed = list(&format!("203.0.113.0/24 none\nkey:{} read\n10.0.0.0/8 read", key()));
    for (peer, in_the_clear, with_key) in
        [("203.0.113.1", false, false), ("10.0.0.1", true, true), ("192.0.2.1", false, true)]
    {
        assert_eq!(keyed.may_admit(ip(peer), false), in_the_clear, "{peer}");
        assert_eq!(keyed.may_admit(ip(peer), true), with_key, "{peer}");
    }
    let banned = list(&format!("key:{} none\n10.0.0.0/8 read", key()));
    assert!(!banned.may_admit(ip("192.0.2.1"), true), "no key has a right");
}

#[test]
fn rights_have_windows_for_reads_and_for_writes() {
    let list = list(
        "10.0.0.1 read 0x0..0xffff\n\
         10.0.0.2 read-write 0x0..0xff 0x100..0x1ff 4096..8191\n\
         10.0.0.3 read read-write 0x1000..0x1fff\n\
         10.0.0.4 read 0x0..0xff read-write 0x100..0x1ff\n\
         10.0.0.5 read-write 0xfffffffffffffff0..0xffffffffffffffff\n\
         10.0.0.6 read 0..18446744073709551615",
    );
    let texts = [1, 2, 3, 4, 5, 6].map(|peer| rights(&list, ip(&format!("10.0.0.{peer}"))));
    assert_eq!(
        texts,
        [
            "read only 0x0..0xffff",
            "read and write only 0x0..0x1ff, 0x1000..0x1fff",
            "read everything, and write only 0x1000..0x1fff",
            "read only 0x0..0x1ff, and write only 0x100..0x1ff",
            "read and write only 0xfffffffffffffff0..0xffffffffffffffff",
            "read only",
        ]
    );
    let of = |peer| list.rights_of(ip(peer), None).unwrap();
    assert!(of("10.0.0.4").allow(false, 0x80, 0x100), "from one window into the next");
    assert!(!of("10.0.0.4").allow(true, 0x80, 0x100));
    assert!(of("10.0.0.3").allow(true, 0x1ffc, 4) && !of("10.0.0.3").allow(true, 0x1ffd, 4));
    assert!(of("10.0.0.5").allow(true, u64::MAX, 1) && !of("10.0.0.5").allow(true, u64::MAX, 2));
    assert!(!of("10.0.0.1").may_write() && of("10.0.0.2").may_write());
    let reads = Rights::clone(&of("10.0.0.4")).to_read();
    assert_eq!(reads.to_string(), "read only 0x0..0x1ff");
    assert_eq!(Rights::none().to_string(), "do nothing");
    assert_eq!(Rights::all().to_read().to_string(), "read only");
}

#[test]
fn what_is_wrong_with_a_text_is_said_with_its_line() {
    let many = "10.0.0.1 read\n".repeat(4097);
    for (text, words) in [
        ("", "no rule, so nobody would have access; `* none`"),
        ("# nothing\n\n", "no rule"),
        ("\n10.0.0.1", "line 2: the right is missing"),
        ("10.0.0.1 # read", "line 1: the right is missing"),
        ("10.0.0.1 write", "\"write\" is no right: write none, read or read-write"),
        ("10.0.0.1 read all", "\"all\" is no right"),
        ("10.0.0.1 none 0x0..0xff", "\"none\" stands alone"),
        ("10.0.0.1 none none", "\"none\" stands alone"),
        ("10.0.0.1 read none", "\"none\" stands alone"),
        ("10.0.0.1 read 0x10..0xf", "its last address is below its first"),
        ("10.0.0.1 read 0x10..", "\"0x10..\" is no window"),
        ("10.0.0.1 read 0x0..+5", "is no window"),
        ("10.0.0.1 read 0..18446744073709551616", "is no window"),
        ("10.0.0.1 read 0xg..0xff", "is no window"),
        ("10.0.0.1 read 0x0...0xff", "is no window"),
        ("10.0.0.300 read", "\"10.0.0.300\" is no peer"),
        ("board read", "\"board\" is no peer"),
        ("fe80::1%eth0 read", "without zone"),
        ("10.0.0.1/33 read", "\"33\" of 10.0.0.1 is no number from 0 to 32"),
        ("::1/129 read", "from 0 to 128"),
        ("10.0.0.0/ read", "from 0 to 32"),
        ("10.0.0.1/24 read", "write 10.0.0.0/24 for the whole range, or 10.0.0.1"),
        ("uid:root read", "\"root\" is no user id"),
        ("uid:4294967296 read", "is no user id"),
        ("key:short read", "A public key has 40 characters"),
        ("10.0.0.1 re\u{7}d", "\"re\\x07d\" is no right"),
        (&many, "line 4097: more than 4096 rules"),
    ] {
        let error = AccessList::from_text(text).unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument);
        assert!(error.text().starts_with("Bad access list: "), "{error}");
        let mut shown = text.to_owned();
        shown.truncate(40);
        assert!(error.text().contains(words), "{shown:?}: {error}");
    }
}

#[test]
fn changes_replace_all_rules_or_none_and_notify_servers() {
    let list = list("10.0.0.1 read");
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let subscription = list.subscribe(move || _ = counter.fetch_add(1, Ordering::Relaxed));
    let before = list.revision();
    list.set_rules("10.0.0.1 nonsense").unwrap_err();
    list.set_rules("").unwrap_err();
    assert_eq!(rights(&list, ip("10.0.0.1")), "read only");
    assert_eq!((list.revision(), calls.load(Ordering::Relaxed)), (before, 0));
    list.set_rules("10.0.0.2 read-write").unwrap();
    assert_eq!(rights(&list, ip("10.0.0.1")), "no access");
    assert_eq!(rights(&list, ip("10.0.0.2")), "read and write");
    assert_ne!(list.revision(), before);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    drop(subscription);
    list.set_rules("* read").unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

/// A new file with this mode.
fn file(name: &str, mode: u32, text: &str) -> PathBuf {
    let name = format!("rogue_mem_access_{}_{name}", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_file_is_named_in_every_error_and_others_may_not_write_it() {
    let path = file("rules", 0o644, "# operators\n10.0.0.1 read\n");
    let loaded = AccessList::load(&path).unwrap();
    assert_eq!(rights(&loaded, ip("10.0.0.1")), "read only");
    std::fs::write(&path, "10.0.0.1 read\n10.0.0.2 raed\n").unwrap();
    let shown = path.display().to_string();
    let error = loaded.load_rules(&path).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert_eq!(
        error.text(),
        format!("{shown}: line 2: \"raed\" is no right: write none, read or read-write")
    );
    std::fs::write(&path, "10.0.0.2 read\n").unwrap();
    for mode in [0o664, 0o646, 0o666, 0o620] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = loaded.load_rules(&path).unwrap_err();
        assert_eq!(error.status(), Status::File);
        let words = [&format!("{mode:04o}"), "chmod go-w", &shown];
        assert!(words.iter().all(|word| error.text().contains(*word)), "{error}");
    }
    assert_eq!(rights(&loaded, ip("10.0.0.1")), "read only", "nothing has changed");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    loaded.load_rules(&path).unwrap();
    assert_eq!(rights(&loaded, ip("10.0.0.1")), "no access");
    std::fs::remove_file(&path).unwrap();
    for path in [path.as_path(), Path::new("/")] {
        let error = AccessList::load(path).unwrap_err();
        assert_eq!(error.status(), Status::File);
        assert!(error.text().contains("Cannot read the access list in /"), "{error}");
    }
}

#[test]
fn f109_a_file_of_which_a_part_is_written_gives_no_more_rights_than_all_of_it() {
    const WHOLE: &str =
        "10.0.0.1 read-write 0x0..0xff 0x1000..0x1fff\n10.0.0.0/8 read 0x0..0xfff # all\n";
    let path = file("part", 0o644, WHOLE);
    let whole = AccessList::load(&path).unwrap();
    let may = |list: &AccessList, peer: &str, is_write: bool, address: u64| {
        list.rights_of(ip(peer), None).is_some_and(|rights| rights.allow(is_write, address, 1))
    };
    for end in 0..WHOLE.len() {
        std::fs::write(&path, &WHOLE[..end]).unwrap();
        let Ok(part) = AccessList::load(&path) else { continue };
        for peer in ["10.0.0.1", "10.0.0.2", "1.2.3.4"] {
            for address in [0, 0x80, 0x100, 0x1800, 0x5000] {
                for is_write in [false, true] {
                    let is_more = may(&part, peer, is_write, address)
                        && !may(&whole, peer, is_write, address);
                    assert!(!is_more, "{:?}: {peer} at {address:#x}", &WHOLE[..end]);
                }
            }
        }
    }
    std::fs::write(&path, &WHOLE[..WHOLE.len() - 1]).unwrap();
    let error = AccessList::load(&path).unwrap_err();
    assert!(error.text().contains("line 2: it has no end"), "{error}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn f110_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for() {
    let path = file("pipe", 0o600, "");
    std::fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&path).status();
    assert!(made.unwrap().success());
    let (sender, receiver) = std::sync::mpsc::channel();
    let own = path.clone();
    std::thread::spawn(move || {
        let errors = [AccessList::load(&own).err(), KeyPair::load(&own).err()];
        sender.send(errors.map(|error| error.map(|error| error.text().to_owned())))
    });
    let errors = receiver.recv_timeout(LONG).expect("nothing is waited for");
    for error in errors {
        assert!(error.unwrap().contains("it is no regular file"));
    }
    std::fs::remove_file(path).unwrap();
}

/// Any text is a list or an error with its line, and what a list grants is what its windows say.
#[test]
fn no_text_makes_it_panic_and_windows_grant_what_they_name() {
    const WORDS: [&str; 24] = [
        "*",
        "10.0.0.1",
        "10.0.0.0/8",
        "::/0",
        "fe80::1",
        "/",
        "uid:",
        "uid:7",
        "key:",
        "read",
        "read-write",
        "none",
        "0x0..0xff",
        "..",
        "0..",
        "5..4",
        "0x10..0x20",
        "0x21..0x30",
        "#",
        "\n",
        "\n\n",
        "0..18446744073709551615",
        "\u{e9}",
        "18446744073709551615..18446744073709551615",
    ];
    let mut state = 1_u64;
    let mut next = |count: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % count
    };
    for _ in 0..20_000 {
        let text: Vec<&str> = (0..next(12)).map(|_| WORDS[next(WORDS.len())]).collect();
        let text = text.join(" ");
        match AccessList::from_text(&text) {
            Ok(list) => drop((rights(&list, ip("10.0.0.1")), rights(&list, Origin::User(7)))),
            Err(error) => assert!(
                error.text().contains("line ") || error.text().contains("no rule"),
                "{text:?}: {error}"
            ),
        }
        let windows: Vec<(u64, u64)> = (0..=next(5))
            .map(|_| (next(40) as u64, next(12) as u64))
            .map(|(first, more)| (first, first + more))
            .collect();
        let named: Vec<String> =
            windows.iter().map(|(first, last)| format!("{first}..{last:#x}")).collect();
        let list = list(&format!("10.0.0.1 read-write {}", named.join(" ")));
        let granted = list.rights_of(ip("10.0.0.1"), None).unwrap();
        let (first, size) = (next(60) as u64, next(20) as u32);
        let holds = |at| windows.iter().any(|&(first, last)| first <= at && at <= last);
        let expected = (first..first + u64::from(size.max(1))).all(holds);
        assert_eq!(granted.allow(true, first, size), expected, "{windows:?}: {first}, {size}");
    }
}
