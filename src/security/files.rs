//! Files of keys.
//!
//! Text, a line for each key: `public` or `secret`, a space, and the key's 40 characters. Whatever
//! follows after another space is for people. In a file of public keys the word may be missing. A
//! line is a comment if it is empty, or begins with `#` and a space.
//!
//! A file with a secret key is refused if others than its owner may read or write it, and one of public
//! keys if others may write it: the owner of a key that is added there is let in.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::keys::{invalid, of_file, KeyPair, PublicKey};
use super::text_file;
use crate::error::Result;
use crate::net::make_descriptor;
use crate::net::socket::cause_text;

/// Permissions by which others than the owner get at a file.
const OTHERS_MODE: u32 = 0o077;
/// Permissions by which others than the owner change a file.
const OTHERS_WRITE_MODE: u32 = 0o022;

/// Contents of a new file with a secret key, before the keys.
const SECRET_HEAD: &str = "# CURVE key pair of rogue-mem: keep it secret.\n";

/// A line of a file of keys.
enum Line<'a> {
    Public(&'a str),
    /// Without a word that says which: a public key in a file of these.
    Bare(&'a str),
    Secret(&'a str),
}

/// The lines that are no comments, with their numbers.
fn lines<'a>(text: &'a str, path: &'a Path) -> impl Iterator<Item = Result<(usize, Line<'a>)>> {
    text.lines().enumerate().filter_map(move |(index, line)| {
        let mut words = line.split_ascii_whitespace();
        let line = match (words.next()?, words.next()) {
            ("#", _) => return None,
            ("public", Some(key)) => Line::Public(key),
            ("secret", Some(key)) => Line::Secret(key),
            ("public" | "secret", None) => {
                let path = path.display();
                return Some(Err(invalid(format!(
                    "{path}, line {}: the key is missing",
                    index + 1
                ))));
            }
            (key, _) => Line::Bare(key),
        };
        Some(Ok((index + 1, line)))
    })
}

/// Reads a whole file of keys. The text is wiped when it is dropped.
fn read(path: &Path, is_secret: bool) -> Result<Zeroizing<String>> {
    text_file::read(path, "keys", |mode| {
        let shown = path.display();
        match is_secret {
            true => (mode & OTHERS_MODE != 0).then(|| {
                format!(
                    "The secret key in {shown} is open to others than its owner (mode {mode:04o}), so \
                     it is refused: `chmod 600 {shown}`, and make new keys if others may have read it"
                )
            }),
            false => (mode & OTHERS_WRITE_MODE != 0).then(|| {
                format!(
                    "The keys in {shown} may be written by others than its owner (mode {mode:04o}), so \
                     they are refused: `chmod go-w {shown}`, and check its keys"
                )
            }),
        }
    })
    .map_err(of_file)
}

impl KeyPair {
    /// Reads the key pair in a file, as [`save`](Self::save) writes it.
    ///
    /// # Errors
    ///
    /// [`Status::File`](crate::Status::File) if it cannot be read, or others than its owner may read
    /// or write it; [`Status::InvalidArgument`](crate::Status::InvalidArgument) if it has no or
    /// several secret keys, or another public key than that of its secret one.
    pub fn load(path: impl AsRef<Path>) -> Result<KeyPair> {
        let path = path.as_ref();
        let text = read(path, true)?;
        let mut found: Option<KeyPair> = None;
        let mut public = None;
        for line in lines(&text, path) {
            match line? {
                // What is wrong here may be a part of the secret key: it is not shown.
                (at, Line::Public(key)) => {
                    let key = PublicKey::from_text(key).map_err(|_| {
                        let path = path.display();
                        invalid(format!(
                            "{path}, line {at}: the public key is none (40 characters)"
                        ))
                    })?;
                    public = Some(key);
                }
                (at, Line::Bare(_)) => {
                    return Err(invalid(format!(
                        "{}, line {at}: write \"public\" or \"secret\", and a space, before a key, or \
                         \"# \" before a comment",
                        path.display()
                    )));
                }
                (at, Line::Secret(_)) if found.is_some() => {
                    let text = format!("{}, line {at}: a second secret key", path.display());
                    return Err(invalid(text));
                }
                (at, Line::Secret(key)) => {
                    let pair = KeyPair::from_secret_text(key).map_err(|error| {
                        invalid(format!("{}, line {at}: {}", path.display(), error.text()))
                    })?;
                    found = Some(pair);
                }
            }
        }
        let pair = found
            .ok_or_else(|| invalid(format!("{} has no line with a secret key", path.display())))?;
        match public {
            // Somebody may have written the secret key in its place.
            Some(other) if other != *pair.public() => Err(invalid(format!(
                "{}: the public key is not that of the secret key",
                path.display()
            ))),
            _ => Ok(pair),
        }
    }

    /// Writes the key pair to a new file that only its owner may read, and the public key alone to
    /// another one, whose name ends in `.pub`, for the other end.
    ///
    /// # Errors
    ///
    /// [`Status::File`](crate::Status::File), also if one of the two exists already.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut public_path = path.as_os_str().to_owned();
        public_path.push(".pub");
        let public_path = PathBuf::from(public_path);
        let public = format!("public {}\n", self.public());
        let secret = self.secret().text();
        // Of its final size, because a text that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(
            SECRET_HEAD.len() + public.len() + "secret \n".len() + secret.len(),
        ));
        for part in [SECRET_HEAD, &public, "secret ", &secret, "\n"] {
            text.push_str(part);
        }
        write_new(path, 0o600, text.as_bytes())?;
        write_new(&public_path, 0o644, public.as_bytes()).inspect_err(|_| {
            // Half of what was asked for is worse than nothing: the next attempt would fail too.
            let _ = std::fs::remove_file(path);
        })
    }
}

fn write_new(path: &Path, mode: u32, contents: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| {
        of_file(format!("Cannot write keys to {}: {}", path.display(), cause_text(&error)))
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = make_descriptor(|| options.open(path)).map_err(failed)?;
    file.write_all(contents).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = std::fs::remove_file(path);
        failed(error)
    })
}

impl PublicKey {
    /// Reads the public keys in a file, for example several `.pub` files one behind the other.
    ///
    /// # Errors
    ///
    /// [`Status::File`](crate::Status::File) if it cannot be read, or others than its owner may write
    /// it; [`Status::InvalidArgument`](crate::Status::InvalidArgument) if a line has no key, or a
    /// secret one.
    pub fn load_all(path: impl AsRef<Path>) -> Result<Vec<PublicKey>> {
        let path = path.as_ref();
        let text = read(path, false)?;
        let keys = lines(&text, path).map(|line| match line? {
            (at, Line::Secret(_)) => Err(invalid(format!(
                "{}, line {at}: a secret key, where only public ones belong",
                path.display()
            ))),
            (at, Line::Public(key) | Line::Bare(key)) => {
                PublicKey::from_text(key).map_err(|error| {
                    invalid(format!("{}, line {at}: {}", path.display(), error.text()))
                })
            }
        });
        keys.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    /// A new empty folder.
    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("rogue_mem_keys_{}_{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn write(path: &Path, mode: u32, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn saved_keys_are_read_again_and_only_their_owner_may() {
        let folder = folder("saved");
        let path = folder.join("board.key");
        let keys = KeyPair::generate().unwrap();
        keys.save(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(KeyPair::load(&path).unwrap().public(), keys.public());
        let public = PublicKey::load_all(folder.join("board.key.pub")).unwrap();
        assert_eq!(public, [*keys.public()]);
        let error = keys.save(&path).unwrap_err();
        assert_eq!(error.status(), Status::File);
        assert!(error.text().contains("board.key"), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert!(keys.save(&path).is_err(), "the public file exists");
        assert!(!path.exists());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_secret_file_that_others_may_read_or_write_is_refused_in_words() {
        let folder = folder("modes");
        let path = folder.join("open.key");
        let secret = KeyPair::generate().unwrap().secret().text();
        for mode in [0o640, 0o604, 0o644, 0o660, 0o620, 0o610, 0o666] {
            write(&path, mode, &format!("secret {}\n", *secret));
            let error = KeyPair::load(&path).unwrap_err();
            assert_eq!(error.status(), Status::File);
            let words = [format!("{mode:04o}"), "chmod 600".to_owned(), "open.key".to_owned()];
            assert!(words.iter().all(|word| error.text().contains(word)), "{error}");
        }
        for mode in [0o600, 0o400, 0o700] {
            write(&path, mode, &format!("secret {}\n", *secret));
            KeyPair::load(&path).unwrap();
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn f103_a_list_that_others_may_write_is_refused_in_words() {
        let folder = folder("open_list");
        let path = folder.join("clients");
        let key = *KeyPair::generate().unwrap().public();
        for mode in [0o664, 0o646, 0o620] {
            write(&path, mode, &key.to_string());
            let error = PublicKey::load_all(&path).unwrap_err();
            assert_eq!(error.status(), Status::File);
            let words = [format!("{mode:04o}"), "chmod go-w".to_owned(), "clients".to_owned()];
            assert!(words.iter().all(|word| error.text().contains(word)), "{error}");
        }
        for mode in [0o644, 0o600, 0o444] {
            write(&path, mode, &key.to_string());
            assert_eq!(PublicKey::load_all(&path).unwrap(), [key]);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn f104_no_error_for_a_file_with_a_secret_key_shows_it() {
        let folder = folder("shown");
        let path = folder.join("keys");
        let pair = KeyPair::generate().unwrap();
        let secret = pair.secret().text();
        for (text, expected) in [
            // Without the word, cut, behind the wrong word, and both in each other's place.
            (format!("{}\n", *secret), "line 1: "),
            (format!("# \n{}\n", &secret[..39]), "line 2: "),
            (format!("secret: {}\n", *secret), "line 1: "),
            (format!("public {}\n", &secret[..39]), "line 1: "),
            (
                format!("public {}\nsecret {}\n", *secret, pair.public()),
                "is not that of the secret",
            ),
        ] {
            write(&path, 0o600, &text);
            let error = KeyPair::load(&path).unwrap_err();
            assert!(error.text().contains(expected), "{error}");
            assert!(!error.text().contains(&secret[..39]), "{error}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn lists_have_comments_and_words_for_people() {
        let folder = folder("lists");
        let path = folder.join("clients");
        let keys: Vec<_> = (0..3).map(|_| *KeyPair::generate().unwrap().public()).collect();
        let text = format!(
            "# the control room\n\npublic {} desk 1\n{}\n#\n  public {}\t# with a tab\n",
            keys[0], keys[1], keys[2]
        );
        write(&path, 0o644, &text);
        assert_eq!(PublicKey::load_all(&path).unwrap(), keys);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_line_and_never_with_a_secret() {
        let folder = folder("wrong");
        let path = folder.join("keys");
        let (one, two) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let secret = one.secret().text();
        let cases = [
            (String::new(), "no line with a secret key"),
            (format!("public {}\n", one.public()), "no line with a secret key"),
            ("secret\n".to_owned(), "line 1: the key is missing"),
            (format!("secret {}\n", &secret[1..]), "line 1: A secret key has 40 characters"),
            (format!("# \nsecret {0}\nsecret {0}\n", *secret), "line 3: a second secret key"),
            (format!("public {}\nsecret {}\n", two.public(), *secret), "is not that of the secret"),
        ];
        for (text, expected) in cases {
            write(&path, 0o600, &text);
            let error = KeyPair::load(&path).unwrap_err();
            assert!(error.text().contains(expected), "{error}");
            assert!(!error.text().contains(&secret[1..]), "{error}");
        }
        for (text, expected) in [
            (format!("{}\nsecret {}\n", one.public(), *secret), "line 2: a secret key"),
            ("nonsense\n".to_owned(), "line 1: A public key has 40"),
        ] {
            write(&path, 0o600, &text);
            let error = PublicKey::load_all(&path).unwrap_err();
            assert!(error.text().contains(expected), "{error}");
            assert!(!error.text().contains(&**secret), "{error}");
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(KeyPair::load(&path).unwrap_err().text().contains("no text"));
        for path in [folder.join("missing"), folder.clone()] {
            let error = KeyPair::load(&path).unwrap_err();
            assert_eq!(error.status(), Status::File);
            assert!(error.text().contains(&path.display().to_string()), "{error}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
