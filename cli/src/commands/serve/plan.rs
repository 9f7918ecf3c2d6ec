//! What is to be served, and how: the options of the command line over those of a file, checked.

use std::fs;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::regions::Range;
use crate::arguments::{Region, Serve, Settings};
use crate::failure::{Failure, Kind, Outcome};
use crate::target::split;

/// In place of a file of keys: those of all clients.
pub const ANY: &str = "any";

/// Options that can be carried out.
pub struct Plan {
    /// All but the regions.
    pub settings: Settings,
    /// In the order of their addresses.
    pub regions: Vec<Planned>,
}

/// A region that can be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// Unique.
    pub name: String,
    /// Its addresses, as clients have them.
    pub range: Range,
    /// What it is.
    pub region: Region,
}

/// What is behind a region.
pub enum Device<'a> {
    /// Memory of so many bytes.
    Emulated(u64),
    /// So many bytes of a file.
    Mapped(&'a Path, u64),
    /// A board over UDP.
    SrpUdp(&'a str),
    /// A board over packetizer, RSSI and UDP.
    UdpRssi(&'a str),
}

impl Plan {
    /// That of a command line, and of its file. A service manager may have opened sockets.
    pub fn of(serve: &Serve, has_sockets: bool) -> Outcome<Plan> {
        let file = serve.config.as_deref().map(File::load).transpose()?;
        let from_file = file.as_ref().map(File::settings).transpose()?.unwrap_or_default();
        let mut settings = serve.settings.clone().over(from_file);
        let regions = match file {
            _ if serve.region != Region::default() => vec![planned(serve.region.clone())?],
            Some(file) => file.regions(std::mem::take(&mut settings.region))?,
            None => Vec::new(),
        };
        check(&settings, &regions, has_sockets).map_err(usage)?;
        Ok(Plan { settings, regions })
    }

    /// The options that differ from those of a former plan and take a new start of the server.
    pub fn changes_since(&self, former: &Plan) -> Vec<&'static str> {
        let (now, before) = (&self.settings, &former.settings);
        let has_keys = |settings: &Settings| settings.keys.is_some();
        let changes = [
            ("bind", now.bind != before.bind),
            ("read-only", now.read_only != before.read_only),
            ("access-list", now.access_list.is_some() != before.access_list.is_some()),
            ("audit", now.audit != before.audit),
            ("keys", has_keys(now) != has_keys(before)),
            ("unix-mode", now.unix_mode != before.unix_mode),
            ("metrics", now.metrics != before.metrics),
            ("interval", now.interval != before.interval),
            ("drain", now.drain != before.drain),
            ("limits", now.limits != before.limits),
            ("region", self.regions != former.regions),
        ];
        changes.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name).collect()
    }
}

fn usage(text: String) -> Failure {
    Failure::new(Kind::Usage, text)
}

fn planned(region: Region) -> Outcome<Planned> {
    let range = check_region(&region).map_err(usage)?;
    let name = region.name.clone().unwrap_or_else(|| kind_of(&region).to_owned());
    Ok(Planned { name, range, region })
}

/// What makes no sense, whichever place it has come from.
fn check(settings: &Settings, regions: &[Planned], has_sockets: bool) -> Result<(), String> {
    if regions.is_empty() {
        return Err(
            "A device is required: --emulate, --mem, --srp-udp or --udp-rssi, or a [[region]] \
                    of the file of --config"
                .to_owned(),
        );
    }
    if settings.bind.is_empty() && !has_sockets {
        return Err(
            "An address is required: --bind ADDRESS, or `bind` in the file of --config".to_owned()
        );
    }
    for address in &settings.bind {
        split(address).map_err(|failure| failure.text().to_owned())?;
    }
    match (&settings.keys, &settings.clients) {
        (Some(_), None) => {
            Err("The server's keys (`keys`) are of use with those of the clients that \
                                may connect: `clients`, a file or \"any\""
                .to_owned())
        }
        (None, Some(_)) => {
            Err("The clients' keys (`clients`) are of use with those of the server: `keys`"
                .to_owned())
        }
        _ => Ok(()),
    }
}

impl Planned {
    /// What is behind it.
    pub fn device(&self) -> Device<'_> {
        let Region { emulate, mem, size, srp_udp, udp_rssi, .. } = &self.region;
        match (emulate, mem, srp_udp, udp_rssi) {
            (Some(size), ..) => Device::Emulated(*size),
            (_, Some(path), ..) => Device::Mapped(path, size.expect("it was checked")),
            (_, _, Some(board), _) => Device::SrpUdp(board),
            (.., board) => Device::UdpRssi(board.as_ref().expect("it was checked")),
        }
    }

    /// Its first address at the device.
    pub fn base(&self) -> u64 {
        self.region.base.unwrap_or(0)
    }
}

fn kind_of(region: &Region) -> &'static str {
    kinds_of(region).first().copied().unwrap_or("none")
}

fn kinds_of(region: &Region) -> Vec<&'static str> {
    let Region { emulate, mem, srp_udp, udp_rssi, .. } = region;
    let kinds = [
        ("emulate", emulate.is_some()),
        ("mem", mem.is_some()),
        ("srp-udp", srp_udp.is_some()),
        ("udp-rssi", udp_rssi.is_some()),
    ];
    kinds.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

/// The addresses of a region, if it is one.
fn check_region(region: &Region) -> Result<Range, String> {
    let kinds = kinds_of(region);
    let &[kind] = &kinds[..] else {
        let found = if kinds.is_empty() { "none".to_owned() } else { kinds.join(" and ") };
        return Err(format!(
            "A device is required, one of emulate, mem, srp-udp and udp-rssi, not {found}"
        ));
    };
    let Region { base, size, access, jumbo, packetizer, dest, .. } = region;
    let belong = [
        ("base", base.is_some(), kind != "emulate"),
        ("size", size.is_some(), kind != "emulate"),
        ("access", access.is_some(), kind == "mem"),
        ("jumbo", *jumbo, kind.contains("udp")),
        ("packetizer", packetizer.is_some(), kind == "udp-rssi"),
        ("dest", dest.is_some(), kind == "udp-rssi"),
    ];
    if let Some((key, ..)) = belong.iter().find(|(_, is_there, belongs)| *is_there && !belongs) {
        return Err(format!("`{key}` is of no use with `{kind}`"));
    }
    if packetizer.is_some_and(|version| !(1..=2).contains(&version)) {
        return Err("The packetizer has version 1 or 2".to_owned());
    }
    if kind == "mem" && size.is_none() {
        return Err("`mem` needs the `size` of the range".to_owned());
    }
    let (at, base) = (region.at.unwrap_or(0), base.unwrap_or(0));
    let bytes = region.emulate.or(*size);
    if bytes == Some(0) {
        return Err("A region has at least one byte".to_owned());
    }
    // To the end of the addresses, at both ends.
    let most = u64::MAX - at.max(base);
    let more = bytes.map_or(most, |bytes| bytes - 1);
    if more > most {
        return Err(format!(
            "0x{:x} bytes from 0x{:x} on reach beyond the last address, \
                            0xffffffffffffffff",
            u128::from(more) + 1,
            at.max(base)
        ));
    }
    Ok(Range { first: at, last: at + more })
}

/// A file of options.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn load(path: &Path) -> Outcome<File> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| Failure::of_file(path, "reading the options", &error))?;
        Ok(File { path: path.to_owned(), text })
    }

    /// What is wrong, at an offset of the file.
    fn wrong(&self, at: Option<usize>, what: &str) -> Failure {
        let path = self.path.display();
        Failure::new(
            Kind::Usage,
            match at {
                Some(at) => format!("{path}:{}: {what}", self.line(at)),
                None => format!("{path}: {what}"),
            },
        )
    }

    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn settings(&self) -> Outcome<Settings> {
        let mut settings: Settings = toml::from_str(&self.text)
            .map_err(|error| self.wrong(error.span().map(|span| span.start), error.message()))?;
        let Settings { access_list, audit, keys, clients, .. } = &mut settings;
        for path in [access_list, audit, keys, clients].into_iter().flatten() {
            if path.as_os_str() != ANY {
                *path = self.beside(path);
            }
        }
        Ok(settings)
    }

    /// A path of the file, which counts from the file's own folder.
    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn regions(&self, all: Vec<Spanned<Region>>) -> Outcome<Vec<Planned>> {
        let mut regions: Vec<(usize, Planned)> = Vec::new();
        for (index, region) in all.into_iter().enumerate() {
            let at = region.span().start;
            let mut region = region.into_inner();
            if let Some(path) = &mut region.mem {
                *path = self.beside(path);
            }
            let range = check_region(&region).map_err(|text| self.wrong(Some(at), &text))?;
            let name =
                region.name.clone().unwrap_or_else(|| format!("{}-{index}", kind_of(&region)));
            if regions.iter().any(|(_, other)| other.name == name) {
                let text = format!("Another region has the name {name:?} already");
                return Err(self.wrong(Some(at), &text));
            }
            regions.push((at, Planned { name, range, region }));
        }
        regions.sort_by_key(|(_, planned)| planned.range.first);
        for ((before, lower), (at, upper)) in regions.iter().zip(regions.iter().skip(1)) {
            if upper.range.first <= lower.range.last {
                let text = format!(
                    "The addresses of {}, {}, are in part those of {} in line {}, {}",
                    upper.name,
                    upper.range,
                    lower.name,
                    self.line(*before),
                    lower.range
                );
                return Err(self.wrong(Some(*at), &text));
            }
        }
        Ok(regions.into_iter().map(|(_, planned)| planned).collect())
    }
}
