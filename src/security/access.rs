//! Access lists: which peers a server lets in, and what each may do.
//!
//! Text, a rule on each line: a peer, and its rights. What follows a word that begins with `#` is for
//! people. The first rule that is for a peer decides, as in a firewall; a peer without a rule has no
//! access.
//!
//! ```text
//! # peer                 rights
//! 192.168.1.7            none
//! 192.168.1.0/24         read
//! 10.0.0.0/8             read 0x0..0xffff  read-write 0x40000000..0x4000ffff
//! uid:1000               read-write
//! key:rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7   read-write
//! ```

mod rights;
mod rules;
#[cfg(test)]
mod tests;
mod windows;

use std::path::Path;
use std::sync::Arc;

pub use rights::Rights;
use rules::Rules;

use super::changes::{Changes, Subscription};
use super::keys::PublicKey;
use super::text_file;
use crate::error::{Error, Result, Status};
use crate::peer::Origin;
use crate::sync::Mutex;

const SOURCE: &str = "security::AccessList";

/// Permissions by which others than the owner change a file.
const OTHERS_WRITE_MODE: u32 = 0o022;

/// The peers that one or more servers let in, and what each of them may do. The rules may change
/// while servers have them: that holds for new connections at once, and for clients that are connected
/// as soon as the threads of their servers are free. All methods may be called from any thread.
pub struct AccessList {
    rules: Mutex<Arc<Rules>>,
    changes: Arc<Changes>,
}

impl AccessList {
    /// With the rules in a text, one a line.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`], with the line and the cause; also for a text without a rule.
    pub fn from_text(text: &str) -> Result<Arc<AccessList>> {
        Ok(AccessList::with(parse(text)?))
    }

    /// With the rules in a file.
    ///
    /// # Errors
    ///
    /// [`Status::File`] if it cannot be read, or others than its owner may write it;
    /// [`Status::InvalidArgument`] as of [`from_text`](Self::from_text), with the path.
    pub fn load(path: impl AsRef<Path>) -> Result<Arc<AccessList>> {
        Ok(AccessList::with(read(path.as_ref())?))
    }

    fn with(rules: Rules) -> Arc<AccessList> {
        let rules = Mutex::new(Arc::new(rules));
        Arc::new(AccessList { rules, changes: Arc::default() })
    }

    /// Replaces all rules by those in a text. A client that has no right any more is disconnected, and
    /// the rights of others change, as soon as the threads of their servers are free. Requests that the
    /// slave has got already go on.
    ///
    /// # Errors
    ///
    /// As of [`from_text`](Self::from_text); nothing has changed then.
    pub fn set_rules(&self, text: &str) -> Result<()> {
        self.replace(parse(text)?);
        Ok(())
    }

    /// As [`set_rules`](Self::set_rules), with those in a file.
    ///
    /// # Errors
    ///
    /// As of [`load`](Self::load); nothing has changed then.
    pub fn load_rules(&self, path: impl AsRef<Path>) -> Result<()> {
        self.replace(read(path.as_ref())?);
        Ok(())
    }

    fn replace(&self, rules: Rules) {
        *self.rules.lock() = Arc::new(rules);
        self.changes.announce();
    }

    /// The rights of a peer, with the key that it has proved to have. `None`: it has no access.
    pub fn rights_of(&self, origin: Origin, key: Option<&PublicKey>) -> Option<Arc<Rights>> {
        let rules = self.rules.lock().clone();
        rules.rights_of(origin, key)
    }

    /// Whether a peer may turn out to have rights, of which only the origin is known: with `has_key` it
    /// will prove a key.
    pub(crate) fn may_admit(&self, origin: Origin, has_key: bool) -> bool {
        let rules = self.rules.lock().clone();
        rules.may_admit(origin, has_key)
    }

    /// A number that is another one after each change of the rules.
    pub(crate) fn revision(&self) -> u64 {
        self.changes.revision()
    }

    /// Has `wake` called after each change of the rules, until the subscription is dropped.
    pub(crate) fn subscribe(&self, wake: impl Fn() + Send + Sync + 'static) -> Subscription {
        self.changes.subscribe(wake)
    }
}

impl std::fmt::Debug for AccessList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rules = self.rules.lock().clone();
        f.debug_struct("AccessList").field("rules", &rules).finish()
    }
}

fn invalid(text: String) -> Error {
    Error::new(Status::InvalidArgument, SOURCE, text)
}

fn parse(text: &str) -> Result<Rules> {
    Rules::parse(text).map_err(|why| invalid(format!("Bad access list: {why}")))
}

fn read(path: &Path) -> Result<Rules> {
    let shown = path.display();
    let text = text_file::read(path, "access list", |mode| {
        (mode & OTHERS_WRITE_MODE != 0).then(|| {
            format!(
                "The access list in {shown} may be written by others than its owner (mode \
                 {mode:04o}), so it is refused: `chmod go-w {shown}`, and check its rules"
            )
        })
    });
    let text = text.map_err(|text| Error::new(Status::File, SOURCE, text))?;
    if !text.is_empty() && !text.ends_with('\n') {
        // Without its windows a right would be one to everything.
        let lines = text.lines().count();
        return Err(invalid(format!(
            "{shown}: line {lines}: it has no end: is the file still being written? End its last line \
             too"
        )));
    }
    Rules::parse(&text).map_err(|why| invalid(format!("{shown}: {why}")))
}
