//! Which clients may do what, and the record of it.

use std::path::Path;
use std::sync::Arc;

use rogue_mem::security::{AccessList, AllowedClients, Audit, AuditOptions, CurveServer};

use super::plan::ANY;
use crate::arguments::Settings;
use crate::failure::{Failure, Kind, Outcome};
use crate::target::load_keys;

/// What stands between the server and its clients.
pub struct Guards {
    /// The keys.
    pub curve: Option<Arc<CurveServer>>,
    /// The rights.
    pub access_list: Option<Arc<AccessList>>,
    /// The record.
    pub audit: Option<Arc<Audit>>,
}

impl Guards {
    /// Those of the files of `settings`.
    pub fn of(settings: &Settings) -> Outcome<Guards> {
        let file = Failure::of(Kind::File);
        let audit = settings.audit.as_ref();
        let audit = audit.map(|path| Audit::to_file(path, AuditOptions::default()));
        let guards = Guards::without_audit(settings)?;
        Ok(Guards { audit: audit.transpose().map_err(file)?, ..guards })
    }

    /// The same, without an audit, whose file would be made.
    pub fn without_audit(settings: &Settings) -> Outcome<Guards> {
        let access_list = settings.access_list.as_ref().map(AccessList::load);
        let curve = match (&settings.keys, &settings.clients) {
            (Some(keys), Some(clients)) => {
                Some(CurveServer::new(load_keys(keys)?, clients_of(clients)?))
            }
            _ => None,
        };
        let access_list = access_list.transpose().map_err(Failure::of(Kind::File))?;
        Ok(Guards { curve, access_list, audit: None })
    }

    /// Reads the files again, which may be others. What is wrong leaves the former content, and is in
    /// the result.
    pub fn reload(&self, settings: &Settings) -> Vec<Failure> {
        let file = Failure::of(Kind::File);
        let list = self.access_list.as_ref().zip(settings.access_list.as_ref());
        let rules = list.map(|(list, path)| list.load_rules(path).map_err(file));
        let curve = |path| self.curve.as_ref().zip(path);
        let clients = curve(settings.clients.as_ref())
            .map(|(curve, path)| clients_of(path).map(|clients| curve.set_clients(clients)));
        let keys = curve(settings.keys.as_ref())
            .map(|(curve, path)| load_keys(path).map(|keys| curve.set_keys(keys)));
        [rules, clients, keys].into_iter().flatten().filter_map(Result::err).collect()
    }
}

fn clients_of(path: &Path) -> Outcome<AllowedClients> {
    match path.as_os_str() == ANY {
        true => Ok(AllowedClients::Any),
        false => AllowedClients::load(path).map_err(Failure::of(Kind::File)),
    }
}
