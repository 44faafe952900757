//! A folder of certificates: `NAME.pem` and `NAME.key`, the authority's by the name `ca`.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::failed;
use crate::cli::fail::{Exit, Failure, quote};
use crate::tls::authority::{Authority, Issued};

/// The name of the authority's files.
const AUTHORITY: &str = "ca";
/// Who may read a certificate: everybody.
const PUBLIC: u32 = 0o644;
/// Who may read a key: its owner.
const SECRET: u32 = 0o600;

/// Where certificates are.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// One that is there.
    pub(super) fn open(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// One that is made if it is not there, for its owner only.
    pub(super) fn create(dir: &Path) -> Result<Self, Failure> {
        let cannot = |error| failed(format!("{}: {error}", dir.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(cannot)?;
        Ok(Self(dir.to_owned()))
    }

    /// The file of a certificate.
    pub(super) fn cert(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.pem"))
    }

    /// The file of its key.
    pub(super) fn key(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.key"))
    }

    /// The file of the authority's certificate.
    pub(super) fn authority_cert(&self) -> PathBuf {
        self.cert(AUTHORITY)
    }

    /// Refuses names whose files are there, before anything is written.
    pub(super) fn refuse_existing(&self, names: &[String]) -> Result<(), Failure> {
        let authority = AUTHORITY.to_owned();
        let all = names.iter().chain([&authority]);
        self.refuse(all.flat_map(|name| [self.cert(name), self.key(name)]))
    }

    /// The same for one name.
    pub(super) fn refuse_one(&self, name: &str) -> Result<(), Failure> {
        self.refuse([self.cert(name), self.key(name)].into_iter())
    }

    fn refuse(&self, mut files: impl Iterator<Item = PathBuf>) -> Result<(), Failure> {
        let Some(there) = files.find(|file| file.exists()) else { return Ok(()) };
        let detail = format!("{} is there already, and nothing is overwritten", there.display());
        let hint = format!("quorate tls show {}", quote(&there.with_extension("pem").display().to_string()));
        Err(Failure::new(Exit::Conflict, "Nothing was written", detail).hint(hint))
    }

    /// The authority.
    pub(super) fn authority(&self) -> Result<Authority, Failure> {
        let [cert, key] = [self.cert(AUTHORITY), self.key(AUTHORITY)].map(|file| read(&file));
        Authority::open(&cert?, &key?).map_err(failed)
    }

    /// Writes a new authority.
    pub(super) fn write_authority(&self, authority: &Authority) -> Result<(), Failure> {
        write_new(&self.key(AUTHORITY), &authority.key(), SECRET)?;
        write_new(&self.cert(AUTHORITY), authority.certificate(), PUBLIC)
    }

    /// Writes a new certificate and its key.
    pub(super) fn write(&self, name: &str, issued: &Issued) -> Result<(), Failure> {
        write_new(&self.key(name), &issued.key, SECRET)?;
        write_new(&self.cert(name), &issued.certificate, PUBLIC)
    }

    /// Puts a certificate in the place of another, at once: who reads it sees the old one or the new one.
    pub(super) fn replace(&self, name: &str, certificate: &str) -> Result<(), Failure> {
        let path = self.cert(name);
        let replace = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
            file.write_all(certificate.as_bytes())?;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(PUBLIC))?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            std::io::Result::Ok(())
        };
        replace().map_err(|error| failed(format!("{}: {error}", path.display())))
    }
}

/// The text of a file.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        let exit = if error.kind() == ErrorKind::NotFound { Exit::NotFound } else { Exit::Error };
        Failure::new(exit, "Cannot read a file", format!("{}: {error}", file.display()))
    })
}

fn write_new(file: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(file)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| failed(format!("{}: {error}", file.display())))
}
