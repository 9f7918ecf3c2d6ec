//! The rules of an access list: read from a text, and matched with a peer.

use std::net::IpAddr;
use std::sync::Arc;

use super::rights::Rights;
use super::windows::{Window, Windows};
use crate::peer::Origin;
use crate::proto::text::escape;
use crate::security::keys::PublicKey;

/// Rules of a list, at most: all of them may be compared with each connection.
const RULES_MAX: usize = 4096;

/// Peers that a rule is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pattern {
    /// All.
    Any,
    /// The addresses whose first `prefix` bits are those of `base`, which is in its canonical form.
    Net { base: IpAddr, prefix: u8 },
    /// The processes of a user of this host.
    User(u32),
    /// The owner of a key.
    Key(PublicKey),
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Pattern,
    rights: Arc<Rights>,
}

/// The rules of a list, of which the first one that matches decides.
#[derive(Clone, Debug)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Reads a text with a rule on each line.
    ///
    /// # Errors
    ///
    /// The number of the line, and what is wrong with it; or what is wrong with all of them.
    pub fn parse(text: &str) -> Result<Rules, String> {
        let mut rules = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let words = line.split_ascii_whitespace().take_while(|word| !word.starts_with('#'));
            let rule = rule_of(words).map_err(|why| format!("line {}: {why}", index + 1))?;
            rules.extend(rule);
            if rules.len() > RULES_MAX {
                let hint = "a range such as 192.168.1.0/24 stands for many addresses";
                return Err(format!("line {}: more than {RULES_MAX} rules; {hint}", index + 1));
            }
        }
        match rules.is_empty() {
            false => Ok(Rules(rules)),
            // A file that is being written is empty for a moment.
            true => Err("no rule, so nobody would have access; `* none` says so".to_owned()),
        }
    }

    /// The rights of a peer that has proved to have a key, or that has none: those of the first rule
    /// for it; none without one.
    pub fn rights_of(&self, origin: Origin, key: Option<&PublicKey>) -> Option<Arc<Rights>> {
        let rule = self.0.iter().find(|rule| rule.pattern.matches(origin, key))?;
        Some(rule.rights.clone()).filter(|rights| !rights.is_none())
    }

    /// Whether a peer may have rights whose key, if it `has_key`, is not known yet.
    pub fn may_admit(&self, origin: Origin, has_key: bool) -> bool {
        for rule in &self.0 {
            let is_of_some_key = matches!(rule.pattern, Pattern::Key(_));
            if is_of_some_key && has_key && !rule.rights.is_none() {
                return true;
            }
            if rule.pattern.matches(origin, None) {
                return !rule.rights.is_none();
            }
        }
        false
    }
}

impl Pattern {
    fn matches(&self, origin: Origin, key: Option<&PublicKey>) -> bool {
        match (self, origin) {
            (Pattern::Any, _) => true,
            (Pattern::Net { base, prefix }, Origin::Ip(ip)) => is_in(ip, *base, *prefix),
            (Pattern::User(user), Origin::User(uid)) => *user == uid,
            (Pattern::Key(mine), _) => key == Some(mine),
            (Pattern::Net { .. }, Origin::User(_)) | (Pattern::User(_), Origin::Ip(_)) => false,
        }
    }

    fn parse(word: &str) -> Result<Pattern, String> {
        if word == "*" {
            return Ok(Pattern::Any);
        }
        if let Some(user) = word.strip_prefix("uid:") {
            let user = user.parse().map_err(|_| {
                format!("\"{}\" is no user id; write a number, as in uid:1000", shown(user))
            })?;
            return Ok(Pattern::User(user));
        }
        if let Some(key) = word.strip_prefix("key:") {
            let key = PublicKey::from_text(key).map_err(|error| error.text().to_owned())?;
            return Ok(Pattern::Key(key));
        }
        parse_net(word)
    }
}

/// An address, or a range of them.
fn parse_net(word: &str) -> Result<Pattern, String> {
    let (address, prefix) = match word.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (word, None),
    };
    let Ok(ip) = address.parse::<IpAddr>() else {
        return Err(format!(
            "\"{}\" is no peer: write an address without zone (192.168.1.5, fe80::1), a range \
             (192.168.1.0/24), uid:1000, key:... with a public key, or * for all",
            shown(word)
        ));
    };
    let bits: u8 = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => bits,
        Some(text) => text.parse().ok().filter(|&prefix: &u8| prefix <= bits).ok_or_else(|| {
            let text = shown(text);
            format!("the prefix \"{text}\" of {ip} is no number from 0 to {bits}")
        })?,
    };
    let base = masked(ip, prefix);
    if base != ip {
        return Err(format!(
            "{ip}/{prefix} has bits behind its prefix; write {base}/{prefix} for the whole range, \
             or {ip} for one address"
        ));
    }
    // An IPv4 peer in its IPv6 form is an IPv4 peer.
    let mapped = ip.to_canonical();
    let is_mapped = mapped.is_ipv4() && !ip.is_ipv4();
    let prefix = if is_mapped { prefix.saturating_sub(96) } else { prefix };
    Ok(Pattern::Net { base: mapped, prefix })
}

fn masked(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((u32::from(ip) & mask).into())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((u128::from(ip) & mask).into())
        }
    }
}

/// Whether an address, in either form, is in a range.
fn is_in(ip: IpAddr, base: IpAddr, prefix: u8) -> bool {
    let ip = ip.to_canonical();
    ip.is_ipv4() == base.is_ipv4() && masked(ip, prefix) == base
}

/// The rule of a line; `None` without words.
fn rule_of<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Option<Rule>, String> {
    let Some(peer) = words.next() else { return Ok(None) };
    let pattern = Pattern::parse(peer)?;
    Ok(Some(Rule { pattern, rights: Arc::new(rights_in(words)?) }))
}

/// The rights that the words behind the peer grant.
fn rights_in<'a>(words: impl Iterator<Item = &'a str>) -> Result<Rights, String> {
    let mut words = words.peekable();
    let mut granted: [Option<Windows>; 2] = [None, None];
    loop {
        let is_write = match words.next() {
            None if granted.iter().all(Option::is_none) => {
                return Err("the right is missing: none, read or read-write".to_owned());
            }
            None => {
                let [reads, writes] = granted.map(Option::unwrap_or_default);
                return Ok(Rights::of(&reads, writes));
            }
            Some("read") => false,
            Some("read-write") => true,
            Some("none") => {
                let is_alone = words.next().is_none() && granted.iter().all(Option::is_none);
                let why =
                    "\"none\" stands alone: it has no addresses, and no other right beside it";
                return if is_alone { Ok(Rights::none()) } else { Err(why.to_owned()) };
            }
            Some(word) => {
                let word = shown(word);
                return Err(format!("\"{word}\" is no right: write none, read or read-write"));
            }
        };
        let mut windows = Vec::new();
        while let Some(word) = words.next_if(|word| word.contains("..")) {
            windows.push(window(word)?);
        }
        let windows = if windows.is_empty() { Windows::all() } else { Windows::of(windows) };
        let slot = &mut granted[usize::from(is_write)];
        *slot = Some(slot.take().unwrap_or_default().union(&windows));
    }
}

/// The window of a word: its first and its last address.
fn window(word: &str) -> Result<Window, String> {
    let wrong =
        |why: &str| Err(format!("\"{}\" is no window: {why}, as in 0x1000..0x1fff", shown(word)));
    let ends =
        word.split_once("..").and_then(|(first, last)| Some((number(first)?, number(last)?)));
    match ends {
        None => wrong("write its first and its last address"),
        Some((first, last)) if last < first => wrong("its last address is below its first"),
        Some((first, last)) => Ok(Window { first, last }),
    }
}

/// A number below 2^64, decimal or hexadecimal with 0x.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // The standard library takes a sign too.
    let is_digits = digits.bytes().all(|one| one.is_ascii_alphanumeric());
    u64::from_str_radix(digits, radix).ok().filter(|_| is_digits)
}

/// A word of the text for an error.
fn shown(word: &str) -> String {
    escape(word.as_bytes())
}
