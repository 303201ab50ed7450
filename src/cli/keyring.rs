//! Private keys: where they lie, how they are read, never how they look.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroizing;

use super::app::{App, random};
use super::files;
use super::status_code::Recorded;
use crate::core::keys::{KeyError, PublicKey, SecretKey};
use crate::ledger::LedgerError;

const MAX_KEY_FILE: u64 = 64 * 1024;
/// What a key is called until the roster has it.
pub const NEXT: &str = ".next";

/// The folder of private keys and of what signers remember.
pub struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    /// `--keys`, or the XDG data folder.
    ///
    /// # Errors
    /// Where neither is known.
    pub fn of(app: &App) -> Result<Self> {
        if let Some(folder) = &app.globals.keys {
            return Ok(Self { folder: folder.clone() });
        }
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let data =
            data.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
        let data = data.context("no folder for private keys is known: set AETHER_AUDIT_KEYS")?;
        Ok(Self { folder: data.join("aether-audit/keys") })
    }

    /// A folder of keys elsewhere.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    /// Whether a private key of this name is here.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.file(name).is_file()
    }

    /// The folder itself, mode 0700, made when missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn ensure(&self) -> Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .with_context(|| format!("cannot make the folder of private keys, {}", self.folder.display()))
    }

    /// Stores a key, encrypted, mode 0600; never over another.
    ///
    /// # Errors
    /// Where a key of this name is there already, or the file cannot be written.
    pub fn store(&self, name: &str, key: &SecretKey, passphrase: &str) -> Result<PathBuf> {
        self.ensure()?;
        let path = self.file(name);
        let pem = key.to_encrypted_pem(passphrase.as_bytes(), random()?, random()?)?;
        let mode = fs::Permissions::from_mode(0o600);
        let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(&self.folder)?;
        file.write_all(pem.as_bytes()).and_then(|()| file.as_file().sync_all())?;
        file.persist_noclobber(&path)
            .with_context(|| format!("cannot make {} (a key is never overwritten)", path.display()))?;
        Ok(path)
    }

    /// The key of this name, held against its public half.
    ///
    /// # Errors
    /// Where it is not here, cannot be decrypted, or is another key.
    pub fn load(&self, app: &App, name: &str, public: Option<&PublicKey>) -> Result<Rc<SecretKey>> {
        let path = self.file(name);
        if let Some(key) = app.unlocked.borrow().get(&path)
            && public.is_none_or(|public| key.public() == *public)
        {
            return Ok(Rc::clone(key));
        }
        if let Some(public) = public
            && !name.ends_with(NEXT)
            && self.adopt(app, name, &|staged| staged == public)?
        {
            return self.load(app, name, Some(public));
        }
        let pem = Zeroizing::new(files::read_text(&path, MAX_KEY_FILE).with_context(|| {
            format!("no private key of {name} here: name its folder with --keys (or AETHER_AUDIT_KEYS), or make a new one with `aether-audit key new {name}`")
        })?);
        if let Ok(found) = fs::metadata(&path)
            && found.permissions().mode() & 0o077 != 0
        {
            bail!(
                "{} may be read by others: run `chmod 600 {0}`, and think about who may have read it",
                path.display()
            );
        }
        let passphrase = passphrase(app, &format!("passphrase of {name}'s key"))?;
        let key = SecretKey::from_encrypted_pem(&pem, passphrase.as_bytes())
            .with_context(|| format!("{}", path.display()))?;
        let key = match public {
            Some(public) if key.public() != *public => match self.kept(name, public, &passphrase) {
                Some(key) => key,
                None => key.belonging_to(public).with_context(|| format!("{}", path.display()))?,
            },
            _ => key,
        };
        let key = Rc::new(key);
        app.unlocked.borrow_mut().insert(path, Rc::clone(&key));
        Ok(key)
    }

    /// A key that was kept beside the one of its name: another log, whose keys are in this folder too, may not have
    /// gone on to the newer one.
    fn kept(&self, name: &str, public: &PublicKey, passphrase: &str) -> Option<SecretKey> {
        let before = format!("{name}.old-");
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.folder).ok()?.flatten().map(|file| file.path()).collect();
        files.retain(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.starts_with(&before) && file.ends_with(".pem")
        });
        let keys = files.iter().filter_map(|path| {
            let pem = Zeroizing::new(files::read_text(path, MAX_KEY_FILE).ok()?);
            SecretKey::from_encrypted_pem(&pem, passphrase.as_bytes()).ok()
        });
        keys.into_iter().find(|key| key.public() == *public)
    }

    /// Holds off whoever else would replace a key here, until it is dropped.
    ///
    /// # Errors
    /// Where somebody is at it, or the folder cannot be written.
    pub fn turn(&self) -> Result<File> {
        self.ensure()?;
        let path = self.folder.join("lock-keys");
        let file = File::options().append(true).create(true).open(&path);
        let file = file.with_context(|| format!("cannot lock {}", path.display()))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            anyhow::anyhow!(
                "another process is replacing a key in {} just now: try again",
                self.folder.display()
            )
        })?;
        Ok(file)
    }

    /// Puts a staged key in the place of another, which is kept under `NAME.old-LABEL`. Where an interrupted
    /// run, or another process, did a part of it already, the rest is done.
    ///
    /// # Errors
    /// Where a file cannot be renamed.
    pub fn replace(&self, staged: &str, name: &str, label: &str) -> Result<()> {
        if !self.has(staged) {
            return Ok(());
        }
        // A second name first: there is no moment without a key of this name.
        self.keep(name, name, label)?;
        Ok(fs::rename(self.file(staged), self.file(name))?)
    }

    /// Gives a key a second name, `NAME.old-LABEL`, or one like it where another key is called so: the one that is
    /// in the way may be that of another log.
    fn keep(&self, file: &str, name: &str, label: &str) -> Result<()> {
        let from = self.file(file);
        for number in 0..100 {
            let more = if number == 0 { String::new() } else { format!("-{number}") };
            let to = self.file(&format!("{name}.old-{label}{more}"));
            match fs::hard_link(&from, &to) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
                Ok(()) => return Ok(()),
                Err(_) if fs::read(&from)? == fs::read(&to)? => return Ok(()),
                Err(_) => {}
            }
        }
        bail!("{} has too many keys of {name} from before: move some away", self.folder.display())
    }

    /// Takes a staged key that this roster does not have out of the way of the next one. It is kept: another log,
    /// whose keys are in this folder too, may have it.
    ///
    /// # Errors
    /// Where it cannot be renamed.
    pub fn set_aside(&self, name: &str) -> Result<()> {
        let staged = format!("{name}{NEXT}");
        if self.has(&staged) {
            self.keep(&staged, name, "unused")?;
            self.discard(&staged)?;
        }
        Ok(())
    }

    /// Finishes what a rotation that was interrupted began: the staged key takes the place of the one that it
    /// follows, where `known` says that the roster has it; else it stays. Whether it did.
    ///
    /// # Errors
    /// Where the staged key cannot be decrypted, or a file cannot be renamed.
    pub fn adopt(&self, app: &App, name: &str, known: &dyn Fn(&PublicKey) -> bool) -> Result<bool> {
        let staged = format!("{name}{NEXT}");
        if !self.has(&staged) {
            return Ok(false);
        }
        let key = self.load(app, &staged, None)?;
        if !known(&key.public()) {
            return Ok(false);
        }
        app.unlocked.borrow_mut().clear();
        self.replace(&staged, name, &format!("before-{}", key.public().keyid().short()))?;
        Ok(true)
    }

    /// Throws a staged key away.
    fn discard(&self, staged: &str) -> Result<()> {
        Ok(fs::remove_file(self.file(staged))?)
    }

    /// The same after its rotation failed, if it is certain that the roster does not have it: the only copy of a
    /// key that may have been recorded stays, and is adopted or thrown away by whoever looks next.
    pub fn discard_after(&self, staged: &str, error: &anyhow::Error) {
        let disk = error.downcast_ref().is_some_and(LedgerError::leaves_doubt);
        if !disk && !error.is::<Recorded>() {
            let _ = self.discard(staged);
        }
    }
}

/// A key given in `AETHER_AUDIT_KEY` as PEM, encrypted or not: for CI.
///
/// # Errors
/// Where the variable is set and is no key.
pub fn from_environment(app: &App) -> Result<Option<Rc<SecretKey>>> {
    let Ok(pem) = std::env::var("AETHER_AUDIT_KEY").map(Zeroizing::new) else {
        return Ok(None);
    };
    let key = match SecretKey::from_pem_unencrypted(&pem) {
        Err(KeyError::Encrypted) => {
            let passphrase = passphrase(app, "passphrase of the key in AETHER_AUDIT_KEY")?;
            SecretKey::from_encrypted_pem(&pem, passphrase.as_bytes())
        }
        other => other,
    };
    key.map(|key| Some(Rc::new(key))).context("AETHER_AUDIT_KEY is set, but is no private key")
}

/// The passphrase: given, from the file that is named, from the variable, or asked for.
///
/// # Errors
/// Where there is none and nobody to ask.
pub fn passphrase(app: &App, prompt: &str) -> Result<Zeroizing<String>> {
    if let Some(given) = &app.passphrase {
        return Ok(Zeroizing::new(given.clone()));
    }
    if let Some(path) = &app.globals.passphrase_file {
        let text = Zeroizing::new(files::read_text(path, MAX_KEY_FILE)?);
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            bail!("{}: its first line, the passphrase, is empty", path.display());
        }
        return Ok(Zeroizing::new(line.to_owned()));
    }
    if let Ok(given) = std::env::var("AETHER_AUDIT_PASSPHRASE") {
        return Ok(Zeroizing::new(given));
    }
    rpassword::prompt_password(format!("{prompt}: ")).map(Zeroizing::new).map_err(|_| {
        anyhow::anyhow!(
            "no passphrase, and no terminal to ask on: set AETHER_AUDIT_PASSPHRASE or --passphrase-file"
        )
    })
}

/// A passphrase for a new key: asked for twice where it is typed.
///
/// # Errors
/// Where there is none, it is empty, or the two differ.
pub fn new_passphrase(app: &App, name: &str) -> Result<Zeroizing<String>> {
    let typed = app.passphrase.is_none()
        && std::env::var_os("AETHER_AUDIT_PASSPHRASE").is_none()
        && app.globals.passphrase_file.is_none();
    let first = passphrase(app, &format!("new passphrase for {name}'s key"))?;
    if first.is_empty() {
        bail!("an empty passphrase protects nothing: choose another");
    }
    if typed && *passphrase(app, "once more")? != *first {
        bail!("the two passphrases differ: nothing was written");
    }
    Ok(first)
}

/// A new key from the operating system's random source.
///
/// # Errors
/// Where it has no random bytes to give.
pub fn generate() -> Result<SecretKey> {
    let seed = Zeroizing::new(random::<32>()?);
    Ok(SecretKey::from_seed(&seed))
}
